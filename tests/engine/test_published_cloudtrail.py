"""AWS's Athena statements over CloudTrail, against answers computed from the same records in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from engine.conftest import published
from engine.expect import Ask, check, check_ids, rows_of
from engine.records import MAIN, VISIBLE, Record

FOUR_REGIONS = ("us-east-1", "us-east-2", "us-west-2")


def day(record: Record) -> str:
    return str(record["eventTime"].strftime("%Y/%m/%d"))


def july() -> list[Record]:
    """What the bootstrap's usual partition filter lets through."""
    return [
        e
        for e in VISIBLE
        if "2021/07/01" <= day(e) <= "2021/07/31"
        and e["recipientAccountId"] == MAIN
        and e["awsRegion"] in FOUR_REGIONS
    ]


def issuer(record: Record) -> Record:
    found: Record = (record["userIdentity"].get("sessionContext") or {}).get("sessionIssuer") or {}
    return found


def changing(records: list[Record]) -> list[Record]:
    return [e for e in records if not e["eventName"].startswith(("Get", "List", "Describe"))]


WHOLE_ROWS: dict[str, tuple[Callable[[Record], bool], int | None]] = {
    "athena-cloudtrail/004": (
        lambda e: (
            e["eventName"] == "GetObject"
            and e["userIdentity"]["accountId"] == "anonymous"
            and "[your bucket name ]" in str(e.get("requestParameters"))
        ),
        None,
    ),
    "athena-cloudtrail/008": (lambda e: True, 10),
    "athena-cloudtrail/009": (lambda e: e["recipientAccountId"] == MAIN, 10),
    "athena-cloudtrail/010": (
        lambda e: e["recipientAccountId"] in (MAIN, "444455556666", "123456789012"),
        10,
    ),
    "athena-cloudtrail/011": (lambda e: e["awsRegion"] == "us-east-1", 10),
    "athena-cloudtrail/012": (lambda e: e["awsRegion"] in FOUR_REGIONS, 10),
    "athena-cloudtrail/013": (lambda e: "2021/07/01" <= day(e) <= "2021/07/31", 10),
    "athena-cloudtrail/014": (lambda e: day(e) >= "2026/10/21", None),
    "athena-cloudtrail/015": (lambda e: e in july(), 10),
}


@pytest.mark.parametrize("statement", WHOLE_ROWS)
def test_whole_rows(ask: Ask, statement: str) -> None:
    test, limit = WHOLE_ROWS[statement]
    check_ids(ask, statement, [e for e in VISIBLE if test(e)], "eventID", limit)


def test_session_issuers_in_order(ask: Ask) -> None:
    with_issuer = [e for e in VISIBLE if issuer(e).get("arn")]
    pairs = sorted((e["eventSource"], e["eventName"]) for e in with_issuer)[:10]
    got = rows_of(ask(published()["athena-cloudtrail/001"]))
    assert [row[:2] for row in got] == pairs
    possible = {
        (e["eventSource"], e["eventName"], e["userIdentity"]["sessionContext"]["attributes"]["creationDate"],
         issuer(e)["arn"]) for e in with_issuer
    }  # fmt: skip
    assert set(got) <= possible


def _resources(suffix: str | None, name: str | None) -> list[tuple[Record, Record]]:
    return [
        (e, r)
        for e in VISIBLE
        for r in e.get("resources") or []
        if (suffix is None or r["ARN"].endswith(suffix)) and (name is None or e["eventName"] == name)
    ]


def test_resources_that_end_in_a_name(ask: Ask) -> None:
    found = _resources("example/datafile.txt", None)
    expected = [
        (
            e["awsRegion"],
            r["ARN"].replace("arn:aws:s3:::", ""),
            e["eventName"],
            e["eventTime"],
            e["userAgent"],
        )
        for e, r in found
    ]
    check(ask, "athena-cloudtrail/002", expected, ordered=True)


def test_deleted_buckets(ask: Ask) -> None:
    found = _resources(None, "DeleteBucket")
    expected = [
        (e["awsRegion"], r["ARN"].replace("arn:aws:s3:::", ""), e["eventTime"], e["userIdentity"]["userName"],
         r["accountId"]) for e, r in found
    ]  # fmt: skip
    check(ask, "athena-cloudtrail/003", expected, ordered=True)


def test_any_hundred_rows(ask: Ask) -> None:
    got = rows_of(ask(published()["athena-cloudtrail/005"]))
    possible = Counter(
        (e["userIdentity"].get("arn"), e["eventName"], e["sourceIPAddress"],
         e["eventTime"].strftime("%Y-%m-%dT%H:%M:%S")) for e in VISIBLE
    )  # fmt: skip
    assert len(got) == 100
    assert not Counter(got) - possible


