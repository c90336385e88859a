"""Configuration items of the tests' lake, as plain Python, for AWS's statements over Config."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.home import MAIN, NOW, Record

ITEMS: list[Record] = []


def item(kind: str, identifier: str, captured: datetime, configuration: Any, **fields: Any) -> Record:
    """One configuration item, delivered in the snapshot of yesterday unless said otherwise."""
    yesterday = (NOW - timedelta(days=1)).replace(hour=3)
    record: Record = {
        "configurationItemVersion": "1.3", "configurationItemCaptureTime": captured,
            "configurationStateId": "1700",
        "awsAccountId": MAIN, "configurationItemStatus": "OK", "resourceType": kind, "resourceId": identifier,
        "resourceName": f"name-{identifier}", "ARN": f"arn:aws:x:::{identifier}", "awsRegion": "us-east-1",
        "availabilityZone": "us-east-1a", "resourceCreationTime": datetime(2020, 1, 1, tzinfo=UTC),
        "tags": {"Name": f"n-{identifier}", "${tag1}": "t1"}, "relationships": [],
            "configuration": configuration,
        "configSnapshotId": "snapshot-1", "fileVersion": "1.0", "delivered_at": yesterday, "variant": 0,
        "object": "s3://config/AWSLogs/111122223333/Config/us-east-1/2026/11/19/ConfigSnapshot/x.json.gz",
    }  # fmt: skip
    record |= fields
    ITEMS.append(record)
    return record


_HISTORY = {
    "object": "s3://config/AWSLogs/111122223333/Config/us-east-1/2026/11/18/ConfigHistory/x.json.gz",
    "configSnapshotId": None,
    "delivered_at": datetime(2026, 11, 18, 6, tzinfo=UTC),
}
_OLD = {
    "object": "s3://config/AWSLogs/111122223333/Config/us-east-1/2026/3/2/ConfigSnapshot/x.json.gz",
    "delivered_at": datetime(2026, 3, 2, 3, tzinfo=UTC),
}


def _items() -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, 3, 4, 5, 678000, tzinfo=UTC)
    volume = {
        "encrypted": False,
        "size": 8,
        "volumeId": "vol-1",
        "volumeType": "gp3",
        "state": "in-use",
        "createTime": "2020-01-01T00:00:00.000Z",
        "attachments": [
            {"device": "/dev/xvda", "instanceId": "i-1", "volumeId": "vol-1", "state": "attached"}
        ],
    }
    item("AWS::EC2::Volume", "vol-1", early, {**volume, "size": 4, "encrypted": True})
    item("AWS::EC2::Volume", "vol-1", late, volume)
    item("AWS::EC2::Volume", "vol-2", early, {**volume, "state": {"string": "available"}}, **_OLD)
    item(
        "AWS::S3::Bucket", "bucket-1", early, {"name": "bucket-1", "creationDate": "2019-05-06T07:08:09.000Z"}
    )
    item("AWS::RDS::DBInstance", "db-1", early, {"dbiResourceId": "db-1", "engine": "mysql",
         "endpoint": {"address": "db.local", "port": 3306}, "multiAZ": False, "masterUsername": "admin",
         "instanceCreateTime": "2020-02-02T00:00:00.000Z"})  # fmt: skip
    item("AWS::Lambda::Function", "fn-1", early, {"functionName": "fn-1", "runtime": "python3.11",
        "memorySize": 128,
         "lastModified": "2021-01-01T00:00:00.000+0000"})  # fmt: skip
    item("AWS::EC2::Instance", "i-1", late, {"instanceId": "i-1", "instanceType": "t3.micro",
        "imageId": "ami-1",
         "state": {"code": 16, "name": "running"}, "launchTime": "2026-10-01T00:00:00.000Z"})  # fmt: skip
    rules = [{"configRuleName": "securityhub-s3-rule-ab12cd34", "configRuleId": "config-rule-1",
              "configRuleArn": "arn:rule-1", "complianceType": "NON_COMPLIANT"},
             {"configRuleName": "my-rule-conformance-pack-x1", "configRuleId": "config-rule-2",
              "configRuleArn": "arn:rule-2", "complianceType": "COMPLIANT"}]  # fmt: skip
    item("AWS::Config::ConformancePackCompliance", "conformance-pack-1", early, {
        "complianceType": "NON_COMPLIANT", "compliantRuleCount": 1, "nonCompliantRuleCount": 1,
            "totalRuleCount": 2,
        "configRuleList": [{"configRuleName": "my-rule-conformance-pack-x1", "complianceType": "COMPLIANT"}],
        "configrulelist": [{"configRuleName": "my-rule-conformance-pack-x1"}]},
        resourceName="OrgConformsPack-baseline-1a2b")  # fmt: skip
    compliance = {"targetResourceId": "bucket-1", "targetResourceType": "AWS::S3::Bucket",
                  "complianceType": "NON_COMPLIANT", "configRuleList": rules}  # fmt: skip
    item("AWS::Config::ResourceCompliance", "AWS::S3::Bucket/bucket-1", early, compliance)
    item("AWS::Config::ResourceCompliance", "AWS::S3::Bucket/bucket-1", late, compliance, **_HISTORY)
    for day, count in ((5, 1), (12, 2), (25, 1)):
        for number in range(count):
            captured = datetime(2023, 11, day, number, tzinfo=UTC)
            item("AWS::EC2::SecurityGroup", "sg-1", captured, {}, **_HISTORY | {
                "object": f"s3://c/Config/us-east-1/2023/11/{day}/ConfigHistory/x.json.gz"})  # fmt: skip
    for number, captured in enumerate((datetime(2023, 6, 24, tzinfo=UTC), datetime(2023, 6, 26, tzinfo=UTC))):
        patches = {"KB1": {"Id": "KB1", "PatchState": "Installed"}, "KB2": {"Id": "KB2",
            "PatchState": "Missing"},
                   "KB3": {"Id": f"KB3-{number}", "PatchState": "Installed"}}  # fmt: skip
        item("AWS::SSM::PatchCompliance", "AWS::SSM::ManagedInstanceInventory/i-9", captured,
             {"AWS:ComplianceItem": {"Content": {"Patch": patches}}}, **_HISTORY)  # fmt: skip
    item("AWS::SSM::PatchCompliance",
        "AWS::SSM::ManagedInstanceInventory/<instance id such as i-123456789012>",
         datetime(2023, 6, 27, tzinfo=UTC), {"AWS:ComplianceItem": {"Content": {"Patch": {
             "KB7": {"Id": "KB7", "PatchState": "Failed"}}}}}, **_HISTORY)  # fmt: skip
    item("AWS::SSM::PatchCompliance", "AWS::SSM::ManagedInstanceInventory/i-8",
         datetime(2023, 6, 24, tzinfo=UTC), {"other": 1}, **_HISTORY)  # fmt: skip


_items()


def stored_item(record: Record) -> Record:
    """An item as the lake holds it."""
    texts = ("tags", "configuration", "supplementaryConfiguration")
    return {k: json.dumps(v) if k in texts and v is not None else v for k, v in record.items()}
