"""The trace of one thing over the three logs: what it did, what was done to it, whom it talked to, and what for.

How to call it, from a page as from the command line:

    with PinnedLake(home) as lake:
        found = trace(lake, pasted_text, scope, settings, Wanted(limit=50, fold=True, language="ja"))
        document = found.as_json()          # the JSON of docs/trace.md; times are aware datetimes in UTC

`Ambiguous` (trace.subjects; a WrongUse) is raised for a name of several things: `.candidates` says which, and
`.say` of each is the text to trace instead. WrongUse is raised for what cannot be traced. Of a thing that no record
names the document has `entity.count` 0. `document["next"]` is `Wanted.after` of the following page, which holds the
lanes only. `Wanted.parts` leaves out what a page shows elsewhere, and its cost. `trace.refs.record_of(lake, ref,
scope)` opens any `ref` to its raw record; `trace.as_html.page(document, …)` is the file to attach to a ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from ashiato.core.errors import WrongUse
from ashiato.core.scope import AccountScope
from ashiato.core.settings import Settings
from ashiato.core.spans import shifted
from ashiato.formats import cloudtrail_entities, flow_entities
from ashiato.formats.tables import LOG_TABLES, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.trace import acting, connections
from ashiato.trace.changes import changes
from ashiato.trace.connections import GAP, Connection, connection_document
from ashiato.trace.counting import Count, count
from ashiato.trace.folding import folded
from ashiato.trace.keys import Window
from ashiato.trace.lanes import lane, together
from ashiato.trace.operations import operations
from ashiato.trace.paging import LANES, cursor_of, places_of
from ashiato.trace.reading import Asked, Place, newest
from ashiato.trace.recognising import recognise
from ashiato.trace.relating import MOST_OF_A_KIND, related
from ashiato.trace.single import single, subject_of
from ashiato.trace.subjects import Subject, resolve
from ashiato.trace.surroundings import Surroundings
from ashiato.trace.telling import Telling
from ashiato.trace.touching import alerts_of
from ashiato.words import SPOKEN, Language

#: Records of each log that related things and connections are taken from.
MOST_RECORDS: Final = 10_000
#: Records that are read to fold or join those that are shown, at least.
MOST_JOINED: Final = 1_000
#: Rows of a lane without a limit.
MOST_ROWS: Final = 100_000
DEFAULT_LIMIT: Final = 50
#: Columns that lanes, related things and answers are made of; of items every one.
_COLUMNS: Final = {
    "cloudtrail": tuple(
        dict.fromkeys((*acting.COLUMNS, *cloudtrail_entities.COLUMNS, *SPOKEN, "delivered_at", "ingested_at"))
    ),
    "vpc_flow_logs": tuple(dict.fromkeys((*connections.COLUMNS, *flow_entities.ENTITY_COLUMNS))),
}
#: What a trace has beside its lanes. `causes`: of changes; `links`: from cause to effect.
PARTS: Final = frozenset({"answers", "alerts", "causes", "gaps", "links", "origin", "related"})


@dataclass(frozen=True)
class Wanted:
    """`limit`: rows of each lane; None: every one (at most 100,000). `after`: the cursor `next` of a trace before.

    `kind`, `account`: say which, where a name is ambiguous. `fold`: operations that are noise, or repeats, become
    one row with `repeats` and `refs`. `records`: operations and changes with their raw records. `parts`: which of PARTS to find out.
    """

    window: Window = field(default_factory=Window)
    limit: int | None = DEFAULT_LIMIT
    after: str | None = None
    kind: str | None = None
    account: str | None = None
    language: Language | None = None
    fold: bool = False
    records: bool = False
    parts: frozenset[str] = PARTS


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
    if unknown := wanted.parts - PARTS:
        raise WrongUse(f"a trace has no part {', '.join(sorted(unknown))}", remedy=", ".join(sorted(PARTS)))
    # A cursor that is none is said before anything is read.
    places_of(wanted.after)
    telling = telling or Telling.of(settings, wanted.language)
    if wanted.account is not None:
        scope = scope & AccountScope.of([wanted.account])
    pasted = recognise(entity)
    if pasted.form in ("event", "ref") and wanted.kind is None:
        return Trace(
            subject_of(pasted), telling, single(lake, pasted, scope, telling, records=wanted.records)
        )
    subject, found = resolve(lake, pasted, scope, settings, kind=wanted.kind)
    asked = Asked(lake, subject.keys, scope, wanted.window)
    return Trace(subject, telling, _Making(asked, subject, found, wanted, telling).document())


class _Making:
    """One trace being made."""

    def __init__(
        self, asked: Asked, subject: Subject, found: pa.Table, wanted: Wanted, telling: Telling
    ) -> None:
        self.asked, self.subject, self.found, self.telling = asked, subject, found, telling
        self.wanted = wanted
        self.after = places_of(wanted.after)
        self.parts = wanted.parts if self.after is None else wanted.parts & {"causes", "links"}
        self.limit = MOST_ROWS if wanted.limit is None else wanted.limit
        self.most: dict[str, int] = {}
        self.rows = {table: self._rows(table) for table in LOG_TABLES}

    def _rows(self, table: str) -> pa.Table:
        """The newest records of a log that are to be told of; more where related things are asked for."""
        place = None
        if self.after is not None:
            place = self.after.get(LANES[table])
            if place is None:
                return TABLES[table].schema.empty_table()
            if table == "vpc_flow_logs":
                # Later windows of a connection that was shown tell that it was.
                place = Place(shifted(place.time, GAP))
        # More than are shown: what folds or joins is known when its other records are.
        joins = table == "vpc_flow_logs" or (self.wanted.fold and table == "cloudtrail")
        shown = max(MOST_JOINED, 20 * self.limit) if joins else self.limit + 1
        most = (
            max(MOST_RECORDS, self.limit + 1)
            if self.parts & {"related", "answers"}
            else min(shown, MOST_ROWS)
        )
        self.most[table] = most
        # Raw records are whole.
        columns = () if self.wanted.records and table != "vpc_flow_logs" else _COLUMNS.get(table, ())
        rows = newest(self.asked, table, self.found, most, after=place, columns=columns)
        return rows if rows.num_columns else TABLES[table].schema.empty_table()

    def document(self) -> dict[str, Any]:
        # Of later pages some rows are left out.
        at_hand = {} if self.after is not None else self.rows
        at_hand = {table: rows for table, rows in at_hand.items() if rows.num_rows < self.most[table]}
        counted = count(self.asked, self.found, at_hand)
        places: dict[str, Place | None] = {}
        document: dict[str, Any] = {
            "entity": self._entity(counted),
            "answers": [],
            "operations": self._operations(places),
            "changes": self._changes(places),
            "connections": self._connections(places),
            "alerts": self._alerts(),
            "related": [],
            "sampled": False,
            "gaps": [],
            "next": cursor_of(places),
            "related_left_out": {},
            "links": [],
        }
        if "related" in self.parts:
            most = None if self.wanted.limit is None else MOST_OF_A_KIND
            others = related(self.rows, self.subject.keys, self.telling, most=most)
            document |= {
                "related": others.things,
                "related_left_out": others.left_out,
                "sampled": self._sampled(counted),
            }
        surroundings = Surroundings(self.asked, self.subject, self.found, self.telling)
        if "origin" in self.parts:
            document["entity"] |= surroundings.entity()
        if "answers" in self.parts:
            document["answers"] = surroundings.answers(
                self.rows["cloudtrail"], counted, self.rows["vpc_flow_logs"]
            )
        if "links" in self.parts:
            document["links"] = surroundings.links(document)
        if "gaps" in self.parts:
            document["gaps"] = surroundings.gaps(counted, self.rows["vpc_flow_logs"])
        return document

    def _entity(self, counted: Count) -> dict[str, Any]:
        subject = self.subject
        return {
            "kind": subject.kind,
            "value": subject.value,
            "name": subject.name,
            "first": counted.first,
            "last": counted.last,
            "count": counted.count,
            "arn": subject.arn,
            "account": subject.account,
            # The name of an account that may not be seen is not told either.
            "account_name": self.telling.account(subject.account)
            if self.asked.scope.allows(subject.account)
            else subject.account,
            "type": subject.type,
            "counts": dict(counted.by_table),
        }

    def _sampled(self, counted: Count) -> bool:
        return any(counted.of(table) > part.num_rows for table, part in self.rows.items())

    def _alerts(self) -> list[dict[str, Any]]:
        if "alerts" not in self.parts:
            return []
        asked = self.asked
        return alerts_of(
            asked.lake.home.ledger, self.subject.keys, asked.scope, asked.window, self.telling.language
        )

    def _operations(self, places: dict[str, Place | None]) -> list[dict[str, Any]]:
        rows = self.rows["cloudtrail"]
        groups = (
            folded(rows, self.limit)
            if self.wanted.fold
            else [[n] for n in range(min(self.limit, rows.num_rows))]
        )
        taken = sum(map(len, groups))
        places["operations"] = self._place(rows, "cloudtrail", taken)
        return operations(rows, groups, self.telling, records=self.wanted.records)

    def _changes(self, places: dict[str, Place | None]) -> list[dict[str, Any]]:
        rows = self.rows["config_items"]
        places["changes"] = self._place(rows, "config_items", min(self.limit, rows.num_rows))
        asked = self.asked
        shown = rows.slice(0, self.limit)
        return changes(
            asked.lake,
            shown,
            asked.scope,
            self.telling,
            caused="causes" in self.parts,
            records=self.wanted.records,
        )

    def _connections(self, places: dict[str, Place | None]) -> list[dict[str, Any]]:
        rows = self.rows["vpc_flow_logs"]
        place = None if self.after is None else self.after.get("connections")
        found = lane(
            rows,
            self.limit,
            fold=self.wanted.fold,
            after=None if place is None else (place.time, place.tie),
        )
        taken = [c for group in found.groups for c in group]
        cut = rows.num_rows >= self.most.get("vpc_flow_logs", MOST_RECORDS)
        # Groups interleave: the lane goes on after the oldest that was taken.
        oldest_taken = min(taken, key=lambda c: (c.last, c.ref), default=None)
        more = found.more or cut
        places["connections"] = (
            None if oldest_taken is None or not more else Place(oldest_taken.last, oldest_taken.ref)
        )
        oldest = rows["start_time"][-1].as_py() if cut else None
        return [
            {
                **connection_document(made, self.telling, len(group)),
                "cut": oldest is not None and made.first - oldest <= GAP,
            }
            for group in found.groups
            for made in (together(group),)
        ]

    def _place(self, rows: pa.Table, table: str, taken: int) -> Place | None:
        """Where a lane goes on after this many rows; None where nothing is left."""
        if not taken or (taken >= rows.num_rows and rows.num_rows < self.most.get(table, MOST_RECORDS)):
            return None
        row = rows.slice(taken - 1, 1)
        return Place(row[TABLES[table].time_column][0].as_py(), row["_tie"][0].as_py())


__all__ = ["PARTS", "Connection", "Trace", "Wanted", "Window", "trace"]
