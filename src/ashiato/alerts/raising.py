"""Findings become alerts, and what is news goes to the outbox: one step, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.entities import entity_rows
from ashiato.alerts.history import History
from ashiato.alerts.holds import Held, Holds
from ashiato.alerts.incidents import Formerly, relate
from ashiato.alerts.locking import lock_alerts
from ashiato.alerts.outbox import enqueue_news
from ashiato.alerts.placing import Placed, Places, place, sliced, subject_of
from ashiato.alerts.settling import Settled, absorb, settle
from ashiato.core.settings import Settings
from ashiato.ledger.alert_tables import alert_findings, finding_entities
from ashiato.ledger.findings import FindingChange
from ashiato.ledger.inserting import insert_many


@dataclass
class RaiseReport:
    """What became of findings: numbers of alerts. `merged`: into which; `told`: messages put into the outbox."""

    raised: list[int] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)
    merged: dict[int, int] = field(default_factory=dict)
    split: dict[int, int] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    told: int = 0


def raise_findings(
    connection: Connection, changes: Sequence[FindingChange], settings: Settings, now: datetime
) -> RaiseReport:
    """Make alerts of changed findings, relate them, and put what is news into the outbox.

    Everything happens in the transaction of `connection`, which is also the one that moves the cursor of the
    evaluation and writes the findings themselves: after a kill all of it is there, or nothing. The same changes
    again do no harm. `FindingChange.live` False: the alert is listed and nobody is told.
    """
    if not changes:
        return RaiseReport()
    lock_alerts(connection)
    latest = _latest(changes)
    before = _rows_before(connection, latest)
    holds = Holds.load(connection, settings, now)
    placed = [
        Placed(
            change.finding,
            subject_of(change.finding),
            live=change.live or (uid in before and bool(before[uid].live)),
            held=holds.of(change.finding) if change.finding.standing else _as_before(before.get(uid)),
        )
        for uid, change in latest.items()
    ]
    history = History(connection, now)
    places = place(connection, placed, before, settings.alerts.join_within, now)
    formerly = _write_entities(connection, [latest[uid] for uid in places.of if uid in latest], before)
    amended = {
        places.of[uid]
        for uid, change in latest.items()
        if change.change in ("amended", "withdrawn") and uid in before and uid in places.of
    }
    return finish(connection, places, amended, settings, history, now, formerly)


def finish(
    connection: Connection,
    places: Places,
    amended: set[int],
    settings: Settings,
    history: History,
    now: datetime,
    formerly: Formerly | None = None,
) -> RaiseReport:
    """What follows once findings have their alerts: figures and states, incidents, messages, history."""
    for number in places.raised:
        history.add(number, "raised")
    for number, origin in places.split.items():
        history.add(number, "split off", alert=origin)
        history.add(origin, "split", alert=number)
    absorb(connection, places.merged, history, now)
    settled = settle(connection, places.touched, amended, history, now)
    relate(connection, places.touched, settings.alerts.incident_within, history, now, formerly)
    told = enqueue_news(connection, settled.news, settings, history, now)
    history.write()
    return _report(places, settled, told)


def _report(places: Places, settled: Settled, told: int) -> RaiseReport:
    new = {*places.raised, *places.split, *places.merged}
    return RaiseReport(
        raised=places.raised,
        grown=sorted(places.touched - new - set(settled.withdrawn)),
        merged=places.merged,
        split=places.split,
        withdrawn=settled.withdrawn,
        reopened=settled.reopened,
        told=told,
    )


def _latest(changes: Sequence[FindingChange]) -> dict[str, FindingChange]:
    """The last change of each finding; live if one of them was."""
    latest: dict[str, FindingChange] = {}
    for change in changes:
        uid = change.finding.uid
        earlier = latest.get(uid)
        withdrawn = change.change == "withdrawn"
        finding = replace(change.finding, standing=change.finding.standing and not withdrawn)
        live = change.live or (earlier is not None and earlier.live)
        latest[uid] = replace(change, finding=finding, live=live)
    return latest


def _rows_before(connection: Connection, uids: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for part in sliced(uids):
        for row in connection.execute(sa.select(alert_findings).where(alert_findings.c.uid.in_(part))):
            found[row.uid] = row
    return found


def _as_before(row: Any) -> Held | None:
    return None if row is None or row.held_as is None else Held(row.held_as, row.held_by)


def _write_entities(
    connection: Connection, placed: Sequence[FindingChange], before: Mapping[str, Any]
) -> Formerly:
    """Write what changed findings name, and tell what they named before."""
    formerly = Formerly()
    e = finding_entities.c
    for row in before.values():
        formerly.reach(row.first, row.last)
    for part in sliced(before):
        asked = sa.select(e.hash).where(e.uid.in_(part)).distinct()
        formerly.values |= {row.hash for row in connection.execute(asked)}
        connection.execute(sa.delete(finding_entities).where(e.uid.in_(part)))
    rows = [row for change in placed for row in entity_rows(change.finding)]
    insert_many(connection, finding_entities, rows)
    return formerly
