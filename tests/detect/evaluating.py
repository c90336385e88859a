"""Rules from YAML over records in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import yaml

from ashiato.core.settings import Settings
from ashiato.detect.derived import Surroundings
from ashiato.detect.engine import Engine
from ashiato.detect.history import TablesHistory
from ashiato.detect.past import PastSearch
from ashiato.detect.rule import Rule
from ashiato.detect.rule_tests import records
from ashiato.detect.sigma_rules import Document, parse
from ashiato.ledger.findings import Finding

#: How many times the usual number of examples property tests try.
MORE = int(os.environ.get("ASHIATO_TEST_EXAMPLES", "1"))
AROUND = Surroundings.of(Settings())
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UUID = "00000000-0000-4000-8000-{:012d}"


def rules_of(*documents: str, lists: Mapping[str, Sequence[str]] | None = None) -> dict[str, Rule]:
    """The rules of these documents, all of which have to be good."""
    parsed = parse([Document(f"{n}.yml", d) for n, d in enumerate(documents)], lists or {})
    assert parsed.problems == []
    return parsed.rules


def plain(detection: Mapping[str, Any], number: int = 1, **more: Any) -> str:
    """A rule over CloudTrail; a detection without a condition has one selection."""
    whole = dict(detection) if "condition" in detection else {"sel": dict(detection), "condition": "sel"}
    return yaml.safe_dump(
        {
            "title": f"rule {number}",
            "id": UUID.format(number),
            "logsource": {"product": "aws", "service": "cloudtrail"},
            "detection": whole,
            **more,
        },
        sort_keys=False,
    )


def event(number: int, *, seconds: float | None = None, **fields: Any) -> dict[str, Any]:
    """A CloudTrail event as AWS writes it."""
    time = BEGIN + timedelta(seconds=number if seconds is None else seconds)
    return {
        "eventVersion": "1.11",
        "eventID": f"e{number:06d}",
        "eventTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15",
        "recipientAccountId": "111111111111",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/ann", "userName": "ann"},
        **fields,
    }


def table_of(events: Sequence[Mapping[str, Any]], table: str = "cloudtrail") -> pa.Table:
    """The events as intake reads them."""
    found = records(table, events)
    assert found is not None
    return found


def matching(
    rule: str, events: Sequence[Mapping[str, Any]], lists: Mapping[str, Sequence[str]] | None = None
) -> set[str]:
    """Ids of the events that a plain rule matches."""
    rules = rules_of(rule, lists=lists)
    table = table_of(events)
    ids = table["eventID"].to_pylist()
    found = Engine(rules, AROUND).look("cloudtrail", table).matches
    return {ids[row] for rows in found.values() for row in rows.tolist()}


def found_in(
    rules: Mapping[str, Rule], tables: Iterable[pa.Table], *, table: str = "cloudtrail", **options: Any
) -> list[Finding]:
    """What a search of the past finds of rules that are findings of their own."""
    past = PastSearch(Engine(rules, AROUND), TablesHistory({table: list(tables)}), **options).run()
    return [f for f in past.findings() if rules[f.rule].alone]
