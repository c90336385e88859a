"""The estate's resources as AWS Config had recorded them before the first day."""

from __future__ import annotations

from random import Random
from typing import Any

from ashiato.demo import estate as e
from ashiato.demo.baseline_services import buckets, data_stores, functions, identities, observability
from ashiato.demo.estate import DEV, HOME_REGION, PROD, Estate, Network
from ashiato.demo.ids import DAY, digest, ec2_id, fixed_uuid
from ashiato.demo.resources import (
    Inventory,
    Resource,
    instance_trio,
    security_group,
    volume,
)

PORTS: dict[str, tuple[tuple[int, str], ...]] = {
    "default": (),
    "web-sg": ((443, "0.0.0.0/0"), (80, "0.0.0.0/0")),
    "app-sg": ((8080, "10.0.0.0/8"),),
    "db-sg": ((5432, "10.0.0.0/8"),),
    "legacy-sg": ((443, "0.0.0.0/0"), (22, "198.51.100.0/24")),
    "isolation-sg": (),
    "vpce-sg": ((443, "10.0.0.0/8"),),
}


def baseline(estate: Estate, start: int) -> Inventory:
    """Resources made months before `start` (seconds), each recorded once when the recorder began."""
    inventory = Inventory()
    rng = Random("baseline")
    for (account, region), net in estate.networks.items():
        made = (start - 400 * DAY) * 1000
        resources = [
            *_network(net),
            *_compute(net, made),
            *functions(account, region),
            *data_stores(estate, account, region),
            *observability(account, region),
        ]
        if region == HOME_REGION or HOME_REGION not in estate.regions:
            resources += [*identities(account, made), *buckets(estate, account, region)]
        for resource in resources:
            resource.created = resource.created or made + rng.randrange(300 * DAY) * 1000
            resource.item((start - 60 * DAY) * 1000 + rng.randrange(DAY * 1000), "ResourceDiscovered")
            inventory.add(resource)
    for name in ("legacy-sg", "isolation-sg"):
        inventory.get(
            "AWS::EC2::SecurityGroup", PROD, HOME_REGION, estate.networks[PROD, HOME_REGION].groups[name]
        ).protected = True
    return inventory


