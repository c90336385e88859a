"""Writes that look as if they had made a change: unrecorded, refused; and changes that no call made."""
# ruff: noqa: ARG001 - every act has the same parameters

from __future__ import annotations

from random import Random
from typing import Final

from ashiato.demo.change_calls import Effect, answered, bucket_call, setting
from ashiato.demo.events import Call
from ashiato.demo.ids import ec2_id, fixed_uuid, iso_ms
from ashiato.demo.resources import Resource

DENIED: Final = {
    "ec2.amazonaws.com": "Client.UnauthorizedOperation",
    "iam.amazonaws.com": "AccessDenied",
    "s3.amazonaws.com": "AccessDenied",
}


def unrecorded(rng: Random, r: Resource) -> Call:
    """A write that names the resource and leaves its recorded state alone."""
    kind = r.type
    if kind == "AWS::EC2::SecurityGroup":
        request = {"groupId": r.id, "ipPermissions": {"items": []}, "securityGroupRuleDescription": {}}
        return Call(
            "ec2.amazonaws.com", "UpdateSecurityGroupRuleDescriptionsIngress", request, answered(request)
        )
    if kind == "AWS::EC2::Instance":
        request = {"instancesSet": {"items": [{"instanceId": r.id}]}}
        if rng.random() < 0.5:
            return Call("ec2.amazonaws.com", "RebootInstances", request, answered(request))
        return Call(
            "ssm.amazonaws.com",
            "SendCommand",
            {
                "documentName": "AWS-RunPatchBaseline",
                "instanceIds": [r.id],
                "parameters": "HIDDEN_DUE_TO_SECURITY_REASONS",
            },
            {"command": {"commandId": fixed_uuid(r.id, str(rng.random()))}},
            read_only=False,
        )
    if kind == "AWS::EC2::Volume":
        return Call(
            "ec2.amazonaws.com",
            "CreateSnapshot",
            {"volumeId": r.id, "description": "nightly"},
            {
                "snapshotId": ec2_id("snap", r.id, str(rng.random())),
                "volumeId": r.id,
                "status": "pending",
                "encrypted": True,
            },
        )
    if kind in ("AWS::EC2::NetworkInterface", "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::EC2::RouteTable"):
        same = r.tags or {"Team": "shop"}
        request = {
            "resourcesSet": {"items": [{"resourceId": r.id}]},
            "tagSet": {"items": [{"key": k, "value": v} for k, v in same.items()]},
        }
        r_tags_known = bool(r.tags)
        return Call(
            "ec2.amazonaws.com", "CreateTags" if r_tags_known else "DeleteTags", request, answered(request)
        )
    if kind == "AWS::IAM::User":
        return Call(
            "iam.amazonaws.com",
            rng.choice(("UpdateAccessKey", "TagUser", "UpdateUser")),
            {"userName": r.name},
        )
    if kind == "AWS::IAM::Role":
        return Call(
            "iam.amazonaws.com",
            rng.choice(("UpdateRole", "PutRolePermissionsBoundary", "UntagRole")),
            {"roleName": r.name},
        )
    if kind == "AWS::IAM::Policy":
        return Call(
            "iam.amazonaws.com", rng.choice(("TagPolicy", "DeletePolicyVersion")), {"policyArn": r.arn}
        )
    if kind == "AWS::S3::Bucket":
        name, part = rng.choice(
            (
                ("PutBucketMetricsConfiguration", "metrics"),
                ("PutBucketAnalyticsConfiguration", "analytics"),
                ("PutBucketRequestPayment", "requestPayment"),
            )
        )
        return bucket_call(r, name, part)
    if kind == "AWS::Lambda::Function":
        name = rng.choice(
            ("PublishVersion20150331", "PutFunctionConcurrency20171031", "PutFunctionEventInvokeConfig")
        )
        return Call("lambda.amazonaws.com", name, {"functionName": r.name}, {"functionArn": r.arn})
    if kind == "AWS::RDS::DBInstance":
        return Call(
            "rds.amazonaws.com",
            rng.choice(("CreateDBSnapshot", "RebootDBInstance")),
            {"dBInstanceIdentifier": r.name},
            {"dBInstanceIdentifier": r.name},
        )
    if kind == "AWS::KMS::Key":
        return Call(
            "kms.amazonaws.com",
            rng.choice(("CreateGrant", "UpdateAlias", "RevokeGrant")),
            {"keyId": r.id},
            None,
            resources=(("AWS::KMS::Key", r.arn),),
        )
    if kind == "AWS::DynamoDB::Table":
        return Call(
            "dynamodb.amazonaws.com",
            rng.choice(("CreateBackup", "UpdateTimeToLive", "UpdateContributorInsights")),
            {"tableName": r.name},
            None,
            resources=(("AWS::DynamoDB::Table", r.arn),),
        )
    if kind == "AWS::CloudWatch::Alarm":
        return Call(
            "monitoring.amazonaws.com",
            rng.choice(("SetAlarmState", "TagResource")),
            {"alarmName": r.name, "resourceARN": r.arn},
        )
    if kind == "AWS::CloudFormation::Stack":
        return Call(
            "cloudformation.amazonaws.com",
            rng.choice(("CreateChangeSet", "DetectStackDrift", "DeleteChangeSet")),
            {"stackName": r.name, "changeSetName": "review"},
            {"stackId": r.arn},
            read_only=False,
        )
    if kind == "AWS::SNS::Topic":
        return Call(
            "sns.amazonaws.com",
            "Subscribe",
            {"topicArn": r.arn, "protocol": "email"},
            {"subscriptionArn": "pending confirmation"},
        )
    if kind == "AWS::SecretsManager::Secret":
        return Call(
            "secretsmanager.amazonaws.com",
            rng.choice(("PutSecretValue", "UpdateSecretVersionStage")),
            {"secretId": r.arn},
            {"arn": r.arn, "name": r.name},
        )
    return Call(
        "elasticloadbalancing.amazonaws.com",
        "SetIpAddressType",
        {"loadBalancerArn": r.arn, "ipAddressType": "dualstack"},
    )


