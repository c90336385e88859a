"""Arrival → committed while events stream in: `python -m benchmarks.watching`.

Objects of 8 events are offered at a steady rate to a loop as `ashiato watch` runs it, maintenance included;
what is measured is the time from the offer to the call that says the object is committed. Half of the sources
hand over bytes (spooled and synced first), half references that are fetched.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ashiato.core.memory import peak_rss
from ashiato.core.settings import Settings, Watching
from ashiato.lake.home import Home
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.objects import ObjectRef, Progress
from ashiato.watch.loop import Watch

EVENTS_AN_OBJECT = 8
ACCOUNTS = [f"{n}" * 12 for n in range(1, 6)]
REGIONS = ["us-east-1", "ap-northeast-1", "eu-west-1"]


def _object(rng: random.Random, at: datetime) -> bytes:
    account, region = rng.choice(ACCOUNTS), rng.choice(REGIONS)
    records = [
        {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLE:session",
                "arn": f"arn:aws:sts::{account}:assumed-role/role{rng.randrange(20)}/session",
                "accountId": account,
                "accessKeyId": f"ASIAEXAMPLE{rng.randrange(50):02}",
            },
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "ec2.amazonaws.com",
            "eventName": rng.choice(["DescribeInstances", "RunInstances", "CreateTags", "DescribeVolumes"]),
            "awsRegion": region,
            "sourceIPAddress": f"192.0.2.{rng.randrange(256)}",
            "userAgent": "aws-sdk-go/1.44",
            "requestParameters": {"instanceId": f"i-{rng.randrange(16**8):017x}", "filterSet": {}},
            "responseElements": None,
            "requestID": str(uuid.UUID(int=rng.getrandbits(128))),
            "eventID": str(uuid.UUID(int=rng.getrandbits(128))),
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
        }
        for _ in range(EVENTS_AN_OBJECT)
    ]
    return gzip.compress(json.dumps({"Records": records}).encode(), 1, mtime=0)


class Stream:
    """Offers prepared objects at their times; `waits` are seconds from offer to commit."""

    at_once = 8

    def __init__(self, name: str, contents: list[bytes], a_second: float, *, spooled: bool) -> None:
        self.name = name
        self.state = SourceState(name, "benchmark")
        self.progress = Progress()
        self.contents = contents
        self.a_second = a_second
        self.spooled = spooled
        self.waits: list[float] = []
        self.late = 0.0
        self.over = threading.Event()

    def objects(self) -> Iterator[ObjectRef]:
        return iter(())

    def fetch(self, ref: ObjectRef) -> bytes:
        return self.contents[int(ref.etag)]

    def confirm(self) -> None: ...

    def run(self, sink: Sink, stop: threading.Event) -> None:
        began = time.perf_counter()
        for number, content in enumerate(self.contents):
            due = began + number / self.a_second
            if (ahead := due - time.perf_counter()) > 0:
                time.sleep(ahead)
            self.late = max(self.late, time.perf_counter() - due)
            moment = datetime.now(UTC)
            ref = ObjectRef(self.name, f"{self.name}/{number}", str(number), len(content), moment)

            def done(_: Outcome, due: float = due) -> None:
                self.waits.append(time.perf_counter() - due)

            body = (content, None) if self.spooled else (None, self)
            if not sink.offer(Arrival(ref, content=body[0], reader=body[1], done=done)):
                return
        self.over.set()
        stop.wait()


def _at(sorted_: list[float], share: float) -> float:
    return sorted_[min(len(sorted_) - 1, int(share * len(sorted_)))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=2_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--home", type=Path, help="a home with records already; default: an empty one")
    given = parser.parse_args()
    rng = random.Random(1)
    objects = given.rate * given.seconds // EVENTS_AN_OBJECT
    at = datetime.now(UTC)
    contents = [_object(rng, at) for _ in range(objects)]
    half = given.rate / EVENTS_AN_OBJECT / 2
    streams = [
        Stream("spooled", contents[0::2], half, spooled=True),
        Stream("fetched", contents[1::2], half, spooled=False),
    ]
    commits: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder) / "home"
        with Home.open_for_writing(home, "benchmark") as opened:
            watch = Watch(opened, Settings(home=home, watch=Watching()), lives=streams)
            watch.after_commit.append(lambda c: commits.append((c.at - c.began).total_seconds()))
            began, cpu = time.perf_counter(), time.process_time()
            thread = threading.Thread(target=watch.run)
            thread.start()
            for stream in streams:
                stream.over.wait()
            while not watch.pipeline.idle():
                time.sleep(0.05)
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
            watch.stop.set()
            thread.join()
            taken = sum(watch.pipeline.state.records.values())
    print(f"{taken:,} events in {objects:,} objects, {wall:.0f} s, {taken / wall:,.0f} events/s")
    for stream in streams:
        waits = sorted(stream.waits)
        shown = "  ".join(f"p{q:g} {_at(waits, q / 100):.2f}" for q in (50, 95, 99))
        print(
            f"arrival → committed, {stream.name:<8} {shown}  max {waits[-1]:.2f} s  (late {stream.late:.2f})"
        )
    print(
        f"commits {len(commits)}: median {_at(sorted(commits), 0.5):.2f} s, longest {max(commits):.2f} s;"
        f" {cpu / wall:.0%} of one core; peak memory {peak_rss() / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    main()
