"""When CloudTrail was heard of an account and region, by data file: what the search for gaps asks of every day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from ashiato.config.reading import as_rows
from ashiato.core.spans import shifted
from ashiato.lake.day_states import standing_days
from ashiato.lake.facts import FileFacts
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import at_least, within
from ashiato.lake.presence import presence
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between

#: Days of an account and region that are kept in a process, over all files.
_MOST_DAYS: Final = 200_000


@dataclass
class _Heard:
    """Of one file: (account, region, day) → the first and last event; (account, time) of calls that stop a trail."""

    days: dict[tuple[str, str, date], tuple[datetime, datetime]] = field(default_factory=dict)
    stops: list[tuple[str, datetime]] = field(default_factory=list)


def _read(source: str, count: int) -> Sequence[_Heard]:
    found = [_Heard() for _ in range(count)]
    with reading() as opened:
        rows = opened.execute(
            'SELECT file_index, "recipientAccountId", "awsRegion", "eventTime"::TIMESTAMP::DATE, min("eventTime"),'
            ' max("eventTime"), list("eventTime") FILTER (WHERE "eventName" IN (\'StopLogging\', \'DeleteTrail\')'
            f' AND "errorCode" IS NULL) FROM {source} WHERE "recipientAccountId" IS NOT NULL'
            ' AND "eventTime" IS NOT NULL GROUP BY ALL'
        ).fetchall()
    for file, account, region, day, first, last, stops in rows:
        found[file].days[account, region, day] = first, last
        found[file].stops += [(account, stop) for stop in stops or ()]
    return found


_facts: Final = FileFacts(_read, most=_MOST_DAYS, size=lambda heard: 1 + len(heard.days))


def days(
    lake: PinnedLake, accounts: Sequence[str], first: date, last: date
) -> dict[tuple[str, str], set[date]]:
    """(account, region) → UTC days with events, of the files of these days; region "": any."""
    found: dict[tuple[str, str], set[date]] = {}
    for _, heard in _facts.of(lake.plan("cloudtrail", between("cloudtrail", first, last))):
        for account, region, day in heard.days:
            if account in accounts:
                found.setdefault((account, region), set()).add(day)
                found.setdefault((account, ""), set()).add(day)
    return found


def spans(lake: PinnedLake, accounts: Sequence[str]) -> dict[str, tuple[datetime, datetime]]:
    """Account → its first and last event."""
    # Footprints tell of the days that stand; to count those of whole accounts on the others takes long.
    _, unsettled = standing_days(lake.home.ledger, lake.pinned_at)
    begin = min((d.day for d in unsettled if d.table == "cloudtrail"), default=None)
    until = None if begin is None else begin - timedelta(days=1)
    stored = presence(
        lake, accounts, kinds=["account"], accounts=accounts, until=until, tables=["cloudtrail"]
    )
    told = [
        (row["account"], row["first"], row["last"])
        for row in as_rows(stored.select(["entity", "account", "first", "last"]))
        if row["entity"] == row["account"]
    ]
    if begin is not None:
        plan = lake.plan("cloudtrail", at_least("eventTime", begin.isoformat() + "T00:00:00+00:00"))
        told += [
            (account, first, last)
            for _, heard in _facts.of(plan)
            for (account, _, _), (first, last) in heard.days.items()
            if account in accounts
        ]
    found: dict[str, tuple[datetime, datetime]] = {}
    for account, first, last in told:
        low, high = found.get(account, (first, last))
        found[account] = min(low, first), max(high, last)
    return found


def since(lake: PinnedLake, account: str, moment: datetime) -> bool:
    """Whether an event of the account is of this moment or later."""
    plan = lake.plan("cloudtrail", at_least("eventTime", moment.isoformat()))
    return any(
        last >= moment
        for _, heard in _facts.of(plan)
        for (of, _, _), (_, last) in heard.days.items()
        if of == account
    )


def stops(
    lake: PinnedLake, accounts: Sequence[str], first: datetime, last: datetime
) -> list[tuple[str, datetime]]:
    """(account, time) of each StopLogging and DeleteTrail that succeeded from first to last, sorted."""
    plan = lake.plan(
        "cloudtrail", within("eventTime", first.isoformat(), shifted(last, timedelta(seconds=1)).isoformat())
    )
    return sorted(
        (account, stop)
        for _, heard in _facts.of(plan)
        for account, stop in heard.stops
        if account in accounts and first <= stop <= last
    )


def following(lake: PinnedLake, account: str, moment: datetime, within_days: int) -> datetime | None:
    """The account's first event after a moment; None where none came within so many days."""
    end = shifted(moment, timedelta(days=within_days))
    plan = lake.plan("cloudtrail", within("eventTime", moment.isoformat(), end.isoformat()))
    spans = [(path, span) for path, heard in _facts.of(plan) for span in _spans(heard, account)]
    found = [first for _, (first, _) in spans if first > moment]
    # The day of the moment has events on both sides of it.
    straddling = sorted({path for path, (first, last) in spans if first <= moment < last})
    if straddling:
        with reading() as opened:
            row = opened.execute(
                f'SELECT min("eventTime") FROM {relation(straddling, plan.iceberg_schema)}'
                ' WHERE "recipientAccountId" = $account AND "eventTime" > $moment',
                {"account": account, "moment": moment},
            ).fetchone()
        found += [row[0]] if row and row[0] is not None else []
    return min(found, default=None)


def _spans(heard: _Heard, account: str) -> Iterator[tuple[datetime, datetime]]:
    return (span for (of, _, _), span in heard.days.items() if of == account)
