"""Readers' leases: which snapshots are being read, so that maintenance leaves their files alone.

A lease is a file in the home's `readers/`, locked (flock) by its reader for as long as it lives: the
kernel lets go of the lock when the process ends, even by kill -9, so that a dead lease is told from a
live one without guessing at process ids.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ashiato.core.clock import now


class Lease:
    """One reader's lease. Take it first, then look which snapshots are current, then name them."""

    def __init__(self, path: Path, descriptor: int, purpose: str) -> None:
        self.path = path
        self._descriptor = descriptor
        self._about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "purpose": purpose,
            "since": now().isoformat(timespec="seconds"),
        }

    @classmethod
    def take(cls, readers: Path, purpose: str = "read") -> Lease:
        """A lease that names no snapshot yet: until it does, no snapshot is expired. Raises OSError."""
        while True:
            path = readers / f"{os.getpid()}-{uuid.uuid4().hex}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Between creation and lock the sweep may have taken the file for a dead reader's.
                if os.fstat(descriptor).st_nlink:
                    lease = cls(path, descriptor, purpose)
                    lease._write(None)
                    return lease
            except BaseException:
                path.unlink(missing_ok=True)
                os.close(descriptor)
                raise
            os.close(descriptor)

    def name(self, snapshots: Mapping[str, int | None]) -> None:
        """Say which snapshot of each table is read."""
        self._write(dict(snapshots))

    def _write(self, snapshots: dict[str, int | None] | None) -> None:
        content = json.dumps({**self._about, "snapshots": snapshots}).encode()
        os.pwrite(self._descriptor, content, 0)
        os.ftruncate(self._descriptor, len(content))

    def release(self) -> None:
        if self._descriptor >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(frozen=True)
class Leased:
    """What readers hold: ids of snapshots, and how many readers have not named theirs yet."""

    snapshots: frozenset[int]
    opening: int
    readers: int
    dead: int


def leased(readers: Path, *, remove_dead: bool = True) -> Leased:
    """The leases of living readers; those of dead ones are removed."""
    snapshots: set[int] = set()
    opening = alive = dead = 0
    for path in sorted(readers.iterdir()) if readers.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if _locked_by_reader(descriptor):
                alive += 1
                named = _snapshots(descriptor)
                if named is None:
                    opening += 1
                else:
                    snapshots |= named
            else:
                dead += 1
                if remove_dead:
                    path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
    return Leased(frozenset(snapshots), opening, alive, dead)


def _locked_by_reader(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _snapshots(descriptor: int) -> set[int] | None:
    try:
        about = json.loads(os.pread(descriptor, 1 << 16, 0))
        named = about["snapshots"]
        return None if named is None else {int(s) for s in named.values() if s is not None}
    except (ValueError, KeyError, TypeError, AttributeError):
        # Caught in the middle of writing.
        return None
