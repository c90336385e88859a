"""Kinds of long jobs: one file each, with a `KIND`. Found by their place here."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.scope import AccountScope

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.watch.job_writing import Taking

_log = logging.getLogger(__name__)

#: step, fraction (None: nobody knows), counted, unit.
Progress = Callable[[str, float | None, int | None, str | None], None]


class Cancelled(Exception):  # noqa: N818
    """Somebody cancelled the job, or the process ends."""


@dataclass
class Work:
    """What a kind gets to run a job: the home and its settings, what was asked for, and whose accounts it may read.

    `progress` tells how far it is; `stop` is set when it is to end. `taking`: the way into the lake, for kinds that
    write and do not run apart.
    """

    home: Home
    settings: Settings
    parameters: Mapping[str, Any]
    scope: AccountScope
    by: str
    progress: Progress = lambda *_: None
    stop: threading.Event = field(default_factory=threading.Event)
    taking: Taking | None = None

    def go_on(self) -> None:
        """Raises Cancelled when it is to end."""
        if self.stop.is_set():
            raise Cancelled


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    `whole`: it bears on what everybody sees, so that only somebody who may see every account may ask. `writes`: it
    needs the process that writes to the home. `apart`: it runs in a process of its own, because it keeps a core busy.
    `check`: parameters as asked (or as kept earlier) → as kept; raises WrongUse. `run`: does it, and gives its result
    as JSON of bounded size.
    """

    name: str
    whole: bool
    writes: bool
    apart: bool
    check: Callable[[Mapping[str, Any], Settings, Home], dict[str, Any]]
    run: Callable[[Work], dict[str, Any]]


@cache
def kinds() -> dict[str, JobKind]:
    """Every kind by its name."""
    found = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        kind: JobKind = importlib.import_module(f"{__name__}.{module}").KIND
        found[kind.name] = kind
    return found


def kind_of(name: str) -> JobKind:
    """A kind by its name. Raises WrongUse where there is none."""
    try:
        return kinds()[name]
    except KeyError:
        raise WrongUse(
            f"there is no kind of job {name}", remedy=f"Kinds: {', '.join(sorted(kinds()))}."
        ) from None


def day_of(asked: Mapping[str, Any], name: str) -> date | None:
    """A parameter that is a day, or nothing. Raises WrongUse.

    >>> day_of({"from": "2026-11-20", "to": ""}, "from"), day_of({"from": "2026-11-20", "to": ""}, "to")
    (datetime.date(2026, 11, 20), None)
    """
    value = asked.get(name)
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise WrongUse(f"this is no day: {value}", where=name, remedy="Write 2026-11-20.") from error


def failure(error: Exception) -> dict[str, Any]:
    """An error as a job keeps it: what, where, remedy. A defect is logged."""
    if isinstance(error, AshiatoError):
        return {"what": error.what, "where": error.where, "remedy": error.remedy}
    _log.error("a job fell", exc_info=error)
    what = f"a defect of Ashiato, please report it: {type(error).__name__}: {error}"
    return {"what": what, "where": None, "remedy": None}