def test_account_as_a_number(ask: Ask) -> None:
    got = rows_of(ask(published()["athena-cloudtrail/007"]))
    numbers = {int(a) for e in VISIBLE if (a := e["userIdentity"].get("accountId", "")).isdigit()}
    assert len(got) == 2
    assert {row[0] for row in got} <= numbers | {None}


def test_count_per_region(ask: Ask) -> None:
    counts = Counter(e["awsRegion"] for e in july())
    check(ask, "athena-cloudtrail/016", counts.items())


def test_count_per_region_and_name(ask: Ask) -> None:
    counts = Counter((e["awsRegion"], e["eventName"]) for e in july())
    check(ask, "athena-cloudtrail/017", [(*k, n) for k, n in counts.items()])


def test_addresses_of_logins(ask: Ask) -> None:
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for e in july():
        if e["userIdentity"].get("arn") and e["eventName"] in ("AssumeRole", "ConsoleLogin"):
            groups[e["userIdentity"]["arn"], e["eventName"]].add(e["sourceIPAddress"])
    check(ask, "athena-cloudtrail/018", [(*k, sorted(v)) for k, v in groups.items()])


def _activity(key: Callable[[Record], Any]) -> dict[Any, list[Record]]:
    groups: dict[Any, list[Record]] = defaultdict(list)
    for e in changing(july()):
        if e["eventName"] != "AssumeRole":
            groups[key(e)].append(e)
    return groups


def _distinct(records: list[Record], name: str) -> list[str]:
    return sorted({r[name] for r in records})


def test_activity_per_principal(ask: Ask) -> None:
    groups = _activity(lambda e: e["userIdentity"].get("arn"))
    answer = ask(published()["athena-cloudtrail/019"]).to_pylist()
    got = {r["arn"]: (sorted(r["eventnames"]), r["sourceips"], r["useragents"]) for r in answer}
    assert len(got) > 1
    assert got == {
        arn: tuple(_distinct(v, n) for n in ("eventName", "sourceIPAddress", "userAgent"))
        for arn, v in groups.items()
    }


def test_activity_per_principal_and_name(ask: Ask) -> None:
    groups = _activity(lambda e: tuple(e["userIdentity"].get(n) for n in ("arn", "principalId", "userName")))
    expected = [
        (k[0], k[2], *(_distinct(v, n) for n in ("eventName", "sourceIPAddress", "userAgent")))
        for k, v in groups.items()
    ]
    check(ask, "athena-cloudtrail/020", expected)


def test_changes_of_iam(ask: Ask) -> None:
    answer = ask(published()["athena-cloudtrail/021"]).to_pylist()
    wanted = [
        e for e in changing(july()) if e["eventSource"] == "iam.amazonaws.com" and not e.get("errorCode")
    ]
    assert len(wanted) > 1
    assert [r["eventtime"] for r in answer] == sorted(e["eventTime"] for e in wanted)
    assert Counter(r["eventname"] for r in answer) == Counter(e["eventName"] for e in wanted)


def test_new_access_keys(ask: Ask) -> None:
    wanted = [e for e in july() if e["eventName"] == "CreateAccessKey" and not e.get("errorCode")]
    expected = [
        (e["eventTime"], e["userIdentity"]["arn"], e["userIdentity"]["userName"], e["eventName"],
         e["responseElements"]["accessKey"]["userName"], e["responseElements"]["accessKey"]["accessKeyId"])
        for e in wanted
    ]  # fmt: skip
    check(ask, "athena-cloudtrail/022", expected, ordered=True)


def test_changed_passwords(ask: Ask) -> None:
    names = ("UpdateLoginProfile", "CreateLoginProfile")
    wanted = [e for e in july() if e["eventName"] in names and not e.get("errorCode")]
    expected = [
        (e["eventTime"], e["userIdentity"]["arn"], e["userIdentity"]["userName"], e["eventName"],
         e["requestParameters"]["userName"]) for e in wanted
    ]  # fmt: skip
    check(ask, "athena-cloudtrail/023", expected, ordered=True)


def test_last_ninety_days(ask: Ask) -> None:
    answer = ask(published()["athena-cloudtrail/027"]).to_pylist()
    wanted = [
        e
        for e in VISIBLE
        if e["recipientAccountId"] == MAIN and e["awsRegion"] == "us-east-2" and day(e) >= "2026/08/22"
    ]
    assert [r["eventid"] for r in answer] == [e["eventID"] for e in wanted] != []
    assert answer[0]["date_partition"] == day(wanted[0])
    assert answer[0]["region_partition"] == "us-east-2"
