"""Which calls change which resources, what they change, and which calls only look as if they did.

A kind's `act` returns the call and the effect on the recorded state; `unrecorded` calls name the
resource, write, and leave the recorded state as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from ashiato.demo.events import Call
from ashiato.demo.ids import compact, ec2_id, fixed_uuid, iso_ms
from ashiato.demo.resources import Resource, attached, permission

Effect = Callable[[Resource, int], None]  # resource, second of the call
Act = Callable[[Random, Resource], tuple[Call, Effect]]
TEAMS: Final = ("shop", "payments", "data", "platform", "mobile")
PERMISSIONS: Final = (
    "AmazonS3ReadOnlyAccess", "CloudWatchReadOnlyAccess", "AmazonSQSFullAccess", "AmazonSNSFullAccess", "AWSXRayDaemonWriteAccess",
    "AmazonDynamoDBReadOnlyAccess",
)  # fmt: skip
DENIED: Final = {"ec2.amazonaws.com": "Client.UnauthorizedOperation", "iam.amazonaws.com": "AccessDenied",
                 "s3.amazonaws.com": "AccessDenied"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to change resources of one type, and its share among the type's changes."""

    weight: float
    act: Act


def _set(path: str, value: Any) -> Effect:
    def effect(resource: Resource, _: int) -> None:
        target: Any = resource.configuration
        *steps, last = path.split(".")
        for step in steps:
            target = target[step]
        target[last] = value

    return effect


def _ok(request: Any) -> Any:
    return {"requestId": fixed_uuid(compact(request)), "_return": True}


