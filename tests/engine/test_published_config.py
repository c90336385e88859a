"""AWS's statements over Config's files and event data stores, against answers computed in Python."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.conftest import published
from engine.expect import Ask, check
from engine.home import MAIN, Record
from engine.record_items import ITEMS

YESTERDAY = date(2026, 11, 19)


def snapshot(kind: str | None = None) -> list[Record]:
    """Items of the snapshot that was delivered yesterday."""
    return [
        i
        for i in ITEMS
        if i["delivered_at"].date() == YESTERDAY and (kind is None or i["resourceType"] == kind)
    ]


def newest(records: list[Record]) -> Record:
    return max(records, key=lambda i: i["configurationItemCaptureTime"])


def one(ask: Ask, statement: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = ask(published()[statement]).to_pylist()
    assert len(rows) == 1
    return rows[0]


def shows(row: dict[str, Any], record: Record, **more: Any) -> None:
    """The row is about the record's newest state, with these further values."""
    captured = record["configurationItemCaptureTime"].replace(tzinfo=None)
    wanted = {"AccountId": MAIN, "Region": "us-east-1", "ConfigItemCaptureTime": captured, **more}
    assert {k: row[k] for k in wanted} == wanted


def test_conformance_packs(ask: Ask) -> None:
    pack = snapshot("AWS::Config::ConformancePackCompliance")[0]
    shows(
        one(ask, "athena-config/001"), pack, ConformancePackId=pack["resourceId"],
            ComplianceSampleDate=YESTERDAY,
        ConformancePackName=pack["resourceName"], NormalizedConformancePackName="OrgConformsPack-baseline",
        ComplianceType="NON_COMPLIANT", CompliantRuleCount=1, TotalRuleCount=2,
        PKConformancePackId=f"{MAIN}-us-east-1-{pack['resourceId']}",
    )  # fmt: skip


def test_volumes(ask: Ask) -> None:
    volume = newest(snapshot("AWS::EC2::Volume"))
    configuration = volume["configuration"]
    shows(
        one(ask, "athena-config/002"), volume, TagName="n-vol-1", TAG1="t1", TAG2=None, Encrypted="false",
        Size=str(configuration["size"]), VolumeType="gp3", State="in-use", AttachmentInstanceId="i-1",
        PartitionDate=YESTERDAY, CreationTime="2020-01-01T00:00:00.000Z",
    )  # fmt: skip


def test_buckets(ask: Ask) -> None:
    bucket = snapshot("AWS::S3::Bucket")[0]
    row = one(ask, "athena-config/003")
    shows(row, bucket, BucketName="bucket-1", ConfigItemStatus="OK", Arn=bucket["ARN"])
    assert row["CreationDate"].isoformat() == "2019-05-06T07:08:09"


def test_all_resources(ask: Ask) -> None:
    got = ask(published()["athena-config/004"]).to_pylist()
    groups: dict[tuple[str, str], list[Record]] = {}
    for i in snapshot():
        groups.setdefault((i["resourceType"], i["resourceId"]), []).append(i)
    assert {(r["ResourceType"], r["ResourceId"]): r["ConfigItemCaptureTime"] for r in got} == {
        k: newest(v)["configurationItemCaptureTime"].replace(tzinfo=None) for k, v in groups.items()
    }
    assert all(r["PKResourceId"] == f"{MAIN}-us-east-1-{r['ResourceType']}-{r['ResourceId']}" for r in got)


def test_databases(ask: Ask) -> None:
    database = snapshot("AWS::RDS::DBInstance")[0]
    row = one(ask, "athena-config/005")
    shows(
        row, database, Endpoint="db.local", Port="3306", Engine="mysql", IsMultiAZ="false", Username="admin"
    )
    assert row["InstanceCreateTime"].isoformat() == "2020-02-02T00:00:00"
    assert row["LatestRestorableTime"] is None


def test_newest_of_each_account_and_region(ask: Ask) -> None:
    recent = [
        i for i in ITEMS if i["delivered_at"].date() >= date(2026, 8, 31) and "/2023/" not in i["object"]
    ]
    captured = max(i["configurationItemCaptureTime"] for i in recent).replace(tzinfo=None)
    row = one(ask, "athena-config/006")
    assert (row["LatestPartitionDate"], row["LatestConfigItemCaptureTime"]) == (YESTERDAY, captured)


def test_functions(ask: Ask) -> None:
    row = one(ask, "athena-config/007")
    assert (row["FunctionName"], row["Runtime"], row["MemorySize"]) == ("fn-1", "python3.11", "128")
    assert row["LastModified"].isoformat() == "2021-01-01T00:00:00"


def test_changes_in_history_files(ask: Ask) -> None:
    history = [i for i in ITEMS if "2026/11/18/ConfigHistory" in i["object"]]
    expected = [
        (MAIN, "us-east-1", date(2026, 11, 18), i["resourceType"], i["resourceId"],
         i["configurationItemCaptureTime"], i["ARN"], "OK") for i in history
    ]  # fmt: skip
    check(ask, "athena-config/008", expected)


