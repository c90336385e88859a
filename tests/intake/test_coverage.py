"""What comes from where, how late, and what is missing, on sets small enough to know by heart."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ashiato.intake import coverage as covering
from ashiato.intake.coverage import coverage
from ashiato.lake.home import Home
from intake.taking_in import collect, write
from intake.test_variants import an_event

ACCOUNT = "111122223333"
HOUR = datetime(2026, 10, 1, 0, tzinfo=UTC)


def stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def log_key(hour: int, number: int = 0, region: str = "us-east-1") -> str:
    time = HOUR + timedelta(hours=hour, minutes=5)
    return (
        f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/{time:%Y/%m/%d}/"
        f"{ACCOUNT}_CloudTrail_{region}_{time:%Y%m%dT%H%M}Z_{number:016d}.json.gz"
    )


def put_log(folder: Path, hour: int, number: int = 0, *, region: str = "us-east-1", later: int = 300) -> Path:
    """An event at the hour's start, delivered `later` seconds after it."""
    time = HOUR + timedelta(hours=hour)
    record = an_event(
        hour * 100 + number, eventTime=stamp(time), awsRegion=region, recipientAccountId=ACCOUNT
    )
    path = write(folder / log_key(hour, number, region), json.dumps({"Records": [record]}).encode())
    delivered = (time + timedelta(seconds=later)).timestamp()
    os.utime(path, (delivered, delivered))
    return path


def put_digest(
    folder: Path,
    hour: int,
    files: list[str],
    *,
    trail: str = "main",
    region: str = "us-east-1",
    bucket: str = "logs",
) -> Path:
    """The digest that vouches for the hour before `hour` ends."""
    start, end = HOUR + timedelta(hours=hour), HOUR + timedelta(hours=hour + 1)
    key = (
        f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/"
        f"{ACCOUNT}_CloudTrail-Digest_{region}_{trail}_us-east-1_{end:%Y%m%dT%H%M%SZ}.json.gz"
    )
    document = {
        "awsAccountId": ACCOUNT, "digestStartTime": stamp(start), "digestEndTime": stamp(end),
        "digestS3Bucket": bucket, "digestS3Object": key, "digestPublicKeyFingerprint": "0" * 32,
        "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": stamp(end), "oldestEventTime": stamp(start),
        "previousDigestS3Bucket": None, "previousDigestS3Object": None, "previousDigestHashValue": None,
        "previousDigestHashAlgorithm": None, "previousDigestSignature": None,
        "logFiles": [
            {
                "s3Bucket": bucket, "s3Object": f, "hashValue": "ab" * 32, "hashAlgorithm": "SHA-256",
                "newestEventTime": stamp(end), "oldestEventTime": stamp(start),
            }
            for f in files
        ],
    }  # fmt: skip
    return write(folder / key, json.dumps(document).encode())


def report(home: Path) -> dict[str, Any]:
    with Home.open_for_reading(home) as opened:
        found = coverage(opened)
    json.dumps(found, default=str)
    return found


def gaps(home: Path) -> list[tuple[str, str, str]]:
    return [(f"{g['from']:%dT%H}", f"{g['to']:%dT%H}", g["why"]) for g in report(home)["gaps"]]


def test_an_hour_without_a_digest_is_a_gap_and_an_hour_without_events_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    for hour in (0, 1, 3):
        put_digest(folder, hour, [])
    collect(tmp_path / "home", folder)
    assert gaps(tmp_path / "home") == [("01T02", "01T03", "no digest of trail main came for this time")]
    put_digest(folder, 2, [])
    collect(tmp_path / "home", folder)
    assert gaps(tmp_path / "home") == []


def test_each_trail_is_looked_at_by_itself_and_one_that_stopped_is_a_gap_to_the_end(tmp_path: Path) -> None:
    """The account's own trail was stopped; the organisation's went on and must not hide it."""
    folder = tmp_path / "logs"
    for hour in range(12):
        put_digest(folder, hour, [], trail="organisation")
        if hour < 4:
            put_digest(folder, hour, [], trail="own")
    collect(tmp_path / "home", folder)
    assert gaps(tmp_path / "home") == [("01T04", "01T12", "no digest of trail own came any more")]