def tag_ec2(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreateTags with a value that differs from the present one."""
    key = rng.choice(("Team", "CostCenter", "Schedule", "Version"))
    value = rng.choice([t for t in (*TEAMS, *(str(rng.randrange(1000)) for _ in range(3))) if t != r.tags.get(key)])
    request = {"resourcesSet": {"items": [{"resourceId": r.id}]}, "tagSet": {"items": [{"key": key, "value": value}]}}

    def effect(resource: Resource, _: int) -> None:
        resource.tags[key] = value
        field = "tagSet" if "tagSet" in resource.configuration else "tags"
        resource.configuration[field] = [{"key": k, "value": v} for k, v in resource.tags.items()]

    return Call("ec2.amazonaws.com", "CreateTags", request, _ok(request)), effect


def ingress_request(group: str, port: int, cidr: str) -> dict[str, Any]:
    """The request of Authorize- and RevokeSecurityGroupIngress for one rule."""
    item = {"ipProtocol": "tcp", "fromPort": port, "toPort": port, "groups": {}, "ipRanges": {"items": [{"cidrIp": cidr}]}, "ipv6Ranges": {}, "prefixListIds": {}}
    return {"groupId": group, "ipPermissions": {"items": [item]}}


def authorize(group: str, account: str, port: int, cidr: str) -> Call:
    """AuthorizeSecurityGroupIngress with its answer."""
    request = ingress_request(group, port, cidr)
    rule = {"groupOwnerId": account, "groupId": group, "securityGroupRuleId": ec2_id("sgr", group, str(port), cidr), "isEgress": False, "ipProtocol": "tcp", "fromPort": port, "toPort": port, "cidrIpv4": cidr}
    return Call("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", request, {**_ok(request), "securityGroupRuleSet": {"items": [rule]}})


def revoke(group: str, port: int, cidr: str) -> Call:
    """RevokeSecurityGroupIngress."""
    request = ingress_request(group, port, cidr)
    return Call("ec2.amazonaws.com", "RevokeSecurityGroupIngress", request, {**_ok(request), "unknownIpPermissionSet": {}})


def add_rule(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """Opens a port to an inner network, or takes such a rule back once there are many."""
    rules = r.configuration["ipPermissions"]
    inner = [p for p in rules if p.get("fromPort", 0) >= 9000]
    if len(inner) > 4 or (inner and rng.random() < 0.35):
        gone = rng.choice(inner)
        call = revoke(r.id, gone["fromPort"], gone["ipRanges"][0])
        return call, lambda res, _: res.configuration["ipPermissions"].remove(gone)
    port, cidr = rng.randrange(9000, 9999), f"10.{rng.randrange(6)}.{rng.randrange(1, 3)}.0/24"
    call = authorize(r.id, r.account, port, cidr)
    return call, lambda res, _: res.configuration["ipPermissions"].append(permission(port, cidr))


def retype(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyInstanceAttribute of a recorded attribute."""
    wanted = not r.configuration.get("ebsOptimized", True)
    request = {"instanceId": r.id, "ebsOptimized": {"value": wanted}}
    return Call("ec2.amazonaws.com", "ModifyInstanceAttribute", request, _ok(request)), _set("ebsOptimized", wanted)


def monitoring(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """MonitorInstances or UnmonitorInstances, whichever changes the state."""
    on = r.configuration["monitoring"]["state"] == "disabled"
    request = {"instancesSet": {"items": [{"instanceId": r.id}]}}
    call = Call("ec2.amazonaws.com", "MonitorInstances" if on else "UnmonitorInstances", request, _ok(request))
    return call, _set("monitoring", {"state": "enabled" if on else "disabled"})


def grow_volume(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyVolume to a larger size."""
    size = r.configuration["size"] + rng.randrange(5, 40)
    request = {"ModifyVolumeRequest": {"VolumeId": r.id, "Size": size}}
    return Call("ec2.amazonaws.com", "ModifyVolume", request, {"ModifyVolumeResponse": {"volumeModification": {"volumeId": r.id, "targetSize": size, "modificationState": "modifying"}}}), _set("size", size)


def subnet_public(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifySubnetAttribute of mapPublicIpOnLaunch."""
    value = not r.configuration["mapPublicIpOnLaunch"]
    request = {"subnetId": r.id, "mapPublicIpOnLaunch": {"value": value}}
    return Call("ec2.amazonaws.com", "ModifySubnetAttribute", request, _ok(request)), _set("mapPublicIpOnLaunch", value)


def route(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreateRoute to a network not yet routed, or DeleteRoute of one of these."""
    routes = r.configuration["routes"]
    extra = [x for x in routes if x["destinationCidrBlock"].startswith("172.")]
    if extra and (len(extra) > 5 or rng.random() < 0.4):
        gone = rng.choice(extra)
        request = {"routeTableId": r.id, "destinationCidrBlock": gone["destinationCidrBlock"]}
        return Call("ec2.amazonaws.com", "DeleteRoute", request, _ok(request)), lambda res, _: res.configuration["routes"].remove(gone)
    cidr = f"172.{rng.randrange(16, 31)}.{rng.randrange(200)}.0/24"
    target = ec2_id("tgw", r.account)
    request = {"routeTableId": r.id, "destinationCidrBlock": cidr, "transitGatewayId": target}
    added = {"destinationCidrBlock": cidr, "transitGatewayId": target, "state": "active"}
    return Call("ec2.amazonaws.com", "CreateRoute", request, _ok(request)), lambda res, _: res.configuration["routes"].append(added)


def role_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """AttachRolePolicy, or DetachRolePolicy of one attached before (the same for users)."""
    user = r.type == "AWS::IAM::User"
    who, field = ("User", "userName") if user else ("Role", "roleName")
    held = r.configuration["attachedManagedPolicies"]
    have = {p["policyName"] for p in held}
    free = [p for p in PERMISSIONS if p not in have]
    own = [p for p in held if p["policyName"] in PERMISSIONS]
    if not free or (own and rng.random() < 0.4):
        gone = rng.choice(own)
        request = {field: r.name, "policyArn": gone["policyArn"]}
        return Call("iam.amazonaws.com", f"Detach{who}Policy", request), lambda res, _: res.configuration["attachedManagedPolicies"].remove(gone)
    arn = f"arn:aws:iam::aws:policy/{rng.choice(free)}"
    request = {field: r.name, "policyArn": arn}
    return Call("iam.amazonaws.com", f"Attach{who}Policy", request), lambda res, _: res.configuration["attachedManagedPolicies"].append(attached(arn))


def inline_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutRolePolicy with a document that differs."""
    document = compact({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": f"arn:aws:sqs:*:{r.account}:shop-{rng.randrange(100000)}"}]})
    request = {"roleName": r.name, "policyName": "queues", "policyDocument": document}
    return Call("iam.amazonaws.com", "PutRolePolicy", request), _set("rolePolicyList", [{"policyName": "queues", "policyDocument": document}])


def policy_version(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreatePolicyVersion that becomes the default."""
    number = int(r.configuration["defaultVersionId"][1:]) + 1
    document = compact({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::shop-{rng.randrange(100000)}/*"}]})
    request = {"policyArn": r.arn, "policyDocument": document, "setAsDefault": True}
    answer = {"policyVersion": {"versionId": f"v{number}", "isDefaultVersion": True}}

    def effect(resource: Resource, _: int) -> None:
        resource.configuration["defaultVersionId"] = f"v{number}"
        resource.configuration["policyVersionList"] = [{"document": document, "versionId": f"v{number}", "isDefaultVersion": True}]

    return Call("iam.amazonaws.com", "CreatePolicyVersion", request, answer), effect


def _bucket_call(r: Resource, name: str, part: str, **request: Any) -> Call:
    host = f"{r.name}.s3.{r.region}.amazonaws.com"
    return Call("s3.amazonaws.com", name, {"bucketName": r.name, "Host": host, part: "", **request}, host=host,
                additional={"SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader", "bytesTransferredIn": 320, "bytesTransferredOut": 0},
                resources=(("AWS::S3::Bucket", r.arn),))  # fmt: skip


def bucket_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketPolicy with another statement id."""
    document = {"Version": "2012-10-17", "Statement": [{"Sid": f"Readers{rng.randrange(100000)}", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{r.account}:role/shop-app-role"}, "Action": "s3:GetObject", "Resource": f"{r.arn}/*"}]}
    call = _bucket_call(r, "PutBucketPolicy", "policy", bucketPolicy=document)
    return call, lambda res, _: res.supplementary.update(BucketPolicy={"policyText": compact(document)})


def bucket_versioning(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketVersioning to the other state."""
    on = r.supplementary["BucketVersioningConfiguration"]["status"] != "Enabled"
    status = "Enabled" if on else "Suspended"
    call = _bucket_call(r, "PutBucketVersioning", "versioning", VersioningConfiguration={"Status": status, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"})
    return call, lambda res, _: res.supplementary.update(BucketVersioningConfiguration={"status": status, "isMfaDeleteEnabled": None})


def bucket_tags(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketTagging with other values."""
    tags = {"Team": rng.choice(TEAMS), "Review": str(rng.randrange(100000))}
    call = _bucket_call(r, "PutBucketTagging", "tagging", Tagging={"TagSet": {"Tag": [{"Key": k, "Value": v} for k, v in tags.items()]}})

    def effect(resource: Resource, _: int) -> None:
        resource.tags = dict(tags)
        resource.supplementary["BucketTaggingConfiguration"] = {"tagSets": [{"tags": tags}]}

    return call, effect


def bucket_lifecycle(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketLifecycle with other days."""
    days = rng.randrange(10, 3000)
    call = _bucket_call(r, "PutBucketLifecycle", "lifecycle", LifecycleConfiguration={"Rule": {"ID": "tidy", "Status": "Enabled", "Expiration": {"Days": days}, "Filter": {"Prefix": "tmp/"}}})
    return call, lambda res, _: res.supplementary.update(BucketLifecycleConfiguration={"rules": [{"id": "tidy", "status": "Enabled", "expirationInDays": days, "filter": {"predicate": {"type": "LifecyclePrefixPredicate", "prefix": "tmp/"}}}]})


def function_memory(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateFunctionConfiguration of memory and time limit."""
    memory = rng.choice([m for m in range(128, 3072, 64) if m != r.configuration["memorySize"]])
    timeout = rng.randrange(10, 120)
    revision = fixed_uuid(r.arn, str(rng.random()))
    request = {"functionName": r.name, "memorySize": memory, "timeout": timeout}

    def effect(resource: Resource, second: int) -> None:
        resource.configuration.update(memorySize=memory, timeout=timeout, revisionId=revision, lastModified=iso_ms(second * 1000)[:-1] + "+0000")

    return Call("lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", request, {"functionName": r.name, "functionArn": r.arn, "memorySize": memory, "timeout": timeout, "revisionId": revision}), effect


def function_code(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateFunctionCode to another build."""
    code = fixed_uuid("code", r.arn, str(rng.random()))
    request = {"functionName": r.arn if rng.random() < 0.5 else r.name, "s3Bucket": f"shop-artifacts-{r.account}", "s3Key": f"{r.name}/{code}.zip", "publish": False, "dryRun": False}

    def effect(resource: Resource, second: int) -> None:
        resource.configuration.update(codeSha256=code, codeSize=60000 + rng.randrange(90000), lastModified=iso_ms(second * 1000)[:-1] + "+0000")

    return Call("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", request, {"functionName": r.name, "functionArn": r.arn, "codeSha256": code}), effect


def database(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyDBInstance of retention or storage."""
    days = rng.choice([d for d in range(3, 36) if d != r.configuration["backupRetentionPeriod"]])
    request = {"dBInstanceIdentifier": r.name, "backupRetentionPeriod": days, "applyImmediately": True, "allowMajorVersionUpgrade": False}
    return Call("rds.amazonaws.com", "ModifyDBInstance", request, {"dBInstanceIdentifier": r.name, "dBInstanceArn": r.arn, "pendingModifiedValues": {"backupRetentionPeriod": days}}), _set("backupRetentionPeriod", days)


def key_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutKeyPolicy with another statement, or rotation switched."""
    resources = (("AWS::KMS::Key", r.arn),)
    if rng.random() < 0.4:
        on = not r.supplementary["KeyRotationStatus"]
        name = "EnableKeyRotation" if on else "DisableKeyRotation"
        return Call("kms.amazonaws.com", name, {"keyId": r.id}, None, resources=resources), lambda res, _: res.supplementary.update(KeyRotationStatus=on)
    policy = compact({"Version": "2012-10-17", "Statement": [{"Sid": f"Users{rng.randrange(100000)}", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{r.account}:role/shop-app-role"}, "Action": "kms:Decrypt", "Resource": "*"}]})
    return Call("kms.amazonaws.com", "PutKeyPolicy", {"keyId": r.id, "policyName": "default", "policy": policy, "bypassPolicyLockoutSafetyCheck": False}, None, resources=resources), lambda res, _: res.supplementary.update(Policy=policy)


def table(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateTable of the provisioned throughput."""
    units = {"readCapacityUnits": rng.randrange(20, 4000), "writeCapacityUnits": rng.randrange(10, 900)}
    return Call("dynamodb.amazonaws.com", "UpdateTable", {"tableName": r.name, "provisionedThroughput": units}, {"tableDescription": {"tableName": r.name, "tableStatus": "UPDATING"}}, resources=(("AWS::DynamoDB::Table", r.arn),)), _set("provisionedThroughput", units)


def alarm(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutMetricAlarm with another threshold."""
    threshold = float(rng.randrange(10, 99)) + rng.randrange(10) / 10
    request = {"alarmName": r.name, "threshold": threshold, "period": 60, "evaluationPeriods": 5, "comparisonOperator": "GreaterThanThreshold"}
    return Call("monitoring.amazonaws.com", "PutMetricAlarm", request), _set("threshold", threshold)


def stack(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateStack with another version parameter."""
    version = str(int(r.configuration["parameters"][0]["parameterValue"]) + 1)

    def effect(resource: Resource, second: int) -> None:
        resource.configuration["parameters"] = [{"parameterKey": "Version", "parameterValue": version}]
        resource.configuration["lastUpdatedTime"] = iso_ms(second * 1000)

    return Call("cloudformation.amazonaws.com", "UpdateStack", {"stackName": r.name, "parameters": [{"parameterKey": "Version", "parameterValue": version}], "usePreviousTemplate": True}, {"stackId": r.arn}), effect


def topic(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """SetTopicAttributes of the display name."""
    name = f"alerts {rng.randrange(100000)}"
    return Call("sns.amazonaws.com", "SetTopicAttributes", {"topicArn": r.arn, "attributeName": "DisplayName", "attributeValue": name}), _set("DisplayName", name)


def secret(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateSecret of the description."""
    text = f"secret {r.name}, reviewed {rng.randrange(100000)}"
    return Call("secretsmanager.amazonaws.com", "UpdateSecret", {"secretId": r.arn if rng.random() < 0.5 else r.name, "description": text}, {"arn": r.arn, "name": r.name}), _set("Description", text)


def balancer(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """ModifyLoadBalancerAttributes of the idle time."""
    value = str(rng.randrange(20, 4000))
    attributes = [{"key": "idle_timeout.timeout_seconds", "value": value}]
    return Call("elasticloadbalancing.amazonaws.com", "ModifyLoadBalancerAttributes", {"loadBalancerArn": r.arn, "attributes": attributes}, {"attributes": attributes}), lambda res, _: res.supplementary.update(LoadBalancerAttributes=[*attributes, {"key": "deletion_protection.enabled", "value": "true"}])


KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "AWS::EC2::SecurityGroup": (Kind(5, add_rule), Kind(1, tag_ec2)),
    "AWS::EC2::Instance": (Kind(2, tag_ec2), Kind(1, retype), Kind(2, monitoring)),
    "AWS::EC2::NetworkInterface": (Kind(1, tag_ec2),),
    "AWS::EC2::Volume": (Kind(2, grow_volume), Kind(1, tag_ec2)),
    "AWS::EC2::Subnet": (Kind(1, subnet_public), Kind(1, tag_ec2)),
    "AWS::EC2::VPC": (Kind(1, tag_ec2),),
    "AWS::EC2::RouteTable": (Kind(3, route),),
    "AWS::IAM::Role": (Kind(2, role_policy), Kind(1, inline_policy)),
    "AWS::IAM::User": (Kind(1, role_policy),),
    "AWS::IAM::Policy": (Kind(1, policy_version),),
    "AWS::S3::Bucket": (Kind(2, bucket_policy), Kind(1, bucket_versioning), Kind(2, bucket_tags), Kind(1, bucket_lifecycle)),
    "AWS::Lambda::Function": (Kind(2, function_memory), Kind(4, function_code)),
    "AWS::RDS::DBInstance": (Kind(1, database),),
    "AWS::KMS::Key": (Kind(1, key_policy),),
    "AWS::DynamoDB::Table": (Kind(1, table),),
    "AWS::CloudWatch::Alarm": (Kind(1, alarm),),
    "AWS::CloudFormation::Stack": (Kind(1, stack),),
    "AWS::SNS::Topic": (Kind(1, topic),),
    "AWS::SecretsManager::Secret": (Kind(1, secret),),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (Kind(1, balancer),),
}
# How often a resource of the type changes, against the others.
ACTIVITY: Final[dict[str, float]] = {
    "AWS::EC2::SecurityGroup": 4, "AWS::EC2::Instance": 2, "AWS::EC2::NetworkInterface": 0.4, "AWS::EC2::Volume": 1, "AWS::EC2::Subnet": 0.5,
    "AWS::EC2::VPC": 0.5, "AWS::EC2::RouteTable": 2, "AWS::IAM::Role": 2.5, "AWS::IAM::User": 1, "AWS::IAM::Policy": 2, "AWS::S3::Bucket": 2.5,
    "AWS::Lambda::Function": 5, "AWS::RDS::DBInstance": 2, "AWS::KMS::Key": 2, "AWS::DynamoDB::Table": 2, "AWS::CloudWatch::Alarm": 1,
    "AWS::CloudFormation::Stack": 5, "AWS::SNS::Topic": 1, "AWS::SecretsManager::Secret": 1, "AWS::ElasticLoadBalancingV2::LoadBalancer": 1,
}  # fmt: skip


def unrecorded(rng: Random, r: Resource) -> Call:
    """A write that names the resource and leaves its recorded state alone."""
    kind = r.type
    if kind == "AWS::EC2::SecurityGroup":
        request = {"groupId": r.id, "ipPermissions": {"items": []}, "securityGroupRuleDescription": {}}
        return Call("ec2.amazonaws.com", "UpdateSecurityGroupRuleDescriptionsIngress", request, _ok(request))
    if kind == "AWS::EC2::Instance":
        request = {"instancesSet": {"items": [{"instanceId": r.id}]}}
        if rng.random() < 0.5:
            return Call("ec2.amazonaws.com", "RebootInstances", request, _ok(request))
        return Call("ssm.amazonaws.com", "SendCommand", {"documentName": "AWS-RunPatchBaseline", "instanceIds": [r.id], "parameters": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"command": {"commandId": fixed_uuid(r.id, str(rng.random()))}}, read_only=False)
    if kind == "AWS::EC2::Volume":
        return Call("ec2.amazonaws.com", "CreateSnapshot", {"volumeId": r.id, "description": "nightly"}, {"snapshotId": ec2_id("snap", r.id, str(rng.random())), "volumeId": r.id, "status": "pending", "encrypted": True})
    if kind in ("AWS::EC2::NetworkInterface", "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::EC2::RouteTable"):
        same = r.tags or {"Team": "shop"}
        request = {"resourcesSet": {"items": [{"resourceId": r.id}]}, "tagSet": {"items": [{"key": k, "value": v} for k, v in same.items()]}}
        r_tags_known = bool(r.tags)
        return Call("ec2.amazonaws.com", "CreateTags" if r_tags_known else "DeleteTags", request, _ok(request))
    if kind == "AWS::IAM::User":
        return Call("iam.amazonaws.com", rng.choice(("UpdateAccessKey", "TagUser", "UpdateUser")), {"userName": r.name})
    if kind == "AWS::IAM::Role":
        return Call("iam.amazonaws.com", rng.choice(("UpdateRole", "PutRolePermissionsBoundary", "UntagRole")), {"roleName": r.name})
    if kind == "AWS::IAM::Policy":
        return Call("iam.amazonaws.com", rng.choice(("TagPolicy", "DeletePolicyVersion")), {"policyArn": r.arn})
    if kind == "AWS::S3::Bucket":
        name, part = rng.choice((("PutBucketMetricsConfiguration", "metrics"), ("PutBucketAnalyticsConfiguration", "analytics"), ("PutBucketRequestPayment", "requestPayment")))
        return _bucket_call(r, name, part)
    if kind == "AWS::Lambda::Function":
        name = rng.choice(("PublishVersion20150331", "PutFunctionConcurrency20171031", "PutFunctionEventInvokeConfig"))
        return Call("lambda.amazonaws.com", name, {"functionName": r.name}, {"functionArn": r.arn})
    if kind == "AWS::RDS::DBInstance":
        return Call("rds.amazonaws.com", rng.choice(("CreateDBSnapshot", "RebootDBInstance")), {"dBInstanceIdentifier": r.name}, {"dBInstanceIdentifier": r.name})
    if kind == "AWS::KMS::Key":
        return Call("kms.amazonaws.com", rng.choice(("CreateGrant", "UpdateAlias", "RevokeGrant")), {"keyId": r.id}, None, resources=(("AWS::KMS::Key", r.arn),))
    if kind == "AWS::DynamoDB::Table":
        return Call("dynamodb.amazonaws.com", rng.choice(("CreateBackup", "UpdateTimeToLive", "UpdateContributorInsights")), {"tableName": r.name}, None, resources=(("AWS::DynamoDB::Table", r.arn),))
    if kind == "AWS::CloudWatch::Alarm":
        return Call("monitoring.amazonaws.com", rng.choice(("SetAlarmState", "TagResource")), {"alarmName": r.name, "resourceARN": r.arn})
    if kind == "AWS::CloudFormation::Stack":
        return Call("cloudformation.amazonaws.com", rng.choice(("CreateChangeSet", "DetectStackDrift", "DeleteChangeSet")), {"stackName": r.name, "changeSetName": "review"}, {"stackId": r.arn}, read_only=False)
    if kind == "AWS::SNS::Topic":
        return Call("sns.amazonaws.com", "Subscribe", {"topicArn": r.arn, "protocol": "email"}, {"subscriptionArn": "pending confirmation"})
    if kind == "AWS::SecretsManager::Secret":
        return Call("secretsmanager.amazonaws.com", rng.choice(("PutSecretValue", "UpdateSecretVersionStage")), {"secretId": r.arn}, {"arn": r.arn, "name": r.name})
    return Call("elasticloadbalancing.amazonaws.com", "SetIpAddressType", {"loadBalancerArn": r.arn, "ipAddressType": "dualstack"})


def service_side(rng: Random, r: Resource) -> Effect | None:
    """A change that the service makes by itself, which no trail records; None where the type has none."""
    if r.type == "AWS::RDS::DBInstance":
        major, minor = r.configuration["engineVersion"].split(".")
        return _set("engineVersion", f"{major}.{int(minor) + 1}")
    if r.type == "AWS::Lambda::Function":
        return lambda res, second: res.configuration.update(runtimeVersionConfig={"runtimeVersionArn": f"arn:aws:lambda:{res.region}::runtime:{fixed_uuid(res.arn, str(second))}"})
    if r.type == "AWS::SecretsManager::Secret":
        return lambda res, second: res.configuration.update(LastRotatedDate=iso_ms(second * 1000))
    if r.type == "AWS::IAM::Role":
        return lambda res, second: res.configuration.update(roleLastUsed={"lastUsedDate": iso_ms(second * 1000), "region": "us-east-1"})
    if r.type == "AWS::EC2::Instance":
        return lambda res, second: res.configuration.update(maintenanceOptions={"autoRecovery": "default", "lastRecovered": iso_ms(second * 1000)})
    if r.type == "AWS::KMS::Key":
        return lambda res, second: res.configuration.update(currentKeyMaterialId=fixed_uuid(res.arn, str(second)))
    return None


def refused(call: Call) -> Call:
    """The same call, denied."""
    error = DENIED.get(call.source, "AccessDeniedException")
    return Call(call.source, call.name, call.request, None, error, f"User is not authorized to perform: {call.source.partition('.')[0]}:{call.name}", category=call.category)
