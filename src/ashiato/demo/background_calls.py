"""What each kind of caller calls every day, and how often: the table behind `background`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ashiato.demo import identities as who
from ashiato.demo.estate import (
    DEV,
    ENDPOINTS,
    HOME_REGION,
    ORGANISATION_BUCKET,
    PROD,
    SECURITY,
    Estate,
    kms_arn,
)
from ashiato.demo.events import Call
from ashiato.demo.ids import digest, principal_id

# The middle of a record, its request id, and the object key for its resources.
Maker = Callable[[Random], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Weighted:
    """A call and its share among the calls of an activity."""

    weight: float
    call: Call
    make: Maker | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """One kind of caller: when it is active, how much, who exactly, and what it calls."""

    rhythm: str
    weight: float
    run: int
    seconds_per_call: float
    session: Callable[[Random, int], who.Session]
    calls: tuple[Weighted, ...]


def ec2(name: str, **request: object) -> Call:
    """An EC2 call with its request parameters."""
    return Call("ec2.amazonaws.com", name, request or None)


def _describe(*names: str) -> list[Weighted]:
    empty = {"maxResults": 100, "filterSet": {}}
    return [Weighted(1, Call("ec2.amazonaws.com", n, empty)) for n in names]


def _data(account: str, region: str, bucket: str, folders: tuple[str, ...], *, write: bool) -> tuple[Call, Maker]:
    """An S3 data event and the part of it that differs each time: key, size, S3's ids."""
    name = "PutObject" if write else "GetObject"
    host = f"{bucket}.s3.{region}.amazonaws.com"
    arn = f"arn:aws:s3:::{bucket}"
    call = Call(
        "s3.amazonaws.com", name, category="Data", host=host, read_only=not write,
        resources=(("AWS::S3::Object", f"{arn}/(KEY)"), ("AWS::S3::Bucket", arn)),
    )  # fmt: skip

    def make(rng: Random) -> tuple[str, str, str]:
        bits = rng.getrandbits(64)
        folder = folders[bits % len(folders)]
        key = f"{folder}/{bits >> 8 & 0xFFF:04d}/{bits >> 20 & 0xFFFFFFFF:08x}.json"
        raw = rng.randbytes(58)
        x_id = b64encode(raw[10:]).decode()
        request_id = b64encode(raw[:10], altchars=b"Q7").decode().upper()
        size = 200 + (bits >> 40) % 90000
        into, out = (size, 0) if write else (0, size)
        extra = ',"x-amz-server-side-encryption":"aws:kms"' if write else ""
        response = '{"x-amz-server-side-encryption":"aws:kms"}' if write else "null"
        return (
            f'"requestParameters":{{"bucketName":"{bucket}","Host":"{host}"{extra},"key":"{key}"}},'
            f'"responseElements":{response},"additionalEventData":{{"SignatureVersion":"SigV4",'
            f'"CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{into},"SSEApplied":"SSE_KMS",'
            f'"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{x_id}","bytesTransferredOut":{out}}}',
            request_id,
            key,
        )

    return call, make


def _error(weight: float, source: str, name: str, error: str, message: str, request: object = None) -> Weighted:
    return Weighted(weight, Call(source, name, request, error=error, message=message))


def activities(estate: Estate, account: str, region: str) -> list[Activity]:
    """The callers of a stream with their calls; weights are relative to the whole estate."""
    net = estate.networks[account, region]
    home = region == HOME_REGION
    scale = {PROD: 1.0, DEV: 0.45, SECURITY: 0.3}.get(account, 0.3) * (1.0 if home else 0.35)
    key = (("AWS::KMS::Key", kms_arn(account, region)),)
    found = [
        _people(estate, account, region, scale),
        _people(estate, account, region, scale, console=True),
        _builds(account, region, scale, key),
        _config(account, scale, region),
        _services(account, region, scale),
    ]
    if net.instances:
        found.append(_agents(estate, account, region, scale))
        found.append(_applications(estate, account, region, scale, key))
    found.append(_functions(account, region, scale, key))
    if account == SECURITY and home:
        found.append(_log_delivery(account, region))
    return found


