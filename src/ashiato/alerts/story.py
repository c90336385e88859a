"""The story of an alert or an incident: what its records say, in time order; and everything that `show` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.escaping import one_line
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.messages import Writer
from ashiato.alerts.reading import (
    alert_document,
    deliveries_of,
    event_ids,
    findings_of,
    history_of,
    told,
)
from ashiato.core.errors import WrongUse
from ashiato.ledger.alert_tables import alert_findings, alerts, incidents
from ashiato.ledger.findings import LEVELS, Finding

#: Entries of a story.
_MOST = 300


def story(connection: Connection, rows: Sequence[Any], writer: Writer) -> list[dict[str, Any]]:
    """What happened, in time order: one entry a record that a finding shows, whichever alerts it raised."""
    entries: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        for finding in findings_of(connection, row.id):
            for key, at, text, event in _moments(row, finding, writer):
                entry = entries.setdefault(
                    key, {"at": at, "text": text, "event_id": event, "level": finding.level, "alerts": []}
                )
                if alert_id(row.id) not in entry["alerts"]:
                    entry["alerts"].append(alert_id(row.id))
                entry["level"] = max(entry["level"], finding.level, key=LEVELS.index)
    return sorted(entries.values(), key=lambda e: (e["at"], e["event_id"] or ""))[:_MOST]


def _moments(
    row: Any, finding: Finding, writer: Writer
) -> list[tuple[tuple[Any, ...], datetime, str, str | None]]:
    """The records that a finding shows; the finding itself where it shows none, or stands for a count."""
    found: list[tuple[tuple[Any, ...], datetime, str, str | None]] = []
    for example in finding.examples if finding.kind not in ("rate", "silence") else ():
        at = _time_of(example)
        if at is not None:
            event = example.get("eventID")
            text = one_line(writer.sentence_of(example) or writer.title(row))
            known = isinstance(event, str)
            found.append(
                (("event", event) if known else ("text", at, text), at, text, event if known else None)
            )
    if found:
        return found
    return [(("finding", finding.uid), finding.first, one_line(writer.sentence(row, finding)), None)]


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


def alert_story(connection: Connection, row: Any, writer: Writer, now: datetime) -> dict[str, Any]:
    """Everything about an alert, as JSON: what the list has, and message, findings, story, history, deliveries."""
    names = {a.id: a.name for a in writer.settings.accounts}
    text = writer.alert(told(connection, row), "", now)
    related = []
    if row.incident is not None:
        asked = sa.select(alerts.c.id).where(alerts.c.incident == row.incident, alerts.c.id != row.id)
        related = [alert_id(found.id) for found in connection.execute(asked.order_by(alerts.c.id))]
    return {
        **alert_document(row, names, event_ids(connection, [row.id]).get(row.id, [])),
        "message": {"subject": text.subject, "lines": list(text.lines), "link": text.link},
        "story": story(connection, [row], writer),
        "finding_list": _findings(connection, row.id),
        "related": related,
        "history": history_of(connection, row.id),
        "deliveries": deliveries_of(connection, row.id),
    }


def _findings(connection: Connection, number: int) -> list[dict[str, Any]]:
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
        for finding in findings_of(connection, number, standing=False)
    ]


def incident_story(connection: Connection, number: int, writer: Writer) -> dict[str, Any]:
    """An incident as JSON: its alerts, and their records as one story. Raises WrongUse where there is none."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == number)).first()
    if row is not None and row.merged_into is not None:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == row.merged_into)).one()
    if row is None:
        raise WrongUse(
            f"there is no incident {incident_id(number)}",
            remedy="`ashiato alerts list` shows which there are.",
        )
    asked = sa.select(alerts).where(alerts.c.incident == row.id).order_by(alerts.c.first, alerts.c.id)
    members = connection.execute(asked).all()
    ids = event_ids(connection, [m.id for m in members])
    names = {a.id: a.name for a in writer.settings.accounts}
    return {
        "id": incident_id(row.id),
        "level": LEVELS[row.level],
        "first": row.first,
        "last": row.last,
        "dissolved": row.dissolved_at is not None,
        "alerts": [alert_document(m, names, ids.get(m.id, [])) for m in members],
        "story": story(connection, members, writer),
    }
