"""The lock of a home: one writing process, named by its lock; any number of readers."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, HomeBusy


class WriterLock:
    """An advisory lock (flock) that the kernel lets go of when its process dies, even by kill -9.

    The file names the holder for people: pid, host, command, since.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path
        self.purpose = purpose
        self._descriptor: int | None = None
        self._about: dict[str, str | int] = {}

    def acquire(self, *, wait_seconds: float = 0.0) -> None:
        """Take the lock, waiting up to `wait_seconds`. Raises HomeBusy with the holder's name."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise AshiatoError(
                f"the home cannot be written: {error.strerror}",
                where=str(self.path.parent),
                remedy="Give this user write permission there, or choose another home with --home.",
            ) from error
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = self.holder()
                    os.close(descriptor)
                    raise HomeBusy(
                        f"another process writes to this home: {holder}",
                        where=str(self.path.parent),
                        remedy="Wait for it to end (--wait SECONDS), or use another home.",
                    ) from None
                time.sleep(0.1)
            except OSError as error:
                os.close(descriptor)
                raise AshiatoError(
                    f"the home cannot be locked: {error.strerror}",
                    where=str(self.path),
                    remedy="The file system must support locks (flock); put the home on a local disk.",
                ) from error
        self._descriptor = descriptor
        self._about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": self.purpose,
            "since": now().isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        self.step("open")

    def step(self, name: str) -> None:
        """Note in the lock what its holder is doing now. Padded, so that one write replaces the last."""
        if self._descriptor is not None:
            text = json.dumps({**self._about, "step": name})
            os.pwrite(self._descriptor, text.ljust(512).encode(), 0)

    def holder(self) -> str:
        """Who holds the lock, in words."""
        try:
            about = json.loads(self.path.read_text())
            return f"`{about['command']}` (pid {about['pid']} on {about['host']}, since {about['since']})"
        except (OSError, ValueError, KeyError):
            return "a process that did not leave its name"

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        if self._descriptor is None:
            self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
