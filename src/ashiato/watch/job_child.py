"""A job that keeps a core busy, in a process of its own: pages stay quick, its memory goes with it, and ending it
is ending the process."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import AshiatoError
from ashiato.core.scope import AccountScope
from ashiato.watch.job_kinds import Cancelled, Progress, Work, failure, kind_of

if TYPE_CHECKING:
    from ashiato.core.settings import Settings

#: How often a child tells how far it is, and its parent looks whether it is to end.
TELL_SECONDS = 0.2


def run_apart(kind: str, work: Work) -> dict[str, Any]:
    """Run a job in a child process, and give its result. Raises Cancelled, AshiatoError (of the job, or where the
    child was ended from outside)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(
        target=_child,
        args=(
            theirs, os.getpid(), kind, work.home.folder, work.settings, dict(work.parameters),
            work.scope.accounts, work.by,
        ),
        daemon=True,
        name=f"ashiato-job-{kind}",
    )  # fmt: skip
    child.start()
    theirs.close()
    try:
        return _follow(ours, work.progress, work.stop)
    finally:
        ours.close()
        child.join(0.5)
        if child.is_alive():
            child.terminate()
            child.join(3)
        if child.is_alive():
            child.kill()
            child.join(3)


def _follow(ours: Connection, progress: Progress, stop: threading.Event) -> dict[str, Any]:
    while True:
        if stop.is_set():
            raise Cancelled
        try:
            if not ours.poll(TELL_SECONDS):
                continue
            what, said = ours.recv()
        except (EOFError, OSError) as error:
            raise AshiatoError(
                "the process of this job was ended from outside (out of memory?)",
                remedy="Start it again; over a shorter time, if memory is short.",
            ) from error
        if what == "progress":
            progress(*said)
        elif what == "done":
            result: dict[str, Any] = said
            return result
        else:
            raise AshiatoError(said["what"], where=said["where"], remedy=said["remedy"])


def _child(
    pipe: Connection,
    parent: int,
    kind: str,
    folder: Path,
    settings: Settings,
    parameters: dict[str, Any],
    accounts: frozenset[str] | None,
    by: str,
) -> None:
    import signal

    from ashiato.core.memory import expect_much
    from ashiato.lake.home import Home

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    expect_much()

    def follow_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()
    told = 0.0

    def tell(step: str, fraction: float | None, counted: int | None, unit: str | None) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_SECONDS or fraction in (0.0, 1.0):
            told = time.monotonic()
            pipe.send(("progress", (step, fraction, counted, unit)))

    try:
        with Home.open_for_reading(folder, ledger_url=settings.ledger_url) as home:
            work = Work(home, settings, parameters, AccountScope(accounts), by, tell)
            pipe.send(("done", kind_of(kind).run(work)))
    except Exception as error:
        pipe.send(("failed", failure(error)))
