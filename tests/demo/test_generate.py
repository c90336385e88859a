"""The promises of `generate` as a whole: the same bytes, the right numbers, the layouts of AWS."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ashiato.demo import DEFAULT_END, flow_days, generate, generate_small_objects

from .conftest import DAYS, EVENTS, FLOWS, Delivered, identifier

SMALL = {"days": 1, "accounts": 2, "events": 3000, "flows": 2500}
CODE = (
    "import sys; from pathlib import Path; from ashiato.demo import generate;"
    "generate(Path(sys.argv[1]), days=1, accounts=2, events=3000, flows=2500)"
)


def tree(root: Path) -> str:
    """One hash over all names, bytes and modification times."""
    whole = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        whole.update(str(path.relative_to(root)).encode())
        whole.update(path.read_bytes())
        if path.name != "truth.json":
            whole.update(str(int(path.stat().st_mtime)).encode())
    return whole.hexdigest()


def test_same_arguments_give_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    generate(tmp_path / "a", **SMALL)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Tokyo",
    }
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path / "b")], check=True, env=environment)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_second_process_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = generate(tmp_path / "one", **SMALL, processes=1)
    monkeypatch.setattr(flow_days, "WORTH_A_PROCESS", 0)
    two = generate(tmp_path / "two", **SMALL, processes=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert one.counts == two.counts


def test_another_seed_changes_the_noise_and_keeps_the_story(tmp_path: Path) -> None:
    first = generate(tmp_path / "1", **SMALL, seed=1)
    second = generate(tmp_path / "2", **SMALL, seed=2)
    assert tree(tmp_path / "1") != tree(tmp_path / "2")
    assert first.truth["steps"] == second.truth["steps"]
    assert first.truth["attack"] == second.truth["attack"]
    causes = [{c["cause"] for c in x.truth["changes"]} for x in (first, second)]
    assert causes[0] != causes[1]


def test_counts_are_what_the_files_hold(delivered: Delivered) -> None:
    counts = delivered.truth["counts"]
    keys = {(identifier(r), r.get("recipientAccountId") or r["accountId"]) for _, r in delivered.events}
    assert len(keys) == counts["events"] >= EVENTS
    assert len(delivered.events) == counts["event_records"] > counts["events"]
    items = {
        (
            i["awsAccountId"],
            i["awsRegion"],
            i["resourceType"],
            i["resourceId"],
            i["configurationItemCaptureTime"],
            i["configurationStateId"],
        )
        for i in delivered.items
    }
    assert len(items) == counts["items"]
    assert len(delivered.items) == counts["item_records"]
    assert len(delivered.flows) == counts["flow_records"] >= FLOWS
    assert (
        sum(1 for p in delivered.root.rglob("*") if p.is_file() and p.name != "truth.json")
        == counts["objects"]
    )


def test_a_window_holds_its_days(delivered: Delivered) -> None:
    window = delivered.truth["window"]
    assert window["end"] == f"{DEFAULT_END}T00:00:00Z"
    archive = delivered.truth["archive"]["bucket"]
    days = {r["eventTime"][:10] for b, r in delivered.events if b != archive and "eventTime" in r}
    assert len(days) in (DAYS, DAYS + 1)  # sign-ins of the first morning lie before midnight


ACCOUNT = r"AWSLogs/(?P<a>\d{12})"
ORGANISATION = r"AWSLogs/(o-[a-z0-9]{10,32}/)?(?P<a>\d{12})"
REGION = r"(?P<r>[a-z0-9-]+)"
DAY = r"(?P<d>\d{4}/\d\d/\d\d)"
PLAIN_DAY = r"\d{4}/[1-9]\d?/[1-9]\d?"
MINUTE = r"(?P<t>\d{8}T\d{4}Z)"
SECOND = r"\d{8}T\d{6}Z"
TRAIL_FOLDER = r"(?P<f>CloudTrail(-Insight|-NetworkActivity|-Aggregated)?)"
FLOW_NAME = rf"(?P=a)_vpcflowlogs_(?P=r)_fl-\w+_{MINUTE}_[0-9a-f]{{8}}\.log\."
LAYOUTS = (
    rf"{ORGANISATION}/{TRAIL_FOLDER}/{REGION}/{DAY}/(?P=a)_(?P=f)_(?P=r)_{MINUTE}_\w{{16}}\.json\.gz",
    (
        rf"{ORGANISATION}/CloudTrail-Digest/{REGION}/{DAY}/"
        rf"(?P=a)_CloudTrail-Digest_(?P=r)_[\w-]+_us-east-1_(?P<t>{SECOND})\.json\.gz"
    ),
    (
        rf"{ACCOUNT}/Config/{REGION}/{PLAIN_DAY}/ConfigHistory/"
        rf"(?P=a)_Config_(?P=r)_ConfigHistory_AWS::\w+::\w+_{SECOND}_{SECOND}_\d\.json\.gz"
    ),
    (
        rf"{ACCOUNT}/Config/{REGION}/{PLAIN_DAY}/ConfigSnapshot/"
        rf"(?P=a)_Config_(?P=r)_ConfigSnapshot_{SECOND}_[0-9a-f-]{{36}}\.json\.gz"
    ),
    r"AWSLogs/\d{12}/Config/ConfigWritabilityCheckFile",
    rf"{ACCOUNT}/vpcflowlogs/{REGION}/{DAY}/(\d\d/)?{FLOW_NAME}(gz|parquet)",
    (
        r"AWSLogs/aws-account-id=(?P<a>\d{12})/aws-service=vpcflowlogs/aws-region=(?P<r>[a-z0-9-]+)/"
        rf"year=\d{{4}}/month=\d\d/day=\d\d/{FLOW_NAME}gz"
    ),
)


def test_every_object_lies_where_aws_would_put_it(delivered: Delivered) -> None:
    used = set()
    for path in delivered.root.rglob("*"):
        if not path.is_file() or path.name == "truth.json":
            continue
        key = str(path.relative_to(delivered.root)).partition("/")[2]
        matches = [n for n, layout in enumerate(LAYOUTS) if re.fullmatch(layout, key)]
        assert len(matches) == 1, key
        used.add(matches[0])
        found = re.fullmatch(LAYOUTS[matches[0]], key)
        assert found
        if "d" in found.groupdict() and "t" in found.groupdict():
            assert found["t"].startswith(found["d"].replace("/", ""))
    assert used == set(range(len(LAYOUTS)))


def test_delivery_follows_the_events_and_is_sometimes_late_or_double(delivered: Delivered) -> None:
    lags = []
    contents: dict[tuple[str, ...], int] = {}
    for path, records in delivered.event_files.items():
        arrived = path.stat().st_mtime
        times = [
            datetime.strptime(r["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
            for r in records
            if "eventTime" in r
        ]
        if times:
            assert max(times) <= arrived, path
            lags.append(arrived - max(times))
        ids = tuple(map(identifier, records))
        bucket = str(path.relative_to(delivered.root)).partition("/")[0]
        contents[bucket, *ids] = contents.get((bucket, *ids), 0) + 1
    lags.sort()
    assert lags[len(lags) // 2] < 1200
    assert lags[-1] > 3600
    assert sum(n > 1 for n in contents.values()) == delivered.truth["deliveries"]["filesDeliveredTwice"] > 0
    assert delivered.truth["deliveries"]["lateFiles"] > 0


def test_events_come_in_every_kind_that_cloudtrail_knows(delivered: Delivered) -> None:
    records = [r for _, r in delivered.events]
    assert {r["eventCategory"] for r in records} == {
        "Management",
        "Data",
        "Insight",
        "NetworkActivity",
        "Aggregated",
    }
    kinds = {r["userIdentity"]["type"] for r in records if "type" in r.get("userIdentity", {})}
    assert {
        "IAMUser",
        "AssumedRole",
        "AWSService",
        "AWSAccount",
        "SAMLUser",
        "WebIdentityUser",
        "IdentityCenterUser",
    } <= kinds
    assert {"1.08", "1.09", "1.10", "1.11"} <= {r["eventVersion"] for r in records}
    for name in (
        "tlsDetails",
        "sessionCredentialFromConsole",
        "vpcEndpointId",
        "addendum",
        "insightDetails",
        "errorCode",
        "sharedEventID",
    ):
        assert any(name in r for r in records), name
    assert all("userIdentity" in r or r["eventCategory"] in ("Insight", "Aggregated") for r in records)
    shared: dict[str, set[str]] = {}
    for r in records:
        if "sharedEventID" in r and r["eventCategory"] == "Management":
            shared.setdefault(r["sharedEventID"], set()).add(r["recipientAccountId"])
    assert shared
    assert all(len(accounts) == 2 for accounts in shared.values())
    addendum = next(r for r in records if "addendum" in r)
    assert addendum["addendum"]["originalEventID"] in delivered.by_id()


def test_a_session_keeps_its_identity(delivered: Delivered) -> None:
    seen: dict[str, object] = {}
    for _, r in delivered.events:
        who = r.get("userIdentity", {})
        if str(who.get("accessKeyId", "")).startswith("ASIA") and "invokedBy" not in who:
            assert seen.setdefault(who["accessKeyId"], who) == who


def test_small_objects_are_small_and_double_and_hold_the_same_events_when_packed_otherwise(
    tmp_path: Path,
) -> None:
    small = generate_small_objects(tmp_path / "small", events=1600, events_per_object=8)
    large = generate_small_objects(tmp_path / "large", events=1600, events_per_object=400)
    assert small.events == large.events == 1600
    assert abs(1 - small.events / small.records - 1 / 3) < 0.01
    assert small.objects > 8 * large.objects
    assert sum(1 for p in (tmp_path / "small").rglob("*.gz")) == small.objects
    assert len({p.parts[-5] for p in (tmp_path / "small").rglob("*.gz")}) == 17


@pytest.mark.parametrize("wrong", [{"days": 0}, {"accounts": 0}])
def test_wrong_sizes_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path, **wrong)


def test_config_dates_have_no_zeros_in_front(tmp_path: Path) -> None:
    generate(tmp_path, days=1, accounts=1, events=100, flows=100, end=date(2026, 3, 6))
    folders = {str(p.parent.parent.relative_to(tmp_path)) for p in tmp_path.rglob("*_Config_*.json.gz")}
    window = {f.rpartition("/us-east-1/")[2] for f in folders if "shop-config" in f and "/us-east-1/" in f}
    assert window == {"2026/3/5", "2026/3/6"}
