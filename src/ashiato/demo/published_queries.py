"""Records of earlier years that AWS's published sample queries name: their dates, people, addresses and ids.

Athena over CloudTrail and flow logs: https://docs.aws.amazon.com/athena/latest/ug/cloudtrail-logs.html,
https://github.com/awslabs/aws-security-analytics-bootstrap; CloudTrail Lake:
https://github.com/aws-samples/cloud-trail-lake-query-samples
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from ashiato.demo.archive_config import config_files
from ashiato.demo.archive_flows import flow_files
from ashiato.demo.changes import console_login
from ashiato.demo.delivery import Delivery
from ashiato.demo.estate import DEV, ENDPOINTS, PROD, SECURITY
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.ids import compact, fixed_uuid, iso, moment, principal_id, prose_time, random_name
from ashiato.demo.identities import BROWSER, CLI, Session, assumed_role, iam_user

BUCKET: Final = "shop-archive-111122223333"
OTHER: Final = "555555555555"
DOCUMENTED_KEY: Final = "AKIAIOSFODNN7EXAMPLE"
THREE: Final = ("us-east-1", "us-east-2", "us-west-2")


@dataclass(slots=True)
class Archive:
    """What the archive holds: counts, and the records named for the queries."""

    events: int = 0
    items: int = 0
    flows: int = 0
    flow_files: int = 0
    truth: dict[str, Any] = field(default_factory=dict)


def at(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DD HH:MM:SS` in UTC."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())


class _Old:
    """Collects events with what they are for."""

    def __init__(self) -> None:
        self.rng = Random("archive")
        self.events: list[Event] = []
        self.records: list[dict[str, Any]] = []

    def add(self, when: str, session: Session, call: Call, query: str, *, account: str = PROD, region: str = "us-east-1") -> Event:
        event = api_event(self.rng, session, at(when), account, region, call, event_id=fixed_uuid("archive", str(len(self.events))))
        self.put(event, call.name, query)
        return event

    def put(self, event: Event, name: str, query: str) -> None:
        self.events.append(event)
        self.records.append({"eventID": event.event_id, "eventTime": iso(event.second), "eventName": name, "account": event.account, "region": event.region, "for": query})


def archive(delivery: Delivery) -> Archive:
    """Writes the archive's objects and returns what it holds."""
    old = _Old()
    _july_2021(old)
    _january_2023(old)
    _objects(old)
    _databases_and_more(old)
    _network(old)
    files: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in old.events:
        files[event.account, event.region, f"{moment(event.second):%Y/%m/%d}"].append(event)
    for (account, region, day), events in files.items():
        delivered = max(x.second for x in events) + 420
        when = moment(delivered // 300 * 300)
        key = f"AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{when:%Y%m%dT%H%MZ}_{random_name(old.rng, 16)}.json.gz"
        delivery.put(BUCKET, key, ('{"Records":[' + ",".join(x.json for x in events) + "]}").encode(), delivered)
    flows, flow_count, flow_records = flow_files(delivery, BUCKET)
    items, item_records = config_files(delivery, BUCKET)
    truth = {"bucket": BUCKET, "events": old.records, "flows": flow_records, "items": item_records}
    return Archive(len(old.events), items, flows, flow_count, truth)


def _july_2021(old: _Old) -> None:
    """`date_partition` between 2021/07/01 and 2021/07/31 in 111122223333, three regions."""
    query = "athena-cloudtrail/013-024"
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    inside = iam_user(PROD, "backup-agent", "AKIAJULY2021EXAMPLE1", address="10.0.1.14", agent=CLI)
    role = f"arn:aws:iam::{PROD}:role/reporting"
    for n, region in enumerate(THREE):
        for d in (2, 9, 16, 23, 30):
            day = f"2021-07-{d:02d}"
            old.add(f"{day} 0{n}:10:00", alice, Call("ec2.amazonaws.com", "DescribeInstances", {"maxResults": 100}), query, region=region)
            old.add(f"{day} 0{n}:20:00", inside, Call("ec2.amazonaws.com", "CreateSnapshot", {"volumeId": f"vol-0{d:02d}{n}"}, {"snapshotId": f"snap-0{d:02d}{n}", "encrypted": True}), query, region=region)
            old.add(f"{day} 0{n}:30:00", alice, Call("sts.amazonaws.com", "AssumeRole", {"roleArn": role, "roleSessionName": "alice"}, None, resources=(("AWS::IAM::Role", role),)), query, region=region)
    signed = Session(compact({"type": "IAMUser", "principalId": principal_id("AIDA", PROD, "alice"), "arn": f"arn:aws:iam::{PROD}:user/alice", "accountId": PROD, "userName": "alice"}), "198.51.100.31", BROWSER, "cli", "", "alice")
    old.add("2021-07-05 01:00:00", signed, console_login(mfa="Yes"), query)
    old.add("2021-07-12 01:00:00", signed, console_login(), query + " lake/011")
    iam: tuple[tuple[str, dict[str, Any], Any], ...] = (
        ("CreateUser", {"userName": "dave"}, {"user": {"userName": "dave", "arn": f"arn:aws:iam::{PROD}:user/dave"}}),
        ("CreateAccessKey", {"userName": "dave"}, {"accessKey": {"userName": "dave", "accessKeyId": "AKIADAVE2021EXAMPLE0", "status": "Active", "createDate": prose_time(at("2021-07-06 02:01:00"))}}),
        ("CreateLoginProfile", {"userName": "dave", "passwordResetRequired": True}, None),
        ("UpdateLoginProfile", {"userName": "erin"}, None),
        ("AttachUserPolicy", {"userName": "dave", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, None),
    )
    for n, (name, request, response) in enumerate(iam):
        old.add(f"2021-07-06 02:{n:02d}:00", alice, Call("iam.amazonaws.com", name, request, response), query)
    old.add("2021-07-06 02:30:00", alice, Call("iam.amazonaws.com", "CreateAccessKey", {"userName": "erin"}, error="LimitExceededException", message="Cannot exceed quota for AccessKeysPerUser: 2"), query)


def _january_2023(old: _Old) -> None:
    """The first week of January 2023, and the 22nd."""
    for n, (address, account) in enumerate((("192.0.2.76", PROD), ("192.0.2.76", DEV), ("192.0.2.76", OTHER), ("198.51.100.40", SECURITY))):
        who = iam_user(account, "carlos", f"AKIACARLOS{n}EXAMPLE000"[:20], address=address, agent=CLI)
        for m in range(2 + n):
            old.add(f"2023-01-03 0{m}:00:0{n}", who, Call("s3.amazonaws.com", "ListBuckets", {"Host": "s3.amazonaws.com"}), "lake/005", account=account)
    key = iam_user(OTHER, "ci", DOCUMENTED_KEY, address="198.51.100.41", agent=CLI)
    for n, name in enumerate(("DescribeInstances", "DescribeInstances", "DescribeVolumes", "CreateTags")):
        old.add(f"2023-01-04 03:0{n}:00", key, Call("ec2.amazonaws.com", name, {"n": n}), "lake/025", account=OTHER)
    old.add("2023-01-04 03:09:00", key, Call("ec2.amazonaws.com", "RunInstances", None, error="Client.UnauthorizedOperation", message="You are not authorized to perform this operation."), "lake/025", account=OTHER)
    assumed = {"credentials": {"accessKeyId": "ASIAALICEROLEEXAMPLE", "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}, "assumedRoleUser": {"arn": f"arn:aws:sts::{OTHER}:assumed-role/alice/ci"}}
    old.add("2023-01-04 03:10:00", key, Call("sts.amazonaws.com", "AssumeRole", {"roleArn": f"arn:aws:iam::{OTHER}:role/alice", "roleSessionName": "ci"}, assumed), "lake/037", account=OTHER)
    alice_role = assumed_role(OTHER, "alice", "ci", at("2023-01-04 03:10:00"), address="198.51.100.41", agent=CLI)
    for n, (source, name) in enumerate((("s3", "ListBuckets"), ("ec2", "DescribeInstances"), ("ec2", "DescribeInstances"), ("rds", "DescribeDBInstances"))):
        old.add(f"2023-01-04 03:1{n + 1}:00", alice_role, Call(f"{source}.amazonaws.com", name), "lake/065", account=OTHER)
    portal = Session(compact({"type": "IdentityCenterUser", "accountId": SECURITY, "userName": "alice@example.com", "onBehalfOf": {"userId": fixed_uuid("identity store", "alice"), "identityStoreArn": f"arn:aws:identitystore::{SECURITY}:identitystore/d-9067example"}}), "198.51.100.31", BROWSER, "cli", "", "alice")
    for n, target in enumerate((PROD, OTHER)):
        old.add(f"2023-01-02 00:3{n}:00", portal, Call("sso.amazonaws.com", "Federate", None, None, read_only=False, event_type="AwsServiceEvent", extra={"serviceEventDetails": {"account_id": target, "role_name": "AdministratorAccess"}}), "lake/027", account=SECURITY)
    alice = assumed_role(OTHER, "AWSReservedSSO_AdministratorAccess_0123456789abcdef", "alice@example.com", at("2023-01-02 00:31:00"), address="198.51.100.31", agent=BROWSER, path="/aws-reserved/sso.amazonaws.com/", style="console")
    trust = compact({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    policy = compact({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    old.add("2023-01-02 00:40:00", alice, Call("iam.amazonaws.com", "CreateRole", {"roleName": "reporting", "assumeRolePolicyDocument": trust}, {"role": {"roleName": "reporting"}}), "lake/029", account=OTHER)
    old.add("2023-01-02 00:41:00", alice, Call("iam.amazonaws.com", "CreateRole", {"roleName": "reporting", "assumeRolePolicyDocument": trust}, error="EntityAlreadyExistsException", message="Role with name reporting already exists."), "lake/029", account=OTHER)
    old.add("2023-01-02 00:42:00", alice, Call("iam.amazonaws.com", "CreateUser", {"userName": "frank"}, {"user": {"userName": "frank", "arn": f"arn:aws:iam::{OTHER}:user/frank"}}), "lake/031", account=OTHER)
    old.add("2023-01-02 00:43:00", alice, Call("iam.amazonaws.com", "PutRolePolicy", {"roleName": "reporting", "policyName": "all-of-s3", "policyDocument": policy}), "lake/033", account=OTHER)
    started = {"instancesSet": {"items": [{"instanceId": "i-b188560f", "imageId": "ami-12345", "instanceType": "t3.micro"}]}}
    old.add("2023-01-05 05:00:00", alice, Call("ec2.amazonaws.com", "RunInstances", {"instancesSet": {"items": [{"imageId": "ami-12345", "minCount": 1, "maxCount": 1}]}}, started), "lake/035", account=OTHER, region="us-west-2")
    bob = iam_user(PROD, "bob", "AKIABOB20230EXAMPLE0", address="198.51.100.32", agent=CLI)
    for n, (source, name) in enumerate((("s3", "ListBuckets"), ("iam", "ListUsers"), ("ec2", "DescribeInstances"), ("ec2", "StopInstances"))):
        old.add(f"2023-01-22 0{n + 1}:00:00", bob, Call(f"{source}.amazonaws.com", name, {"n": n}), "lake/075")
    upper = Session(compact({"type": "AssumedRole", "principalId": f"{principal_id('AROA', OTHER, 'Admin')}:Alice", "arn": f"arn:aws:sts::{OTHER}:assumed-role/Admin/Alice", "accountId": OTHER}), "198.51.100.31", BROWSER, "cli", "", "Alice")
    for n, region in enumerate(("us-east-1", "us-west-2", "us-west-2")):
        old.add(f"2023-01-1{n} 01:00:00", upper, console_login(), "lake/073 lake/077", account=OTHER, region=region)


def _objects(old: _Old) -> None:
    """S3: a file that is looked for, a deleted bucket, anonymous requests, refusals, a public access block."""
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    for n, name in enumerate(("PutObject", "GetObject", "GetObject", "DeleteObject")):
        old.add(f"2022-06-0{n + 1} 04:00:00", alice, Call("s3.amazonaws.com", name, {"bucketName": "example", "key": "datafile.txt"}, category="Data", read_only=name == "GetObject", resources=(("AWS::S3::Object", "arn:aws:s3:::example/datafile.txt"), ("AWS::S3::Bucket", "arn:aws:s3:::example"))), "athena-cloudtrail/002")
    old.add("2022-06-10 04:00:00", alice, Call("s3.amazonaws.com", "DeleteBucket", {"bucketName": "example", "Host": "example.s3.amazonaws.com"}, resources=(("AWS::S3::Bucket", "arn:aws:s3:::example"),)), "athena-cloudtrail/003")
    anonymous = Session(compact({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}), "203.0.113.12", "curl/7.81.0", "cli", "", "anonymous")
    # Someone pasted the sample with its placeholder: a request for a bucket of that name, which cannot exist.
    for bucket, error in (("[your bucket name ]", "InvalidBucketName"), ("example", None)):
        old.add("2022-01-05 06:00:00", anonymous, Call("s3.amazonaws.com", "GetObject", {"bucketName": bucket, "key": "index.html"}, error=error, message="The specified bucket is not valid." if error else None, category="Data"), "athena-cloudtrail/004")
    for n in range(4):
        old.add(f"2022-01-1{n} 07:00:00", alice, Call("s3.amazonaws.com", "GetObject", {"bucketName": "example", "key": f"part-{n % 2}.csv"}, error="AccessDenied" if n % 2 else None, message="Access Denied" if n % 2 else None, category="Data"), "lake/043")
    for day, name in (("2023-07-07 09:00:00", "PutBucketPublicAccessBlock"), ("2023-07-07 10:00:00", "PutPublicAccessBlock"), ("2023-07-08 09:00:00", "DeletePublicAccessBlock")):
        block = {"RestrictPublicBuckets": False, "BlockPublicPolicy": False, "BlockPublicAcls": True, "IgnorePublicAcls": True, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}
        request: dict[str, Any] = {"bucketName": "demo-20230707", "Host": "demo-20230707.s3.amazonaws.com", "publicAccessBlock": ""}
        if name != "DeletePublicAccessBlock":
            request["PublicAccessBlockConfiguration"] = block
        old.add(day, alice, Call("s3.amazonaws.com", name, request), "lake/055")


def _databases_and_more(old: _Old) -> None:
    """RDS, DynamoDB, Config rules, support, and one event of 2019."""
    admin = assumed_role(PROD, "database-admin", "kenji", at("2022-05-01 00:00:00"), address="198.51.100.33", agent=CLI)
    for n, (engine, public) in enumerate((("aurora-mysql", False), ("postgres", True), ("aurora-mysql", True))):
        old.add(f"2022-05-0{n + 1} 05:00:00", admin, Call("rds.amazonaws.com", "CreateDBInstance", {"dBInstanceIdentifier": f"shop-{n}", "dBInstanceClass": "db.r6g.large", "engine": engine, "publiclyAccessible": public}, {"dBInstanceIdentifier": f"shop-{n}"}), "lake/007 lake/045")
    old.add("2022-05-09 05:00:00", admin, Call("rds.amazonaws.com", "RebootDBInstance", {"dBInstanceIdentifier": "shop-0"}, {"dBInstanceIdentifier": "shop-0"}), "lake/015")
    old.add("2022-05-09 06:00:00", admin, Call("dynamodb.amazonaws.com", "Scan", {"tableName": "orders"}, category="Data", read_only=True, resources=(("AWS::DynamoDB::Table", f"arn:aws:dynamodb:us-east-1:{PROD}:table/orders"),)), "lake/017")
    config = Session(compact({"type": "AWSService", "invokedBy": "config.amazonaws.com"}), "config.amazonaws.com", "config.amazonaws.com", "service", "", "config")
    for when, verdict in (("2022-11-02 01:00:00", "COMPLIANT"), ("2022-11-02 02:00:00", "NON_COMPLIANT"), ("2022-11-20 01:00:00", "COMPLIANT"), ("2023-11-16 01:00:00", "NON_COMPLIANT"), ("2023-11-16 02:00:00", "NOT_APPLICABLE"), ("2023-11-16 03:00:00", "COMPLIANT")):
        old.add(when, config, Call("config.amazonaws.com", "PutEvaluations", {"evaluations": [{"complianceType": verdict, "complianceResourceType": "AWS::EC2::SecurityGroup", "complianceResourceId": "sg-abcd1234"}]}, additional={"configRuleName": "restricted-ssh", "configRuleArn": f"arn:aws:config:us-east-1:{PROD}:config-rule/config-rule-abc123"}, read_only=False), "lake/003 lake/053")
    support = Session(compact({"type": "AWSService", "invokedBy": "support.amazonaws.com"}), "support.amazonaws.com", "support.amazonaws.com", "service", "", "support")
    role = f"arn:aws:iam::{PROD}:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"
    old.add("2022-08-03 11:00:00", support, Call("sts.amazonaws.com", "AssumeRole", {"roleArn": role, "roleSessionName": "support"}, resources=(("AWS::IAM::Role", role),)), "lake/009")
    old.add("2019-12-30 03:00:00", iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI), Call("ec2.amazonaws.com", "DescribeVpcs"), "lake/081")


def _network(old: _Old) -> None:
    """EC2: rules of July 2023, snapshots, network ACLs, old TLS, and endpoint policies that refused."""
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    ports = {"items": [{"ipProtocol": "tcp", "fromPort": 3389, "toPort": 3389, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}
    old.add("2023-07-06 08:00:00", alice, Call("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", {"groupId": "sg-abcd1234", "ipPermissions": ports}, {"_return": True}), "lake/021")
    changed = {"ModifySecurityGroupRulesRequest": {"GroupId": "sg-abcd1234", "SecurityGroupRule": {"SecurityGroupRuleId": "sgr-0123456789abcdef0", "SecurityGroupRule": {"CidrIpv4": "0.0.0.0/0", "FromPort": 22, "ToPort": 22, "IpProtocol": "tcp"}, "tag": 1}}}
    old.add("2023-07-06 09:00:00", alice, Call("ec2.amazonaws.com", "ModifySecurityGroupRules", changed, {"ModifySecurityGroupRulesResponse": {"return": True}}), "lake/021")
    old.add("2022-03-01 08:00:00", alice, Call("ec2.amazonaws.com", "CreateSnapshots", {"CreateSnapshotsRequest": {"InstanceSpecification": {"InstanceId": "i-abcd1234"}}}, {"CreateSnapshotsResponse": {"snapshotSet": {"item": {"snapshotId": "snap-0123456789abcdef0", "encrypted": False}}}}), "lake/023")
    old.add("2022-03-02 08:00:00", alice, Call("ec2.amazonaws.com", "CreateNetworkAclEntry", {"networkAclId": "acl-abcd1234", "ruleNumber": 90, "egress": False, "ruleAction": "allow", "cidrBlock": "0.0.0.0/0"}, {"_return": True}), "lake/019")
    old.add("2022-03-03 08:00:00", alice, Call("ec2.amazonaws.com", "AcceptVpcPeeringConnection", {"AcceptVpcPeeringConnectionRequest": {"VpcPeeringConnectionId": "pcx-abcd1234"}}), "lake/019")
    for n, version in enumerate(("TLSv1", "TLSv1.1", "TLSv1.2")):
        tls = {"tlsDetails": {"tlsVersion": version, "cipherSuite": "ECDHE-RSA-AES128-SHA", "clientProvidedHostHeader": "ec2.us-east-1.amazonaws.com"}}
        old.add(f"2023-06-2{n + 1} 02:00:00", alice, Call("ec2.amazonaws.com", "DescribeInstances", {"n": n}, extra=tls), "lake/063")
    for n in range(3):
        second = at(f"2023-06-2{n + 3} 03:00:00")
        event_id = fixed_uuid("archive network activity", str(n))
        who = iam_user(OTHER, "carlos", "AKIACARLOS2EXAMPLE00", address="10.0.1.14", agent=CLI)
        body = (
            f'{{"eventVersion":"1.09","userIdentity":{who.identity},"eventTime":"{iso(second)}","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue",'
            f'"awsRegion":"us-east-1","sourceIPAddress":"10.0.1.14","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy",'
            f'"requestID":"{fixed_uuid("archive request", str(n))}","eventID":"{event_id}","eventType":"AwsVpceEvent","recipientAccountId":"{PROD}",'
            f'"vpcEndpointId":"{ENDPOINTS[PROD, "us-east-1"]}","vpcEndpointAccountId":"{PROD}","eventCategory":"NetworkActivity"}}'
        )
        old.put(Event(second, PROD, "us-east-1", "NetworkActivity", body, event_id), "GetSecretValue", "lake/049 lake/051")
