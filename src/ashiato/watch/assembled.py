"""The loop with what belongs to it: rules over each commit, delivery, jobs, heartbeat, `/healthz`.

`ashiato watch` is this alone, `ashiato serve` this with the pages beside it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ashiato.watch.loop import Watch

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home


def assembled(
    home: Home,
    settings: Settings,
    say: Callable[[str], None],
    *,
    once: bool = False,
    listen: str | None = None,
) -> Watch:
    """A loop to `run`, or with `once` to run once. `listen`: address of /healthz and /metrics instead of the
    setting; empty: none. Raises WrongUse where the settings cannot be meant."""
    watch = Watch(home, settings, say=say)
    with_rules(watch, once=once)
    if not once:
        _with_services(watch, listen)
    return watch


def with_rules(watch: Watch, *, once: bool = False) -> None:
    """Rules over each commit; alerts of those who fell silent; delivery beside it."""
    from ashiato.alerts.delivery import Deliverer
    from ashiato.watch.evaluating import LiveEvaluation

    evaluation = LiveEvaluation(
        watch.home, watch.settings, watch.say, watch.observe, watch.pipeline.committing, watch.stop
    )
    watch.evaluation = evaluation
    watch.after_commit.append(evaluation.after_commit)
    watch.on_silence.append(evaluation.silent)
    if not once:
        watch.add_service("reconcile", evaluation.run)
        watch.add_service(
            "delivery", Deliverer(watch.home.ledger, watch.settings, on_sent=evaluation.sent).run
        )


@contextmanager
def watching_beside(watch: Watch) -> Iterator[None]:
    """The loop in a thread beside something else, such as serving pages; it ends with it, what was read committed.

    Where it ends by itself, this process is told to end (SIGTERM), and what it died of is raised at the end: a process
    that no longer watches must not look alive.
    """
    died: list[BaseException] = []

    def work() -> None:
        try:
            watch.run()
        except BaseException as error:
            died.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work, name="ashiato-watch")
    thread.start()
    try:
        yield
    finally:
        watch.stop.set()
        thread.join()
    if died:
        raise died[0]


def deliver_rest(watch: Watch) -> None:
    """A round ends with what it raised delivered."""
    from ashiato.alerts.delivery import Deliverer

    if watch.evaluation is not None:
        watch.evaluation.inner.reconcile()
    Deliverer(watch.home.ledger, watch.settings).deliver_due()


def _with_services(watch: Watch, listen: str | None) -> None:
    from ashiato.watch.heartbeat import Heartbeat
    from ashiato.watch.http import HttpService
    from ashiato.watch.job_runner import JobRunner

    settings = watch.settings.watch
    address = settings.listen if listen is None else listen
    if address:
        http = HttpService(watch, address)
        watch.add_service("http", http)
        watch.say(f"/healthz and /metrics at port {http.port} of {address.rpartition(':')[0]}")
    jobs = JobRunner(watch.home, watch.settings, watch=watch, say=watch.say)
    watch.add_service("jobs", jobs.run)
    heartbeat = Heartbeat(settings, watch.home.ledger, watch.health, watch.say, watch.clock)
    if heartbeat.wanted:
        watch.add_service("heartbeat", heartbeat)
