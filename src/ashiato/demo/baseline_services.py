"""Functions, data, alarms, stacks, identities and buckets as AWS Config had recorded them."""

from __future__ import annotations

from ashiato.demo import estate as e
from ashiato.demo.estate import DEV, HOME_REGION, PROD, SECURITY, Estate
from ashiato.demo.ids import compact, digest, fixed_uuid, iso_ms, principal_id
from ashiato.demo.resources import (
    Resource,
    iam_role,
    iam_user,
    policy_document,
    short,
)

FUNCTIONS = ("shop-orders", "shop-mail", "shop-thumbnails", "shop-reports")


ROLES = (
    "shop-web-role",
    "shop-app-role",
    "shop-batch-role",
    "shop-legacy-role",
    "shop-orders-function",
    "shop-mail-function",
    "shop-task-role",
    "rds-monitoring-role",
)


POLICIES = ("ShopAssetsRead", "ShopOrdersWrite", "DeveloperBoundary")


USERS = ("deploy-bot", "carol", "backup-agent")


def functions(account: str, region: str) -> list[Resource]:
    found = []
    for n, name in enumerate(FUNCTIONS):
        arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        found.append(
            Resource(
                account,
                region,
                "AWS::Lambda::Function",
                name,
                name,
                arn,
                {
                    "functionName": name,
                    "functionArn": arn,
                    "runtime": "python3.13",
                    "role": f"arn:aws:iam::{account}:role/{name}-function",
                    "handler": "app.handler",
                    "codeSize": 81234 + n,
                    "description": f"{name} of the shop",
                    "timeout": 30,
                    "memorySize": 256 * (n + 1),
                    "lastModified": "2026-03-01T02:00:00.000+0000",
                    "codeSha256": digest("code", name),
                    "version": "$LATEST",
                    "tracingConfig": {"mode": "PassThrough"},
                    "revisionId": fixed_uuid("revision", arn),
                    "packageType": "Zip",
                    "lastUpdateStatus": "Successful",
                    "environment": None,
                },
                {"Policy": None, "Tags": {}},
                relationships=[
                    (
                        "AWS::IAM::Role",
                        principal_id("AROA", account, f"{name}-function"),
                        "Is associated with",
                    )
                ],
            )
        )
    return found


