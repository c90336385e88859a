"""A child process that runs one untrusted SELECT and is thrown away."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from ashiato.core.errors import AshiatoError, QueryStopped
from ashiato.engine.limits import OPTIONS, Limits

if TYPE_CHECKING:
    import pyarrow as pa

#: The child may go on this long after its time is over, so that its own message arrives first.
GRACE_SECONDS = 0.5


@dataclass(frozen=True)
class Request:
    """What the child does: run `setup` (our statements), close the doors, run `sql`, reading only `paths`."""

    sql: str
    setup: Sequence[str]
    paths: Sequence[str]


class ChildFailed(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """The database refused the statement: `kind` is its own name of the error, `text` its words."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class Sandbox:
    """One child, started at once and used once; use as a context manager.

    Starting it early hides its start-up (about 0.3 s) behind the planning of the query.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ashiato-query-"))
        site = [p for p in sys.path if p and Path(p).is_dir()]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("child.py")), *site],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={
                    "HOME": str(self._folder),
                    "TMPDIR": str(self._folder),
                    "LC_ALL": "C.UTF-8",
                    "TZ": "UTC",
                },
                cwd=self._folder,
                start_new_session=True,
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the child if it still runs and remove its folder."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, request: Request, limits: Limits) -> pa.Table:
        """The answer as an Arrow table.

        Raises `QueryStopped` when a limit ended the query and `ChildFailed` for the database's own errors.
        """
        import pyarrow as pa  # late, so that the child starts first

        deadline = time.monotonic() + limits.seconds
        document = json.dumps(
            {
                "sql": request.sql,
                "setup": list(request.setup),
                "paths": list(request.paths),
                "temp": str(self._folder / "spill"),
                "limits": asdict(limits),
            }
        ).encode()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(struct.pack(">Q", len(document)) + document)
            self._process.stdin.close()
        parts: list[pa.Table] = []
        for kind, payload in self._frames(deadline, limits):
            if kind == b"A":
                with pa.ipc.open_stream(pa.py_buffer(payload)) as reader:
                    parts.append(reader.read_all())
            elif kind == b"E":
                error = json.loads(payload)
                raise _stopped(error["kind"], limits) or ChildFailed(error["kind"], error["text"])
            else:
                return pa.concat_tables(parts)
        raise self._died(limits)

    def _frames(self, deadline: float, limits: Limits) -> Iterator[tuple[bytes, bytes]]:
        stream = self._process.stdout
        assert stream is not None
        while head := _read(stream, 9, deadline, limits):
            kind, length = head[:1], struct.unpack(">Q", head[1:])[0]
            if length > (limits.answer_mb + 64) << 20:
                return
            yield kind, _read(stream, length, deadline, limits)

    def _died(self, limits: Limits) -> QueryStopped:
        try:
            status = self._process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            status = 0
        if status == -signal.SIGXCPU:
            return _limit("seconds", limits)
        if status == -signal.SIGXFSZ:
            return _limit("disk_mb", limits)
        return _limit("memory_mb", limits)


def _read(stream: IO[bytes], wanted: int, deadline: float, limits: Limits) -> bytes:
    """`wanted` bytes, or fewer at the end of the stream; raises `QueryStopped` at the deadline."""
    chunks: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while wanted:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise _limit("seconds", limits)
            chunk = os.read(stream.fileno(), min(wanted, 1 << 20))
            if not chunk:
                break
            chunks.append(chunk)
            wanted -= len(chunk)
    return b"".join(chunks)


_LIMIT_TEXTS = {
    "seconds": "the query was stopped after {0:g} seconds",
    "memory_mb": "the query needed more than {0} MiB of memory",
    "disk_mb": "the query needed more than {0} MiB of disk to spill to",
    "rows": "the answer has more than {0:,} rows",
    "answer_mb": "the answer is larger than {0} MiB",
}
_NARROWER = {
    "rows": "Add a LIMIT or a condition",
    "answer_mb": "Name fewer columns or add a LIMIT",
}


def _limit(name: str, limits: Limits) -> QueryStopped:
    narrower = _NARROWER.get(name, "Narrow it by a condition on the time column")
    return QueryStopped(
        _LIMIT_TEXTS[name].format(getattr(limits, name)), remedy=f"{narrower}, or raise {OPTIONS[name]}"
    )


def _stopped(kind: str, limits: Limits) -> QueryStopped | None:
    name = {"memory": "memory_mb", "InterruptException": "seconds"}.get(kind, kind)
    return _limit(name, limits) if name in _LIMIT_TEXTS else None
