"""CloudTrail Lake's sample statements, against answers computed from the same records in Python."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from engine.conftest import published
from engine.expect import Ask, check, check_ids, rows_of
from engine.home import moment
from engine.records import VISIBLE, Record

Test = Callable[[Record], bool]


def where(test: Test, after: str = "", before: str = "") -> list[Record]:
    """Events that pass `test`, later than `after` and earlier than `before` (both excluded)."""
    return [
        e
        for e in VISIBLE
        if test(e)
        and (not after or e["eventTime"] > moment(after + "Z"))
        and (not before or e["eventTime"] < moment(before + "Z"))
    ]


def week(test: Test) -> list[Record]:
    """The first week of 2023, which most of the samples name."""
    return where(test, "2023-01-01T00:00:00", "2023-01-07T00:00:00")


def named(*names: str) -> Test:
    return lambda e: e["eventName"] in names


def json_text(value: Any) -> str | None:
    """What element_at of Lake's map gives: text as it is, anything else as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def request(e: Record, name: str) -> str | None:
    return json_text((e.get("requestParameters") or {}).get(name))


def response(e: Record, name: str) -> str | None:
    return json_text((e.get("responseElements") or {}).get(name))


def more(e: Record, name: str) -> str | None:
    return json_text((e.get("additionalEventData") or {}).get(name))


WHOLE_ROWS: dict[str, Test] = {
    "lake/011": lambda e: e["eventName"] == "ConsoleLogin" and more(e, "MFAUsed") == "No",
    "lake/017": lambda e: e["eventSource"] == "dynamodb.amazonaws.com" and e["eventName"] == "scan",
    "lake/019": named("CreateNetworkAcl", "RevokeSecurityGroupIngress"),
}


@pytest.mark.parametrize("statement", WHOLE_ROWS)
def test_whole_rows(ask: Ask, statement: str) -> None:
    check_ids(ask, statement, where(WHOLE_ROWS[statement]), "eventID")


def by_alice(name: str) -> list[Record]:
    return week(
        lambda e: (
            e["eventName"] == name and e["userIdentity"].get("principalId", "").endswith("alice@example.com")
        )
    )


def leaked(e: Record) -> bool:
    return bool(e["userIdentity"].get("accessKeyId") == "AKIAIOSFODNN7EXAMPLE")


def _counted(records: Iterable[Record], *names: str, first: bool) -> list[tuple[Any, ...]]:
    counts = Counter(tuple(e[n] for n in names) for e in records)
    return [(n, *k) if first else (*k, n) for k, n in counts.items()]


def _evaluations() -> list[tuple[Any, ...]]:
    found = where(named("PutEvaluations"), "2022-11-01T00:00:00", "2022-11-22T00:00:00")
    counts = Counter(
        (e["eventTime"].date(), e["awsRegion"], e["recipientAccountId"], more(e, "configRuleName"),
         more(e, "configRuleArn")) for e in found
    )  # fmt: skip
    return [(n, *k) for k, n in counts.items()]


def _group_rules() -> list[tuple[Any, ...]]:
    from_, to = moment("2023-07-06T00:00:00Z"), moment("2023-07-08T00:00:00Z")
    rows = [
        (request(e, "groupId"), e["eventName"], e["eventTime"], request(e, "ipPermissions"),
         e["userIdentity"]["arn"], e["sourceIPAddress"], e["eventSource"])
        for e in where(named("AuthorizeSecurityGroupIngress")) if from_ <= e["eventTime"] <= to
    ]  # fmt: skip
    rows += [
        (e["requestParameters"]["ModifySecurityGroupRulesRequest"]["GroupId"], e["eventName"], e["eventTime"],
         request(e, "ModifySecurityGroupRulesRequest"), e["userIdentity"]["arn"], e["sourceIPAddress"],
         e["eventSource"])
        for e in where(named("ModifySecurityGroupRules"))
        if from_ <= e["eventTime"] <= moment("2023-07-09T00:00:00Z")
    ]  # fmt: skip
    return sorted(rows, key=lambda r: (r[0], r[2]))


