"""Records of the tests' lake, as plain Python: events and flow records that AWS's statements ask for,
each with decoys that differ by one thing. Expected answers are computed from these lists, never by SQL."""

from __future__ import annotations

import json
from typing import Any

from engine.home import MAIN, NOW, Record, moment

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1")

EVENTS: list[Record] = []
FLOWS: list[Record] = []


def user(name: str, account: str = MAIN, **more: Any) -> Record:
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper()}",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": f"AKIA{name.upper()}",
        "userName": name,
        **more,
    }


def role(name: str, session: str, account: str = MAIN) -> Record:
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{name.upper()}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": f"ASIA{name.upper()}",
        "sessionContext": {
            "attributes": {"mfaAuthenticated": "false", "creationDate": "2021-07-01T00:00:00Z"},
            "sessionIssuer": {
                "type": "Role",
                "principalId": f"AROA{name.upper()}",
                "arn": f"arn:aws:iam::{account}:role/{name}",
                "accountId": account,
                "userName": name,
            },
        },
    }


def event(time: str, service: str, name: str, **fields: Any) -> Record:
    """One event; fields that hold JSON are given as Python and kept as the lake keeps them, as text."""
    number = len(EVENTS)
    record: Record = {
        "eventVersion": "1.08",
        "eventTime": moment(time),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"198.51.100.{number % 250}",
        "userAgent": f"agent-{number % 3}",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
        "managementEvent": True,
        "readOnly": name.startswith(("Get", "List", "Describe")),
        "recipientAccountId": MAIN,
        "userIdentity": user("alice"),
        "object": f"s3://logs/AWSLogs/{MAIN}/CloudTrail/us-east-1/{time[:10].replace('-', '/')}/x.json.gz",
        "variant": 0,
        **fields,
    }
    EVENTS.append(record)
    return record


JSON_FIELDS = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")


def stored(record: Record) -> Record:
    """An event as the lake holds it."""
    return {k: json.dumps(v) if k in JSON_FIELDS and v is not None else v for k, v in record.items()}


def _month_of_2021() -> None:
    """A month of activity; the days just before and after it, another account and region are decoys."""
    times = ("2021-06-30T23:59:59Z", "2021-07-01T00:00:00Z", "2021-07-15T10:00:00Z", "2021-07-31T23:59:59Z",
             "2021-08-01T00:00:00Z")  # fmt: skip
    for time in times:
        for account in (MAIN, "444455556666", "999999999999"):
            for region in REGIONS:
                where = {"recipientAccountId": account, "awsRegion": region}
                event(time, "ec2", "RunInstances", userIdentity=role("ops", "bob", account), **where)
                event(time, "ec2", "DescribeInstances", **where)
        event(time, "sts", "AssumeRole", userIdentity=user("carol"), sourceIPAddress="203.0.113.9")
        event(time, "sts", "AssumeRole", userIdentity={"type": "AWSService",
            "invokedBy": "ec2.amazonaws.com"},
              sourceIPAddress="ec2.amazonaws.com")  # fmt: skip
        event(time, "signin", "ConsoleLogin", userIdentity=user("carol"), sourceIPAddress="203.0.113.7",
              additionalEventData={"MFAUsed": "No", "LoginTo": "https://console"})  # fmt: skip
        event(
            time,
            "iam",
            "CreateAccessKey",
            requestParameters={"userName": "mallory"},
            responseElements={
                "accessKey": {"userName": "mallory", "accessKeyId": "AKIANEW", "status": "Active"}
            },
        )
        event(time, "iam", "CreateAccessKey", errorCode="AccessDenied", errorMessage="no",
              requestParameters={"userName": "root"})  # fmt: skip
        event(
            time, "iam", "UpdateLoginProfile", requestParameters={"userName": "dave"}, responseElements=None
        )
        event(time, "iam", "ListUsers")


