"""A loop that a test kills: `python kill_driver.py HOME FOLDER QUEUE`.

It watches FOLDER, and two queues below QUEUE whose messages are files: of `pushed/` a message is gone as soon
as it is kept (Firehose), of `polled/` when it is done (SQS). It ends when all has been taken.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from ashiato.core.settings import Settings, WatchedSource, Watching
from ashiato.lake.home import Home
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.objects import ObjectRef
from ashiato.watch import pipeline
from ashiato.watch.loop import Watch


class Messages:
    """Offers each file of a folder, and removes it when it may."""

    def __init__(self, folder: Path, *, pushed: bool) -> None:
        self.name = folder.name
        self.state = SourceState(self.name, "test")
        self.folder = folder
        self.at_kept = pushed

    def run(self, sink: Sink, stop: threading.Event) -> None:
        offered: set[str] = set()
        while not stop.is_set():
            for path in sorted(self.folder.iterdir()):
                if path.name in offered:
                    continue
                offered.add(path.name)
                content = path.read_bytes()
                ref = ObjectRef(self.name, f"{self.name}:{path.name}", "1", len(content), datetime.now(UTC))

                def gone(path: Path = path) -> None:
                    path.unlink(missing_ok=True)

                def done(outcome: Outcome, path: Path = path) -> None:
                    if outcome != "failed":
                        path.unlink(missing_ok=True)

                arrival = Arrival(ref, content=content)
                arrival.kept, arrival.done = (gone, None) if self.at_kept else (None, done)
                if not sink.offer(arrival):
                    return
            self.state.last_poll = datetime.now(UTC)
            stop.wait(0.05)


def main(home: Path, folder: Path, queue: Path) -> None:
    pipeline.GROUP_OBJECTS = 25
    settings = Settings(
        home=home,
        sources=[WatchedSource(name="folder", type="files", path=folder)],
        watch=Watching(poll_seconds=2, commit_seconds=0.02, commit_rows=50),
    )
    with Home.open_for_writing(home, "kill test", wait_seconds=30) as opened:
        watch = Watch(opened, settings, say=lambda text: print(text, flush=True))
        extra = [Messages(queue / "pushed", pushed=True), Messages(queue / "polled", pushed=False)]
        from ashiato.watch.runners import SourceRunner

        watch.runners += [
            SourceRunner(
                live,
                watch.pipeline.sink(live.name),
                watch.stop,
                watch.say,
                watch.pipeline.metrics,
                watch.clock,
            )
            for live in extra
        ]
        thread = threading.Thread(target=watch.run)
        thread.start()
        watched = watch.runners[0].live.state
        while thread.is_alive():
            left = any(any(m.folder.iterdir()) for m in extra) or any((home / "spool").iterdir())
            if not left and watched.last_poll is not None and watch.pipeline.idle():
                break
            time.sleep(0.05)
        watch.stop.set()
        thread.join()
        print("all taken", watch.pipeline.state.records)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
