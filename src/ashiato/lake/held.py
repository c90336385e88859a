"""What is in a data file, found once and kept: whose records, when the newest, and what is rare and asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from ashiato.formats.tables import ACCOUNT_REGION, LOG_TABLES, TABLES
from ashiato.lake.facts import FileFacts
from ashiato.lake.inventory import LiveFile
from ashiato.lake.reading import reading
from ashiato.lake.table_plan import TablePlan

#: Accounts, calls and entities that are kept of files of one log.
_MOST: Final = 200_000
#: Files that are looked at first, newest first; then ever more.
_FIRST: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Times beyond it are no bounds of a file: 9999 in microseconds.
_FAR: Final = 253_370_764_800_000_000

#: Both ends included.
Span = tuple[datetime, datetime]

#: Calls that traces look for, those that make what they lead back to and those that open and close ports: which of them
#: are in a file is kept.
SOUGHT: Final = (
    "CreateUser", "CreateAccessKey", "RunInstances", "CreateRole", "CreateServiceLinkedRole",
    "AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules", "RevokeSecurityGroupIngress",
)  # fmt: skip
_CALLS: Final = ", ".join(f"'{name}'" for name in SOUGHT)
_ASKED: Final = {
    "cloudtrail": (
        f"bool_or(eventCategory = 'Data'), list(DISTINCT eventName) FILTER (eventName IN ({_CALLS})), NULL"
    ),
    "vpc_flow_logs": "false, NULL, list_distinct(flatten(list(entities) FILTER (log_status = 'SKIPDATA')))",
    "config_items": "false, NULL, NULL",
}


@dataclass(frozen=True, slots=True)
class Held:
    """Of one account in a file: its newest record, whether any is a data event, its calls of SOUGHT, and the
    entities that flow records name which AWS left out (SKIPDATA)."""

    newest: datetime | None
    data_events: bool
    calls: frozenset[str]
    skipping: frozenset[int]


#: By account; of records without one by None.
Accounts = Mapping[str | None, Held]


def _read(table: str, source: str, files: int) -> list[Accounts]:
    found: list[dict[str | None, Held]] = [{} for _ in range(files)]
    account, time = ACCOUNT_REGION[table][0], TABLES[table].time_column
    sql = f'SELECT file_index, "{account}", max("{time}"), {_ASKED[table]} FROM {source} GROUP BY 1, 2'
    with reading() as connection:
        rows = connection.execute(sql).fetchall()
    for number, whose, newest, data, made, left_out in rows:
        found[number][whose] = Held(newest, bool(data), frozenset(made or ()), frozenset(left_out or ()))
    return list(found)


def _size(found: Accounts) -> int:
    return 1 + sum(1 + len(each.calls) + len(each.skipping) for each in found.values())


_facts: Final = {table: FileFacts(partial(_read, table), most=_MOST, size=_size) for table in LOG_TABLES}


def _held(plan: TablePlan) -> Iterator[tuple[LiveFile, Accounts]]:
    for file, (_, found) in zip(plan.live, _facts[plan.description.name].of(plan), strict=True):
        yield file, found


def look_into(plan: TablePlan) -> None:
    """Read beforehand what is kept of these files."""
    deque(_held(plan), maxlen=0)


def newest_record(plan: TablePlan, accounts: Collection[str]) -> datetime | None:
    """The time of the newest record of some accounts in these files."""
    newest: datetime | None = None
    for part in _newest_first(plan):
        if newest is not None and _number(newest) >= part.live[0].last:
            break
        for _, found in _held(part):
            times = [found[a].newest for a in accounts if a in found]
            newest = max((each for each in (newest, *times) if each is not None), default=None)
    return newest


def has_records(plan: TablePlan, accounts: Collection[str], *, data_events: bool = False) -> bool:
    """Whether these files hold any record of some accounts; `data_events`: any data event."""
    return any(
        a in found and (found[a].data_events or not data_events)
        for part in _newest_first(plan)
        for _, found in _held(part)
        for a in accounts
    )


def during(plan: TablePlan, spans: Sequence[Span]) -> TablePlan:
    """The files that may hold records of some spans of time."""
    numbers = [(_number(first), _number(last)) for first, last in spans]
    return _of(
        plan, [f for f in plan.live if any(f.first <= last and f.last >= first for first, last in numbers)]
    )


def only(plan: TablePlan, paths: Collection[str]) -> TablePlan:
    """These files of a plan alone."""
    wanted = set(paths)
    return _of(plan, [f for f in plan.live if f.path in wanted])


def skipping(plan: TablePlan, hashes: Collection[int]) -> TablePlan:
    """The files with flow records that AWS left out (SKIPDATA) which name one of some entities."""
    return _of(plan, _where(plan, lambda each: not each.skipping.isdisjoint(hashes)))


def calling(plan: TablePlan, calls: Collection[str]) -> TablePlan:
    """The files that hold one of some calls, which are among SOUGHT."""
    return _of(plan, _where(plan, lambda each: not each.calls.isdisjoint(calls)))


def _where(plan: TablePlan, meets: Callable[[Held], bool]) -> list[LiveFile]:
    return [file for file, found in _held(plan) if any(map(meets, found.values()))]


def _of(plan: TablePlan, files: Sequence[LiveFile]) -> TablePlan:
    """A plan of these files alone."""
    return replace(
        plan,
        files=tuple(f.path for f in files),
        bytes=sum(f.bytes for f in files),
        rows=sum(f.rows for f in files),
        live=tuple(files),
    )


def split(plan: TablePlan, spans: Sequence[Span], few: int, *, oldest: bool) -> tuple[list[Span], list[Span]]:
    """Spans cut in two: the time of the newest (or oldest) few of these files, and the rest."""
    if len(plan.live) <= 2 * few:
        return list(spans), []
    if oldest:
        number = sorted(f.last for f in plan.live)[few - 1] + 1
    else:
        number = sorted((f.first for f in plan.live), reverse=True)[few - 1]
    if not 0 < number < _FAR:
        return list(spans), []
    cut = _EPOCH + number * _MICROSECOND
    newer = [(max(first, cut), last) for first, last in spans if last >= cut]
    older = [(first, min(last, cut - _MICROSECOND)) for first, last in spans if first < cut]
    return (older, newer) if oldest else (newer, older)


def _number(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _newest_first(plan: TablePlan) -> Iterator[TablePlan]:
    files = sorted(plan.live, key=lambda f: f.last, reverse=True)
    start, size = 0, _FIRST
    while start < len(files):
        yield _of(plan, files[start : start + size])
        start, size = start + size, size * 8