def _resources() -> None:
    arn = "arn:aws:s3:::example/datafile.txt"
    event("2022-02-01T00:00:00Z", "s3", "GetObject", eventCategory="Data", resources=[
        {"ARN": arn, "accountId": MAIN, "type": "AWS::S3::Object"},
        {"ARN": "arn:aws:s3:::example", "accountId": MAIN, "type": "AWS::S3::Bucket"}])  # fmt: skip
    event("2022-02-01T00:00:05Z", "s3", "PutObject", resources=[{"ARN": arn + ".bak", "accountId": MAIN}])
    event("2022-02-02T00:00:00Z", "s3", "DeleteBucket", requestParameters={"bucketName": "old"}, resources=[
        {"ARN": "arn:aws:s3:::old", "accountId": "444455556666", "type": "AWS::S3::Bucket"}])  # fmt: skip
    event(
        "2022-02-02T00:00:09Z", "s3", "DeleteBucket", requestParameters={"bucketName": "gone"}, resources=None
    )
    anonymous = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    event("2022-02-03T00:00:00Z", "s3", "GetObject", userIdentity=anonymous, eventCategory="Data",
          requestParameters={"bucketName": "[your bucket name ]", "key": "a"})  # fmt: skip
    event("2022-02-03T00:00:01Z", "s3", "GetObject", userIdentity=anonymous, eventCategory="Data",
          requestParameters={"bucketName": "another", "key": "a"})  # fmt: skip


def _lake_2022() -> None:
    for rule, day in (("s3-a", "01"), ("s3-a", "01"), ("ec2-b", "02"), ("ec2-b", "22")):
        event(f"2022-11-{day}T01:00:00Z", "config", "PutEvaluations",
              additionalEventData={"configRuleName": rule, "configRuleArn": f"arn:{rule}"})  # fmt: skip
    for engine, time in (("aurora-mysql", "2022-03-01T00:00:00Z"), ("mysql", "2022-03-02T00:00:00Z"),
                         ("aurora-mysql", "2021-03-01T00:00:00Z")):  # fmt: skip
        event(time, "rds", "CreateDBInstance", requestParameters={
            "dBInstanceIdentifier": f"db-{engine}", "dBInstanceClass": "db.r5.large", "engine": engine,
            "publiclyAccessible": True})  # fmt: skip
    event("2022-04-01T00:00:00Z", "sts", "AssumeRole", userAgent="support.amazonaws.com", resources=[
        {"ARN": "arn:aws:iam::111122223333:role/AWSServiceRoleForSupport", "accountId": MAIN}])  # fmt: skip
    event("2022-04-01T00:00:01Z", "sts", "AssumeRole", userAgent="support.amazonaws.com", resources=[])
    event("2022-05-01T00:00:00Z", "rds", "RebootDBInstance", userIdentity=role("dba", "eve"),
          requestParameters={"dBInstanceIdentifier": "db-1"})  # fmt: skip
    event(
        "2022-05-02T00:00:00Z", "rds", "RebootDBInstance", requestParameters={"dBInstanceIdentifier": "db-2"}
    )
    event("2022-05-03T00:00:00Z", "dynamodb", "scan")
    event("2022-05-03T00:00:00Z", "dynamodb", "Scan")
    event("2022-05-04T00:00:00Z", "ec2", "CreateNetworkAcl")
    event("2022-05-04T00:00:00Z", "ec2", "RevokeSecurityGroupIngress")
    event(
        "2022-12-01T00:00:00Z",
        "ec2",
        "CreateSnapshots",
        requestParameters={"CreateSnapshotsRequest": {"InstanceSpecification": {"InstanceId": "i-1"}}},
        responseElements={"CreateSnapshotsResponse": {"snapshotSet": {"item": {"encrypted": False}}}},
    )
    event("2022-12-01T00:00:00Z", "ec2", "CreateSnapshot", requestParameters={"volumeId": "vol-1"},
          responseElements={"snapshotId": "snap-1", "encrypted": False})  # fmt: skip
    key = {"bucketName": "data", "key": "k1"}
    for request, error in (
        (key, None),
        (key, None),
        (key, "AccessDenied"),
        ({"bucketName": "data", "key": "k2"}, None),
    ):
        event("2022-01-10T00:00:00Z", "s3", "GetObject", requestParameters=request, errorMessage=error)
    event("2022-01-08T00:00:00Z", "iam", "GetUser", userIdentity=role("ops", "frank"))
    event("2022-01-07T23:59:59Z", "iam", "GetUser", userIdentity=role("ops", "frank"))


