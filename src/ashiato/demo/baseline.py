"""The estate's resources as AWS Config had recorded them before the first day."""

from __future__ import annotations

from random import Random
from typing import Any

from ashiato.demo import estate as e
from ashiato.demo.estate import DEV, HOME_REGION, PROD, SECURITY, Estate, Network
from ashiato.demo.ids import DAY, compact, digest, ec2_id, fixed_uuid, iso_ms, principal_id
from ashiato.demo.resources import (
    Inventory,
    Resource,
    iam_role,
    iam_user,
    instance_trio,
    policy_document,
    security_group,
    short,
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
FUNCTIONS = ("shop-orders", "shop-mail", "shop-thumbnails", "shop-reports")
ROLES = ("shop-web-role", "shop-app-role", "shop-batch-role", "shop-legacy-role", "shop-orders-function",
         "shop-mail-function", "shop-task-role", "rds-monitoring-role")  # fmt: skip
POLICIES = ("ShopAssetsRead", "ShopOrdersWrite", "DeveloperBoundary")
USERS = ("deploy-bot", "carol", "backup-agent")


def baseline(estate: Estate, start: int) -> Inventory:
    """Resources made months before `start` (seconds), each recorded once when the recorder began."""
    inventory = Inventory()
    rng = Random("baseline")
    for (account, region), net in estate.networks.items():
        made = (start - 400 * DAY) * 1000
        resources = [
            *_network(net), *_compute(net, made), *_functions(account, region), *_data(estate, account, region),
            *_observability(account, region, estate),
        ]  # fmt: skip
        if region == HOME_REGION or HOME_REGION not in estate.regions:
            resources += [*_identities(account, made), *_buckets(estate, account, region)]
        for resource in resources:
            resource.created = resource.created or made + rng.randrange(300 * DAY) * 1000
            resource.item((start - 60 * DAY) * 1000 + rng.randrange(DAY * 1000), "ResourceDiscovered")
            inventory.add(resource)
    for name in ("legacy-sg", "isolation-sg"):
        inventory.get("AWS::EC2::SecurityGroup", PROD, HOME_REGION, estate.networks[PROD, HOME_REGION].groups[name]).protected = True
    return inventory


def _network(net: Network) -> list[Resource]:
    base = f"arn:aws:ec2:{net.region}:{net.account}"
    inside = [("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc")]

    def plain(kind: str, identifier: str, part: str, configuration: dict[str, Any], zone: str = "Not Applicable",
              related: list[tuple[str, str, str]] | None = None) -> Resource:  # fmt: skip
        return Resource(net.account, net.region, kind, identifier, None, f"{base}:{part}/{identifier}", configuration,
                        relationships=inside if related is None else related, zone=zone)  # fmt: skip

    found = [
        plain("AWS::EC2::VPC", net.vpc_id, "vpc", {"cidrBlock": net.cidr, "vpcId": net.vpc_id, "state": "available", "isDefault": False, "tags": []}, "Multiple Availability Zones", []),
        plain("AWS::EC2::InternetGateway", net.gateway, "internet-gateway", {"internetGatewayId": net.gateway, "attachments": [{"vpcId": net.vpc_id, "state": "available"}], "tags": []}),
        plain("AWS::EC2::RouteTable", net.route_table, "route-table", {"routeTableId": net.route_table, "vpcId": net.vpc_id, "routes": [{"destinationCidrBlock": net.cidr, "gatewayId": "local", "state": "active"}, {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": net.gateway, "state": "active"}], "tags": []}),
        plain("AWS::EC2::NetworkInterface", net.nat_interface, "network-interface", {"networkInterfaceId": net.nat_interface, "description": "Interface for NAT Gateway", "interfaceType": "nat_gateway", "requesterManaged": True, "privateIpAddress": net.nat_private_ip, "association": {"publicIp": net.nat_public_ip}, "subnetId": net.subnets[0][0], "vpcId": net.vpc_id, "status": "in-use"}, net.subnets[0][2]),
    ]  # fmt: skip
    for subnet, cidr, zone, zone_id in net.subnets:
        found.append(plain("AWS::EC2::Subnet", subnet, "subnet", {"subnetId": subnet, "cidrBlock": cidr, "availabilityZone": zone, "availabilityZoneId": zone_id, "mapPublicIpOnLaunch": False, "state": "available", "vpcId": net.vpc_id, "tags": []}, zone))  # fmt: skip
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
        net.account, net.region, "AWS::EC2::FlowLog", identifier, None,
        f"arn:aws:ec2:{net.region}:{net.account}:vpc-flow-log/{identifier}",
        {
            "flowLogId": identifier, "resourceId": net.vpc_id, "flowLogStatus": "ACTIVE", "trafficType": "ALL",
            "logDestinationType": "s3", "logDestination": f"arn:aws:s3:::{bucket}", "maxAggregationInterval": 600 if parquet else 60,
            "destinationOptions": {"fileFormat": "parquet" if parquet else "plain-text", "hiveCompatiblePartitions": identifier == e.FLOW_CUSTOM, "perHourPartition": parquet},
        },
        relationships=[("AWS::EC2::VPC", net.vpc_id, "Is attached to Vpc")],
        protected=True,
    )  # fmt: skip


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
    arn = f"arn:aws:autoscaling:{net.region}:{net.account}:autoScalingGroup:{fixed_uuid('asg', net.region)}:autoScalingGroupName/{name}"
    return Resource(
        net.account, net.region, "AWS::AutoScaling::AutoScalingGroup", arn, name, arn,
        {
            "autoScalingGroupARN": arn, "autoScalingGroupName": name, "minSize": 0, "maxSize": 12, "desiredCapacity": 0,
            "defaultCooldown": 300, "availabilityZones": [s[2] for s in net.subnets], "healthCheckType": "EC2",
            "healthCheckGracePeriod": 300, "instances": [], "vPCZoneIdentifier": ",".join(s[0] for s in net.subnets),
            "launchTemplate": {"launchTemplateId": ec2_id("lt", net.region), "launchTemplateName": "shop-web", "version": "12"},
            "enabledMetrics": [], "suspendedProcesses": [], "tags": [],
        },
        zone="Multiple Availability Zones", protected=True,
    )  # fmt: skip


def _balancer(net: Network) -> Resource:
    arn = f"arn:aws:elasticloadbalancing:{net.region}:{net.account}:loadbalancer/app/shop-web/{digest('alb', net.region)[:16]}"
    return Resource(
        net.account, net.region, "AWS::ElasticLoadBalancingV2::LoadBalancer", arn, "shop-web", arn,
        {"loadBalancerArn": arn, "loadBalancerName": "shop-web", "scheme": "internet-facing", "type": "application", "vpcId": net.vpc_id, "securityGroups": [net.groups["web-sg"]], "state": {"code": "active"}, "ipAddressType": "dualstack"},
        {"LoadBalancerAttributes": [{"key": "idle_timeout.timeout_seconds", "value": "60"}, {"key": "deletion_protection.enabled", "value": "true"}]},
        relationships=[("AWS::EC2::SecurityGroup", net.groups["web-sg"], "Is associated with SecurityGroup"), ("AWS::EC2::VPC", net.vpc_id, "Is contained in Vpc")],
        zone="Multiple Availability Zones",
    )  # fmt: skip


def _functions(account: str, region: str) -> list[Resource]:
    found = []
    for n, name in enumerate(FUNCTIONS):
        arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        found.append(Resource(
            account, region, "AWS::Lambda::Function", name, name, arn,
            {"functionName": name, "functionArn": arn, "runtime": "python3.13", "role": f"arn:aws:iam::{account}:role/{name}-function", "handler": "app.handler", "codeSize": 81234 + n, "description": f"{name} of the shop", "timeout": 30, "memorySize": 256 * (n + 1), "lastModified": "2026-03-01T02:00:00.000+0000", "codeSha256": digest("code", name), "version": "$LATEST", "tracingConfig": {"mode": "PassThrough"}, "revisionId": fixed_uuid("revision", arn), "packageType": "Zip", "lastUpdateStatus": "Successful", "environment": None},
            {"Policy": None, "Tags": {}},
            relationships=[("AWS::IAM::Role", principal_id("AROA", account, f"{name}-function"), "Is associated with")],
        ))  # fmt: skip
    return found


def _data(estate: Estate, account: str, region: str) -> list[Resource]:
    key = e.kms_key(account, region)
    found = [Resource(
        account, region, "AWS::KMS::Key", key, key, e.kms_arn(account, region),
        {"keyId": key, "arn": e.kms_arn(account, region), "aWSAccountId": account, "enabled": True, "keyState": "Enabled", "keyManager": "CUSTOMER", "keyUsage": "ENCRYPT_DECRYPT", "description": "data of the shop", "origin": "AWS_KMS", "multiRegion": False},
        {"KeyRotationStatus": False, "Policy": compact({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}]}), "Tags": []},
    )]  # fmt: skip
    for name in ("shop-carts", "shop-orders"):
        arn = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
        found.append(Resource(account, region, "AWS::DynamoDB::Table", name, name, arn, {"tableName": name, "tableArn": arn, "tableStatus": "ACTIVE", "provisionedThroughput": {"readCapacityUnits": 50, "writeCapacityUnits": 20}, "sSEDescription": {"status": "ENABLED"}, "deletionProtectionEnabled": False}, {"ContinuousBackups": {"pointInTimeRecoveryStatus": "DISABLED"}}))  # fmt: skip
    for name in ("shop/db", "shop/payment"):
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf"
        found.append(Resource(account, region, "AWS::SecretsManager::Secret", arn, name, arn, {"Id": arn, "Name": name, "Description": f"secret {name}", "RotationEnabled": True, "LastRotatedDate": "2026-09-01T00:00:00.000Z"}))  # fmt: skip
    if account in (PROD, DEV):
        net = estate.networks[account, region]
        name = f"shop-{short(estate, account)}-db"
        resource_id = f"db-{digest('rds', account, region)[:26].upper()}"
        arn = f"arn:aws:rds:{region}:{account}:db:{name}"
        found.append(Resource(
            account, region, "AWS::RDS::DBInstance", resource_id, name, arn,
            {"dBInstanceIdentifier": name, "dBInstanceClass": "db.r7g.large", "engine": "postgres", "engineVersion": "16.8", "dBInstanceStatus": "available", "masterUsername": "shop", "dBName": "shop", "endpoint": {"address": f"{name}.cabcdefghijk.{region}.rds.amazonaws.com", "port": 5432}, "allocatedStorage": 200, "backupRetentionPeriod": 7, "multiAZ": account == PROD, "publiclyAccessible": False, "storageEncrypted": True, "storageType": "gp3", "dbiResourceId": resource_id, "dBInstanceArn": arn, "deletionProtection": True, "autoMinorVersionUpgrade": True, "vpcSecurityGroups": [{"vpcSecurityGroupId": net.groups["db-sg"], "status": "active"}]},
            relationships=[("AWS::EC2::SecurityGroup", net.groups["db-sg"], "Is associated with SecurityGroup")], zone=net.subnets[0][2],
        ))  # fmt: skip
    return found


def _observability(account: str, region: str, estate: Estate) -> list[Resource]:
    found = []
    for name in ("web-5xx", "db-cpu", "queue-age", "disk-free"):
        arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
        found.append(Resource(account, region, "AWS::CloudWatch::Alarm", arn, name, arn, {"alarmArn": arn, "alarmName": name, "actionsEnabled": True, "threshold": 80.0, "period": 60, "evaluationPeriods": 5, "statistic": "Average", "comparisonOperator": "GreaterThanThreshold"}))  # fmt: skip
    topic = f"arn:aws:sns:{region}:{account}:shop-alerts"
    found.append(Resource(account, region, "AWS::SNS::Topic", topic, "shop-alerts", topic, {"TopicArn": topic, "Owner": account, "DisplayName": "", "KmsMasterKeyId": "alias/aws/sns"}))  # fmt: skip
    for name in ("shop-web", "shop-data"):
        arn = f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{fixed_uuid('stack', account, region, name)}"
        found.append(Resource(account, region, "AWS::CloudFormation::Stack", arn, name, arn, {"stackId": arn, "stackName": name, "stackStatus": "UPDATE_COMPLETE", "parameters": [{"parameterKey": "Version", "parameterValue": "1"}], "lastUpdatedTime": "2026-08-01T00:00:00.000Z", "capabilities": ["CAPABILITY_IAM"]}))  # fmt: skip
    if region == HOME_REGION and account in (PROD, SECURITY):
        name = e.OWN_TRAIL if account == PROD else e.ORGANISATION_TRAIL
        bucket = e.OWN_TRAIL_BUCKET if account == PROD else e.ORGANISATION_BUCKET
        arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
        found.append(Resource(
            account, region, "AWS::CloudTrail::Trail", name, name, arn,
            {"name": name, "s3BucketName": bucket, "includeGlobalServiceEvents": True, "isMultiRegionTrail": True, "homeRegion": region, "trailARN": arn, "logFileValidationEnabled": True, "hasCustomEventSelectors": account == SECURITY, "isOrganizationTrail": account == SECURITY},
            {"TrailStatus": {"isLogging": True}, "EventSelectors": [{"readWriteType": "All", "includeManagementEvents": True, "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}] if account == SECURITY else []}]},
            protected=True,
        ))  # fmt: skip
    return found


def _identities(account: str, made: int) -> list[Resource]:
    found = [iam_role(account, r, "ec2.amazonaws.com" if "function" not in r else "lambda.amazonaws.com", made) for r in ROLES]
    found.append(iam_role(account, "github-actions-deploy", "ecs-tasks.amazonaws.com", made))
    for name in POLICIES:
        arn = f"arn:aws:iam::{account}:policy/{name}"
        identifier = principal_id("ANPA", account, name)
        document = policy_document("s3:GetObject", resource="arn:aws:s3:::shop-*")
        found.append(Resource(account, HOME_REGION, "AWS::IAM::Policy", identifier, name, arn, {"policyName": name, "policyId": identifier, "arn": arn, "path": "/", "defaultVersionId": "v1", "attachmentCount": 1, "policyVersionList": [{"document": compact(document), "versionId": "v1", "isDefaultVersion": True}]}))  # fmt: skip
    if account == PROD:
        for name in USERS:
            user = iam_user(account, name, made, ("arn:aws:iam::aws:policy/PowerUserAccess",) if name == "deploy-bot" else ())
            user.protected = name == "deploy-bot"
            found.append(user)
    return found


def _buckets(estate: Estate, account: str, region: str) -> list[Resource]:
    owner = short(estate, account)
    names = [f"shop-{owner}-{part}-{account}" for part in ("assets", "mail", "static", "backup", "artifacts", "reports", "access-logs")]
    if account == PROD:
        names += [e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET, e.PROD_FLOW_BUCKET]
    found = []
    for name in names:
        found.append(Resource(
            account, region, "AWS::S3::Bucket", name, name, f"arn:aws:s3:::{name}",
            {"name": name, "creationDate": iso_ms(1735689600000), "owner": {"displayName": None, "id": digest("canonical", account) + digest(account)[:24]}, "region": region},
            {
                "AccessControlList": compact({"grantSet": None, "grantList": [{"grantee": {"id": digest("canonical", account) + digest(account)[:24], "displayName": None}, "permission": "FullControl"}], "isRequesterCharged": False}),
                "BucketLoggingConfiguration": {"destinationBucketName": None, "logFilePrefix": None},
                "BucketPolicy": {"policyText": None}, "BucketVersioningConfiguration": {"status": "Off", "isMfaDeleteEnabled": None},
                "PublicAccessBlockConfiguration": {"blockPublicAcls": True, "ignorePublicAcls": True, "blockPublicPolicy": True, "restrictPublicBuckets": True},
                "ServerSideEncryptionConfiguration": {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyID": e.kms_arn(account, region)}, "bucketKeyEnabled": True}]},
                "BucketTaggingConfiguration": None, "BucketLifecycleConfiguration": None,
            },
            zone="Regional", protected=name in (e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET),
        ))  # fmt: skip
    return found
