"""Short ways to run a loop in this process, and to wait for what it does."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ashiato.core.settings import Settings, WatchedSource, Watching
from ashiato.lake.home import Home
from ashiato.sources.live import LiveSource
from ashiato.watch.loop import Watch
from intake.small_objects import event

ACCOUNT = "111122223333"


def until(true: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def events(count: int, seed: int, at: datetime | None = None) -> list[dict[str, object]]:
    rng = random.Random(seed)
    return [event(rng, ACCOUNT, "us-east-1", at or datetime.now(UTC)) for _ in range(count)]


def content(records: Sequence[Any], *, compressed: bool = True) -> bytes:
    text = json.dumps({"Records": list(records)}).encode()
    return gzip.compress(text, 1, mtime=0) if compressed else text


def settings(home: Path, *sources: WatchedSource, **watching: Any) -> Settings:
    watching.setdefault("poll_seconds", 0.5)
    watching.setdefault("commit_seconds", 0.3)
    return Settings(home=home, sources=list(sources), watch=Watching(**watching))


@contextmanager
def running(
    home: Path, given: Settings, *, lives: Sequence[LiveSource] | None = None,
    before: Callable[[Watch], None] = lambda _: None,
) -> Iterator[tuple[Watch, list[str]]]:  # fmt: skip
    """A loop in a thread, and what it says; ended in order when the block ends."""
    said: list[str] = []
    with Home.open_for_writing(home, "test", wait_seconds=10) as opened:
        watch = Watch(opened, given, say=said.append, lives=lives)
        before(watch)
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            yield watch, said
        finally:
            watch.stop.set()
            thread.join(60)
            assert not thread.is_alive()
