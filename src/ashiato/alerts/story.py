"""The story of an alert or an incident: what its records say, in time order; and everything that `show` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.escaping import one_line
from ashiato.alerts.evidence import flow_search, record_ref
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.messages import Writer
from ashiato.alerts.reading import (
    alert_document,
    deliveries_of,
    event_ids,
    findings_of,
    history_of,
    members_of,
    told,
    within,
)
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.findings import LEVELS, MOST_EVENT_IDS, Finding

#: Entries of a story.
_MOST = 300
#: What tells it from others, time, sentence, event id, the record that it is about.
_Moment = tuple[tuple[Any, ...], datetime, str, str | None, Mapping[str, Any] | None]


def story(
    connection: Connection, rows: Sequence[Any], writer: Writer, scope: AccountScope = EVERY_ACCOUNT
) -> list[dict[str, Any]]:
    """What happened, in time order: one entry a record that a finding shows, whichever alerts it raised."""
    entries: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        for finding in findings_of(connection, row.id, scope=scope):
            for key, at, text, event, record in _moments(row, finding, writer):
                new = {
                    "at": at,
                    "text": text,
                    "event_id": event,
                    "ref": None if record is None else record_ref(record),
                    "search": None if record is None else flow_search(record),
                    "level": finding.level,
                    "alerts": [],
                }
                entry = entries.setdefault(key, new)
                if alert_id(row.id) not in entry["alerts"]:
                    entry["alerts"].append(alert_id(row.id))
                entry["level"] = max(entry["level"], finding.level, key=LEVELS.index)
    return sorted(entries.values(), key=lambda e: (e["at"], e["event_id"] or ""))[:_MOST]


def _moments(row: Any, finding: Finding, writer: Writer) -> list[_Moment]:
    """The records that a finding shows; the finding itself where it shows none, or stands for a count."""
    found: list[_Moment] = []
    for example in finding.examples if finding.kind not in ("rate", "silence") else ():
        at = _time_of(example)
        if at is not None:
            event = example.get("eventID")
            text = one_line(writer.sentence_of(example) or writer.title(row))
            known = isinstance(event, str)
            key = ("event", event) if known else ("text", at, text)
            found.append((key, at, text, event if known else None, example))
    if found:
        return found
    return [(("finding", finding.uid), finding.first, one_line(writer.sentence(row, finding)), None, None)]


def _time_of(record: Mapping[str, Any]) -> datetime | None:
    """The time of an event, configuration item or flow record."""
    value = record.get("eventTime") or record.get("configurationItemCaptureTime") or record.get("start")
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def alert_story(
    connection: Connection, row: Any, writer: Writer, now: datetime, scope: AccountScope = EVERY_ACCOUNT
) -> dict[str, Any]:
    """Everything about an alert, as JSON: what the list has, and message, findings, story, history, deliveries."""
    names = {a.id: a.name for a in writer.settings.accounts}
    text = writer.alert(told(connection, row, scope), "", now)
    related = []
    if row.incident is not None:
        asked = sa.select(alerts.c.id).where(
            alerts.c.incident == row.incident, alerts.c.id != row.id, within(alerts.c.account, scope)
        )
        related = [alert_id(found.id) for found in connection.execute(asked.order_by(alerts.c.id))]
    listed = _findings(connection, row.id, scope)
    ids = dict.fromkeys(i for f in listed if f["standing"] for i in f["event_ids"])
    return {
        **alert_document(row, names, list(ids)[:MOST_EVENT_IDS]),
        "message": {"subject": text.subject, "lines": list(text.lines), "link": text.link},
        "story": story(connection, [row], writer, scope),
        "finding_list": listed,
        "related": related,
        "history": history_of(connection, row.id),
        "deliveries": deliveries_of(connection, row.id),
    }


def _findings(connection: Connection, number: int, scope: AccountScope) -> list[dict[str, Any]]:
    f = alert_findings.c
    rows = {r.uid: r for r in connection.execute(sa.select(alert_findings).where(f.alert == number))}
    return [
        {
            "uid": finding.uid,
            "level": finding.level,
            "kind": finding.kind,
            "first": finding.first,
            "last": finding.last,
            "hits": finding.hits,
            "standing": bool(rows[finding.uid].standing),
            "live": bool(rows[finding.uid].live),
            "held_by": rows[finding.uid].held_by,
            "actor": finding.actor,
            "group": dict(finding.group),
            "addresses": list(finding.addresses),
            "access_keys": list(finding.access_keys),
            "resources": list(finding.resources),
            "rarity": finding.rarity,
            "explanation": dict(finding.explanation),
            "event_ids": list(finding.event_ids),
            "examples": [dict(e) for e in finding.examples],
            "delivered": finding.delivered_at,
            "ingested": finding.ingested_at,
        }
        for finding in findings_of(connection, number, standing=False, scope=scope)
    ]


def incident_story(
    connection: Connection, number: int, writer: Writer, scope: AccountScope = EVERY_ACCOUNT
) -> dict[str, Any]:
    """An incident as JSON: its alerts within the scope, and their records as one story. Raises WrongUse where there
    is none."""
    row, members = members_of(connection, number, scope)
    ids = event_ids(connection, [m.id for m in members]) if not scope.limited else {}
    names = {a.id: a.name for a in writer.settings.accounts}
    return {
        "id": incident_id(row.id),
        "level": LEVELS[max((m.level for m in members), default=row.level)],
        "first": min((m.first for m in members), default=row.first),
        "last": max((m.last for m in members), default=row.last),
        "dissolved": row.dissolved_at is not None,
        "alerts": [alert_document(m, names, ids.get(m.id, [])) for m in members],
        "story": story(connection, members, writer, scope),
    }
