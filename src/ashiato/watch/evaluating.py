"""Evaluation of a home with its settings: rules over what was committed, findings into alerts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.raising import raise_findings
from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.detect.arrived import not_evaluated
from ashiato.detect.evaluation import Evaluation, watching_since
from ashiato.detect.loaded import rules_made_of
from ashiato.detect.ruleset import engine_for
from ashiato.intake.lags import Place
from ashiato.ledger.alert_tables import alerts
from ashiato.ledger.findings import Finding, FindingChange

if TYPE_CHECKING:
    from ashiato.alerts.outbox import Message
    from ashiato.core.settings import Settings
    from ashiato.detect.ruleset import RuleSet
    from ashiato.lake.home import Home
    from ashiato.watch.pipeline import Committed

#: While nothing is committed, what late records bear on is made anew this often, in seconds.
RECONCILE_SECONDS = 20.0
#: An evaluation that failed is tried again after so long, whether or not something is committed.
RETRY_SECONDS = 2.0
#: How often it is said how far catching up is.
PROGRESS_SECONDS = 10.0
#: News that `--notify` asks for: all of it.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Evaluated:
    """What an evaluation did. `changes`: findings by kind of change; `raised`, `told`: alerts, messages."""

    rules: int = 0
    not_evaluated: int = 0
    batches: int = 0
    records: int = 0
    learnt: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    raised: int = 0
    told: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """What `ashiato collect --json` prints under `evaluated`; its keys are a promise."""
        return {
            "rules": self.rules,
            "records": self.records,
            "findings": dict(self.changes),
            "alerts": self.raised,
            "messages": self.told,
            "seconds": round(self.seconds, 3),
        }


class HomeEvaluation:
    """The rules of a home, its evaluation, and what becomes of findings. One writing process a home."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        live: bool,
        notify: bool,
        on_progress: Callable[[str, float], None] | None = None,
    ) -> None:
        self.home = home
        self.settings = settings
        self.rules: RuleSet
        self.rules, engine = engine_for(settings, home.folder, home.ledger)
        since = watching_since(home, begin=live)
        self.done = Evaluated(rules=len(engine.rules), not_evaluated=len(self.rules.problems))
        self.evaluation = Evaluation(
            home,
            engine,
            live=live,
            news_since=since if live else (_EVER if notify else None),
            told=self._told,
            on_progress=on_progress,
        )

    def _told(self, connection: Connection, changes: Sequence[FindingChange]) -> None:
        report = raise_findings(connection, changes, self.settings, now())
        self.done.raised += len(report.raised)
        self.done.told += report.told

    def settle(self) -> None:
        """Catch up with rules that are new or have changed."""
        self.evaluation.settle_rules()
        self._count()

    def pending(self, *, stop: Callable[[], bool] = lambda: False) -> None:
        """Evaluate what was committed."""
        self.evaluation.pending(stop=stop)
        self._count()

    def reconcile(self) -> None:
        """Make anew what late records bear on."""
        if self.evaluation.spans_open():
            self.evaluation.reconcile()
            self._count()

    def silent(self, findings: Sequence[Finding]) -> None:
        """Alerts for sources that are silent now; those of sources that came back are withdrawn."""
        from dataclasses import replace

        from ashiato.detect.changes import change_of
        from ashiato.ledger.finding_rows import standing_of, write_findings
        from ashiato.watch.silence import not_judged

        moment = now()
        unknown = not_judged(self.home.ledger, self.settings, moment)
        found = {f.uid: f for f in findings}
        with self.home.ledger.begin() as connection:
            # Of a source that was not asked yet nothing is known: after a start, its silence goes on.
            before = {
                f.uid: f
                for f in standing_of(connection, "silence")
                if f.uid in found or f.group.get("source") not in unknown
            }
            after = dict(found)
            after.update({uid: replace(f, standing=False) for uid, f in before.items() if uid not in after})
            changes = [
                FindingChange(kind, finding, before.get(uid), live=True)
                for uid, finding in after.items()
                if (kind := change_of(before.get(uid), finding)) is not None
            ]
            write_findings(connection, [(c.finding, True) for c in changes], moment)
            self._told(connection, changes)

    def _count(self) -> None:
        report = self.evaluation.report
        self.done.batches, self.done.records = report.batches, report.records
        self.done.changes, self.done.learnt = dict(report.changes), report.learnt


class _Stopped(Exception):  # noqa: N818
    """Catching up is left because the loop ends."""


