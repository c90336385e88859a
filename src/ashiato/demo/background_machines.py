"""What machines call every day: AWS services, agents, applications, functions, log delivery."""
# ruff: noqa: ARG001 - every session has the same parameters

from __future__ import annotations

from random import Random

from ashiato.demo import identities as who
from ashiato.demo.activity import Activity, Ends, Weighted, describe, failed, object_data
from ashiato.demo.estate import (
    DEV,
    ENDPOINTS,
    ORGANISATION_BUCKET,
    PROD,
    SECURITY,
    Estate,
    Instance,
    kms_arn,
)
from ashiato.demo.events import Call
from ashiato.demo.ids import digest, principal_id


def config(account: str, scale: float, region: str) -> Activity:
    def session(rng: Random, second: int) -> who.Session:
        return who.service_linked(
            account,
            "AWSServiceRoleForConfig",
            "config.amazonaws.com",
            "AWSConfig-Describe",
            second // 3600 * 3600,
        )

    bucket = f"shop-{'prod' if account == PROD else 'dev'}-assets-{account}"
    calls = [
        *describe(
            "DescribeInstances",
            "DescribeSecurityGroups",
            "DescribeVolumes",
            "DescribeNetworkInterfaces",
            "DescribeFlowLogs",
        ),
        Weighted(
            2,
            Call(
                "s3.amazonaws.com",
                "GetBucketAcl",
                {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "acl": ""},
                resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"),),
            ),
        ),
        failed(
            1,
            "s3.amazonaws.com",
            "GetBucketPolicy",
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
            {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "policy": ""},
        ),
        failed(
            0.6,
            "s3.amazonaws.com",
            "GetBucketLifecycle",
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
            {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "lifecycle": ""},
        ),
        Weighted(1, Call("rds.amazonaws.com", "DescribeDBInstances")),
        Weighted(1, Call("lambda.amazonaws.com", "ListFunctions20150331")),
        Weighted(1, Call("kms.amazonaws.com", "GetKeyRotationStatus", {"keyId": kms_arn(account, region)})),
        Weighted(1, Call("iam.amazonaws.com", "ListUsers")),
        Weighted(
            0.7,
            Call(
                "config.amazonaws.com",
                "PutEvaluations",
                {
                    "evaluations": [
                        {
                            "complianceResourceType": "AWS::EC2::SecurityGroup",
                            "complianceResourceId": f"sg-0{digest('sg', account, region)[:16]}",
                            "complianceType": "COMPLIANT",
                        }
                    ],
                    "resultToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                },
                {"failedEvaluations": []},
                additional={
                    "configRuleName": "restricted-ssh",
                    "configRuleArn": f"arn:aws:config:{region}:{account}:config-rule/config-rule-abc123",
                },
                read_only=False,
            ),
        ),
    ]
    return Activity("machines", scale * 1.0, 25, 0.6, session, tuple(calls))


def services(account: str, region: str, scale: float) -> Activity:
    roles = {
        "ec2.amazonaws.com": "shop-web-role",
        "lambda.amazonaws.com": "shop-orders-function",
        "ecs-tasks.amazonaws.com": "shop-task-role",
        "rds.amazonaws.com": "rds-monitoring-role",
    }
    services = tuple(roles)

    def session(rng: Random, second: int) -> who.Session:
        return who.aws_service(services[int(rng.random() * len(services))])

    calls = []
    for role in roles.values():
        arn = f"arn:aws:iam::{account}:role/{role}"
        assumed = f"arn:aws:sts::{account}:assumed-role/{role}/service"
        calls.append(
            Weighted(
                1,
                Call(
                    "sts.amazonaws.com",
                    "AssumeRole",
                    {"roleArn": arn, "roleSessionName": "service"},
                    {
                        "credentials": {
                            "accessKeyId": f"ASIA{digest(role)[:9].upper()}EXAMPLE",
                            "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                        },
                        "assumedRoleUser": {
                            "assumedRoleId": f"{principal_id('AROA', account, role)}:service",
                            "arn": assumed,
                        },
                    },
                    resources=(("AWS::IAM::Role", arn),),
                ),
            )
        )
    trail = f"arn:aws:cloudtrail:{region}:{SECURITY}:trail/organization-trail"
    calls.append(
        Weighted(
            1.5,
            Call(
                "kms.amazonaws.com",
                "GenerateDataKey",
                {
                    "keyId": kms_arn(account, region),
                    "keySpec": "AES_256",
                    "encryptionContext": {"aws:cloudtrail:arn": trail},
                },
                resources=(("AWS::KMS::Key", kms_arn(account, region)),),
                read_only=True,
            ),
        )
    )
    return Activity("customers", scale * 0.9, 6, 20.0, session, tuple(calls))


def agents(estate: Estate, account: str, region: str, scale: float, ends: Ends) -> list[Activity]:
    net = estate.networks[account, region]
    found = []
    for i in net.instances:
        host = f"ip-{i.private_ip.replace('.', '-')}.ec2.internal"
        information = {
            "instanceId": i.instance_id,
            "agentVersion": "3.3.3050.0",
            "agentStatus": "Active",
            "platformType": "Linux",
            "platformName": "Amazon Linux",
            "platformVersion": "2023",
            "iPAddress": i.private_ip,
            "computerName": host,
            "agentName": "amazon-ssm-agent",
        }
        calls = (
            Weighted(1, Call("ssm.amazonaws.com", "UpdateInstanceInformation", information, read_only=False)),
            Weighted(
                0.4,
                Call(
                    "ssm.amazonaws.com",
                    "ListInstanceAssociations",
                    {"instanceId": i.instance_id, "maxResults": 20},
                ),
            ),
            Weighted(0.1, Call("ssmmessages.amazonaws.com", "CreateControlChannel", None, read_only=False)),
        )

        def session(rng: Random, second: int, i: Instance = i) -> who.Session:
            return who.instance_role(
                account, i.role, i.instance_id, i.public_ip or net.nat_public_ip, second, who.SSM_AGENT
            )

        found.append(
            Activity(
                "machines",
                scale * 0.8 / len(net.instances),
                4,
                12.0,
                session,
                calls,
                ends.get(i.name, 1 << 40),
            )
        )
    return found


def applications(
    estate: Estate, account: str, region: str, scale: float, key: tuple[tuple[str, str], ...], ends: Ends
) -> Activity:
    net = estate.networks[account, region]
    steady = [i for i in net.instances if i.name not in ends]
    bucket = f"shop-{'prod' if account == PROD else 'dev'}-assets-{account}"

    def session(rng: Random, second: int) -> who.Session:
        i = steady[int(rng.random() * len(steady))]
        endpoint = ENDPOINTS.get((account, region)) if not i.public_ip else None
        address = i.private_ip if endpoint else i.public_ip or net.nat_public_ip
        return who.instance_role(account, i.role, i.instance_id, address, second, who.JAVA, endpoint)

    get, make_get = object_data(region, bucket, ("images", "carts", "invoices/2026", "sessions"), write=False)
    put, make_put = object_data(region, bucket, ("carts", "orders/2026", "exports"), write=True)
    secret = f"arn:aws:secretsmanager:{region}:{account}:secret:shop/db-AbCdEf"
    calls = [
        Weighted(6, get, make_get),
        Weighted(4, put, make_put),
        Weighted(
            2,
            Call(
                "kms.amazonaws.com",
                "GenerateDataKey",
                {
                    "keyId": kms_arn(account, region),
                    "keySpec": "AES_256",
                    "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}"},
                },
                resources=key,
                read_only=True,
            ),
        ),
        Weighted(
            2,
            Call(
                "kms.amazonaws.com",
                "Decrypt",
                {
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}"},
                },
                resources=key,
            ),
        ),
        Weighted(1, Call("secretsmanager.amazonaws.com", "GetSecretValue", {"secretId": secret})),
        Weighted(0.5, Call("sts.amazonaws.com", "GetCallerIdentity")),
        failed(
            0.15,
            "secretsmanager.amazonaws.com",
            "GetSecretValue",
            "AccessDeniedException",
            f"User is not authorized to perform: secretsmanager:GetSecretValue on resource: {secret}",
            {"secretId": "shop/payment"},
        ),
    ]
    return Activity("customers", scale * 3.0, 14, 4.0, session, tuple(calls))