def service_side(rng: Random, r: Resource) -> Effect | None:
    """A change that the service makes by itself, which no trail records; None where the type has none."""
    if r.type == "AWS::RDS::DBInstance":
        major, minor = r.configuration["engineVersion"].split(".")
        return setting("engineVersion", f"{major}.{int(minor) + 1}")
    if r.type == "AWS::Lambda::Function":
        return lambda res, second: res.configuration.update(
            runtimeVersionConfig={
                "runtimeVersionArn": f"arn:aws:lambda:::runtime:{fixed_uuid(res.arn, str(second))}"
            }
        )
    if r.type == "AWS::SecretsManager::Secret":
        return lambda res, second: res.configuration.update(LastRotatedDate=iso_ms(second * 1000))
    if r.type == "AWS::IAM::Role":
        return lambda res, second: res.configuration.update(
            roleLastUsed={"lastUsedDate": iso_ms(second * 1000), "region": "us-east-1"}
        )
    if r.type == "AWS::EC2::Instance":
        return lambda res, second: res.configuration.update(
            maintenanceOptions={"autoRecovery": "default", "lastRecovered": iso_ms(second * 1000)}
        )
    if r.type == "AWS::KMS::Key":
        return lambda res, second: res.configuration.update(
            currentKeyMaterialId=fixed_uuid(res.arn, str(second))
        )
    return None


def refused(call: Call) -> Call:
    """The same call, denied."""
    error = DENIED.get(call.source, "AccessDeniedException")
    return Call(
        call.source,
        call.name,
        call.request,
        None,
        error,
        f"User is not authorized to perform: {call.source.partition('.')[0]}:{call.name}",
        category=call.category,
    )
