"""Records by hour, against what is usual at that hour of the week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Literal

from ashiato.core.scope import AccountScope
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.by_file import counted
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within
from ashiato.lake.reading import reading

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
#: Weeks before that tell what is usual, and how many of them must be known for it to be said.
WEEKS = 4
FEWEST = 2

Log = Literal["cloudtrail", "vpc_flow_logs"]
LOGS: tuple[Log, ...] = ("cloudtrail", "vpc_flow_logs")
#: Records worth the eye, as SQL: calls that failed, connections that were refused.
_MARKED: Mapping[str, str] = {
    "cloudtrail": '"errorCode" IS NOT NULL',
    "vpc_flow_logs": "\"action\" = 'REJECT'",
}


@dataclass(frozen=True)
class Hour:
    """start <= time < start + 1 h. `usual`: the median of this hour in the weeks before; None: too few are known."""

    start: datetime
    count: int
    marked: int
    usual: float | None


def whole_hour(moment: datetime) -> datetime:
    """The end of the hour that holds a moment.

    >>> whole_hour(datetime(2026, 3, 1, 10, 1, tzinfo=UTC)).hour, whole_hour(datetime(2026, 3, 1, 10, tzinfo=UTC)).hour
    (11, 11)
    """
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


def activity(lake: PinnedLake, log: Log, start: datetime, end: datetime, scope: AccountScope) -> list[Hour]:
    """Every hour from `start` to `end` (whole hours), those without records too."""
    since = start - WEEKS * WEEK
    column = TABLES[log].time_column
    plan = lake.plan(log, within(column, since.isoformat(), end.isoformat()))
    counts_of = (
        f'floor(epoch("{column}") / 3600)::BIGINT AS hour, "{ACCOUNT_REGION[log][0]}" AS account,'
        f" count(*) AS records, count(*) FILTER ({_MARKED[log]}) AS marked"
    )
    values = {"superseded": sorted(lake.superseded)} if log == "cloudtrail" else {}
    allowed, of_scope = scope.sql("account")
    with reading() as connection:
        source, parameters = counted(connection, plan, counts_of, default_view(log), values)
        rows = connection.execute(
            f"SELECT hour, sum(records)::BIGINT, sum(marked)::BIGINT FROM {source}"
            f" WHERE hour >= $since AND hour < $end AND {allowed} GROUP BY 1",
            {**parameters, **of_scope, "since": _number(since), "end": _number(end)},
        ).fetchall()
    counts = {int(hour): (int(count), int(marked)) for hour, count, marked in rows}
    known_from = min(counts, default=0)
    found = []
    for hour in range(_number(start), _number(end)):
        earlier = [hour - week * 168 for week in range(1, WEEKS + 1)]
        usual = [counts.get(h, (0, 0))[0] for h in earlier if counts and h >= known_from]
        count, marked = counts.get(hour, (0, 0))
        found.append(
            Hour(
                datetime.fromtimestamp(hour * 3600, UTC), count, marked,
                float(median(usual)) if len(usual) >= FEWEST else None,
            )
        )  # fmt: skip
    return found


def _number(hour: datetime) -> int:
    """Hours since 1970."""
    return int(hour.timestamp()) // 3600
