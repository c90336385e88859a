"""Configuration items with the ids that AWS's samples name: patch compliance, `sg-abcd1234` …"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ashiato.demo.delivery import Delivery
from ashiato.demo.ids import moment
from ashiato.demo.resources import Resource

ACCOUNT = "111122223333"
REGION = "us-east-1"
RULE = "config-rule-abc123"


def _resource(
    kind: str, identifier: str, configuration: dict[str, Any], *related: tuple[str, str, str]
) -> Resource:
    part = kind.rpartition("::")[2].lower()
    return Resource(
        ACCOUNT,
        REGION,
        kind,
        identifier,
        None,
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:{part}/{identifier}",
        configuration,
        relationships=list(related),
        created=1600000000000,
    )


def _second(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp())


def _named() -> list[tuple[str, Resource]]:
    in_vpc = ("AWS::EC2::VPC", "vpc-abcd1234", "Is contained in Vpc")
    in_subnet = ("AWS::EC2::Subnet", "subnet-abcd1234", "Is contained in Subnet")
    group = ("AWS::EC2::SecurityGroup", "sg-abcd1234", "Is associated with SecurityGroup")
    instance = ("AWS::EC2::Instance", "i-abcd1234", "Is attached to Instance")
    placement = {"availabilityZone": "us-east-1a", "tenancy": "default"}
    return [
        (
            "2023-11-03 01:00",
            _resource(
                "AWS::EC2::Instance",
                "i-abcd1234",
                {
                    "instanceId": "i-abcd1234",
                    "instanceType": "t3.micro",
                    "imageId": "ami-12345",
                    "placement": placement,
                    "state": {"name": "running"},
                },
                group,
                ("AWS::EC2::SecurityGroup", "sg-234213", "Is associated with SecurityGroup"),
                in_subnet,
                in_vpc,
            ),
        ),
        (
            "2023-11-03 01:01",
            _resource(
                "AWS::EC2::NetworkInterface",
                "eni-abcd1234",
                {"networkInterfaceId": "eni-abcd1234", "status": "in-use"},
                group,
                in_subnet,
                in_vpc,
                instance,
            ),
        ),
        (
            "2023-11-03 01:02",
            _resource(
                "AWS::EC2::EIP",
                "eipalloc-abcd1234",
                {"allocationId": "eipalloc-abcd1234", "publicIp": "192.0.2.76"},
                instance,
                ("AWS::EC2::NetworkInterface", "eni-abcd1234", "Is attached to NetworkInterface"),
            ),
        ),
        (
            "2023-11-03 01:03",
            _resource(
                "AWS::EC2::NetworkAcl", "acl-abcd1234", {"networkAclId": "acl-abcd1234"}, in_subnet, in_vpc
            ),
        ),
        (
            "2023-11-03 01:04",
            _resource(
                "AWS::EC2::RouteTable",
                "rtb-abcd1234",
                {"routeTableId": "rtb-abcd1234", "propagatingVgws": [{"gatewayId": "vgw-abcd1234"}]},
                in_subnet,
                in_vpc,
                ("AWS::EC2::VPNGateway", "vgw-abcd1234", "Contains VPNGateway"),
            ),
        ),
        (
            "2023-11-03 01:05",
            _resource(
                "AWS::EC2::InternetGateway", "igw-abcd1234", {"internetGatewayId": "igw-abcd1234"}, in_vpc
            ),
        ),
        (
            "2023-11-03 01:06",
            _resource(
                "AWS::EC2::Subnet",
                "subnet-abcd1234",
                {"subnetId": "subnet-abcd1234", "cidrBlock": "10.0.1.0/24"},
                in_vpc,
            ),
        ),
        (
            "2023-11-03 01:07",
            _resource(
                "AWS::EC2::Volume",
                "vol-abcd1234",
                {
                    "volumeId": "vol-abcd1234",
                    "volumeType": "gp2",
                    "size": 100,
                    "encrypted": False,
                    "availabilityZone": "us-east-1a",
                    "state": {"value": "available"},
                },
            ),
        ),
        *(
            (
                f"2023-11-{day:02d} 02:00",
                _resource(
                    "AWS::EC2::SecurityGroup",
                    "sg-abcd1234",
                    {
                        "groupId": "sg-abcd1234",
                        "groupName": "samples",
                        "ipPermissions": [
                            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": [cidr]}
                        ],
                    },
                    in_vpc,
                ),
            )
            for day, cidr in ((2, "10.0.0.0/24"), (9, "192.168.0.2/32"), (20, "0.0.0.0/0"))
        ),
        *(
            (f"2023-06-{day} 06:00", _patches(name, state))
            for day, name, state in (
                (23, "i-abcd1234", "Missing"),
                (24, "i-abcd1234", "Installed"),
                (24, "i-123456789012", "Failed"),
                (25, "i-b188560f", "Installed"),
            )
        ),
        (
            "2023-11-04 03:00",
            _resource(
                "AWS::Config::ResourceCompliance",
                "AWS::EC2::SecurityGroup/sg-abcd1234",
                {
                    "targetResourceId": "sg-abcd1234",
                    "targetResourceType": "AWS::EC2::SecurityGroup",
                    "complianceType": "NON_COMPLIANT",
                    "configRuleList": [
                        {
                            "configRuleName": "restricted-ssh",
                            "configRuleId": "config-rule-abc123",
                            "configRuleArn": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/{RULE}",
                            "complianceType": "NON_COMPLIANT",
                        }
                    ],
                },
            ),
        ),
        (
            "2023-11-04 03:01",
            _resource(
                "AWS::Config::ConformancePackCompliance",
                "conformance-pack-abcd1234",
                {
                    "complianceType": "NON_COMPLIANT",
                    "compliantRuleCount": 11,
                    "nonCompliantRuleCount": 1,
                    "totalRuleCount": 12,
                    "configRuleList": [{"configRuleName": "A", "complianceType": "NON_COMPLIANT"}],
                },
            ),
        ),
    ]


def _patches(instance: str, state: str) -> Resource:
    patches = {
        f"KB50{n}": {"Id": f"KB50{n}", "PatchState": state if n == 1 else "Installed", "Severity": "CRITICAL"}
        for n in range(3)
    }
    content = {"AWS:ComplianceItem": {"SchemaVersion": "1.0", "Content": {"Patch": patches}}}
    return _resource("AWS::SSM::PatchCompliance", f"AWS::SSM::ManagedInstanceInventory/{instance}", content)


def config_files(delivery: Delivery, bucket: str) -> tuple[int, list[dict[str, Any]]]:
    """Writes one history file for each day and type; returns how many items, and which."""
    files: dict[tuple[str, str], list[tuple[int, str]]] = {}
    truth: list[dict[str, Any]] = []
    for when, resource in _named():
        second = _second(when)
        item = resource.item(second * 1000 + 250)
        files.setdefault((when[:10], resource.type), []).append((second, item.json))
        truth.append({"resourceType": resource.type, "resourceId": resource.id, "captureTime": when})
    for (day, kind), items in files.items():
        first, last = (moment(s).strftime("%Y%m%dT%H%M%SZ") for s in (items[0][0], items[-1][0]))
        date = moment(items[-1][0])
        key = (
            f"AWSLogs/{ACCOUNT}/Config/{REGION}/{date.year}/{date.month}/{date.day}/ConfigHistory/"
            f"{ACCOUNT}_Config_{REGION}_ConfigHistory_{kind}_{first}_{last}_1.json.gz"
        )
        content = '{"fileVersion":"1.0","configurationItems":[' + ",".join(j for _, j in items) + "]}"
        delivery.put(bucket, key, content.encode(), _second(f"{day} 12:10"))
    return len(truth), truth
