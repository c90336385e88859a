"""How often rules hit: from the findings that stand, by day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.scope import AccountScope
from ashiato.ledger.detection_tables import findings


@dataclass
class RuleHits:
    """Of one rule: hits and findings, hits by day (only days with some), and the time of the last one."""

    hits: int = 0
    findings: int = 0
    days: Counter[date] = field(default_factory=Counter)
    last: datetime | None = None

    def by_day(self, until: date, days: int) -> list[int]:
        """Hits of each of the last `days` days, the oldest first."""
        return [self.days[until - timedelta(days=n)] for n in range(days - 1, -1, -1)]


def hits_of(
    connection: Connection, since: datetime, scope: AccountScope, *, rule: str | None = None
) -> dict[str, RuleHits]:
    """By rule, its hits of event time from `since` on, in the accounts of the scope."""
    f = findings.c
    asked = (
        sa.select(
            f.rule,
            f.hour,
            sa.func.sum(f.hits).label("hits"),
            sa.func.count().label("findings"),
            sa.func.max(f.last).label("last"),
        )
        .where(f.standing == 1, f.hour >= since)
        .group_by(f.rule, f.hour)
    )
    if scope.accounts is not None:
        asked = asked.where(f.account.in_(sorted(scope.accounts)))
    if rule is not None:
        asked = asked.where(f.rule == rule)
    found: dict[str, RuleHits] = {}
    for row in connection.execute(asked):
        of = found.setdefault(row.rule, RuleHits())
        of.hits += int(row.hits)
        of.findings += int(row.findings)
        of.days[row.hour.date()] += int(row.hits)
        of.last = row.last if of.last is None else max(of.last, row.last)
    return found