def _lake_2023() -> None:
    inside, before, after = "2023-01-03T00:00:00Z", "2022-12-31T23:59:59Z", "2023-01-07T00:00:00Z"
    alice = {"type": "AssumedRole", "principalId": "AROAX:alice@example.com", "accountId": MAIN,
             "arn": "arn:aws:sts::111122223333:assumed-role/X/alice@example.com"}  # fmt: skip
    for time in (inside, before, after):
        for account in ("222233334444", "555555555555"):
            event(time, "s3", "ListBuckets", sourceIPAddress="192.0.2.76", userIdentity=user("gina", account))
        leaked = user("leak", accessKeyId="AKIAIOSFODNN7EXAMPLE")
        event(time, "ec2", "DescribeInstances", userIdentity=leaked)
        event(time, "ec2", "DescribeInstances", userIdentity=leaked)
        event(time, "ec2", "RunInstances", userIdentity=leaked, errorCode="Client.UnauthorizedOperation")
        event(time, "sts", "AssumeRole", userIdentity=leaked, requestParameters={"roleArn": "arn:r"},
              responseElements={"credentials": {"accessKeyId": "ASIAX"}})  # fmt: skip
        event(time, "sso", "Federate", userIdentity={"type": "Unknown", "userName": "alice@example.com"},
              eventType="AwsServiceEvent",
              serviceEventDetails={"account_id": "444455556666", "role_name": "Admin"})  # fmt: skip
        event(
            time,
            "iam",
            "CreateRole",
            userIdentity=alice,
            errorCode="EntityAlreadyExists",
            errorMessage="exists",
        )
        event(time, "iam", "CreateUser", userIdentity=alice,
              responseElements={"user": {"userName": "new", "path": "/"}})  # fmt: skip
        event(time, "iam", "PutRolePolicy", userIdentity=alice,
              requestParameters={"roleName": "r1", "policyDocument": '{"Version":"2012-10-17"}'})  # fmt: skip
        event(time, "iam", "PutRolePolicy", requestParameters={"roleName": "r2", "policyDocument": "{}"})
        event(time, "ec2", "RunInstances", responseElements={
            "instancesSet": {"items": [{"instanceId": "i-b188560f", "imageId": "ami-1"}]}})  # fmt: skip
        event(
            time,
            "ec2",
            "RunInstances",
            responseElements={"instancesSet": {"items": [{"instanceId": "i-other"}]}},
        )
        event(time, "s3", "GetObject", userIdentity=role("alice", "s1", "555555555555"))
    for time in (
        "2023-01-22T00:00:00Z",
        "2023-01-22T00:00:01Z",
        "2023-01-22T23:59:59Z",
        "2023-01-23T00:00:00Z",
    ):
        event(time, "ec2", "StartInstances", userIdentity=user("bob"))
    for region in REGIONS:
        event("2023-02-01T00:00:00Z", "signin", "ConsoleLogin", awsRegion=region, userIdentity={
            **user("alice"), "principalId": f"AIDA:Alice-{region}"},
            additionalEventData={"MFAUsed": "Yes"})  # fmt: skip
    for time in ("2023-07-06T00:00:00Z", "2023-07-08T00:00:00Z", "2023-07-08T00:00:01Z"):
        event(time, "ec2", "AuthorizeSecurityGroupIngress", requestParameters={
            "groupId": "sg-1", "ipPermissions": {"items": [{"fromPort": 22}]}})  # fmt: skip
        event(
            time,
            "ec2",
            "ModifySecurityGroupRules",
            requestParameters={
                "ModifySecurityGroupRulesRequest": {"GroupId": "sg-0", "SecurityGroupRule": {"FromPort": 22}}
            },
        )
    block = {"BlockPublicPolicy": False, "RestrictPublicBuckets": True}
    for bucket, time in (("demo-20230707", "2023-07-07T10:00:00Z"), ("demo-20230707", "2023-07-07T11:00:00Z"),
                         ("demo-20230707", "2023-07-06T23:00:00Z"), ("other",
                             "2023-07-07T10:00:00Z")):  # fmt: skip
        event(time, "s3", "PutBucketPublicAccessBlock", requestParameters={
            "bucketName": bucket, "PublicAccessBlockConfiguration": block})  # fmt: skip
    for verdict, time in (
        ("COMPLIANT", "2023-11-16T01:00:00Z"),
        ("NON_COMPLIANT", "2023-11-16T02:00:00Z"),
        ("NOT_APPLICABLE", "2023-11-16T03:00:00Z"),
        ("COMPLIANT", "2023-11-17T01:00:00Z"),
    ):
        event(time, "config", "PutEvaluations", additionalEventData={"configRuleName": "r"},
            requestParameters={
            "evaluations": [{"complianceType": verdict, "complianceResourceType": "AWS::S3::Bucket",
                             "complianceResourceId": "b"}, {"complianceType": "COMPLIANT"}]})  # fmt: skip
    event("2026-11-19T00:00:00Z", "ec2", "StopInstances", awsRegion="us-east-2")