def _compliance() -> list[tuple[Any, ...]]:
    rows = []
    for e in where(named("PutEvaluations"), "2023-11-16T00:00:00", "2023-11-17T00:00:00"):
        first = e["requestParameters"]["evaluations"][0]
        if first["complianceType"] in ("COMPLIANT", "NON_COMPLIANT"):
            rows.append(
                (
                    e["eventTime"],
                    e["awsRegion"],
                    e["recipientAccountId"],
                    more(e, "configRuleName"),
                    first["complianceType"],
                    first["complianceResourceType"],
                    first["complianceResourceId"],
                )
            )
    return rows


def _blocks() -> list[tuple[Any, ...]]:
    found = where(
        lambda e: (
            e["eventName"] == "PutBucketPublicAccessBlock"
            and e["eventTime"] >= moment("2023-07-07T00:00:00Z")
            and request(e, "bucketName") == "demo-20230707"
        )
    )
    return [
        (request(e, "bucketName"), "true", "false", request(e, "PublicAccessBlockConfiguration"),
            e["eventName"],
         e["eventTime"], json.dumps(e["requestParameters"]), e["userIdentity"]["arn"], None)
        for e in sorted(found, key=lambda e: e["eventTime"], reverse=True)
    ]  # fmt: skip


def _created_databases() -> list[tuple[Any, ...]]:
    return [
        (request(e, "dBInstanceIdentifier"), request(e, "dBInstanceClass"), "aurora-mysql", e["eventTime"])
        for e in where(named("CreateDBInstance"), "2021-12-31T23:59:59")
        if request(e, "engine") == "aurora-mysql"
    ]


def _support() -> list[tuple[Any, ...]]:
    rows = []
    for e in where(
        lambda e: e["eventSource"] == "sts.amazonaws.com" and e["userAgent"] == "support.amazonaws.com"
    ):
        first = (e.get("resources") or [{}])[0]
        rows.append(
            (
                e["eventTime"],
                e["eventSource"],
                e["eventName"],
                e["awsRegion"],
                e["sourceIPAddress"],
                e["userAgent"],
                e["userIdentity"]["type"],
                first.get("accountId"),
                first.get("ARN"),
                e["eventType"],
                e["eventCategory"],
                e["managementEvent"],
                e["recipientAccountId"],
                None,
                None,
            )
        )
    return rows


