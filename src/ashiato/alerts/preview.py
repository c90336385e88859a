"""What a suppression would hide, before it is made: the findings of the last days that it would have held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.expecting import own_accounts
from ashiato.alerts.holds import Suppression
from ashiato.alerts.ids import alert_id
from ashiato.alerts.messages import Writer
from ashiato.alerts.reading import within
from ashiato.core.scope import AccountScope
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.finding_rows import from_row
from ashiato.ledger.findings import LEVELS

DAYS = 30
#: Findings that are looked at, at most, the newest first.
MOST = 50_000
EXAMPLES = 8


@dataclass(frozen=True)
class Preview:
    """What would have been hidden within `days`: findings and alerts, `open` those that need somebody now (they go
    with it at once), by level the gravest first, by rule the most first, by day. `rest`: findings that were not looked
    at. `examples`: id, level, title, who and a sentence of the newest alerts."""

    days: int
    findings: int
    alerts: int
    open: int
    levels: Mapping[str, int]
    rules: Sequence[tuple[str, str, int]]
    by_day: Mapping[str, int]
    examples: Sequence[Mapping[str, Any]]
    rest: int


def preview(
    connection: Connection,
    writer: Writer,
    now: datetime,
    scope: AccountScope,
    *,
    rules: Sequence[str] = (),
    principals: Sequence[str] = (),
    accounts: Sequence[str] = (),
    addresses: Sequence[str] = (),
    resources: Sequence[str] = (),
    days: int = DAYS,
) -> Preview:
    """What a suppression that names this would have hidden in the last `days`. Raises WrongUse for an account outside
    the scope."""
    wanted = Suppression("S-0", rules, principals, own_accounts(scope, accounts), addresses, resources)
    f, c = findings.c, alerts.c
    asked = (
        sa.select(findings, c.id.label("alert"), c.state)
        .join_from(findings, alert_findings, alert_findings.c.uid == f.uid)
        .join(alerts, c.id == alert_findings.c.alert)
        .where(f.last >= now - timedelta(days=days), f.standing == 1, within(f.account, scope))
        .order_by(f.last.desc(), f.uid)
    )
    if rules and not any("*" in r or "?" in r or "[" in r for r in rules):
        asked = asked.where(f.rule.in_(list(rules)))
    levels: Counter[str] = Counter()
    by_rule: Counter[tuple[str, str]] = Counter()
    by_day = dict.fromkeys(f"{now - timedelta(days=n):%Y-%m-%d}" for n in range(days, -1, -1))
    days_hit: Counter[str] = Counter()
    hidden: dict[int, Any] = {}
    count = 0
    for row in connection.execute(asked.limit(MOST)):
        finding = from_row(row)
        if not wanted.expects(finding):
            continue
        count += 1
        levels[finding.level] += 1
        by_rule[finding.rule, finding.title] += 1
        days_hit[f"{finding.last:%Y-%m-%d}"] += 1
        hidden.setdefault(row.alert, (row, finding))
    total = connection.scalar(sa.select(sa.func.count()).select_from(asked.order_by(None).subquery())) or 0
    return Preview(
        days=days,
        findings=count,
        alerts=len(hidden),
        open=sum(row.state in ("open", "acknowledged") for row, _ in hidden.values()),
        levels={level: levels[level] for level in reversed(LEVELS) if levels[level]},
        rules=[(rule, title, n) for (rule, title), n in by_rule.most_common(10)],
        by_day={day: days_hit[day] for day in by_day},
        examples=_examples(connection, writer, list(hidden)[:EXAMPLES], hidden),
        rest=max(total - MOST, 0),
    )


def _examples(
    connection: Connection, writer: Writer, numbers: Sequence[int], hidden: Mapping[int, Any]
) -> list[dict[str, Any]]:
    rows = {r.id: r for r in connection.execute(sa.select(alerts).where(alerts.c.id.in_(numbers)))}
    return [
        {
            "id": alert_id(number),
            "level": LEVELS[rows[number].level],
            "state": rows[number].state,
            "title": writer.title(rows[number]),
            "text": writer.sentence(rows[number], hidden[number][1]),
            "last": hidden[number][1].last,
        }
        for number in numbers
        if number in rows
    ]
