"""Whether all is well, in one answer: for /healthz, and for the heartbeat, which is sent only then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashiato.watch.loop import Watch

#: A source in error for so long is not well; shorter errors are what networks do.
ERROR_LONG = timedelta(minutes=10)
#: An arrival that waits for so long while nothing is committed: committing hangs.
STUCK = timedelta(minutes=5)


@dataclass
class Health:
    """`reasons`: what is wrong, in sentences; empty where all is well."""

    at: datetime
    reasons: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.reasons


def health(watch: Watch, *, error_long: timedelta = ERROR_LONG) -> Health:
    """How the loop fares now. The document's keys are documented in docs/watching.md."""
    now = watch.clock()
    found = Health(now)
    state = watch.pipeline.state
    oldest = watch.pipeline.waiting.oldest()
    held = watch.pipeline.waiting.held()
    if not watch.pipeline.alive:
        found.reasons.append("committing has ended")
    if state.error is not None:
        found.reasons.append(f"committing fails: {state.error}")
    if watch.evaluation is not None and watch.evaluation.error is not None:
        found.reasons.append(watch.evaluation.error)
    since = max(t for t in (oldest, state.last_commit, watch.since) if t is not None)
    if oldest is not None and now - since > STUCK and now - oldest > STUCK:
        found.reasons.append(f"nothing was committed since {since:%Y-%m-%d %H:%M:%SZ}, and something waits")
    sources = []
    for runner in watch.runners:
        source = runner.live.state
        if source.error is not None and now - (source.error_since or now) >= error_long:
            found.reasons.append(f"{source.name} ({source.type}) is in error: {source.error}")
        if not runner.thread.is_alive() and not watch.stop.is_set():
            found.reasons.append(f"{source.name} ({source.type}) has ended")
        sources.append(
            {
                "name": source.name,
                "type": source.type,
                "since": _text(source.since),
                "last_poll": _text(source.last_poll),
                "last_arrival": _text(source.last_arrival),
                "error": source.error,
                "error_since": _text(source.error_since),
                "retry_at": _text(source.retry_at),
                "backlog": source.backlog,
                "forecast": source.forecast,
                "counts": dict(source.counts),
            }
        )
    found.document = {
        "ok": found.ok,
        "reasons": found.reasons,
        "since": _text(watch.since),
        "last_commit": _text(state.last_commit),
        "commits": state.commits,
        "waiting": {
            "objects": sum(objects for objects, _ in held.values()),
            "bytes": sum(size for _, size in held.values()),
            "oldest_seconds": None if oldest is None else round((now - oldest).total_seconds(), 3),
        },
        "sources": sources,
    }
    return found


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