def _people(estate: Estate, account: str, region: str, scale: float, *, console: bool = False) -> Activity:
    net = estate.networks[account, region]

    def session(rng: Random, second: int) -> who.Session:
        staff = who.on_duty(account, second)
        return who.person(account, staff[int(rng.random() ** 1.7 * len(staff))], second, console=console)

    calls = _describe(
        "DescribeInstances", "DescribeSecurityGroups", "DescribeVolumes", "DescribeVpcs", "DescribeSubnets",
        "DescribeInstanceStatus", "DescribeTags", "DescribeNetworkInterfaces", "DescribeAddresses",
    )  # fmt: skip
    calls += [
        Weighted(2, Call("sts.amazonaws.com", "GetCallerIdentity")),
        Weighted(2, Call("logs.amazonaws.com", "StartQuery", {"logGroupNames": [f"/shop/{region}/app"], "queryString": "fields @timestamp, @message | filter level = 'ERROR' | limit 50"}, {"queryId": "q"}, read_only=True)),
        Weighted(3, Call("logs.amazonaws.com", "DescribeLogGroups", {"limit": 50})),
        Weighted(2, Call("monitoring.amazonaws.com", "DescribeAlarms", {"maxRecords": 100})),
        Weighted(1, Call("s3.amazonaws.com", "ListBuckets", {"Host": "s3.amazonaws.com"}, host="s3.amazonaws.com")),
        Weighted(1, Call("cloudformation.amazonaws.com", "DescribeStacks", {"stackName": "shop-web"})),
        Weighted(1, Call("rds.amazonaws.com", "DescribeDBInstances")),
        Weighted(1, Call("lambda.amazonaws.com", "ListFunctions20150331")),
        Weighted(0.5, Call("ssm.amazonaws.com", "StartSession", {"target": net.instances[0].instance_id if net.instances else "mi-0", "documentName": "SSM-SessionManagerRunShell"}, {"sessionId": "session-0", "tokenValue": "Value hidden due to security reasons."}, read_only=False)),
        _error(0.4, "iam.amazonaws.com", "ListAccessKeys", "AccessDenied", f"User is not authorized to perform: iam:ListAccessKeys on resource: user root in account {account}", {"userName": "root"}),
        _error(0.4, "ec2.amazonaws.com", "GetConsoleOutput", "Client.InvalidInstanceID.NotFound", "The instance ID 'i-00000000000000000' does not exist", {"instanceId": "i-00000000000000000"}),
        _error(0.3, "s3.amazonaws.com", "GetBucketPolicy", "NoSuchBucketPolicy", "The bucket policy does not exist", {"bucketName": f"shop-{account[:4]}-static", "Host": "s3.amazonaws.com", "policy": ""}),
    ]  # fmt: skip
    if console:
        calls += [
            Weighted(6, Call("health.amazonaws.com", "DescribeEventAggregates", {"aggregateField": "eventTypeCategory", "filter": {"eventStatusCodes": ["open", "upcoming"]}})),
            Weighted(3, Call("notifications.amazonaws.com", "ListNotificationEvents", {"locale": "ja_JP"})),
            Weighted(2, Call("ce.amazonaws.com", "GetCostAndUsage", {"Granularity": "DAILY", "Metrics": ["UnblendedCost"]})),
            Weighted(2, Call("cloudtrail.amazonaws.com", "LookupEvents", {"maxResults": 50})),
            Weighted(1, Call("resource-explorer-2.amazonaws.com", "ListIndexes")),
        ]  # fmt: skip
    return Activity("people", scale * (1.4 if console else 1.0), 30, 1.5 if console else 9.0, session, tuple(calls))


