"""What each kind of caller calls every day, and how often: the table behind `background`."""

from __future__ import annotations

from random import Random

from ashiato.demo import identities as who
from ashiato.demo.activity import Activity, Ends, Weighted, describe, failed
from ashiato.demo.background_machines import agents, applications, config, functions, log_delivery, services
from ashiato.demo.estate import (
    DEV,
    HOME_REGION,
    PROD,
    SECURITY,
    Estate,
    kms_arn,
)
from ashiato.demo.events import Call


def activities(estate: Estate, account: str, region: str, ends: Ends) -> list[Activity]:
    """The callers of a stream with their calls; weights are relative to the whole estate."""
    net = estate.networks[account, region]
    home = region == HOME_REGION
    scale = {PROD: 1.0, DEV: 0.45, SECURITY: 0.3}.get(account, 0.3) * (1.0 if home else 0.35)
    key = (("AWS::KMS::Key", kms_arn(account, region)),)
    found = [
        _people(estate, account, region, scale),
        _people(estate, account, region, scale, console=True),
        _builds(account, region, scale, key, ends),
        config(account, scale, region),
        services(account, region, scale),
    ]
    if net.instances:
        found += agents(estate, account, region, scale, ends)
        found.append(applications(estate, account, region, scale, key, ends))
    found.append(functions(account, region, scale, key))
    if account == SECURITY and home:
        found.append(log_delivery(account, region))
    return found


def _people(estate: Estate, account: str, region: str, scale: float, *, console: bool = False) -> Activity:
    net = estate.networks[account, region]

    def session(rng: Random, second: int) -> who.Session:
        staff = who.on_duty(account, second)
        return who.person(account, staff[int(rng.random() ** 1.7 * len(staff))], second, console=console)

    calls = describe(
        "DescribeInstances",
        "DescribeSecurityGroups",
        "DescribeVolumes",
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeInstanceStatus",
        "DescribeTags",
        "DescribeNetworkInterfaces",
        "DescribeAddresses",
    )
    calls += [
        Weighted(2, Call("sts.amazonaws.com", "GetCallerIdentity")),
        Weighted(
            2,
            Call(
                "logs.amazonaws.com",
                "StartQuery",
                {
                    "logGroupNames": [f"/shop/{region}/app"],
                    "queryString": "fields @timestamp, @message | filter level = 'ERROR' | limit 50",
                },
                {"queryId": "q"},
                read_only=True,
            ),
        ),
        Weighted(3, Call("logs.amazonaws.com", "DescribeLogGroups", {"limit": 50})),
        Weighted(2, Call("monitoring.amazonaws.com", "DescribeAlarms", {"maxRecords": 100})),
        Weighted(
            1, Call("s3.amazonaws.com", "ListBuckets", {"Host": "s3.amazonaws.com"}, host="s3.amazonaws.com")
        ),
        Weighted(1, Call("cloudformation.amazonaws.com", "DescribeStacks", {"stackName": "shop-web"})),
        Weighted(1, Call("rds.amazonaws.com", "DescribeDBInstances")),
        Weighted(1, Call("lambda.amazonaws.com", "ListFunctions20150331")),
        Weighted(
            0.5,
            Call(
                "ssm.amazonaws.com",
                "StartSession",
                {
                    "target": net.instances[0].instance_id if net.instances else "mi-0",
                    "documentName": "SSM-SessionManagerRunShell",
                },
                {"sessionId": "session-0", "tokenValue": "Value hidden due to security reasons."},
                read_only=False,
            ),
        ),
        failed(
            0.4,
            "iam.amazonaws.com",
            "ListAccessKeys",
            "AccessDenied",
            f"User is not authorized to perform: iam:ListAccessKeys on resource: user root of {account}",
            {"userName": "root"},
        ),
        failed(
            0.4,
            "ec2.amazonaws.com",
            "GetConsoleOutput",
            "Client.InvalidInstanceID.NotFound",
            "The instance ID 'i-00000000000000000' does not exist",
            {"instanceId": "i-00000000000000000"},
        ),
        failed(
            0.3,
            "s3.amazonaws.com",
            "GetBucketPolicy",
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
            {"bucketName": f"shop-{account[:4]}-static", "Host": "s3.amazonaws.com", "policy": ""},
        ),
    ]
    if console:
        calls += [
            Weighted(
                6,
                Call(
                    "health.amazonaws.com",
                    "DescribeEventAggregates",
                    {
                        "aggregateField": "eventTypeCategory",
                        "filter": {"eventStatusCodes": ["open", "upcoming"]},
                    },
                ),
            ),
            Weighted(3, Call("notifications.amazonaws.com", "ListNotificationEvents", {"locale": "ja_JP"})),
            Weighted(
                2,
                Call(
                    "ce.amazonaws.com",
                    "GetCostAndUsage",
                    {"Granularity": "DAILY", "Metrics": ["UnblendedCost"]},
                ),
            ),
            Weighted(2, Call("cloudtrail.amazonaws.com", "LookupEvents", {"maxResults": 50})),
            Weighted(1, Call("resource-explorer-2.amazonaws.com", "ListIndexes")),
        ]
    return Activity(
        "people", scale * (1.4 if console else 1.0), 30, 1.5 if console else 9.0, session, tuple(calls)
    )