def _network(net: Network) -> list[Resource]:
    base = f"arn:aws:ec2:{net.region}:{net.account}"
    inside = [("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc")]

    def plain(
        kind: str,
        identifier: str,
        part: str,
        configuration: dict[str, Any],
        zone: str = "Not Applicable",
        related: list[tuple[str, str, str]] | None = None,
    ) -> Resource:
        return Resource(
            net.account,
            net.region,
            kind,
            identifier,
            None,
            f"{base}:{part}/{identifier}",
            configuration,
            relationships=inside if related is None else related,
            zone=zone,
        )

    found = [
        plain(
            "AWS::EC2::VPC",
            net.vpc_id,
            "vpc",
            {
                "cidrBlock": net.cidr,
                "vpcId": net.vpc_id,
                "state": "available",
                "isDefault": False,
                "tags": [],
            },
            "Multiple Availability Zones",
            [],
        ),
        plain(
            "AWS::EC2::InternetGateway",
            net.gateway,
            "internet-gateway",
            {
                "internetGatewayId": net.gateway,
                "attachments": [{"vpcId": net.vpc_id, "state": "available"}],
                "tags": [],
            },
        ),
        plain(
            "AWS::EC2::RouteTable",
            net.route_table,
            "route-table",
            {
                "routeTableId": net.route_table,
                "vpcId": net.vpc_id,
                "routes": [
                    {"destinationCidrBlock": net.cidr, "gatewayId": "local", "state": "active"},
                    {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": net.gateway, "state": "active"},
                ],
                "tags": [],
            },
        ),
        plain(
            "AWS::EC2::NetworkInterface",
            net.nat_interface,
            "network-interface",
            {
                "networkInterfaceId": net.nat_interface,
                "description": "Interface for NAT Gateway",
                "interfaceType": "nat_gateway",
                "requesterManaged": True,
                "privateIpAddress": net.nat_private_ip,
                "association": {"publicIp": net.nat_public_ip},
                "subnetId": net.subnets[0][0],
                "vpcId": net.vpc_id,
                "status": "in-use",
            },
            net.subnets[0][2],
        ),
    ]
    for subnet, cidr, zone, zone_id in net.subnets:
        found.append(
            plain(
                "AWS::EC2::Subnet",
                subnet,
                "subnet",
                {
                    "subnetId": subnet,
                    "cidrBlock": cidr,
                    "availabilityZone": zone,
                    "availabilityZoneId": zone_id,
                    "mapPublicIpOnLaunch": False,
                    "state": "available",
                    "vpcId": net.vpc_id,
                    "tags": [],
                },
                zone,
            )
        )
    found += [security_group(net, name, i, PORTS[name]) for name, i in net.groups.items()]
    logs = {
        (PROD, HOME_REGION): (e.FLOW_DEFAULT, e.FLOW_CUSTOM),
        (PROD, e.SECOND_REGION): (e.FLOW_SECOND_REGION,),
        (DEV, HOME_REGION): (e.FLOW_DEV,),
    }
    for flow in logs.get((net.account, net.region), ()):
        found.append(flow_log(net, flow))
    return found


def flow_log(net: Network, identifier: str) -> Resource:
    """A flow log of a VPC to S3."""
    bucket = e.DEV_FLOW_BUCKET if net.account == DEV else e.PROD_FLOW_BUCKET
    parquet = identifier in (e.FLOW_SECOND_REGION, e.FLOW_DEV)
    return Resource(
        net.account,
        net.region,
        "AWS::EC2::FlowLog",
        identifier,
        None,
        f"arn:aws:ec2:{net.region}:{net.account}:vpc-flow-log/{identifier}",
        {
            "flowLogId": identifier,
            "resourceId": net.vpc_id,
            "flowLogStatus": "ACTIVE",
            "trafficType": "ALL",
            "logDestinationType": "s3",
            "logDestination": f"arn:aws:s3:::{bucket}",
            "maxAggregationInterval": 600 if parquet else 60,
            "destinationOptions": {
                "fileFormat": "parquet" if parquet else "plain-text",
                "hiveCompatiblePartitions": identifier == e.FLOW_CUSTOM,
                "perHourPartition": parquet,
            },
        },
        relationships=[("AWS::EC2::VPC", net.vpc_id, "Is attached to Vpc")],
        protected=True,
    )


def _compute(net: Network, made: int) -> list[Resource]:
    found: list[Resource] = []
    for n, i in enumerate(net.instances):
        trio = instance_trio(net, i, made + n * 3600_000, {"Name": i.name, "Team": "shop"})
        if i.name == "orders-legacy":
            for resource in trio:
                resource.protected = True
        found += trio
    for n in range(3):
        spare = ec2_id("vol", net.account, net.region, "data", str(n))
        found.append(volume(net, spare, net.subnets[n % 2][2], made, size=100 + 50 * n))
    if any(i.name.startswith("web") for i in net.instances):
        found.append(scaling_group(net))
        found.append(_balancer(net))
    return found


def scaling_group(net: Network) -> Resource:
    """The web servers' Auto Scaling group (those that come and go)."""
    name = "shop-web-asg"
    arn = (
        f"arn:aws:autoscaling:{net.region}:{net.account}:autoScalingGroup:{fixed_uuid('asg', net.region)}"
        f":autoScalingGroupName/{name}"
    )
    return Resource(
        net.account,
        net.region,
        "AWS::AutoScaling::AutoScalingGroup",
        arn,
        name,
        arn,
        {
            "autoScalingGroupARN": arn,
            "autoScalingGroupName": name,
            "minSize": 0,
            "maxSize": 12,
            "desiredCapacity": 0,
            "defaultCooldown": 300,
            "availabilityZones": [s[2] for s in net.subnets],
            "healthCheckType": "EC2",
            "healthCheckGracePeriod": 300,
            "instances": [],
            "vPCZoneIdentifier": ",".join(s[0] for s in net.subnets),
            "launchTemplate": {
                "launchTemplateId": ec2_id("lt", net.region),
                "launchTemplateName": "shop-web",
                "version": "12",
            },
            "enabledMetrics": [],
            "suspendedProcesses": [],
            "tags": [],
        },
        zone="Multiple Availability Zones",
        protected=True,
    )


def _balancer(net: Network) -> Resource:
    arn = (
        f"arn:aws:elasticloadbalancing:{net.region}:{net.account}:loadbalancer/app/shop-web/"
        f"{digest('alb', net.region)[:16]}"
    )
    return Resource(
        net.account,
        net.region,
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        arn,
        "shop-web",
        arn,
        {
            "loadBalancerArn": arn,
            "loadBalancerName": "shop-web",
            "scheme": "internet-facing",
            "type": "application",
            "vpcId": net.vpc_id,
            "securityGroups": [net.groups["web-sg"]],
            "state": {"code": "active"},
            "ipAddressType": "dualstack",
        },
        {
            "LoadBalancerAttributes": [
                {"key": "idle_timeout.timeout_seconds", "value": "60"},
                {"key": "deletion_protection.enabled", "value": "true"},
            ]
        },
        relationships=[
            ("AWS::EC2::SecurityGroup", net.groups["web-sg"], "Is associated with SecurityGroup"),
            ("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc"),
        ],
        zone="Multiple Availability Zones",
    )