def _builds(account: str, region: str, scale: float, key: tuple[tuple[str, str], ...]) -> Activity:
    def session(rng: Random, second: int) -> who.Session:
        if account == PROD and rng.random() < 0.3:
            return who.deploy_bot(account)
        return who.build(account, second)

    throttled = "Rate exceeded"
    registry = f"arn:aws:ecr:{region}:{account}:repository/shop/web"
    calls = [
        *_describe("DescribeSecurityGroups", "DescribeInstances", "DescribeVpcs", "DescribeRouteTables", "DescribeLaunchTemplates"),
        Weighted(2, Call("cloudformation.amazonaws.com", "DescribeStacks", {"stackName": "shop-web"})),
        Weighted(1, Call("cloudformation.amazonaws.com", "GetTemplateSummary", {"stackName": "shop-web"})),
        Weighted(2, Call("iam.amazonaws.com", "GetRole", {"roleName": "shop-web-role"})),
        Weighted(2, Call("iam.amazonaws.com", "ListAttachedRolePolicies", {"roleName": "shop-app-role"})),
        Weighted(2, Call("ecr.amazonaws.com", "GetAuthorizationToken", None, read_only=True)),
        Weighted(1, Call("ecr.amazonaws.com", "InitiateLayerUpload", {"repositoryName": "shop/web"}, None, resources=(("AWS::ECR::Repository", registry),), read_only=False)),
        Weighted(1, Call("ecr.amazonaws.com", "PutImage", {"repositoryName": "shop/web", "imageTag": "release"}, None, resources=(("AWS::ECR::Repository", registry),), read_only=False)),
        Weighted(2, Call("ssm.amazonaws.com", "GetParameter", {"name": "/shop/config", "withDecryption": True})),
        Weighted(2, Call("kms.amazonaws.com", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"PARAMETER_ARN": f"arn:aws:ssm:{region}:{account}:parameter/shop/config"}}, None, resources=key)),
        _error(0.6, "ssm.amazonaws.com", "GetParameters", "ThrottlingException", throttled),
        _error(0.4, "ec2.amazonaws.com", "DescribeInstances", "Client.RequestLimitExceeded", "Request limit exceeded."),
        _error(0.2, "lambda.amazonaws.com", "GetFunction20150331v2", "ResourceNotFoundException", "Function not found: shop-old", {"functionName": "shop-old"}),
    ]  # fmt: skip
    return Activity("people", scale * 1.2, 40, 2.0, session, tuple(calls))