_month_of_2021()
_resources()
_lake_2022()
_lake_2023()

#: A later copy of an event that says more, and an event that an addendum corrected: not in the default view.
COPY = {**EVENTS[0], "userAgent": "a second copy", "variant": 1}
CORRECTED = EVENTS[1]["eventID"]
VISIBLE = [e for e in EVENTS if e["eventID"] != CORRECTED]


def flow(time: str, source: str | None, target: str | None, **fields: Any) -> Record:
    """One flow record of a minute, seen at `interface_id`."""
    start = int(moment(time).timestamp())
    number = len(FLOWS)
    record: Record = {
        "version": 5, "account_id": MAIN, "interface_id": f"eni-{number % 4}", "srcaddr": source,
            "dstaddr": target,
        "srcport": 40000 + number % 100, "dstport": 443, "protocol": 6, "packets": 10 + number,
            "bytes": 1000 + number,
        "start": start, "end": start + 59, "action": "ACCEPT", "log_status": "OK" if source else "NODATA",
        "vpc_id": "vpc-1", "subnet_id": "subnet-1", "instance_id": "i-000000000000000", "region": "us-east-1",
        "flow_direction": "ingress", "start_time": moment(time), "log_event_id": f"r{number}",
        "object": f"s3://flows/AWSLogs/{fields.get('account_id', MAIN)}/vpcflowlogs/"
        f"{fields.get('region', 'us-east-1')}/{time[:10].replace('-', '/')}/x.log.gz",
    }  # fmt: skip
    record |= fields
    FLOWS.append(record)
    return record


def _flows() -> None:
    for time in (
        "2020-06-30T23:59:59Z",
        "2020-07-01T00:00:00Z",
        "2020-07-31T23:59:00Z",
        "2020-08-01T00:00:00Z",
    ):
        for account in (MAIN, "999999999999"):
            for region in ("us-east-1", "eu-west-1"):
                where = {"account_id": account, "region": region}
                flow(time, "192.0.2.1", "203.0.113.2", **where)
                flow(time, "203.0.113.2", "192.0.2.1", srcport=443, dstport=52000, **where)
                flow(time, "192.0.2.1", "192.0.2.254", dstport=22, **where)
                flow(time, "192.0.2.254", "192.0.2.1", srcport=22, dstport=40001, **where)
                flow(time, "10.1.2.3", "198.51.100.7", **where)
                flow(time, "172.16.5.5", "172.31.0.9", dstport=5432, **where)
                flow(time, "172.16.5.5", "172.32.0.9", dstport=5432, **where)
                flow(time, "2001:db8::1", "10.0.0.9", dstport=80, instance_id=None, **where)
                flow(time, None, None, srcport=None, dstport=None, protocol=None, action=None, **where)
    for day in ("2021-01-31", "2021-02-01", "2021-02-27", "2021-02-28", "2021-03-01", "2021-03-30",
        "2021-03-31",
                "2021-04-01", "2021-04-29", "2021-04-30", "2021-01-01", "2021-01-30"):  # fmt: skip
        flow(f"{day}T12:00:00Z", "10.117.1.22", "10.0.1.14")
        flow(f"{day}T13:00:00Z", "10.118.1.22", "10.0.1.15", action="REJECT", dstport=3389)
        flow(f"{day}T13:00:00Z", "10.118.1.22", "10.0.1.15", action="REJECT", protocol=17)
    flow("2020-05-04T00:00:00Z", "10.9.9.9", "10.9.9.8")
    flow("2020-05-04T23:59:59Z", "10.9.9.9", "10.9.9.8")
    flow("2020-05-05T00:00:00Z", "10.9.9.9", "10.9.9.8")
    flow("2026-11-14T00:00:00Z", "10.7.7.7", "10.7.7.8", region="us-west-2")
    flow("2026-11-13T00:00:00Z", "10.7.7.7", "10.7.7.8", region="us-west-2")


_flows()

__all__ = ["COPY", "CORRECTED", "EVENTS", "FLOWS", "MAIN", "NOW", "VISIBLE", "Record", "stored"]
