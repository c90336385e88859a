"""Alerts that touch something: whose findings name it, or show one of its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import sqlalchemy as sa

from ashiato.alerts.entities import entity_hash
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.placing import sliced
from ashiato.alerts.reading import within
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
    a = alerts.c
    seen = [a.state.not_in(_UNSEEN), within(a.account, scope)]
    if window.start is not None:
        seen.append(a.last >= window.start)
    if window.end is not None:
        seen.append(a.first < window.end)
    newest = sa.select(alerts).order_by(a.last.desc(), a.id.desc()).limit(_MOST)
    rows: dict[int, Any] = {}
    with ledger.engine.connect() as connection:
        for touching in [_showing(event_id)] if event_id else _naming(list(keys)):
            rows |= {row.id: row for row in connection.execute(newest.where(touching, *seen))}
    found = sorted(rows.values(), key=lambda row: (row.last, row.id), reverse=True)
    return [_document(row, language) for row in found[:_MOST]]


def _naming(keys: list[Key]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions for alerts whose findings that stand name one of the keys."""
    a, e, f = alerts.c, finding_entities.c, alert_findings.c
    by_account: dict[str | None, set[bytes]] = {}
    for key in keys:
        by_account.setdefault(key.account, set()).add(entity_hash(key.value, key=key.kind == "access_key"))
    for account, hashes in by_account.items():
        for part in sliced(sorted(hashes)):
            named = (
                sa.select(f.alert)
                .join_from(finding_entities, alert_findings, e.uid == f.uid)
                .where(e.hash.in_(part), f.standing == 1)
            )
            yield a.id.in_(named) if account is None else a.id.in_(named) & (a.account == account)
    for accounts in sliced(sorted({key.value for key in keys if key.kind == "account"})):
        yield a.account.in_(accounts)


def _showing(event_id: str) -> sa.ColumnElement[bool]:
    f = alert_findings.c
    showing = (
        sa.select(f.alert)
        .join_from(alert_findings, findings, findings.c.uid == f.uid)
        .where(findings.c.event_ids.contains(f'"{event_id}"', autoescape=True), f.standing == 1)
    )
    return alerts.c.id.in_(showing)


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
