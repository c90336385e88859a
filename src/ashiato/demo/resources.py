"""What AWS Config knows of: resources with their state, and the estate as it stood before the first day.

Shapes: https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from ashiato.demo import estate as e
from ashiato.demo.estate import DEV, HOME_REGION, PROD, SECURITY, Estate, Network
from ashiato.demo.ids import compact, digest, ec2_id, iso_ms, principal_id

TAGS_NEVER = {"AWS::EC2::FlowLog", "AWS::CloudFormation::Stack", "AWS::IAM::Policy"}


class Item(NamedTuple):
    """A configuration item: capture time in milliseconds, whose, and its JSON."""

    captured: int
    account: str
    region: str
    resource_type: str
    resource_id: str
    json: str


@dataclass(slots=True)
class Resource:
    """One resource and its present state; `configuration` in the shape of the service's describe call."""

    account: str
    region: str
    type: str
    id: str
    name: str | None
    arn: str
    configuration: dict[str, Any]
    supplementary: dict[str, Any] = field(default_factory=dict)
    relationships: list[tuple[str, str, str]] = field(default_factory=list)  # type, id, name of the relation
    tags: dict[str, str] = field(default_factory=dict)
    zone: str = "Not Applicable"
    created: int = 0
    captured: int = 0
    alive: bool = True
    protected: bool = False  # part of the story: the everyday changes keep off it
    json: str = ""

    def item(self, captured: int, status: str = "OK") -> Item:
        """Records the present state; `captured` in milliseconds."""
        gone = status == "ResourceDeleted"
        body = {
            "relatedEvents": [],
            "relationships": []
            if gone
            else [
                {"resourceId": i, "resourceName": None, "resourceType": t, "name": n}
                for t, i, n in self.relationships
            ],
            "configuration": None if gone else self.configuration,
            "supplementaryConfiguration": {} if gone else self.supplementary,
            "tags": {} if gone else self.tags,
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": iso_ms(captured),
            "configurationStateId": captured,
            "awsAccountId": self.account,
            "configurationItemStatus": status,
            "resourceType": self.type,
            "resourceId": self.id,
            "resourceName": self.name,
            "ARN": self.arn,
            "awsRegion": self.region,
            "availabilityZone": self.zone,
            "configurationStateMd5Hash": "",
        }
        if not gone:
            body["resourceCreationTime"] = iso_ms(self.created)
        self.captured = captured
        self.alive = not gone
        self.json = compact(body)
        return Item(captured, self.account, self.region, self.type, self.id, self.json)


class Inventory:
    """All resources, by stream and by id."""

    def __init__(self) -> None:
        self.by_stream: dict[tuple[str, str], list[Resource]] = {}
        self.by_id: dict[str, Resource] = {}

    def add(self, resource: Resource) -> Resource:
        """Takes in a resource."""
        self.by_stream.setdefault((resource.account, resource.region), []).append(resource)
        self.by_id[f"{resource.type}/{resource.account}/{resource.region}/{resource.id}"] = resource
        return resource

    def get(self, kind: str, account: str, region: str, identifier: str) -> Resource:
        """The resource of that type and id."""
        return self.by_id[f"{kind}/{account}/{region}/{identifier}"]

    def named(self, kind: str, account: str, name: str) -> Resource:
        """The living resource of that type and name."""
        return next(
            r
            for r in self.by_id.values()
            if r.type == kind and r.account == account and r.name == name and r.alive
        )

    def forget(self, resource: Resource) -> None:
        """Drops a deleted resource from the living."""
        self.by_stream[resource.account, resource.region].remove(resource)


def security_group(net: Network, name: str, group_id: str, ports: tuple[tuple[int, str], ...]) -> Resource:
    """A security group with one ingress rule a port."""
    permissions = [permission(port, cidr) for port, cidr in ports]
    return Resource(
        net.account,
        net.region,
        "AWS::EC2::SecurityGroup",
        group_id,
        name,
        f"arn:aws:ec2:{net.region}:{net.account}:security-group/{group_id}",
        {
            "description": f"{name} of the shop",
            "groupName": name,
            "ipPermissions": permissions,
            "ownerId": net.account,
            "groupId": group_id,
            "ipPermissionsEgress": [] if name == "isolation-sg" else [permission(None, "0.0.0.0/0")],
            "tags": [],
            "vpcId": net.vpc_id,
        },
        relationships=[("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc")],
    )


