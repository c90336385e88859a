"""CloudTrail's write events that name a resource, or one that it is related to, in the time before a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pyiceberg.expressions import BooleanExpression, Or

from ashiato.config.write_index import Place, events, naming
from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.formats.entities import entity_hash, named_in_arn
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within

#: Kinds of entity under which a request may name a resource by its id or name.
_KINDS: Final = ("resource", "instance", "interface", "user", "access_key")
#: Of the events of one change so many count: the newest.
MOST_ROWS: Final = 20_000
#: Spans of time that files are looked for by; more are joined over the gaps between them.
_MOST_SPANS: Final = 16


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
    asked = [s for s in spans if scope.allows(s.account) and s.hashes and s.first <= s.last]
    if not asked:
        return found
    plan = lake.plan("cloudtrail", _within(asked))
    wanting: dict[tuple[str, int], list[int]] = {}
    for i, span in enumerate(spans):
        if scope.allows(span.account):
            for number in span.hashes:
                wanting.setdefault((span.account, number), []).append(i)
    named: list[dict[Place, set[str]]] = [{} for _ in spans]
    times: dict[Place, datetime] = {}
    for each in naming(plan, {number for _, number in wanting}):
        for i in wanting.get((each.account, each.hash), ()):
            span = spans[i]
            if span.first <= each.time <= span.last:
                named[i].setdefault(each.place, set()).add(span.hashes[each.hash])
                times[each.place] = each.time
    newest = [sorted(n, key=lambda place: times[place], reverse=True)[:MOST_ROWS] for n in named]
    rows = events(plan, {place: times[place] for places in newest for place in places})
    superseded = set(lake.superseded)
    for i, places in enumerate(newest):
        found[i] = [
            (row, frozenset(named[i][place]))
            for place in places
            if (row := rows[place])["eventID"] not in superseded
        ]
        found[i].sort(key=lambda e: (e[0]["eventTime"], e[0]["eventID"]))
    return found


def _within(spans: Sequence[Span]) -> BooleanExpression:
    """The times of some spans."""
    ordered = sorted((s.first, s.last) for s in spans)
    slack = timedelta(0)
    while True:
        joined = [ordered[0]]
        for first, last in ordered[1:]:
            if first <= joined[-1][1] + slack:
                joined[-1] = joined[-1][0], max(joined[-1][1], last)
            else:
                joined.append((first, last))
        if len(joined) <= _MOST_SPANS:
            break
        slack = slack * 2 or timedelta(hours=1)
    parts = [
        within("eventTime", first.isoformat(), shifted(last, _SECOND).isoformat()) for first, last in joined
    ]
    return parts[0] if len(parts) == 1 else Or(*parts)


_SECOND: Final = timedelta(seconds=1)
