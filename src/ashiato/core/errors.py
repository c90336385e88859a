"""Errors that tell a person what went wrong, where, and what to do about it.

Each class carries the exit status of the command line (see docs/commands.md): 2 for wrong use,
3 for work that could not be done and changed nothing.
"""

from __future__ import annotations


class AshiatoError(Exception):
    """What happened, where (object, byte, line, setting), and the remedy."""

    exit_status = 3

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"at {self.where}")
        text = " ".join(parts)
        return f"{text}. {self.remedy}" if self.remedy else text


class WrongUse(AshiatoError):
    """The person asked for something that cannot be meant; the message holds the correction."""

    exit_status = 2


class HomeBusy(AshiatoError):
    """Another process writes to this home."""


class HomeNewer(AshiatoError):
    """The home was written by a newer Ashiato than this one."""


class SourceUnavailable(AshiatoError):
    """A bucket, folder or role could not be reached at all."""


class QueryRefused(AshiatoError):
    """The statement is not one that may be run; the message names the part and a way that works."""

    exit_status = 2


class QueryStopped(AshiatoError):
    """A limit on time, memory, disk or rows ended a query."""