def test_a_file_that_a_digest_names_and_that_never_came_is_a_gap_until_it_comes_by_any_road(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "logs"
    put_log(folder, 0)
    put_digest(folder, 0, [log_key(0), log_key(0, 1)])
    collect(tmp_path / "home", folder)
    [(start, end, why)] = gaps(tmp_path / "home")
    assert (start, end) == ("01T00", "01T01")
    assert why == f"the digest names s3://logs/{log_key(0, 1)}, which never came"
    # The same file in a mirror of the bucket, below another prefix.
    put_log(tmp_path / "mirror" / "copied", 0, 1)
    collect(tmp_path / "home", tmp_path / "mirror")
    assert gaps(tmp_path / "home") == []


def test_a_file_that_could_not_be_read_yet_is_still_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.sources.files import FilesSource
    from ashiato.sources.objects import ObjectRef, ObjectUnavailable

    folder = tmp_path / "logs"
    put_log(folder, 0)
    put_digest(folder, 0, [log_key(0)])
    real = FilesSource.fetch

    def fetch(self: FilesSource, ref: ObjectRef) -> bytes:
        if "CloudTrail_" in ref.name:
            raise ObjectUnavailable(ref.name, "denied", "The file may not be read", "Change its mode.")
        return real(self, ref)

    with monkeypatch.context() as patched:
        patched.setattr(FilesSource, "fetch", fetch)
        collect(tmp_path / "home", folder)
    found = report(tmp_path / "home")
    assert [g["why"].endswith("which never came") for g in found["gaps"]] == [True]
    [failed] = found["failed"]
    assert failed["object"].endswith(log_key(0))
    assert failed["reason"] == "denied: The file may not be read"
    collect(tmp_path / "home", folder)
    found = report(tmp_path / "home")
    assert (found["gaps"], found["failed"]) == ([], [])


def test_skipdata_is_a_gap_of_its_interface(tmp_path: Path) -> None:
    start = int(HOUR.timestamp())
    head = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
        " log-status\n"
    )
    lines = [
        f"2 {ACCOUNT} eni-0aaa - - - - - - - {start} {start + 60} - NODATA",
        f"2 {ACCOUNT} eni-0bbb - - - - - - - {start + 60} {start + 120} - SKIPDATA",
        f"2 {ACCOUNT} eni-0bbb - - - - - - - {start + 120} {start + 180} - SKIPDATA",
    ]
    key = f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/10/01/{ACCOUNT}_vpcflowlogs_eu-west-1_fl-1_x.log.gz"
    write(tmp_path / "logs" / key, (head + "\n".join(lines) + "\n").encode())
    collect(tmp_path / "home", tmp_path / "logs")
    [gap] = report(tmp_path / "home")["gaps"]
    assert (gap["log"], gap["account"], gap["region"]) == ("vpc_flow_logs", ACCOUNT, "eu-west-1")
    assert gap["from"] == HOUR + timedelta(seconds=60)
    assert gap["to"] == HOUR + timedelta(seconds=180)
    assert gap["why"] == "SKIPDATA at eni-0bbb: AWS left out records in 2 windows"


def test_lags_objects_and_bytes_by_source_account_and_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "logs"
    delays = [60, 120, 180, 240, 900]
    files = [put_log(folder, hour, later=later) for hour, later in enumerate(delays)]
    tokyo = put_log(folder, 30, region="ap-northeast-1", later=30)
    taken_at = HOUR + timedelta(days=2)
    monkeypatch.setattr("ashiato.lake.writer.now", lambda: taken_at)
    collect(tmp_path / "home", folder)
    found = {(s["log"], s["account"], s["region"]): s for s in report(tmp_path / "home")["sources"]}
    assert set(found) == {("cloudtrail", ACCOUNT, "us-east-1"), ("cloudtrail", ACCOUNT, "ap-northeast-1")}
    virginia = found["cloudtrail", ACCOUNT, "us-east-1"]
    assert virginia["newest"] == HOUR + timedelta(hours=4)
    assert virginia["lag"]["delivered"] == {"p50": 180.0, "p95": 768.0, "max": 900.0}
    waits = sorted((taken_at - HOUR).total_seconds() - 3600 * h - d for h, d in enumerate(delays))
    assert virginia["lag"]["taken"]["max"] == waits[-1]
    assert virginia["lag"]["taken"]["p50"] == waits[2]
    assert (virginia["objects"], virginia["records"]) == (5, 5)
    assert virginia["bytes"] == sum(f.stat().st_size for f in files)
    assert virginia["objects_a_day"] == 5.0
    assert found["cloudtrail", ACCOUNT, "ap-northeast-1"]["bytes"] == tokyo.stat().st_size


def test_an_event_from_the_future_hides_no_lag(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    now = datetime.now(UTC)
    global_hour = int((now - HOUR).total_seconds() // 3600)
    put_log(folder, global_hour - 24, later=60)
    put_log(folder, global_hour + 24 * 400, later=0)
    collect(tmp_path / "home", folder)
    [source] = report(tmp_path / "home")["sources"]
    assert source["lag"]["delivered"]["max"] == 60.0


def test_the_disk_is_forecast_from_the_days_that_came(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    for day in range(4):
        put_log(folder, 24 * day)
    collect(tmp_path / "home", folder)
    disk = report(tmp_path / "home")["disk"]
    files = list((tmp_path / "home" / "lake").rglob("*.parquet"))
    assert disk["table_bytes"]["cloudtrail"] == sum(f.stat().st_size for f in files)
    assert disk["bytes_a_day"] == disk["table_bytes"]["cloudtrail"] // 4
    assert disk["in_30_days"] == pytest.approx(disk["home_bytes"] + 30 * disk["bytes_a_day"], abs=60)
    assert disk["in_365_days"] > disk["in_30_days"] > disk["home_bytes"] > disk["table_bytes"]["cloudtrail"]


def test_an_empty_home_is_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    collect(tmp_path / "home", tmp_path / "logs")
    found = report(tmp_path / "home")
    assert (found["sources"], found["gaps"], found["failed"], found["list_requests"]) == ([], [], [], [])
    assert set(found) == {"sources", "gaps", "failed", "list_requests", "disk", "watch", "watched"}
    assert (found["watch"], found["watched"]) == (None, [])


def test_a_digest_of_impossible_names_stops_nothing(tmp_path: Path) -> None:
    put_digest(tmp_path / "logs", 0, ["x" * 3000], bucket="b" * 400)
    put_digest(tmp_path / "logs", 1, [log_key(1), log_key(1)])
    collect(tmp_path / "home", tmp_path / "logs")
    assert len(gaps(tmp_path / "home")) == 1


def test_the_chain_of_a_digest_is_read_from_its_name() -> None:
    name = "AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/10/01/1_CloudTrail-Digest_eu-west-1_my_trail_us-gov-east-1_20261001T010000Z.json.gz"
    assert covering.trail_of("b", name) == "trail my_trail"
    assert covering.trail_of("b", "other/key") == "s3://b/other/key"