def permission(port: int | None, cidr: str) -> dict[str, Any]:
    """One entry of `ipPermissions`; no port means all traffic."""
    ranges: dict[str, Any] = {"ipv4Ranges": [{"cidrIp": cidr}], "ipRanges": [cidr], "ipv6Ranges": []}
    if port is None:
        return {"ipProtocol": "-1", "userIdGroupPairs": [], "prefixListIds": [], **ranges}
    return {
        "fromPort": port,
        "toPort": port,
        "ipProtocol": "tcp",
        "userIdGroupPairs": [],
        "prefixListIds": [],
        **ranges,
    }


def instance_trio(net: Network, i: e.Instance, launched: int, tags: dict[str, str]) -> list[Resource]:
    """An instance, its network interface and its root volume; `launched` in milliseconds."""
    base = f"arn:aws:ec2:{net.region}:{net.account}"
    when = iso_ms(launched)
    tag_list = [{"key": k, "value": v} for k, v in tags.items()]
    host = f"ip-{i.private_ip.replace('.', '-')}.ec2.internal"
    instance = Resource(
        net.account,
        net.region,
        "AWS::EC2::Instance",
        i.instance_id,
        None,
        f"{base}:instance/{i.instance_id}",
        {
            "amiLaunchIndex": 0,
            "imageId": ec2_id("ami", "al2023"),
            "instanceId": i.instance_id,
            "instanceType": i.instance_type,
            "keyName": None,
            "launchTime": when,
            "monitoring": {"state": "disabled"},
            "placement": {"availabilityZone": i.zone, "tenancy": "default"},
            "platformDetails": "Linux/UNIX",
            "privateDnsName": host,
            "privateIpAddress": i.private_ip,
            "publicDnsName": "",
            "publicIpAddress": i.public_ip,
            "ipv6Address": i.ipv6,
            "state": {"code": 16, "name": "running"},
            "stateTransitionReason": "",
            "subnetId": i.subnet_id,
            "vpcId": net.vpc_id,
            "architecture": "arm64",
            "ebsOptimized": True,
            "iamInstanceProfile": {"arn": f"arn:aws:iam::{net.account}:instance-profile/{i.role}"},
            "networkInterfaces": [
                {"networkInterfaceId": i.interface_id, "privateIpAddress": i.private_ip, "status": "in-use"}
            ],
            "securityGroups": [{"groupId": i.group_id}],
            "tags": tag_list,
            "metadataOptions": {"httpTokens": "required", "httpEndpoint": "enabled"},
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {"volumeId": i.volume_id, "status": "attached", "deleteOnTermination": True},
                }
            ],
        },
        relationships=[
            ("AWS::EC2::NetworkInterface", i.interface_id, "Contains NetworkInterface"),
            ("AWS::EC2::SecurityGroup", i.group_id, "Is associated with SecurityGroup"),
            ("AWS::EC2::Subnet", i.subnet_id, "Is contained in Subnet"),
            ("AWS::EC2::Volume", i.volume_id, "Is attached to Volume"),
            ("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc"),
        ],
        tags=dict(tags),
        zone=i.zone,
        created=launched,
    )
    interface = Resource(
        net.account,
        net.region,
        "AWS::EC2::NetworkInterface",
        i.interface_id,
        None,
        f"{base}:network-interface/{i.interface_id}",
        {
            "attachment": {
                "attachmentId": ec2_id("eni-attach", i.interface_id),
                "deviceIndex": 0,
                "instanceId": i.instance_id,
                "status": "attached",
                "attachTime": when,
            },
            "availabilityZone": i.zone,
            "description": "",
            "groups": [{"groupId": i.group_id}],
            "interfaceType": "interface",
            "macAddress": "06:" + ":".join(digest("mac", i.interface_id)[n : n + 2] for n in range(0, 10, 2)),
            "networkInterfaceId": i.interface_id,
            "ownerId": net.account,
            "privateIpAddress": i.private_ip,
            "association": {"publicIp": i.public_ip, "ipOwnerId": "amazon"} if i.public_ip else None,
            "ipv6Addresses": [{"ipv6Address": i.ipv6}] if i.ipv6 else [],
            "sourceDestCheck": True,
            "status": "in-use",
            "subnetId": i.subnet_id,
            "vpcId": net.vpc_id,
            "tagSet": [],
        },
        relationships=[
            ("AWS::EC2::Instance", i.instance_id, "Is attached to Instance"),
            ("AWS::EC2::SecurityGroup", i.group_id, "Is associated with SecurityGroup"),
            ("AWS::EC2::Subnet", i.subnet_id, "Is contained in Subnet"),
            ("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc"),
        ],
        zone=i.zone,
        created=launched,
    )
    return [instance, interface, volume(net, i.volume_id, i.zone, launched, attached=i.instance_id)]


