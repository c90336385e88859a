"""Long jobs: asked for by a person, run by whichever process may, found again by their number.

Everything about a job is in the control database, so that a page may be loaded again, in another process too. What
runs them is `job_runner.py`; a kind is a file in `job_kinds/`.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access import audit
from ashiato.core.errors import WrongUse
from ashiato.core.scope import AccountScope
from ashiato.core.text import printable
from ashiato.ledger.job_tables import jobs
from ashiato.watch.job_kinds import kind_of

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home

#: Jobs that wait or run, at most: of everybody, and of one person.
MOST_UNFINISHED = 20
MOST_OF_ONE = 5
#: Finished jobs are kept so long, and so many.
KEPT = timedelta(days=90)
MOST_KEPT = 1_000
#: A result is cut to so many characters of JSON by its kind; one that is longer is refused here.
MOST_RESULT = 1 << 20
#: A process that gave no sign of life for so long is dead.
DEAD_AFTER = timedelta(seconds=30)
#: One of this machine that gave none for so long is looked for among the processes.
GONE_AFTER = timedelta(seconds=5)

UNFINISHED = ("queued", "running")
FINISHED = ("done", "failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class Job:
    """A job as it stands. Times in UTC; `rate`: `unit` a second."""

    id: int
    kind: str
    state: str
    parameters: Mapping[str, Any]
    scope: AccountScope
    by: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    step: str | None
    fraction: float | None
    counted: int | None
    unit: str | None
    owner: str | None
    cancelled_by: str | None
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    again_of: int | None

    @property
    def name(self) -> str:
        """Its id for people: J-7."""
        return job_id(self.id)

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    def seconds(self, now: datetime) -> float:
        """How long it has run."""
        if self.started is None:
            return 0.0
        return max(((self.ended or now) - self.started).total_seconds(), 0.0)

    def rate(self, now: datetime) -> float | None:
        """So many of `unit` a second; None where nothing is counted."""
        seconds = self.seconds(now)
        return None if not self.counted or seconds < 1 else self.counted / seconds

    def left(self, now: datetime) -> float | None:
        """Seconds that it may still take, by how far it came; None while nobody knows."""
        seconds = self.seconds(now)
        if self.state != "running" or not self.fraction or self.fraction < 0.02 or seconds < 2:
            return None
        return seconds * (1 - self.fraction) / self.fraction

    def as_json(self, now: datetime, *, result: bool = True) -> dict[str, Any]:
        """What pages and programs get; keys are added, never renamed or removed."""
        rate, left = self.rate(now), self.left(now)
        return {
            "id": self.name,
            "kind": self.kind,
            "state": self.state,
            "parameters": dict(self.parameters),
            "by": self.by,
            "created": self.created,
            "started": self.started,
            "ended": self.ended,
            "step": self.step,
            "fraction": self.fraction,
            "counted": self.counted,
            "unit": self.unit,
            "rate": None if rate is None else round(rate, 1),
            "left_seconds": None if left is None else round(left),
            "cancelled_by": self.cancelled_by,
            "again_of": None if self.again_of is None else job_id(self.again_of),
            "error": None if self.error is None else dict(self.error),
            **({"result": None if self.result is None else dict(self.result)} if result else {}),
        }


def job_id(number: int) -> str:
    """
    >>> job_id(7)
    'J-7'
    """
    return f"J-{number}"


def parse_job_id(text: str) -> int:
    """The number of a job's id. Raises WrongUse.

    >>> parse_job_id("j-7"), parse_job_id("7")
    (7, 7)
    """
    found = re.fullmatch(r"(?:[Jj]-?)?([0-9]{1,15})", text.strip())
    if found is None:
        raise WrongUse(f"this is no id of a job: {printable(text, 40)}", remedy="Write J-7.")
    return int(found[1])


def checked(
    kind: str, parameters: Mapping[str, Any], *, home: Home, settings: Settings, scope: AccountScope
) -> dict[str, Any]:
    """Parameters as they are kept, for `submit`; may take a second, so that no transaction should wait for it. Raises
    WrongUse for parameters that cannot be meant, and where the scope is too narrow for this kind."""
    found = kind_of(kind)
    if found.whole and scope.limited:
        raise WrongUse(
            "this bears on every account, and you may see only some",
            remedy="Ask somebody who may see every account.",
        )
    return found.check(parameters, settings, home)


def submit(
    connection: Connection,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    by: str,
    scope: AccountScope,
    now: datetime,
    again_of: int | None = None,
) -> int:
    """Write down a job whose `parameters` are checked: its number. Whether the person's role may is for the caller.
    `again_of`: the job that it does once more. Raises WrongUse where too many wait."""
    c = jobs.c
    who = printable(by, 200)
    waiting = connection.execute(
        sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((c.by == who, 1), else_=0)), 0)
        ).where(c.state.in_(UNFINISHED))
    ).one()
    if waiting[0] >= MOST_UNFINISHED or waiting[1] >= MOST_OF_ONE:
        raise WrongUse(
            f"{waiting[0]} jobs wait or run already, {waiting[1]} of them yours",
            remedy="Wait until one of them has ended, or cancel one.",
        )
    made = connection.execute(
        sa.insert(jobs).values(
            kind=kind,
            state="queued",
            parameters=json.dumps(dict(parameters), default=str),
            scope=None if scope.accounts is None else json.dumps(sorted(scope.accounts)),
            by=who,
            created_at=now,
            again_of=again_of,
        )
    ).inserted_primary_key
    assert made is not None
    number = int(made[0])
    detail = {"kind": kind, "parameters": dict(parameters)}
    audit.record(connection, by, "job asked for", job_id(number), detail, now)
    _forget_old(connection, now)
    return number


def read_job(connection: Connection, number: int, scope: AccountScope) -> Job:
    """A job that somebody of this scope may see. Raises WrongUse where there is none."""
    row = connection.execute(sa.select(jobs).where(jobs.c.id == number)).first()
    if row is None or not _visible(job_of(row), scope):
        raise WrongUse(
            f"there is no job {job_id(number)}", remedy="The page Jobs lists those that there are."
        )
    return job_of(row)


def list_jobs(
    connection: Connection,
    scope: AccountScope,
    *,
    kind: str | None = None,
    unfinished: bool = False,
    limit: int = 50,
) -> list[Job]:
    """Jobs that somebody of this scope may see, newest first."""
    asked = sa.select(jobs).order_by(jobs.c.id.desc())
    if kind is not None:
        asked = asked.where(jobs.c.kind == kind)
    if unfinished:
        asked = asked.where(jobs.c.state.in_(UNFINISHED))
    found = []
    for row in connection.execute(asked.limit(MOST_KEPT)):
        job = job_of(row)
        if _visible(job, scope):
            found.append(job)
            if len(found) == limit:
                break
    return found


def cancel(connection: Connection, number: int, *, by: str, scope: AccountScope, now: datetime) -> Job:
    """Cancel a job: one that waits is over at once, one that runs ends within seconds. One that has ended stays as
    it is. Raises WrongUse where there is none."""
    job = read_job(connection, number, scope)
    c = jobs.c
    who = printable(by, 200)
    connection.execute(
        sa.update(jobs)
        .where(c.id == number, c.state == "queued")
        .values(state="cancelled", cancelled_by=who, ended_at=now)
    )
    connection.execute(
        sa.update(jobs)
        .where(c.id == number, c.state == "running", c.cancelled_by.is_(None))
        .values(cancelled_by=who)
    )
    if not job.finished:
        audit.record(connection, by, "job cancelled", job_id(number), {"kind": job.kind}, now)
    return read_job(connection, number, scope)


def settle_dead(
    connection: Connection, now: datetime, mine: str | None = None, running: Collection[int] = ()
) -> list[int]:
    """Jobs that nobody runs any more become `interrupted`; their numbers. `mine`: this process, which is alive and
    runs those of `running`: of others of its own it could not write the end."""
    c = jobs.c
    dead = [
        row.id
        for row in connection.execute(sa.select(c.id, c.owner, c.beat_at).where(c.state == "running"))
        if (row.id not in running if row.owner == mine else not _lives(row.owner, row.beat_at, now))
    ]
    for number in dead:
        connection.execute(
            sa.update(jobs)
            .where(c.id == number, c.state == "running")
            .values(
                state="interrupted",
                ended_at=now,
                error=json.dumps({"what": "what ran it ended", "where": None, "remedy": None}),
            )
        )
    return dead


def this_process() -> str:
    """A name of this process that no other has: host, pid, and when it started where the system tells."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _lives(owner: str | None, beat: datetime | None, now: datetime) -> bool:
    silent = now - beat if beat is not None else DEAD_AFTER
    place, _, began = (owner or "").rpartition(":")
    host, _, pid = place.rpartition(":")
    if host == socket.gethostname() and pid.isdigit() and began and silent > GONE_AFTER:
        # A process of this machine can be looked for; another one of the same number began at another time.
        return _started(int(pid)) == began
    return silent < DEAD_AFTER


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def job_of(row: Any) -> Job:
    """The job of a row of `jobs`."""
    return Job(
        id=row.id,
        kind=row.kind,
        state=row.state,
        parameters=json.loads(row.parameters),
        scope=AccountScope() if row.scope is None else AccountScope.of(json.loads(row.scope)),
        by=row.by,
        created=row.created_at,
        started=row.started_at,
        ended=row.ended_at,
        step=row.step,
        fraction=row.fraction,
        counted=row.counted,
        unit=row.unit,
        owner=row.owner,
        cancelled_by=row.cancelled_by,
        result=None if row.result is None else json.loads(row.result),
        error=None if row.error is None else json.loads(row.error),
        again_of=row.again_of,
    )


def _visible(job: Job, scope: AccountScope) -> bool:
    """A result tells of every account of the job's scope: only who may see all of those sees the job."""
    if scope.accounts is None:
        return True
    return job.scope.accounts is not None and job.scope.accounts <= scope.accounts


def _forget_old(connection: Connection, now: datetime) -> None:
    c = jobs.c
    connection.execute(sa.delete(jobs).where(c.state.in_(FINISHED), c.created_at < now - KEPT))
    oldest = connection.scalar(sa.select(c.id).order_by(c.id.desc()).offset(MOST_KEPT).limit(1))
    if oldest is not None:
        connection.execute(sa.delete(jobs).where(c.state.in_(FINISHED), c.id <= oldest))
