"""Short forms for the calls that change resources, and the types of a change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from ashiato.demo.events import Call
from ashiato.demo.ids import compact, ec2_id, fixed_uuid
from ashiato.demo.resources import Resource

Effect = Callable[[Resource, int], None]  # resource, second of the call


Act = Callable[[Random, Resource], tuple[Call, Effect]]


TEAMS: Final = ("shop", "payments", "data", "platform", "mobile")


PERMISSIONS: Final = (
    "AmazonS3ReadOnlyAccess",
    "CloudWatchReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonSNSFullAccess",
    "AWSXRayDaemonWriteAccess",
    "AmazonDynamoDBReadOnlyAccess",
)


def setting(path: str, value: Any) -> Effect:
    def effect(resource: Resource, _: int) -> None:
        target: Any = resource.configuration
        *steps, last = path.split(".")
        for step in steps:
            target = target[step]
        target[last] = value

    return effect


def answered(request: Any) -> Any:
    return {"requestId": fixed_uuid(compact(request)), "_return": True}


def ingress_request(group: str, port: int, cidr: str) -> dict[str, Any]:
    """The request of Authorize- and RevokeSecurityGroupIngress for one rule."""
    item = {
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "groups": {},
        "ipRanges": {"items": [{"cidrIp": cidr}]},
        "ipv6Ranges": {},
        "prefixListIds": {},
    }
    return {"groupId": group, "ipPermissions": {"items": [item]}}


def authorize(group: str, account: str, port: int, cidr: str) -> Call:
    """AuthorizeSecurityGroupIngress with its answer."""
    request = ingress_request(group, port, cidr)
    rule = {
        "groupOwnerId": account,
        "groupId": group,
        "securityGroupRuleId": ec2_id("sgr", group, str(port), cidr),
        "isEgress": False,
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrIpv4": cidr,
    }
    return Call(
        "ec2.amazonaws.com",
        "AuthorizeSecurityGroupIngress",
        request,
        {**answered(request), "securityGroupRuleSet": {"items": [rule]}},
    )


def revoke(group: str, port: int, cidr: str) -> Call:
    """RevokeSecurityGroupIngress."""
    request = ingress_request(group, port, cidr)
    return Call(
        "ec2.amazonaws.com",
        "RevokeSecurityGroupIngress",
        request,
        {**answered(request), "unknownIpPermissionSet": {}},
    )


def bucket_call(r: Resource, name: str, part: str, **request: Any) -> Call:
    host = f"{r.name}.s3.{r.region}.amazonaws.com"
    return Call(
        "s3.amazonaws.com",
        name,
        {"bucketName": r.name, "Host": host, part: "", **request},
        host=host,
        additional={
            "SignatureVersion": "SigV4",
            "AuthenticationMethod": "AuthHeader",
            "bytesTransferredIn": 320,
            "bytesTransferredOut": 0,
        },
        resources=(("AWS::S3::Bucket", r.arn),),
    )