def data_stores(estate: Estate, account: str, region: str) -> list[Resource]:
    key = e.kms_key(account, region)
    found = [
        Resource(
            account,
            region,
            "AWS::KMS::Key",
            key,
            key,
            e.kms_arn(account, region),
            {
                "keyId": key,
                "arn": e.kms_arn(account, region),
                "aWSAccountId": account,
                "enabled": True,
                "keyState": "Enabled",
                "keyManager": "CUSTOMER",
                "keyUsage": "ENCRYPT_DECRYPT",
                "description": "data of the shop",
                "origin": "AWS_KMS",
                "multiRegion": False,
            },
            {
                "KeyRotationStatus": False,
                "Policy": compact(
                    {
                        "Version": "2012-10-17",
                        "Id": "key-default-1",
                        "Statement": [
                            {
                                "Sid": "Enable IAM User Permissions",
                                "Effect": "Allow",
                                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                                "Action": "kms:*",
                                "Resource": "*",
                            }
                        ],
                    }
                ),
                "Tags": [],
            },
        )
    ]
    for name in ("shop-carts", "shop-orders"):
        arn = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
        found.append(
            Resource(
                account,
                region,
                "AWS::DynamoDB::Table",
                name,
                name,
                arn,
                {
                    "tableName": name,
                    "tableArn": arn,
                    "tableStatus": "ACTIVE",
                    "provisionedThroughput": {"readCapacityUnits": 50, "writeCapacityUnits": 20},
                    "sSEDescription": {"status": "ENABLED"},
                    "deletionProtectionEnabled": False,
                },
                {"ContinuousBackups": {"pointInTimeRecoveryStatus": "DISABLED"}},
            )
        )
    for name in ("shop/db", "shop/payment"):
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf"
        found.append(
            Resource(
                account,
                region,
                "AWS::SecretsManager::Secret",
                arn,
                name,
                arn,
                {
                    "Id": arn,
                    "Name": name,
                    "Description": f"secret {name}",
                    "RotationEnabled": True,
                    "LastRotatedDate": "2026-09-01T00:00:00.000Z",
                },
            )
        )
    if account in (PROD, DEV):
        net = estate.networks[account, region]
        name = f"shop-{short(estate, account)}-db"
        resource_id = f"db-{digest('rds', account, region)[:26].upper()}"
        arn = f"arn:aws:rds:{region}:{account}:db:{name}"
        found.append(
            Resource(
                account,
                region,
                "AWS::RDS::DBInstance",
                resource_id,
                name,
                arn,
                {
                    "dBInstanceIdentifier": name,
                    "dBInstanceClass": "db.r7g.large",
                    "engine": "postgres",
                    "engineVersion": "16.8",
                    "dBInstanceStatus": "available",
                    "masterUsername": "shop",
                    "dBName": "shop",
                    "endpoint": {"address": f"{name}.cabcdefghijk.{region}.rds.amazonaws.com", "port": 5432},
                    "allocatedStorage": 200,
                    "backupRetentionPeriod": 7,
                    "multiAZ": account == PROD,
                    "publiclyAccessible": False,
                    "storageEncrypted": True,
                    "storageType": "gp3",
                    "dbiResourceId": resource_id,
                    "dBInstanceArn": arn,
                    "deletionProtection": True,
                    "autoMinorVersionUpgrade": True,
                    "vpcSecurityGroups": [{"vpcSecurityGroupId": net.groups["db-sg"], "status": "active"}],
                },
                relationships=[
                    ("AWS::EC2::SecurityGroup", net.groups["db-sg"], "Is associated with SecurityGroup")
                ],
                zone=net.subnets[0][2],
            )
        )
    return found


def observability(account: str, region: str) -> list[Resource]:
    found = []
    for name in ("web-5xx", "db-cpu", "queue-age", "disk-free"):
        arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
        found.append(
            Resource(
                account,
                region,
                "AWS::CloudWatch::Alarm",
                arn,
                name,
                arn,
                {
                    "alarmArn": arn,
                    "alarmName": name,
                    "actionsEnabled": True,
                    "threshold": 80.0,
                    "period": 60,
                    "evaluationPeriods": 5,
                    "statistic": "Average",
                    "comparisonOperator": "GreaterThanThreshold",
                },
            )
        )
    topic = f"arn:aws:sns:{region}:{account}:shop-alerts"
    found.append(
        Resource(
            account,
            region,
            "AWS::SNS::Topic",
            topic,
            "shop-alerts",
            topic,
            {"TopicArn": topic, "Owner": account, "DisplayName": "", "KmsMasterKeyId": "alias/aws/sns"},
        )
    )
    for name in ("shop-web", "shop-data"):
        identifier = fixed_uuid("stack", account, region, name)
        arn = f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{identifier}"
        found.append(
            Resource(
                account,
                region,
                "AWS::CloudFormation::Stack",
                arn,
                name,
                arn,
                {
                    "stackId": arn,
                    "stackName": name,
                    "stackStatus": "UPDATE_COMPLETE",
                    "parameters": [{"parameterKey": "Version", "parameterValue": "1"}],
                    "lastUpdatedTime": "2026-08-01T00:00:00.000Z",
                    "capabilities": ["CAPABILITY_IAM"],
                },
            )
        )
    if region == HOME_REGION and account in (PROD, SECURITY):
        name = e.OWN_TRAIL if account == PROD else e.ORGANISATION_TRAIL
        bucket = e.OWN_TRAIL_BUCKET if account == PROD else e.ORGANISATION_BUCKET
        arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
        found.append(
            Resource(
                account,
                region,
                "AWS::CloudTrail::Trail",
                name,
                name,
                arn,
                {
                    "name": name,
                    "s3BucketName": bucket,
                    "includeGlobalServiceEvents": True,
                    "isMultiRegionTrail": True,
                    "homeRegion": region,
                    "trailARN": arn,
                    "logFileValidationEnabled": True,
                    "hasCustomEventSelectors": account == SECURITY,
                    "isOrganizationTrail": account == SECURITY,
                },
                {
                    "TrailStatus": {"isLogging": True},
                    "EventSelectors": [
                        {
                            "readWriteType": "All",
                            "includeManagementEvents": True,
                            "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]
                            if account == SECURITY
                            else [],
                        }
                    ],
                },
                protected=True,
            )
        )
    return found