def _builds(
    account: str, region: str, scale: float, key: tuple[tuple[str, str], ...], ends: Ends
) -> Activity:
    key_dies = ends.get("deploy-bot", 1 << 40)

    def session(rng: Random, second: int) -> who.Session:
        if account == PROD and rng.random() < 0.3 and second < key_dies - 300:
            return who.deploy_bot(account)
        return who.build(account, second)

    throttled = "Rate exceeded"
    registry = f"arn:aws:ecr:{region}:{account}:repository/shop/web"
    calls = [
        *describe(
            "DescribeSecurityGroups",
            "DescribeInstances",
            "DescribeVpcs",
            "DescribeRouteTables",
            "DescribeLaunchTemplates",
        ),
        Weighted(2, Call("cloudformation.amazonaws.com", "DescribeStacks", {"stackName": "shop-web"})),
        Weighted(1, Call("cloudformation.amazonaws.com", "GetTemplateSummary", {"stackName": "shop-web"})),
        Weighted(2, Call("iam.amazonaws.com", "GetRole", {"roleName": "shop-web-role"})),
        Weighted(2, Call("iam.amazonaws.com", "ListAttachedRolePolicies", {"roleName": "shop-app-role"})),
        Weighted(2, Call("ecr.amazonaws.com", "GetAuthorizationToken", None, read_only=True)),
        Weighted(
            1,
            Call(
                "ecr.amazonaws.com",
                "InitiateLayerUpload",
                {"repositoryName": "shop/web"},
                None,
                resources=(("AWS::ECR::Repository", registry),),
                read_only=False,
            ),
        ),
        Weighted(
            1,
            Call(
                "ecr.amazonaws.com",
                "PutImage",
                {"repositoryName": "shop/web", "imageTag": "release"},
                None,
                resources=(("AWS::ECR::Repository", registry),),
                read_only=False,
            ),
        ),
        Weighted(
            2, Call("ssm.amazonaws.com", "GetParameter", {"name": "/shop/config", "withDecryption": True})
        ),
        Weighted(
            2,
            Call(
                "kms.amazonaws.com",
                "Decrypt",
                {
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "encryptionContext": {
                        "PARAMETER_ARN": f"arn:aws:ssm:{region}:{account}:parameter/shop/config"
                    },
                },
                None,
                resources=key,
            ),
        ),
        failed(0.6, "ssm.amazonaws.com", "GetParameters", "ThrottlingException", throttled),
        failed(
            0.4,
            "ec2.amazonaws.com",
            "DescribeInstances",
            "Client.RequestLimitExceeded",
            "Request limit exceeded.",
        ),
        failed(
            0.2,
            "lambda.amazonaws.com",
            "GetFunction20150331v2",
            "ResourceNotFoundException",
            "Function not found: shop-old",
            {"functionName": "shop-old"},
        ),
    ]
    return Activity("people", scale * 1.2, 40, 2.0, session, tuple(calls))
