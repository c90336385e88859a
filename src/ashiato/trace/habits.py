"""What is normal for a principal, and what is not: its operations, addresses, keys, sessions, regions and programs, each
with how often, on how many days, since when; and what it began late and did on few days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.scope import AccountScope
from ashiato.formats.refs import event_ref
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.naming import files_naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between, end_of
from ashiato.trace.keys import Window, condition
from ashiato.trace.subjects import Subject

#: Operations looked at, the newest days first: more would not fit beside other people's pages.
MOST_OPERATIONS: Final = 500_000
#: Before a principal is known for this long, everything it does is new.
LEARNT: Final = timedelta(days=7)
#: What it did on more days than this is a habit, however late it began.
FEW_DAYS: Final = 2
MOST_OF_A_KIND: Final = 40
MOST_UNUSUAL: Final = 60
_MOST_DISTINCT: Final = 20_000
_ACTING: Final = (
    "userIdentity.arn", "userIdentity.accessKeyId", "userIdentity.principalId", "userIdentity.userName",
    "userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.sessionContext.sourceIdentity",
    "userIdentity.onBehalfOf.userId", "split_part(userIdentity.principalId, ':', 2)",
)  # fmt: skip
#: What is counted of an operation, by the name of its kind.
KINDS: Final = {
    "operation": "split_part(eventSource, '.', 1) || ':' || eventName",
    "address": "sourceIPAddress",
    "access_key": "nullif(userIdentity.accessKeyId, '')",
    "session": "nullif(split_part(userIdentity.principalId, ':', 2), '')",
    "region": "awsRegion",
    "account": "recipientAccountId",
    "program": "nullif(split_part(userAgent, ' ', 1), '')",
}


@dataclass(frozen=True)
class Habit:
    """One thing of a kind: how many operations, on how many days, from first to last; how many did not succeed.
    `unusual`: begun when the principal was known already, on few days. `ref`: of the first record, where it has one."""

    kind: str
    value: str
    count: int
    days: int
    failed: int
    first: datetime
    last: datetime
    unusual: bool
    ref: str | None


@dataclass(frozen=True)
class Habits:
    """`by_kind`: the most frequent of each kind, `left_out` how many more there are; `unusual`: the newest first.

    `days`: (UTC day, operations, of these not succeeded); `hours`: operations by weekday (Monday first) and hour of
    the zone asked for. `since`: what lies before was not looked at, None where everything was.
    """

    count: int
    failed: int
    first: datetime | None
    last: datetime | None
    by_kind: dict[str, list[Habit]]
    left_out: dict[str, int]
    unusual: list[Habit]
    days: list[tuple[date, int, int]]
    hours: list[list[int]]
    since: date | None


NONE: Final = Habits(0, 0, None, None, {}, {}, [], [], [[0] * 24 for _ in range(7)], None)


def habits(
    lake: PinnedLake,
    subject: Subject,
    found: pa.Table,
    scope: AccountScope,
    window: Window,
    zone: str = "UTC",
    *,
    most: int = MOST_OF_A_KIND,
) -> Habits:
    """What the subject did itself within the window. `found`: its footprints (subjects.resolve); `zone`: an IANA name; `most`: of each kind."""
    days, since = _days(found, window)
    if not days:
        return NONE
    plan = lake.plan("cloudtrail", between("cloudtrail", days[0], days[-1]))
    files = files_naming(plan, [key.hash for key in subject.keys])
    if not files:
        return NONE
    account = ACCOUNT_REGION["cloudtrail"][0]
    named, values = condition(subject.keys, account)
    allowed, of_scope = scope.sql(f'"{account}"')
    acting = " OR ".join(f"list_contains($own::VARCHAR[], {column})" for column in _ACTING)
    start, end = datetime.combine(days[0], time(), UTC), end_of(days[-1])
    start = start if window.start is None else max(start, window.start)
    end = end if window.end is None else min(end, window.end - timedelta(microseconds=1))
    parameters = values | of_scope | {
        "own": [k.value for k in subject.keys], "start": start, "end": end, "superseded": list(lake.superseded),
    }  # fmt: skip
    columns = ", ".join(f"{sql} AS {kind}" for kind, sql in KINDS.items())
    sql = (
        f"CREATE TEMP TABLE done AS SELECT eventTime AS t, eventID, {columns}, errorCode IS NOT NULL AS failed"
        f" FROM {relation(files, plan.iceberg_schema)} WHERE eventTime >= $start AND eventTime <= $end"
        f" AND {named} AND {allowed} AND {default_view('cloudtrail')} AND ({acting})"
    )
    with reading() as connection:
        connection.execute(sql, parameters)
        return _summed(connection, zone, since, most)


def _summed(connection: Any, zone: str, since: date | None, most: int) -> Habits:
    count, failed, first, last = connection.execute(
        "SELECT count(*), count(*) FILTER (failed), min(t), max(t) FROM done"
    ).fetchone()
    if not count:
        return NONE
    every: dict[str, list[Habit]] = {kind: [] for kind in KINDS}
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    for kind, *row in connection.execute(
        "SELECT kind, value, count(*) AS n, count(DISTINCT t::DATE), count(*) FILTER (failed), min(t), max(t),"
        " arg_min(eventID, t), arg_min(account, t) FROM"
        f" (SELECT *, unnest([{kinds}]) AS kind, unnest([{', '.join(KINDS)}]) AS value FROM done)"
        " WHERE value IS NOT NULL GROUP BY 1, 2"
        f" QUALIFY row_number() OVER (PARTITION BY kind ORDER BY n DESC, value) <= {_MOST_DISTINCT}"
        " ORDER BY n DESC, value"
    ).fetchall():
        every[kind].append(_habit(kind, row, first))
    by_kind = {kind: found[:most] for kind, found in every.items()}
    left_out = {kind: max(0, len(found) - most) for kind, found in every.items()}
    unusual = [h for found in every.values() for h in found if h.unusual]
    unusual.sort(key=lambda h: (h.first, h.value), reverse=True)
    days = connection.execute(
        "SELECT t::DATE AS day, count(*), count(*) FILTER (failed) FROM done GROUP BY 1 ORDER BY 1"
    ).fetchall()
    hours = [[0] * 24 for _ in range(7)]
    for weekday, hour, n in connection.execute(
        "SELECT isodow(timezone($zone, t)), hour(timezone($zone, t)), count(*) FROM done GROUP BY 1, 2",
        {"zone": zone},
    ).fetchall():
        hours[weekday - 1][hour] = n
    return Habits(
        count, failed, first, last, by_kind, left_out, unusual[:MOST_UNUSUAL], days, hours, since
    )  # fmt: skip


def _habit(kind: str, row: Sequence[Any], known_since: datetime) -> Habit:
    value, count, days, failed, first, last, event, account = row
    # Temporary keys are new each time.
    lasting = kind != "access_key" or not value.startswith("ASIA")
    late = lasting and first - known_since >= LEARNT and days <= FEW_DAYS
    ref = event_ref({"eventID": event, "recipientAccountId": account}) if event else None
    return Habit(kind, value, count, days, failed, first, last, late, ref)


def _days(found: pa.Table, window: Window) -> tuple[list[date], date | None]:
    """Days on which it acted, oldest first; and the first of them where there are more than are looked at."""
    acted = found.filter(pc.and_(pc.equal(found["table"], "cloudtrail"), pc.equal(found["role"], "actor")))
    first, last = window.days()
    counts: dict[date, int] = {}
    for row in acted.select(["day", "count", "entity", "account"]).to_pylist():
        if (first is None or row["day"] >= first) and (last is None or row["day"] <= last):
            # Several of its names stand in one record: the largest count is certain, the sum is not.
            counts[row["day"]] = max(counts.get(row["day"], 0), row["count"])
    taken: list[date] = []
    have = 0
    for day in sorted(counts, reverse=True):
        if have and have + counts[day] > MOST_OPERATIONS:
            return taken[::-1], taken[-1]
        taken.append(day)
        have += counts[day]
    return taken[::-1], None