def test_resource_compliance(ask: Ask) -> None:
    found = snapshot("AWS::Config::ResourceCompliance")[0]
    shows(
        one(ask, "athena-config/009"), found, ResourceId="bucket-1", ResourceType="AWS::S3::Bucket",
        ComplianceType="NON_COMPLIANT", EventType="OK", PKResourceID=f"{MAIN}-us-east-1-bucket-1",
    )  # fmt: skip


def test_compliance_by_rule(ask: Ask) -> None:
    rows = {r["RuleName"]: r for r in ask(published()["athena-config/010"]).to_pylist()}
    assert rows.keys() == {"securityhub-s3-rule-ab12cd34", "my-rule-conformance-pack-x1"}
    hub, pack = rows["securityhub-s3-rule-ab12cd34"], rows["my-rule-conformance-pack-x1"]
    assert (hub["ComplianceType"], hub["NormalizedRuleName"], hub["ConformancePackId"]) == (
        "NON_COMPLIANT", "securityhub-s3-rule", None)  # fmt: skip
    assert (pack["ComplianceType"], pack["ConformancePackId"]) == ("COMPLIANT", "conformance-pack-1")
    assert pack["NormalizedConformancePackName"] == "OrgConformsPack-baseline"
    assert hub["PKRuleId"] == f"{MAIN}-us-east-1-config-rule-1"


def test_evaluations_of_rules(ask: Ask) -> None:
    rows = {r["RuleName"]: r for r in ask(published()["athena-config/011"]).to_pylist()}
    assert rows.keys() == {"securityhub-s3-rule-ab12cd34", "my-rule-conformance-pack-x1"}
    hub, pack = rows["securityhub-s3-rule-ab12cd34"], rows["my-rule-conformance-pack-x1"]
    assert (hub["CoreRuleName"], pack["CoreRuleName"]) == ("s3-rule", "my-rule")
    assert hub["PartitionDate"] == date(2026, 11, 18)
    assert (hub["TargetResourceId"], hub["TargetResourceType"]) == ("bucket-1", "AWS::S3::Bucket")


def test_instances(ask: Ask) -> None:
    row = one(ask, "athena-config/012")
    shows(
        row,
        snapshot("AWS::EC2::Instance")[0],
        InstanceId="i-1",
        State="running",
        AmiId="ami-1",
        TagName="n-i-1",
    )
    assert row["LaunchTime"].isoformat() == "2026-10-01T00:00:00"


def test_changes_per_resource(ask: Ask) -> None:
    """The sample compares the time with `2023-11-01T%` and `2023-11-21T%` as texts."""
    texts = [i["configurationItemCaptureTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z") for i in ITEMS]
    count = sum("2023-11-01T%" <= t <= "2023-11-21T%" for t in texts)
    check(ask, "lake/001", [("AWS::EC2::SecurityGroup", "sg-1", count)])


def patches(record: Record, state: str) -> list[str] | None:
    item = record["configuration"].get("AWS:ComplianceItem")
    if item is None:
        return None
    return [f'"{p["Id"]}"' for p in item["Content"]["Patch"].values() if p["PatchState"] == state]


def _patch_row(record: Record) -> dict[str, Any]:
    states = ("Installed", "InstalledOther", "InstalledPendingReboot", "Missing", "Failed")
    return {
        "InstanceId": record["resourceId"].replace("AWS::SSM::ManagedInstanceInventory/", ""),
        "accountId": MAIN,
        "awsRegion": "us-east-1",
        "eventTime": record["configurationItemCaptureTime"],
        **{state: patches(record, state) for state in states},
    }


def _by_instance(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda r: (r["InstanceId"], r["eventTime"]))


def compliance_items() -> list[Record]:
    return [i for i in ITEMS if i["resourceType"] == "AWS::SSM::PatchCompliance"]


def test_patches_in_a_span(ask: Ask) -> None:
    wanted = [
        _patch_row(i)
        for i in compliance_items()
        if "2023-06-23" < i["configurationItemCaptureTime"].strftime("%Y-%m-%d %H") < "2023-06-25 12"
        and patches(i, "") is not None
    ]
    assert wanted
    assert _by_instance(ask(published()["lake/057"]).to_pylist()) == _by_instance(wanted)


def test_latest_patches_of_each_instance(ask: Ask) -> None:
    latest: dict[str, Record] = {}
    for i in sorted(compliance_items(), key=lambda i: i["configurationItemCaptureTime"]):
        latest[i["resourceId"]] = i
    assert _by_instance(ask(published()["lake/059"]).to_pylist()) == _by_instance(
        [_patch_row(i) for i in latest.values()]
    )


def test_patches_of_one_instance(ask: Ask) -> None:
    wanted = [_patch_row(i) for i in compliance_items() if "<instance id such as" in i["resourceId"]]
    assert wanted
    assert ask(published()["lake/061"]).to_pylist() == wanted
