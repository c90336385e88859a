"""The list that people work through: filtered, sorted, page by page; with counts by state and level."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.ids import parse_id
from ashiato.alerts.placing import sliced
from ashiato.alerts.reading import NEEDING, select_alerts, within_scope
from ashiato.core.errors import WrongUse
from ashiato.core.scope import AccountScope
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.finding_rows import from_row
from ashiato.ledger.findings import LEVELS, Finding

#: States in the order in which a person cares; `merged` is part of another alert.
STATES = ("open", "acknowledged", "closed", "planned", "suppressed", "withdrawn")
Sort = Literal["-last", "last", "-first", "first", "-level", "level", "-hits", "hits"]
SORTS: tuple[Sort, ...] = ("-last", "last", "-first", "first", "-level", "level", "-hits", "hits")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?\d{1,19})\.(\d{1,15})")


@dataclass(frozen=True)
class Wanted:
    """Which alerts. `level`: this one and above; `rule`: a pattern with *; `text`: in title, rule, principal or group,
    without regard to case; `assignee`: "" is nobody."""

    states: Collection[str] = NEEDING
    level: str | None = "low"
    account: str | None = None
    rule: str | None = None
    text: str | None = None
    assignee: str | None = None
    incident: int | None = None
    held_by: str | None = None
    closed_as: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class TriagePage:
    """Rows of `alerts`; `after`: the cursor of the next page, None on the last; `total`: all that are wanted."""

    rows: Sequence[Any]
    after: str | None
    total: int


def _select(wanted: Wanted, scope: AccountScope) -> sa.Select[Any]:
    c = alerts.c
    asked = select_alerts(
        scope=scope,
        states=wanted.states,
        level=wanted.level,
        account=wanted.account,
        rule=wanted.rule,
        since=wanted.since,
        incident=wanted.incident,
        held_by=wanted.held_by,
    )
    if wanted.until is not None:
        asked = asked.where(c.first < wanted.until)
    if wanted.closed_as is not None:
        asked = asked.where(c.closed_as == wanted.closed_as)
    if wanted.assignee is not None:
        nobody = wanted.assignee == ""
        asked = asked.where(c.assignee.is_(None) if nobody else c.assignee == wanted.assignee)
    if wanted.text:
        asked = asked.where(_says(wanted.text))
    return asked.order_by(None)


def _says(text: str) -> sa.ColumnElement[bool]:
    c = alerts.c
    try:
        return c.id == parse_id(text, "A")[1]
    except WrongUse:
        pass
    wanted = printable(text, 200)
    columns = (c.title, c.title_ja, c.rule, c.principal, c.group_json, c.region, c.account)
    return sa.or_(*(column.icontains(wanted, autoescape=True) for column in columns))


def triage(
    connection: Connection,
    wanted: Wanted,
    scope: AccountScope,
    *,
    sort: Sort = "-last",
    after: str | None = None,
    limit: int = 100,
) -> TriagePage:
    """One page of the wanted alerts. `after`: the cursor of the page before. Raises WrongUse for one that is none."""
    asked = _select(wanted, scope)
    total = connection.scalar(sa.select(sa.func.count()).select_from(asked.subquery())) or 0
    column = alerts.c[sort.removeprefix("-")]
    down = sort.startswith("-")
    if after:
        value, number = _at(after, column)
        key = sa.tuple_(column, alerts.c.id)
        here = sa.tuple_(sa.literal(value, column.type), sa.literal(number, alerts.c.id.type))
        asked = asked.where(key < here if down else key > here)
    order = (column.desc(), alerts.c.id.desc()) if down else (column, alerts.c.id)
    rows = connection.execute(asked.order_by(*order).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return TriagePage(rows, _cursor(rows[-1], column) if more else None, total)


def _cursor(row: Any, column: sa.Column[Any]) -> str:
    value = getattr(row, column.name)
    if isinstance(value, datetime):
        value = (value - _EPOCH) // timedelta(microseconds=1)
    return f"{value}.{row.id}"


def _at(cursor: str, column: sa.Column[Any]) -> tuple[Any, int]:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise WrongUse("this is no page of the list", remedy="Begin with its first page.")
    value: Any = int(found[1])
    if column.name in ("first", "last"):
        try:
            value = _EPOCH + timedelta(microseconds=value)
        except OverflowError as error:
            raise WrongUse("this is no page of the list", remedy="Begin with its first page.") from error
    return value, int(found[2])


def counts(connection: Connection, wanted: Wanted, scope: AccountScope) -> dict[str, dict[str, int]]:
    """State → level → how many of the wanted alerts, whatever states and level are wanted; every state and level is
    there."""
    asked = _select(replace(wanted, states=STATES, level=None), scope).subquery()
    grouped = sa.select(asked.c.state, asked.c.level, sa.func.count().label("n")).group_by(
        asked.c.state, asked.c.level
    )
    found: dict[str, dict[str, int]] = {s: dict.fromkeys(reversed(LEVELS), 0) for s in STATES}
    for row in connection.execute(grouped):
        found[row.state][LEVELS[row.level]] = int(row.n)
    return found


def total(of: Mapping[str, int], level: str | None) -> int:
    """How many of this level and above."""
    least = LEVELS.index(level) if level is not None else 0
    return sum(n for name, n in of.items() if LEVELS.index(name) >= least)


def assignees(connection: Connection, scope: AccountScope) -> list[str]:
    """Who has alerts that need somebody."""
    c = alerts.c
    asked = select_alerts(scope=scope, states=NEEDING).where(c.assignee.is_not(None)).subquery()
    found = connection.execute(sa.select(asked.c.assignee).distinct().order_by(asked.c.assignee).limit(200))
    return [row.assignee for row in found]


def leading(connection: Connection, numbers: Sequence[int], scope: AccountScope) -> dict[int, Finding]:
    """By alert, the finding that tells of it in a line: of the highest level, the first by time."""
    f = alert_findings.c
    found: dict[int, Finding] = {}
    for part in sliced(numbers):
        place = sa.func.row_number().over(
            partition_by=f.alert, order_by=(f.standing.desc(), f.level.desc(), f.first, f.uid)
        )
        ranked = sa.select(f.alert, f.uid, place.label("place")).where(f.alert.in_(part)).subquery()
        asked = (
            sa.select(findings, ranked.c.alert.label("of_alert"))
            .join_from(ranked, findings, findings.c.uid == ranked.c.uid)
            .where(ranked.c.place == 1)
        )
        for row in connection.execute(asked):
            found[row.of_alert] = within_scope(from_row(row), scope)
    return found