def identities(account: str, made: int) -> list[Resource]:
    found = [
        iam_role(account, r, "ec2.amazonaws.com" if "function" not in r else "lambda.amazonaws.com", made)
        for r in ROLES
    ]
    found.append(iam_role(account, "github-actions-deploy", "ecs-tasks.amazonaws.com", made))
    for name in POLICIES:
        arn = f"arn:aws:iam::{account}:policy/{name}"
        identifier = principal_id("ANPA", account, name)
        document = policy_document("s3:GetObject", resource="arn:aws:s3:::shop-*")
        found.append(
            Resource(
                account,
                HOME_REGION,
                "AWS::IAM::Policy",
                identifier,
                name,
                arn,
                {
                    "policyName": name,
                    "policyId": identifier,
                    "arn": arn,
                    "path": "/",
                    "defaultVersionId": "v1",
                    "attachmentCount": 1,
                    "policyVersionList": [
                        {"document": compact(document), "versionId": "v1", "isDefaultVersion": True}
                    ],
                },
            )
        )
    if account == PROD:
        for name in USERS:
            user = iam_user(
                account,
                name,
                made,
                ("arn:aws:iam::aws:policy/PowerUserAccess",) if name == "deploy-bot" else (),
            )
            user.protected = name == "deploy-bot"
            found.append(user)
    return found


def buckets(estate: Estate, account: str, region: str) -> list[Resource]:
    owner = short(estate, account)
    names = [
        f"shop-{owner}-{part}-{account}"
        for part in ("assets", "mail", "static", "backup", "artifacts", "reports", "access-logs")
    ]
    if account == PROD:
        names += [e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET, e.PROD_FLOW_BUCKET]
    return [_bucket(account, region, name) for name in names]


def _bucket(account: str, region: str, name: str) -> Resource:
    return Resource(
        account,
        region,
        "AWS::S3::Bucket",
        name,
        name,
        f"arn:aws:s3:::{name}",
        {
            "name": name,
            "creationDate": iso_ms(1735689600000),
            "owner": {"displayName": None, "id": digest("canonical", account) + digest(account)[:24]},
            "region": region,
        },
        {
            "AccessControlList": compact(
                {
                    "grantSet": None,
                    "grantList": [
                        {
                            "grantee": {
                                "id": digest("canonical", account) + digest(account)[:24],
                                "displayName": None,
                            },
                            "permission": "FullControl",
                        }
                    ],
                    "isRequesterCharged": False,
                }
            ),
            "BucketLoggingConfiguration": {"destinationBucketName": None, "logFilePrefix": None},
            "BucketPolicy": {"policyText": None},
            "BucketVersioningConfiguration": {"status": "Off", "isMfaDeleteEnabled": None},
            "PublicAccessBlockConfiguration": {
                "blockPublicAcls": True,
                "ignorePublicAcls": True,
                "blockPublicPolicy": True,
                "restrictPublicBuckets": True,
            },
            "ServerSideEncryptionConfiguration": {
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {
                            "sseAlgorithm": "aws:kms",
                            "kmsMasterKeyID": e.kms_arn(account, region),
                        },
                        "bucketKeyEnabled": True,
                    }
                ]
            },
            "BucketTaggingConfiguration": None,
            "BucketLifecycleConfiguration": None,
        },
        zone="Regional",
        protected=name in (e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET),
    )
