"""The trace of one record: an event by its id, or whatever a reference names; what came of it, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pyarrow as pa

from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.formats.tables import ACCOUNT_REGION, LOG_TABLES, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.trace.changes import changes
from ashiato.trace.connections import connection_document, joined
from ashiato.trace.hosts import Host
from ashiato.trace.keys import Key, Window
from ashiato.trace.links import links
from ashiato.trace.operations import operations
from ashiato.trace.reading import Asked, between_times
from ashiato.trace.recognising import Pasted
from ashiato.trace.refs import first_copies, rows_of, rows_of_event
from ashiato.trace.relating import related
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling
from ashiato.trace.touching import alerts_of
from ashiato.words.texts import shown

#: A change follows its operation by minutes; where recording is slow by up to two hours.
_FOLLOWS: Final = timedelta(hours=2)
_MOST_CHANGES: Final = 100
_KINDS: Final = {"cloudtrail": "event", "config_items": "item", "vpc_flow_logs": "flow"}
#: Kinds by which items of AWS Config are found that an operation may have changed.
_OBJECTS: Final = frozenset({"resource", "instance", "interface", "user", "arn", "access_key"})


def subject_of(pasted: Pasted) -> Subject:
    """The record as a subject."""
    kind = "event" if pasted.ref is None else _KINDS[pasted.ref.table]
    return Subject(kind, pasted.value, (), name=None)


def single(
    lake: PinnedLake,
    pasted: Pasted,
    scope: AccountScope,
    telling: Telling,
    *,
    records: bool = False,
) -> dict[str, Any]:
    """The document of the trace of one record, with the keys of every trace."""
    table = "cloudtrail" if pasted.ref is None else pasted.ref.table
    found = first_copies(
        rows_of_event(lake, pasted.value, scope) if pasted.ref is None else rows_of(lake, pasted.ref, scope)
    )
    rows = {name: TABLES[name].schema.empty_table() for name in LOG_TABLES}
    if found.num_rows:
        rows[table] = found
    events, items = rows["cloudtrail"], rows["config_items"]
    subject = subject_of(pasted)
    document: dict[str, Any] = {
        "entity": _entity(subject, table, found, telling),
        "answers": [],
        "operations": operations(events, [[n] for n in range(events.num_rows)], telling, records=records),
        "changes": changes(lake, items, scope, telling, records=records),
        "connections": [
            {**connection_document(c, telling), "cut": False} for c in joined(rows["vpc_flow_logs"])
        ],
        "alerts": [],
        "related": [],
        "sampled": False,
        "gaps": [],
        "next": None,
        "related_left_out": {},
        "links": [],
    }
    others = related(rows, (), telling)
    document |= {"related": others.things, "related_left_out": others.left_out}
    if document["operations"]:
        document["changes"] = _caused(lake, document, events, scope, telling, records=records)
        event_id = document["operations"][0]["event_id"]
        if event_id:
            document["alerts"] = alerts_of(
                lake.home.ledger, (), scope, Window(), telling.language, event_id=event_id
            )
    document["links"] = links(lake, subject, Host(), document, scope, telling)
    return document


def _caused(
    lake: PinnedLake,
    document: dict[str, Any],
    events: pa.Table,
    scope: AccountScope,
    telling: Telling,
    *,
    records: bool,
) -> list[dict[str, Any]]:
    """The changes of which this event is a cause."""
    operation = document["operations"][0]
    if operation["read_only"]:
        return []
    keys = {
        Key(n["kind"], n["value"])
        for n in operation["names"]
        if n["role"] == "target" and n["kind"] in _OBJECTS
    }
    if not keys:
        return []
    account = events["recipientAccountId"][0].as_py()
    whose = scope if account is None else scope & AccountScope.of([account])
    asked = Asked(lake, tuple(sorted(keys, key=lambda k: (k.kind, k.value))), whose, Window())
    time = events["eventTime"][0].as_py()
    items = between_times(asked, "config_items", time, shifted(time, _FOLLOWS), _MOST_CHANGES)
    if not items.num_rows:
        return []
    told = changes(lake, items, scope, telling, records=records)
    return [c for c in told if any(cause["ref"] == operation["ref"] for cause in c["causes"])]


def _entity(subject: Subject, table: str, found: pa.Table, telling: Telling) -> dict[str, Any]:
    column, account_column = TABLES[table].time_column, ACCOUNT_REGION[table][0]
    time = found[column][0].as_py() if found.num_rows else None
    account = found[account_column][0].as_py() if found.num_rows else None
    return {
        "kind": subject.kind,
        "value": shown(subject.value, 1100),
        "name": None,
        "first": time,
        "last": time,
        "count": found.num_rows,
        "arn": None,
        "account": account,
        "account_name": telling.account(account),
        "type": None,
        "counts": {table: found.num_rows} if found.num_rows else {},
        "origin": [],
        "hosts": [],
    }