def volume(
    net: Network,
    volume_id: str,
    zone: str,
    created: int,
    *,
    attached: str | None = None,
    encrypted: bool = True,
    size: int = 30,
) -> Resource:
    """An EBS volume, attached or available."""
    when = iso_ms(created)
    return Resource(
        net.account,
        net.region,
        "AWS::EC2::Volume",
        volume_id,
        None,
        f"arn:aws:ec2:{net.region}:{net.account}:volume/{volume_id}",
        {
            "attachments": [
                {
                    "attachTime": when,
                    "device": "/dev/xvda",
                    "instanceId": attached,
                    "state": "attached",
                    "volumeId": volume_id,
                    "deleteOnTermination": True,
                }
            ]
            if attached
            else [],
            "availabilityZone": zone,
            "createTime": when,
            "encrypted": encrypted,
            "kmsKeyId": e.kms_arn(net.account, net.region) if encrypted else None,
            "size": size,
            "snapshotId": "",
            "state": "in-use" if attached else "available",
            "volumeId": volume_id,
            "iops": 3000,
            "throughput": 125,
            "tags": [],
            "volumeType": "gp3",
            "multiAttachEnabled": False,
        },
        relationships=[("AWS::EC2::Instance", attached, "Is attached to Instance")] if attached else [],
        zone=zone,
        created=created,
    )


def policy_document(*actions: str, resource: str = "*") -> dict[str, Any]:
    """A policy that allows actions on a resource."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
    }


def iam_user(account: str, name: str, created: int, policies: tuple[str, ...] = ()) -> Resource:
    """An IAM user with its attached managed policies."""
    identifier = principal_id("AIDA", account, name)
    return Resource(
        account,
        HOME_REGION,
        "AWS::IAM::User",
        identifier,
        name,
        f"arn:aws:iam::{account}:user/{name}",
        {
            "path": "/",
            "userName": name,
            "userId": identifier,
            "arn": f"arn:aws:iam::{account}:user/{name}",
            "createDate": iso_ms(created),
            "userPolicyList": [],
            "groupList": [],
            "attachedManagedPolicies": [attached(p) for p in policies],
            "permissionsBoundary": None,
            "tags": [],
        },
        created=created,
    )


def attached(policy_arn: str) -> dict[str, str]:
    """An entry of `attachedManagedPolicies`."""
    return {"policyName": policy_arn.rpartition("/")[2], "policyArn": policy_arn}


def iam_role(account: str, name: str, service: str, created: int) -> Resource:
    """A role that a service may assume."""
    identifier = principal_id("AROA", account, name)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    return Resource(
        account,
        HOME_REGION,
        "AWS::IAM::Role",
        identifier,
        name,
        f"arn:aws:iam::{account}:role/{name}",
        {
            "path": "/",
            "roleName": name,
            "roleId": identifier,
            "arn": f"arn:aws:iam::{account}:role/{name}",
            "createDate": iso_ms(created),
            "assumeRolePolicyDocument": quote(compact(trust), safe=""),
            "instanceProfileList": [],
            "rolePolicyList": [],
            "attachedManagedPolicies": [attached("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")],
            "permissionsBoundary": None,
            "tags": [],
            "roleLastUsed": None,
        },
        created=created,
    )


def living(inventory: Inventory) -> Iterator[Resource]:
    """Every resource that exists now, in a fixed order."""
    for resources in inventory.by_stream.values():
        yield from resources


OWNERS = {PROD: "prod", DEV: "dev", SECURITY: "security"}


def short(estate: Estate, account: str) -> str:
    """`prod`, `dev`, `security`, or the last part of a further account's name."""
    return OWNERS.get(account, estate.accounts[account].replace("team-", "t"))
