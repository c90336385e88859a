"""Alerts that touch something: whose findings name it, or show one of its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.entities import entity_hash
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.placing import sliced
from ashiato.core.scope import AccountScope
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alert_findings, alerts, finding_entities
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.findings import LEVELS
from ashiato.trace.keys import Key, Window
from ashiato.words.messages import Language

_UNSEEN: Final = ("merged", "withdrawn")
_MOST: Final = 2000


def alerts_of(
    ledger: Ledger,
    keys: Iterable[Key],
    scope: AccountScope,
    window: Window,
    language: Language,
    event_id: str | None = None,
) -> list[dict[str, Any]]:
    """The JSON of the alerts, newest last hit first; at most 2,000. Of `event_id`: those that show this event."""
    with ledger.engine.connect() as connection:
        numbers = _of_event(connection, event_id) if event_id else _of_keys(connection, list(keys))
        rows: list[Any] = []
        for part in sliced(sorted(numbers, reverse=True)[:_MOST]):
            asked = sa.select(alerts).where(alerts.c.id.in_(part), alerts.c.state.not_in(_UNSEEN))
            if window.start is not None:
                asked = asked.where(alerts.c.last >= window.start)
            if window.end is not None:
                asked = asked.where(alerts.c.first < window.end)
            rows += connection.execute(asked).all()
    rows = [row for row in rows if scope.allows(row.account)]
    rows.sort(key=lambda row: (row.last, row.id), reverse=True)
    return [_document(row, language) for row in rows]


def _of_keys(connection: Connection, keys: list[Key]) -> set[int]:
    """Numbers of alerts whose findings that stand name one of the keys."""
    hashes = {entity_hash(k.value, key=k.kind == "access_key") for k in keys}
    e, f = finding_entities.c, alert_findings.c
    accounts = {k.value for k in keys if k.kind == "account"}
    numbers: set[int] = set()
    for part in sliced(sorted(hashes)):
        asked = (
            sa.select(f.alert)
            .join_from(finding_entities, alert_findings, e.uid == f.uid)
            .where(e.hash.in_(part), f.standing == 1)
            .distinct()
        )
        numbers |= set(connection.scalars(asked))
    if accounts:
        newest = sa.select(alerts.c.id).where(alerts.c.account.in_(accounts)).order_by(alerts.c.last.desc())
        numbers |= set(connection.scalars(newest.limit(_MOST)))
    return numbers


def _of_event(connection: Connection, event_id: str) -> set[int]:
    f = alert_findings.c
    asked = (
        sa.select(f.alert)
        .join_from(alert_findings, findings, findings.c.uid == f.uid)
        .where(findings.c.event_ids.contains(f'"{event_id}"', autoescape=True), f.standing == 1)
        .distinct()
    )
    return set(connection.scalars(asked))


def _document(row: Any, language: Language) -> dict[str, Any]:
    return {
        "id": alert_id(row.id),
        "title": row.title_ja if language == "ja" and row.title_ja else row.title,
        "level": LEVELS[row.level],
        "time": row.last,
        "status": row.state,
        "first": row.first,
        "rule": row.rule,
        "kind": row.kind,
        "hits": row.hits,
        "account": row.account,
        "region": row.region,
        "principal": row.principal,
        "incident": incident_id(row.incident),
    }
