"""The trace of one thing over the three logs: what it did, what was done to it, whom it talked to, and what for."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from ashiato.core.errors import WrongUse
from ashiato.core.scope import AccountScope
from ashiato.core.settings import Settings
from ashiato.formats.tables import LOG_TABLES, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.trace.changes import changes
from ashiato.trace.connections import GAP, connection_document, joined
from ashiato.trace.counting import Count, count
from ashiato.trace.keys import Window
from ashiato.trace.operations import operations
from ashiato.trace.reading import Asked, Place, newest
from ashiato.trace.recognising import recognise
from ashiato.trace.relating import MOST_OF_A_KIND, related
from ashiato.trace.subjects import Subject, resolve
from ashiato.trace.telling import Telling
from ashiato.trace.touching import alerts_of
from ashiato.words import Language

#: Records of each log that related things and connections are taken from.
MOST_RECORDS: Final = 10_000
#: Rows of a lane with `everything`.
MOST_ROWS: Final = 100_000
DEFAULT_LIMIT: Final = 50
_LANES: Final = {"cloudtrail": "operations", "config_items": "changes", "vpc_flow_logs": "connections"}


@dataclass(frozen=True)
class Wanted:
    """`limit`: rows of each lane; None: every one (at most 100,000). `after`: the cursor `next` of a trace before."""

    window: Window = field(default_factory=Window)
    limit: int | None = DEFAULT_LIMIT
    after: str | None = None
    kind: str | None = None
    account: str | None = None
    language: Language | None = None


@dataclass(frozen=True)
class Trace:
    """A trace. `document` is its JSON, as docs/trace.md describes it."""

    subject: Subject
    telling: Telling
    document: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return self.document


def trace(
    lake: PinnedLake,
    entity: str,
    scope: AccountScope,
    settings: Settings,
    wanted: Wanted | None = None,
    *,
    telling: Telling | None = None,
) -> Trace:
    """Everything that a thing did and had done to it, as `scope` may see it.

    Raises Ambiguous for a name of several things, WrongUse for what cannot be traced.
    """
    wanted = wanted or Wanted()
    telling = telling or Telling.of(settings, wanted.language)
    pasted = recognise(entity)
    subject, found = resolve(lake, pasted, scope, settings, kind=wanted.kind, account=wanted.account)
    if wanted.account is not None:
        scope = scope & AccountScope.of([wanted.account])
    asked = Asked(lake, subject.keys, scope, wanted.window)
    counted = count(asked, found)
    after = _cursor(wanted.after)
    rows = {table: _rows(asked, table, found, wanted, after) for table in LOG_TABLES}
    return Trace(subject, telling, _document(asked, subject, counted, rows, wanted, telling))


def _rows(
    asked: Asked, table: str, found: pa.Table, wanted: Wanted, after: dict[str, Place | None] | None
) -> pa.Table:
    place = None
    if after is not None:
        place = after.get(_LANES[table])
        if place is None:
            return TABLES[table].schema.empty_table()
        if table == "vpc_flow_logs":
            # Later windows of a connection that was shown tell that it was.
            place = Place(place.time + GAP)
    most = MOST_RECORDS if wanted.limit is not None else MOST_ROWS
    rows = newest(asked, table, found, most, after=place)
    return rows if rows.num_columns else TABLES[table].schema.empty_table()


def _document(
    asked: Asked,
    subject: Subject,
    counted: Count,
    rows: dict[str, pa.Table],
    wanted: Wanted,
    telling: Telling,
) -> dict[str, Any]:
    limit = MOST_ROWS if wanted.limit is None else wanted.limit
    after = _cursor(wanted.after)
    shown_changes = changes(rows["config_items"].slice(0, limit), telling)
    shown_operations = operations(rows["cloudtrail"].slice(0, limit), telling)
    found = joined(rows["vpc_flow_logs"])
    if after is not None and (place := after.get("connections")) is not None:
        found = [c for c in found if (c.last, c.refs[0]) < (place.time, place.tie)]
    lanes = {
        "operations": shown_operations,
        "changes": shown_changes,
        "connections": [connection_document(c, telling) for c in found[:limit]],
    }
    most = None if wanted.limit is None else MOST_OF_A_KIND
    others = related(rows, subject.keys, telling, most=most)
    return {
        "entity": {
            "kind": subject.kind,
            "value": subject.value,
            "name": subject.name,
            "first": counted.first,
            "last": counted.last,
            "count": counted.count,
            "arn": subject.arn,
            "account": subject.account,
            "account_name": telling.account(subject.account),
            "type": subject.type,
            "counts": dict(counted.by_table),
        },
        "answers": [],
        **lanes,
        "alerts": alerts_of(
            asked.lake.home.ledger, subject.keys, asked.scope, asked.window, telling.language
        ),
        "related": others.things,
        "related_left_out": others.left_out,
        "sampled": any(counted.of(table) > part.num_rows for table, part in rows.items()),
        "gaps": [],
        "next": _next(lanes, rows, len(found), limit, counted),
    }


def _next(
    lanes: dict[str, list[dict[str, Any]]],
    rows: dict[str, pa.Table],
    connections: int,
    limit: int,
    counted: Count,
) -> str | None:
    """The cursor: where each lane goes on; None where nothing does."""
    places: dict[str, list[str] | None] = {}
    for table, lane in _LANES.items():
        part = rows[table]
        if table == "vpc_flow_logs":
            more = connections > limit or part.num_rows >= MOST_RECORDS
            last = lanes[lane][-1] if lanes[lane] else None
            places[lane] = [last["last"].isoformat(), last["ref"]] if more and last else None
            continue
        more = part.num_rows > limit
        if more:
            row = part.slice(limit - 1, 1)
            time = row[TABLES[table].time_column][0].as_py()
            places[lane] = [time.isoformat(), row["_tie"][0].as_py()]
        else:
            places[lane] = None
    del counted
    if not any(places.values()):
        return None
    return base64.urlsafe_b64encode(json.dumps(places, separators=(",", ":")).encode()).decode().rstrip("=")


def _cursor(text: str | None) -> dict[str, Place | None] | None:
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        read = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        return {
            lane: None
            if read.get(lane) is None
            else Place(datetime.fromisoformat(read[lane][0]), str(read[lane][1]))
            for lane in _LANES.values()
        }
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise WrongUse(
            "the cursor is none of a trace's",
            where="--after",
            remedy="Give `next` of the page before, as it is.",
        ) from error
