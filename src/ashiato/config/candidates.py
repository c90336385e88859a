"""CloudTrail's write events that name a resource, or one that it is related to, in the time before a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from ashiato.core.scope import AccountScope
from ashiato.formats.entities import entity_hash, named_in_arn
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation

#: What is read of an event: enough to judge it, to say it in words, and to show it.
COLUMNS: Final = (
    "eventID", "eventTime", "eventSource", "eventName", "eventType", "eventCategory", "awsRegion",
    "recipientAccountId", "userIdentity", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "serviceEventDetails", "additionalEventData", "resources",
    "readOnly", "sharedEventID", "requestID", "sessionCredentialFromConsole", "delivered_at", "ingested_at",
)  # fmt: skip
#: Kinds of entity under which a request may name a resource by its id or name.
_KINDS: Final = ("resource", "instance", "interface", "user", "access_key")
#: Rows that one read may give; more are read in smaller portions, and of one change the newest count.
MOST_ROWS: Final = 20_000
#: Management events only: those of data (objects of a bucket, items of a table) change no configuration.
_WRITES: Final = """"readOnly" IS DISTINCT FROM true
    AND ("eventCategory" IS NULL OR "eventCategory" = 'Management') AND "eventID" IS NOT NULL"""


@dataclass(frozen=True)
class Span:
    """Events wanted: of one account, between two times (both included), that name one of these entities."""

    account: str
    first: datetime
    last: datetime
    hashes: Mapping[int, str] = field(hash=False)


def hashes_of(names: Iterable[str | None]) -> dict[int, str]:
    """The hashes under which events index a resource by any of its names: hash → name."""
    found: dict[int, str] = {}
    for name in names:
        if not name:
            continue
        if name.startswith("arn:"):
            found[entity_hash("arn", name)] = name
            for kind, _, value in named_in_arn(name):
                found.setdefault(entity_hash(kind, value), value)
        for kind in _KINDS:
            found.setdefault(entity_hash(kind, name), name)
    return found


def writes(
    lake: PinnedLake, spans: Sequence[Span], scope: AccountScope
) -> list[list[tuple[dict[str, Any], frozenset[str]]]]:
    """For each span its write events, oldest first, with the names by which they name it."""
    found: list[list[tuple[dict[str, Any], frozenset[str]]]] = [[] for _ in spans]
    places = [i for i, s in enumerate(spans) if scope.allows(s.account) and s.hashes and s.first <= s.last]
    for group in _apart(spans, places):
        _read(lake, spans, group, scope, found)
    for events in found:
        events.sort(key=lambda e: (e[0]["eventTime"], e[0]["eventID"]))
    return found


def _apart(spans: Sequence[Span], places: Sequence[int]) -> list[list[int]]:
    """Spans in groups whose days overlap or follow, so that nothing between is read."""
    groups: list[list[int]] = []
    end: date | None = None
    for i in sorted(places, key=lambda i: spans[i].first):
        if end is None or spans[i].first.date() > end + timedelta(days=1):
            groups.append([])
            end = None
        groups[-1].append(i)
        last = spans[i].last.date()
        end = last if end is None else max(end, last)
    return groups


def _read(
    lake: PinnedLake,
    spans: Sequence[Span],
    group: Sequence[int],
    scope: AccountScope,
    found: list[list[tuple[dict[str, Any], frozenset[str]]]],
) -> None:
    first, last = min(spans[i].first for i in group), max(spans[i].last for i in group)
    rows = _rows(lake, [spans[i] for i in group], first, last, scope)
    if len(rows) >= MOST_ROWS and len(group) > 1:
        middle = len(group) // 2
        _read(lake, spans, group[:middle], scope, found)
        _read(lake, spans, group[middle:], scope, found)
        return
    wanting: dict[int, list[int]] = {}
    for i in group:
        for number in spans[i].hashes:
            wanting.setdefault(number, []).append(i)
    for row in rows:
        named: dict[int, set[str]] = {}
        for number in row.pop("hits"):
            for i in wanting.get(number, ()):
                span = spans[i]
                if span.account == row["recipientAccountId"] and span.first <= row["eventTime"] <= span.last:
                    named.setdefault(i, set()).add(span.hashes[number])
        for i, names in named.items():
            found[i].append((row, frozenset(names)))


def _rows(
    lake: PinnedLake, spans: Sequence[Span], first: datetime, last: datetime, scope: AccountScope
) -> list[dict[str, Any]]:
    plan = lake.plan("cloudtrail", within("eventTime", first.isoformat(), (last + _SECOND).isoformat()))
    if not plan.files:
        return []
    numbers = sorted({h for s in spans for h in s.hashes})
    allowed, bound = scope.sql('"recipientAccountId"')
    columns = ", ".join(f'"{c}"' for c in COLUMNS)
    sql = f"""
        SELECT {columns}, list_intersect(entities, $hashes::BIGINT[]) AS hits
        FROM {relation(plan.files, plan.iceberg_schema)}
        WHERE "eventTime" >= $first AND "eventTime" <= $last AND list_has_any(entities, $hashes::BIGINT[])
          AND list_contains($accounts::VARCHAR[], "recipientAccountId") AND {allowed} AND {_WRITES}
          AND {default_view("cloudtrail")}
        ORDER BY "eventTime" DESC LIMIT {MOST_ROWS}
    """
    parameters = {
        **bound, "hashes": numbers, "first": first, "last": last, "superseded": list(lake.superseded),
        "accounts": sorted({s.account for s in spans}),
    }  # fmt: skip
    with reading() as opened:
        table = opened.sql(sql, params=parameters).to_arrow_table()
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


_SECOND: Final = timedelta(seconds=1)