class LiveEvaluation:
    """Evaluation within `watch`: after each commit, on the committing thread; what is left to the lake in between.

    `observe`: told of lags, by place, stage, seconds and number of records. `committing`: held while something is
    committed and evaluated; rules catch up with the lake under it, for what came in between would be skipped.
    `stop`: ends catching up, which goes on with the next start.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        say: Callable[[str], None],
        observe: Callable[[Place, str, float, int], None] = lambda *_: None,
        committing: AbstractContextManager[object] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.say = say
        self.observe = observe
        self._committing = committing or contextlib.nullcontext()
        self._stop = stop or threading.Event()
        self._home = home
        self._settings = settings
        #: What the rules were made of, and what could not be read.
        self._made_of = rules_made_of(settings, home)
        self._unreadable: object = None
        self._progress_said = time.monotonic()
        self._settled = False
        self.inner = self._evaluation()
        self._lock = threading.Lock()
        #: What is wrong now, by what fails.
        self._errors: dict[str, str] = {}

    @property
    def error(self) -> str | None:
        """What is wrong now, None while all is well: a health check reads it."""
        return next(iter(list(self._errors.values())), None)

    def _evaluation(self) -> HomeEvaluation:
        return HomeEvaluation(self._home, self._settings, live=True, notify=True, on_progress=self._progress)

    def _progress(self, step: str, share: float) -> None:
        if self._settled:
            return
        if self._stop.is_set():
            raise _Stopped
        if time.monotonic() - self._progress_said >= PROGRESS_SECONDS:
            self._progress_said = time.monotonic()
            self.say(f"{step}: {share:.0%}")

    def begin(self) -> None:
        """Catch up with what was committed before, by this process or an earlier one. A failure is said and tried
        again: logs are taken in meanwhile."""
        self._say_rules()
        with contextlib.suppress(Exception):
            self._guarded("evaluation fails", self._pending)
            self._guarded("late records cannot be evaluated", self.inner.reconcile)

    def after_commit(self, committed: Committed) -> None:
        """Evaluate what was just committed. Where that fails, it is tried again soon, and after the next commit."""
        self._guarded("evaluation fails", self._pending)
        lag = (now() - committed.at).total_seconds()
        for one in committed.lags:
            self.observe(one.place, "evaluated", lag, one.records)

    def catch_up(self) -> None:
        """Evaluate what is committed and not evaluated yet, now."""
        self._guarded("evaluation fails", self._pending)
        self._guarded("late records cannot be evaluated", self.inner.reconcile)

    def sent(self, message: Message, at: datetime) -> None:
        """A message was handed to its channel."""
        if message.alert is None:
            return
        found = self.inner.home.ledger.rows(
            sa.select(alerts.c.account, alerts.c.region).where(alerts.c.id == message.alert)
        )
        for account, region in found:
            place = Place("alerts", message.kind, account or "", region or "")
            self.observe(place, "alerted", (at - message.created_at).total_seconds(), 1)

    def silent(self, findings: Sequence[Finding]) -> None:
        """Sources that fell silent, or came back."""
        with self._lock:
            self.inner.silent(findings)

    def _say_rules(self) -> None:
        done = self.inner.done
        self.say(f"{done.rules:,} rules are evaluated; {done.not_evaluated:,} documents cannot be")

    def run(self, stop: threading.Event) -> None:
        """Make anew what late records bear on, while others go on; try again what failed, for in a quiet home no
        commit would; and take up rules that were changed, switched or imported since."""
        since = time.monotonic()
        while not stop.wait(RETRY_SECONDS):
            if self.error is None and time.monotonic() - since < RECONCILE_SECONDS:
                continue
            with contextlib.suppress(Exception):
                self._take_up()
            with contextlib.suppress(Exception):
                self._guarded("evaluation fails", self._pending)
                self._guarded("late records cannot be evaluated", self.inner.reconcile)
            since = time.monotonic()

    def _take_up(self) -> None:
        """Read the rules again where they have changed; they catch up with the lake while nothing is committed. Those
        that cannot be read leave the earlier ones as they are."""
        made_of = rules_made_of(self._settings, self._home)
        if made_of in (self._made_of, self._unreadable):
            return
        try:
            inner = self._evaluation()
        except Exception as error:
            expected = isinstance(error, AshiatoError)
            if expected:
                self._unreadable = made_of
            why = str(error) if expected else f"{type(error).__name__}: {error}"
            self.say(f"Rules have changed and cannot be read, the earlier ones go on: {why}")
            return

        def changed() -> None:
            inner.done.raised, inner.done.told = self.inner.done.raised, self.inner.done.told
            self.inner, self._made_of, self._settled = inner, made_of, False
            self._say_rules()
            self._pending()

        self._guarded("evaluation fails", changed, alone=True)

    def _pending(self) -> None:
        if not self._settled:
            self.inner.settle()
            self._settled = True
        self.inner.pending()

    def _guarded(self, what: str, work: Callable[[], None], *, alone: bool = False) -> None:
        """Do it while nobody else evaluates; `alone`: nor commits. A failure is said once, kept for the health check,
        and raised."""
        try:
            # Always in this order: who commits holds the first one already.
            with self._committing if alone or not self._settled else contextlib.nullcontext(), self._lock:
                work()
        except _Stopped:
            raise
        except Exception as error:
            said = f"{what}: {type(error).__name__}: {error}"
            if self._errors.get(what) != said:
                self.say(f"Rules: {said}; it is tried again")
            self._errors[what] = said
            raise
        if self._errors.pop(what, None) is not None and not self._errors:
            self.say("Rules are evaluated again")


def evaluate_left(home: Home, settings: Settings) -> None:
    """Evaluate what was committed and never evaluated, before a collection adds to it: `ashiato watch` was killed in
    between. That is news where this home is watched, and is told by the next `ashiato watch`."""
    if watching_since(home, begin=False) is None or not not_evaluated(home):
        return
    evaluation = HomeEvaluation(home, settings, live=True, notify=True)
    evaluation.settle()
    evaluation.pending()
    evaluation.reconcile()


def evaluate(
    home: Home,
    settings: Settings,
    *,
    notify: bool = False,
    on_progress: Callable[[str, float], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Evaluated:
    """Evaluate everything that a collection committed. What it raises is listed; `notify`: and delivered."""
    began = time.monotonic()
    evaluation = HomeEvaluation(home, settings, live=False, notify=notify, on_progress=on_progress)
    evaluation.settle()
    evaluation.pending(stop=stop)
    if not stop():
        evaluation.reconcile()
    if notify and evaluation.done.told:
        from ashiato.alerts.delivery import Deliverer

        Deliverer(home.ledger, settings).deliver_due()
    evaluation.done.seconds = time.monotonic() - began
    return evaluation.done