def functions(account: str, region: str, scale: float, key: tuple[tuple[str, str], ...]) -> Activity:
    names = ("shop-orders", "shop-mail", "shop-thumbnails", "shop-reports")

    def session(rng: Random, second: int) -> who.Session:
        name = names[int(rng.random() * len(names))]
        return who.assumed_role(
            account,
            f"{name}-function",
            name,
            second // 7200 * 7200 + 11,
            address=f"192.0.2.{128 + int(rng.random() * 8)}",
            agent=who.BOTO,
        )

    bucket = f"shop-{'prod' if account == PROD else 'dev'}-mail-{account}"
    get, make = object_data(region, bucket, ("inbox", "templates"), write=False)
    calls = [
        Weighted(3, get, make),
        Weighted(
            2,
            Call(
                "logs.amazonaws.com",
                "CreateLogStream",
                {"logGroupName": "/aws/lambda/shop-orders", "logStreamName": "2026/11/[$LATEST]"},
                read_only=False,
            ),
        ),
        Weighted(
            1,
            Call(
                "kms.amazonaws.com",
                "Decrypt",
                {
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "encryptionContext": {
                        "aws:lambda:FunctionArn": f"arn:aws:lambda:{region}:{account}:function:shop-orders"
                    },
                },
                resources=key,
            ),
        ),
        Weighted(
            1,
            Call(
                "dynamodb.amazonaws.com",
                "DescribeTable",
                {"tableName": "shop-carts"},
                resources=(
                    ("AWS::DynamoDB::Table", f"arn:aws:dynamodb:{region}:{account}:table/shop-carts"),
                ),
            ),
        ),
        failed(
            0.2,
            "ses.amazonaws.com",
            "SendEmail",
            "MessageRejected",
            "Email address is not verified.",
            {"destination": {"toAddresses": ["HIDDEN_DUE_TO_SECURITY_REASONS"]}},
        ),
    ]
    return Activity(
        "customers", scale * (1.1 if account in (PROD, DEV) else 0.3), 6, 3.0, session, tuple(calls)
    )


def log_delivery(account: str, region: str) -> Activity:
    def session(rng: Random, second: int) -> who.Session:
        return who.aws_service(
            "cloudtrail.amazonaws.com" if rng.random() < 0.7 else "delivery.logs.amazonaws.com"
        )

    put, make = object_data(
        region, ORGANISATION_BUCKET, ("AWSLogs/o-aa111bb222/111122223333/CloudTrail",), write=True
    )
    calls = [
        Weighted(3, put, make),
        Weighted(
            2,
            Call(
                "s3.amazonaws.com",
                "GetBucketAcl",
                {
                    "bucketName": ORGANISATION_BUCKET,
                    "Host": f"{ORGANISATION_BUCKET}.s3.amazonaws.com",
                    "acl": "",
                },
                resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{ORGANISATION_BUCKET}"),),
            ),
        ),
    ]
    return Activity("machines", 0.25, 5, 30.0, session, tuple(calls))