def _reboots() -> list[tuple[Any, ...]]:
    found = sorted(where(named("RebootDBInstance")), key=lambda e: e["eventTime"], reverse=True)
    return [
        (request(e, "dBInstanceIdentifier"),
         e["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {}).get("userName"), e["eventTime"])
        for e in found
    ]  # fmt: skip


def _snapshots() -> list[tuple[Any, ...]]:
    found = where(lambda e: "CreateSnapshots" in e["eventName"])
    assert found, "the other branch asks for a time before 2022-01-01 and after 2022-11-11"
    return [(e["userIdentity"]["principalId"], e["awsRegion"], None, '"i-1"', None) for e in found]


EXPECTED: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "lake/003": _evaluations,
    "lake/005": lambda: [
        (a,)
        for a in {
            e["userIdentity"]["accountId"]
            for e in week(lambda e: e["sourceIPAddress"] == "192.0.2.76")
            if e["userIdentity"]["accountId"] != "555555555555"
        }
    ],
    "lake/007": _created_databases,
    "lake/009": _support,
    "lake/015": _reboots,
    "lake/021": _group_rules,
    "lake/023": _snapshots,
    "lake/025": lambda: _counted(
        week(lambda e: leaked(e) and not e.get("errorCode")), "eventSource", "eventName", first=True
    ),
    "lake/027": lambda: [
        ("444455556666", "Admin", e["eventID"], e["eventTime"]) for e in week(named("Federate"))
    ],
    "lake/029": lambda: [
        (
            e["recipientAccountId"],
            e["awsRegion"],
            e["eventID"],
            e["eventTime"],
            e["errorCode"],
            e["errorMessage"],
        )
        for e in by_alice("CreateRole")
    ],
    "lake/031": lambda: [
        (e["recipientAccountId"], e["awsRegion"], e["eventID"], e["eventTime"], response(e, "user"))
        for e in by_alice("CreateUser")
    ],
    "lake/033": lambda: [
        (
            e["recipientAccountId"],
            e["eventID"],
            e["eventTime"],
            request(e, "roleName"),
            request(e, "policyDocument"),
        )
        for e in by_alice("PutRolePolicy")
    ],
    "lake/035": lambda: [
        (
            e["userIdentity"]["principalId"],
            e["eventName"],
            e["eventTime"],
            e["recipientAccountId"],
            e["awsRegion"],
        )
        for e in week(named("RunInstances"))
        if '"instanceId":"i-b188560f"' in (response(e, "instancesSet") or "")
    ],
    "lake/037": lambda: [
        (json.dumps(e["requestParameters"]), json.dumps(e["responseElements"]))
        for e in week(lambda e: leaked(e) and e["eventName"] == "AssumeRole")
    ],
    "lake/047": lambda: _counted(
        where(lambda e: True, "2022-04-23T00:00:00", "2022-11-26T00:00:00"),
        "awsRegion",
        "eventSource",
        first=False,
    ),
    "lake/053": _compliance,
    "lake/055": _blocks,
    "lake/065": lambda: _counted(
        week(
            lambda e: (
                e["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {}).get("arn")
                == "arn:aws:iam::555555555555:role/alice"
            )
        ),
        "eventSource",
        "eventName",
        first=True,
    ),
    "lake/067": lambda: [
        (n, *k)
        for k, n in Counter(
            (e["eventName"], e["recipientAccountId"], e["userIdentity"]["principalId"])
            for e in where(lambda e: e["eventSource"] == "iam.amazonaws.com", "2022-01-07T23:59:59")
        ).items()
    ],
    "lake/073": lambda: list(
        Counter(
            e["userIdentity"]["principalId"]
            for e in where(named("ConsoleLogin"))
            if "Alice" in e["userIdentity"]["principalId"]
        ).items()
    ),
    "lake/075": lambda: [
        (e["eventID"], e["eventName"], e["eventSource"], e["eventTime"])
        for e in where(
            lambda e: e["userIdentity"].get("userName") == "bob", "2023-01-22T00:00:00", "2023-01-23T00:00:00"
        )
    ],
    "lake/077": lambda: [
        (e["eventTime"], e["userIdentity"]["arn"], e["awsRegion"])
        for e in where(named("ConsoleLogin"))
        if e["awsRegion"] in ("us-east-1", "us-west-2")
    ],
}
IN_ORDER = {"lake/015", "lake/055", "lake/021"}


@pytest.mark.parametrize("statement", EXPECTED)
def test_answers(ask: Ask, statement: str) -> None:
    if statement == "lake/021":  # two rules at one time have no order
        got = [(r[0], r[2]) for r in rows_of(ask(published()[statement]))]
        assert got == sorted(got)
    check(ask, statement, EXPECTED[statement](), ordered=statement in IN_ORDER)


@pytest.mark.parametrize(
    "statement", ["lake/013", "lake/049", "lake/051", "lake/063", "lake/069", "lake/071"]
)
def test_samples_whose_own_conditions_exclude_every_row(ask: Ask, statement: str) -> None:
    """Their times exclude each other, or are left for the reader to fill in as `${date_filter}`."""
    assert ask(published()[statement]).num_rows == 0


FILLED = {
    "lake/013": (
        "2022-01-01 00:00:00' \n    AND eventCategory",
        "2022-12-31 00:00:00' \n    AND eventCategory",
    ),
}


def test_data_events_by_weekday_with_a_span_that_holds_some(ask: Ask) -> None:
    old, new = FILLED["lake/013"]
    statement = published()["lake/013"]
    assert old in statement
    found = where(lambda e: e["eventCategory"] == "Data", "2022-01-01T00:00:00", "2022-12-31T00:00:00")
    counts = Counter(e["eventTime"].isoweekday() for e in found)
    assert counts
    assert rows_of(ask(statement.replace(old, new))) == sorted(counts.items())
