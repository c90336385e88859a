"""One thread for each live source, begun again after a defect, and for each service."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ashiato.core.errors import AshiatoError
from ashiato.sources.live import LiveSource, Sink
from ashiato.sources.pauses import pause_after
from ashiato.watch.metrics import Metrics

#: A source that ran so long before it fell is begun again after the first, short pause.
FRESH = timedelta(minutes=10)
#: One that runs so long after it fell works again.
SOUND = timedelta(seconds=30)


class SourceRunner:
    """Runs a live source until `stop`; what it raises is noted in its state, said, and costs a pause."""

    def __init__(
        self,
        live: LiveSource,
        sink: Sink,
        stop: threading.Event,
        say: Callable[[str], None],
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self.live = live
        self.sink = sink
        self.stop = stop
        self.say = say
        self.metrics = metrics
        self.clock = clock
        self.thread = threading.Thread(target=self._run, name=f"ashiato-source-{live.name}", daemon=True)
        self._told: str | None = None
        #: What the runner itself noted as the source's error, and when the source was begun again.
        self._fell: str | None = None
        self._begun = clock()

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        failures = 0
        while not self.stop.is_set():
            began = self._begun = self.clock()
            try:
                self.live.run(self.sink, self.stop)
                what = "it ended by itself"
            except AshiatoError as error:
                what = str(error)
            except Exception as error:
                what = f"a defect of Ashiato, please report it: {type(error).__name__}: {error}"
            if self.stop.is_set():
                return
            failures = 1 if self.clock() - began > FRESH else failures + 1
            pause = pause_after(failures, first=timedelta(seconds=2))
            state = self.live.state
            state.error, state.error_since = what, state.error_since or self.clock()
            state.retry_at = self.clock() + timedelta(seconds=pause)
            self._fell = what
            self.metrics.restarts.labels(self.live.name, state.type).inc()
            self.stop.wait(pause)

    def tell(self) -> None:
        """Say when the source's error came, changed or went."""
        state = self.live.state
        if (
            self._fell is not None
            and state.error == self._fell
            and self.clock() - max(self._begun, state.retry_at or self._begun) > SOUND
        ):
            state.error = state.error_since = state.retry_at = self._fell = None
        error = state.error
        if error == self._told:
            return
        if error is None:
            self.say(f"{state.name} ({state.type}): works again")
        else:
            self.say(f"{state.name} ({state.type}): {error}")
        self._told = error


Service = Callable[[threading.Event], None]


class ServiceRunner:
    """Runs a service (a callable that returns when the event is set) in a thread; begun again after a failure."""

    def __init__(
        self, name: str, service: Service, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self.name = name
        self.service = service
        self.stop = stop
        self.say = say
        self.error: str | None = None
        self.thread = threading.Thread(target=self._run, name=f"ashiato-{name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        failures = 0
        while not self.stop.is_set():
            try:
                self.service(self.stop)
                return
            except Exception as error:
                failures += 1
                told = str(error) if isinstance(error, AshiatoError) else f"{type(error).__name__}: {error}"
                self.error = told
                self.say(f"{self.name} failed and is begun again: {told}")
                self.stop.wait(pause_after(failures))