def _config(account: str, scale: float, region: str) -> Activity:
    def session(rng: Random, second: int) -> who.Session:
        return who.service_linked(account, "AWSServiceRoleForConfig", "config.amazonaws.com",
                                  "AWSConfig-Describe", second // 3600 * 3600)  # fmt: skip

    bucket = f"shop-{'prod' if account == PROD else 'dev'}-assets-{account}"
    calls = [
        *_describe("DescribeInstances", "DescribeSecurityGroups", "DescribeVolumes", "DescribeNetworkInterfaces", "DescribeFlowLogs"),
        Weighted(2, Call("s3.amazonaws.com", "GetBucketAcl", {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "acl": ""}, resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"),))),
        _error(1, "s3.amazonaws.com", "GetBucketPolicy", "NoSuchBucketPolicy", "The bucket policy does not exist", {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "policy": ""}),
        _error(0.6, "s3.amazonaws.com", "GetBucketLifecycle", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "lifecycle": ""}),
        Weighted(1, Call("rds.amazonaws.com", "DescribeDBInstances")),
        Weighted(1, Call("lambda.amazonaws.com", "ListFunctions20150331")),
        Weighted(1, Call("kms.amazonaws.com", "GetKeyRotationStatus", {"keyId": kms_arn(account, region)})),
        Weighted(1, Call("iam.amazonaws.com", "ListUsers")),
        Weighted(0.7, Call("config.amazonaws.com", "PutEvaluations", {"evaluations": [{"complianceResourceType": "AWS::EC2::SecurityGroup", "complianceResourceId": f"sg-0{digest('sg', account, region)[:16]}", "complianceType": "COMPLIANT"}], "resultToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"failedEvaluations": []}, additional={"configRuleName": "restricted-ssh", "configRuleArn": f"arn:aws:config:{region}:{account}:config-rule/config-rule-abc123"}, read_only=False)),
    ]  # fmt: skip
    return Activity("machines", scale * 1.0, 25, 0.6, session, tuple(calls))


def _services(account: str, region: str, scale: float) -> Activity:
    roles = {
        "ec2.amazonaws.com": "shop-web-role", "lambda.amazonaws.com": "shop-orders-function",
        "ecs-tasks.amazonaws.com": "shop-task-role", "rds.amazonaws.com": "rds-monitoring-role",
    }  # fmt: skip
    services = tuple(roles)

    def session(rng: Random, second: int) -> who.Session:
        return who.aws_service(services[int(rng.random() * len(services))])

    calls = []
    for role in roles.values():
        arn = f"arn:aws:iam::{account}:role/{role}"
        assumed = f"arn:aws:sts::{account}:assumed-role/{role}/service"
        calls.append(
            Weighted(1, Call(
                "sts.amazonaws.com", "AssumeRole", {"roleArn": arn, "roleSessionName": "service"},
                {"credentials": {"accessKeyId": f"ASIA{digest(role)[:9].upper()}EXAMPLE", "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS"},
                 "assumedRoleUser": {"assumedRoleId": f"{principal_id('AROA', account, role)}:service", "arn": assumed}},
                resources=(("AWS::IAM::Role", arn),),
            ))
        )  # fmt: skip
    calls.append(Weighted(1.5, Call("kms.amazonaws.com", "GenerateDataKey", {"keyId": kms_arn(account, region), "keySpec": "AES_256", "encryptionContext": {"aws:cloudtrail:arn": f"arn:aws:cloudtrail:{region}:{SECURITY}:trail/organization-trail"}}, resources=(("AWS::KMS::Key", kms_arn(account, region)),), read_only=True)))  # fmt: skip
    return Activity("customers", scale * 0.9, 6, 20.0, session, tuple(calls))


def _agents(estate: Estate, account: str, region: str, scale: float) -> Activity:
    net = estate.networks[account, region]

    def session(rng: Random, second: int) -> who.Session:
        i = net.instances[int(rng.random() * len(net.instances))]
        return who.instance_role(account, i.role, i.instance_id, i.public_ip or net.nat_public_ip, second, who.SSM_AGENT)

    calls: list[Weighted] = []
    for i in net.instances:
        host = f"ip-{i.private_ip.replace('.', '-')}.ec2.internal"
        calls.append(Weighted(1, Call("ssm.amazonaws.com", "UpdateInstanceInformation", {"instanceId": i.instance_id, "agentVersion": "3.3.3050.0", "agentStatus": "Active", "platformType": "Linux", "platformName": "Amazon Linux", "platformVersion": "2023", "iPAddress": i.private_ip, "computerName": host, "agentName": "amazon-ssm-agent"}, read_only=False)))  # fmt: skip
        calls.append(Weighted(0.4, Call("ssm.amazonaws.com", "ListInstanceAssociations", {"instanceId": i.instance_id, "maxResults": 20})))  # fmt: skip
    calls.append(Weighted(0.5, Call("ssmmessages.amazonaws.com", "CreateControlChannel", None, read_only=False)))
    return Activity("machines", scale * 0.8, 4, 12.0, session, tuple(calls))


def _applications(estate: Estate, account: str, region: str, scale: float, key: tuple[tuple[str, str], ...]) -> Activity:
    net = estate.networks[account, region]
    bucket = f"shop-{'prod' if account == PROD else 'dev'}-assets-{account}"

    def session(rng: Random, second: int) -> who.Session:
        i = net.instances[int(rng.random() * len(net.instances))]
        endpoint = ENDPOINTS.get((account, region)) if not i.public_ip else None
        address = i.private_ip if endpoint else i.public_ip or net.nat_public_ip
        return who.instance_role(account, i.role, i.instance_id, address, second, who.JAVA, endpoint)

    get, make_get = _data(account, region, bucket, ("images", "carts", "invoices/2026", "sessions"), write=False)
    put, make_put = _data(account, region, bucket, ("carts", "orders/2026", "exports"), write=True)
    secret = f"arn:aws:secretsmanager:{region}:{account}:secret:shop/db-AbCdEf"
    calls = [
        Weighted(6, get, make_get),
        Weighted(4, put, make_put),
        Weighted(2, Call("kms.amazonaws.com", "GenerateDataKey", {"keyId": kms_arn(account, region), "keySpec": "AES_256", "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}"}}, resources=key, read_only=True)),
        Weighted(2, Call("kms.amazonaws.com", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}"}}, resources=key)),
        Weighted(1, Call("secretsmanager.amazonaws.com", "GetSecretValue", {"secretId": secret})),
        Weighted(0.5, Call("sts.amazonaws.com", "GetCallerIdentity")),
        _error(0.15, "secretsmanager.amazonaws.com", "GetSecretValue", "AccessDeniedException", f"User is not authorized to perform: secretsmanager:GetSecretValue on resource: {secret}", {"secretId": "shop/payment"}),
    ]  # fmt: skip
    return Activity("customers", scale * 3.0, 14, 4.0, session, tuple(calls))


def _functions(account: str, region: str, scale: float, key: tuple[tuple[str, str], ...]) -> Activity:
    names = ("shop-orders", "shop-mail", "shop-thumbnails", "shop-reports")

    def session(rng: Random, second: int) -> who.Session:
        name = names[int(rng.random() * len(names))]
        return who.assumed_role(account, f"{name}-function", name, second // 7200 * 7200 + 11,
                                address=f"192.0.2.{128 + int(rng.random() * 8)}", agent=who.BOTO)  # fmt: skip

    bucket = f"shop-{'prod' if account == PROD else 'dev'}-mail-{account}"
    get, make = _data(account, region, bucket, ("inbox", "templates"), write=False)
    calls = [
        Weighted(3, get, make),
        Weighted(2, Call("logs.amazonaws.com", "CreateLogStream", {"logGroupName": "/aws/lambda/shop-orders", "logStreamName": "2026/11/[$LATEST]"}, read_only=False)),
        Weighted(1, Call("kms.amazonaws.com", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"aws:lambda:FunctionArn": f"arn:aws:lambda:{region}:{account}:function:shop-orders"}}, resources=key)),
        Weighted(1, Call("dynamodb.amazonaws.com", "DescribeTable", {"tableName": "shop-carts"}, resources=(("AWS::DynamoDB::Table", f"arn:aws:dynamodb:{region}:{account}:table/shop-carts"),))),
        _error(0.2, "ses.amazonaws.com", "SendEmail", "MessageRejected", "Email address is not verified.", {"destination": {"toAddresses": ["HIDDEN_DUE_TO_SECURITY_REASONS"]}}),
    ]  # fmt: skip
    return Activity("customers", scale * (1.1 if account in (PROD, DEV) else 0.3), 6, 3.0, session, tuple(calls))


def _log_delivery(account: str, region: str) -> Activity:
    def session(rng: Random, second: int) -> who.Session:
        return who.aws_service("cloudtrail.amazonaws.com" if rng.random() < 0.7 else "delivery.logs.amazonaws.com")

    put, make = _data(account, region, ORGANISATION_BUCKET, ("AWSLogs/o-aa111bb222/111122223333/CloudTrail",), write=True)
    calls = [
        Weighted(3, put, make),
        Weighted(2, Call("s3.amazonaws.com", "GetBucketAcl", {"bucketName": ORGANISATION_BUCKET, "Host": f"{ORGANISATION_BUCKET}.s3.amazonaws.com", "acl": ""}, resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{ORGANISATION_BUCKET}"),))),
    ]  # fmt: skip
    return Activity("machines", 0.25, 5, 30.0, session, tuple(calls))
