"""What an alert is, after its findings changed: its figures, its level, its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.history import History
from ashiato.alerts.placing import ACTORS, sliced
from ashiato.ledger.alert_tables import alert_findings, alerts, outbox
from ashiato.ledger.findings import LEVELS

#: States that follow from the findings alone; the others are a person's.
_OF_FINDINGS = ("open", "planned", "suppressed", "withdrawn")


@dataclass(frozen=True)
class News:
    """An alert that has something to tell: `level` is above what was told, if anything was."""

    alert: int
    level: int
    account: str | None
    tags: str
    version: int
    risen: bool


@dataclass
class Settled:
    """What settling found out about alerts."""

    news: list[News]
    withdrawn: list[int]
    reopened: list[int]


def absorb(connection: Connection, merged: Mapping[int, int], history: History, now: datetime) -> None:
    """Keep merged alerts with a pointer, and give to the survivor what people and channels know of them."""
    c = alerts.c
    rows = _rows(connection, {*merged, *merged.values()})
    for loser, survivor in merged.items():
        lost, kept = rows[loser], rows[survivor]
        values: dict[str, Any] = {
            "told_level": _highest(lost.told_level, kept.told_level),
            "told_at": _highest(lost.told_at, kept.told_at),
            "told_version": max(lost.told_version, kept.told_version),
            "assignee": kept.assignee or lost.assignee,
        }
        if "open" in (lost.state, kept.state):
            values["state"] = "open"
        elif "acknowledged" in (lost.state, kept.state):
            values["state"] = "acknowledged"
        connection.execute(sa.update(alerts).where(c.id == survivor).values(**values))
        connection.execute(sa.update(alerts).where(c.merged_into == loser).values(merged_into=survivor))
        connection.execute(
            sa.update(alerts)
            .where(c.id == loser)
            .values(state="merged", merged_into=survivor, changed_at=now)
        )
        _hand_over(connection, loser, survivor)
        history.add(loser, "merged", into=survivor)
        history.add(survivor, "took over", alert=loser)
        rows[survivor] = _rows(connection, {survivor})[survivor]


def _hand_over(connection: Connection, loser: int, survivor: int) -> None:
    """What is still to be sent of a merged alert is sent of the survivor, where that was not told as high."""
    o = outbox.c
    told = {
        (row.channel, row.level)
        for row in connection.execute(
            sa.select(o.channel, o.level).where(o.alert == survivor, o.state != "superseded")
        )
    }
    waiting = sa.select(o.id, o.channel, o.level).where(o.alert == loser, o.state.in_(["pending", "dead"]))
    for row in connection.execute(waiting).all():
        known = any(channel == row.channel and level >= row.level for channel, level in told)
        values = {"state": "superseded"} if known else {"alert": survivor}
        connection.execute(sa.update(outbox).where(o.id == row.id).values(**values))
        told.add((row.channel, row.level))


def settle(
    connection: Connection,
    touched: Collection[int],
    amended: Collection[int],
    history: History,
    now: datetime,
) -> Settled:
    """Bring the rows of alerts in line with their findings. `amended`: a finding said something else before."""
    found = Settled([], [], [])
    figures = _figures(connection, touched)
    rows = _rows(connection, touched)
    updates = []
    for number, row in rows.items():
        if row.state == "merged":
            continue
        figure = figures.get(number)
        state, told = _state(row, figure), row.told_level
        values: dict[str, Any] = {
            "b_id": number,
            "state": state,
            "changed_at": now,
            "amended_at": now if number in amended else row.amended_at,
            "held_by": figure.held_by if figure is not None and state in ("planned", "suppressed") else None,
            **{
                name: getattr(row, name)
                for name in ("level", "first", "last", "rarity", "actor", "closed_at")
            },
            "closed_as": row.closed_as if state == "closed" else None,
            "hits": 0,
            "findings": 0,
        }
        if figure is not None:
            values |= {
                "level": figure.level,
                "first": figure.first,
                "last": figure.last,
                "rarity": figure.rarity,
                "actor": ACTORS[figure.actor],
                "hits": int(figure.hits),
                "findings": figure.findings,
            }
        updates.append(values)
        _note(row, state, figure, number in amended, history)
        if state == "withdrawn" and row.state != "withdrawn":
            found.withdrawn.append(number)
        if state == "open" and row.state in ("acknowledged", "closed"):
            found.reopened.append(number)
        if (
            state == "open"
            and figure is not None
            and figure.news is not None
            and (told is None or figure.news > told)
        ):
            found.news.append(
                News(number, figure.news, row.account, row.tags, row.told_version + 1, risen=told is not None)
            )
    if updates:
        changing: dict[str, Any] = {n: sa.bindparam(n) for n in updates[0] if n != "b_id"}
        connection.execute(
            sa.update(alerts).where(alerts.c.id == sa.bindparam("b_id")).values(changing), updates
        )
    return found


def _state(row: Any, figure: Any) -> str:
    """Closed and acknowledged stay what a person made them, until the level rises above what was told."""
    if figure is None:
        return "withdrawn" if row.state in (*_OF_FINDINGS, "acknowledged") else str(row.state)
    if row.state not in _OF_FINDINGS:
        risen = figure.news is not None and row.told_level is not None and figure.news > row.told_level
        return "open" if risen else str(row.state)
    if figure.held == figure.findings:
        return "planned" if figure.planned else "suppressed"
    return "open"


def _note(row: Any, state: str, figure: Any, amended: bool, history: History) -> None:
    if state != row.state:
        history.add(row.id, state if state != "open" else "opened again", held_by=figure and figure.held_by)
    elif amended:
        history.add(row.id, "amended")
    if figure is not None and row.findings and figure.level > row.level:
        history.add(row.id, "level rose", to=LEVELS[figure.level])


def _figures(connection: Connection, numbers: Collection[int]) -> dict[int, Any]:
    """By alert, of the findings that stand: figures; `news`: the highest level of those that are to be told."""
    c = alert_findings.c
    held = c.held_as.is_not(None)
    found = {}
    for part in sliced(numbers):
        asked = (
            sa.select(
                c.alert,
                sa.func.count().label("findings"),
                sa.func.sum(c.hits).label("hits"),
                sa.func.min(c.first).label("first"),
                sa.func.max(c.last).label("last"),
                sa.func.max(c.level).label("level"),
                sa.func.max(c.actor).label("actor"),
                sa.func.max(c.rarity).label("rarity"),
                sa.func.max(sa.case((sa.and_(c.live == 1, ~held), c.level))).label("news"),
                sa.func.sum(sa.case((held, 1), else_=0)).label("held"),
                sa.func.sum(sa.case((c.held_as == "planned", 1), else_=0)).label("planned"),
                sa.func.coalesce(
                    sa.func.min(sa.case((c.held_as == "planned", c.held_by))), sa.func.min(c.held_by)
                ).label("held_by"),
            )
            .where(c.alert.in_(part), c.standing == 1)
            .group_by(c.alert)
        )
        for row in connection.execute(asked):
            found[row.alert] = row
    return found


def _rows(connection: Connection, numbers: Collection[int]) -> dict[int, Any]:
    found = {}
    for part in sliced(numbers):
        for row in connection.execute(sa.select(alerts).where(alerts.c.id.in_(part)).order_by(alerts.c.id)):
            found[row.id] = row
    return found


def _highest(*values: Any) -> Any:
    return max((v for v in values if v is not None), default=None)
