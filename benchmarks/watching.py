"""Arrival → committed → told while events stream in: `python -m benchmarks.watching`.

Objects of 8 events are offered at a steady rate to a loop as `ashiato watch` runs it, maintenance included;
what is measured is the time from the offer to the call that says the object is committed. Half of the sources
hand over bytes (spooled and synced first), half references that are fetched. Once a second an object holds an
operation that raises an alert; its time to the call of the notifier is measured too. `compacting` keeps the
compaction child at work on days of the home the whole time.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import random
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from ashiato.alerts.delivery import Deliverer
from ashiato.core.memory import peak_rss
from ashiato.core.settings import Channel, Settings, Watching
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.child import MaintenanceChild
from ashiato.lake.compaction import TARGET_BYTES, partition_of
from ashiato.lake.home import Home
from ashiato.lake.replacing import live_files, local_path, remove_unused
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.objects import ObjectRef, Progress
from ashiato.watch.evaluating import LiveEvaluation
from ashiato.watch.loop import Watch
from benchmarks.bench import Bench
from benchmarks.report import Row

ORDER = 65
FAMILY = "watching"
EVENTS_AN_OBJECT = 8
ACCOUNTS = [f"{n}" * 12 for n in range(1, 6)]
REGIONS = ["us-east-1", "ap-northeast-1", "eu-west-1"]


#: The line that is printed when events begin to arrive.
OFFERING = "events arrive"

#: A user of its own for each operation that raises an alert, so that none joins another's.
SUSPECT = "suspect-{:05}"


def _suspicious(number: int, at: datetime) -> dict[str, Any]:
    """Somebody stops a trail."""
    account, user = ACCOUNTS[number % len(ACCOUNTS)], SUSPECT.format(number)
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": f"AIDA{number:016}", "arn": f"arn:aws:iam::{account}:user/{user}",
            "accountId": account, "userName": user, "accessKeyId": f"AKIA{number:016}",
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.27",
        "requestParameters": {"name": f"arn:aws:cloudtrail:us-east-1:{account}:trail/trail-{number}"},
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }  # fmt: skip


class Notifier:
    """Stands where a channel would: when it was told of whom."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    def send(self, text: Any) -> None:
        moment = time.perf_counter()
        for user in re.findall(r"suspect-\d{5}", " ".join((text.subject, *text.lines))):
            self.told.setdefault(user, moment)


def _object(rng: random.Random, at: datetime, suspect: int | None = None) -> bytes:
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
    if suspect is not None:
        records[-1] = _suspicious(suspect, at)
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
        #: Objects of another run are other objects.
        self.run_id = uuid.uuid4().hex
        self.waits: list[float] = []
        self.offered: list[float] = []
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
            self.offered.append(due)
            moment = datetime.now(UTC)
            ref = ObjectRef(
                self.name, f"{self.run_id}/{self.name}/{number}", str(number), len(content), moment
            )

            def done(_: Outcome, due: float = due) -> None:
                self.waits.append(time.perf_counter() - due)

            body = (content, None) if self.spooled else (None, self)
            if not sink.offer(Arrival(ref, content=body[0], reader=body[1], done=done)):
                return
        self.over.set()
        stop.wait()


def _at(sorted_: list[float], share: float) -> float:
    return sorted_[min(len(sorted_) - 1, int(share * len(sorted_)))]


@dataclass
class Measured:
    """Sorted seconds: arrival to commit by source, arrival to the notifier, and of each commit."""

    events: int
    wall: float
    cpu: float
    late: float
    committed: dict[str, list[float]]
    told: list[float]
    wanted: int
    commits: list[float]
    #: Rows that the compaction child merged meanwhile.
    merged_rows: int = 0

    @property
    def text(self) -> str:
        """The figures in lines."""
        lines = [f"{self.events:,} events, {self.wall:.0f} s, {self.events / self.wall:,.0f} events/s"]
        lines += [f"arrival → committed, {name:<8} {_shown(waits)}" for name, waits in self.committed.items()]
        if self.wanted:
            lines.append(f"arrival → notifier, {len(self.told)} of {self.wanted} alerts  {_shown(self.told)}")
        lines.append(
            f"commits {len(self.commits)}: {_shown(self.commits)}; offered {self.late:.2f} s late at most;"
            f" {self.cpu / self.wall:.0%} of one core; peak memory {peak_rss() / 2**20:.0f} MiB"
        )
        if self.merged_rows:
            lines.append(f"the compaction child merged {self.merged_rows:,} rows meanwhile")
        return "\n".join(lines)


def _shown(waits: list[float]) -> str:
    if not waits:
        return "none"
    return "  ".join(f"p{q:g} {_at(waits, q / 100):.2f}" for q in (50, 95, 99)) + f"  max {waits[-1]:.2f} s"


class Compacting:
    """The compaction child, merging the home's days one after the other; what it writes is thrown away."""

    def __init__(self, home: Home, output: Path) -> None:
        self.merged = 0
        self.rows = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(home, output))

    def _run(self, home: Home, output: Path) -> None:
        table = open_table(open_catalog(home.lake), "cloudtrail")
        days: dict[int, list[str]] = {}
        for data_file in live_files(table):
            days.setdefault(partition_of(data_file), []).append(local_path(data_file))
        with MaintenanceChild(output) as child:
            for files in itertools.cycle([f for _, f in sorted(days.items(), reverse=True)]):
                if self._stop.is_set():
                    return
                answer = child.run(
                    "merge",
                    table="cloudtrail",
                    schema=table.schema().model_dump_json(),
                    files=files,
                    folder=str(output),
                    target_bytes=TARGET_BYTES,
                )
                remove_unused(answer["files"])
                self.merged += 1
                self.rows += int(answer["rows"])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()


def _evaluate(watch: Watch, home: Home, settings: Settings, notifier: Notifier) -> None:
    """Let the loop evaluate the rules, and tell the notifier."""
    evaluation = LiveEvaluation(home, settings, lambda _: None, watch.observe, watch.pipeline.committing)
    evaluation.begin()
    watch.after_commit.append(evaluation.after_commit)
    deliverer = Deliverer(home.ledger, settings, opened=lambda _: notifier)
    watch.add_service("delivery", deliverer.run)
    watch.add_service("reconcile", evaluation.run)


def measure(
    home: Path,
    rate: int,
    seconds: int,
    *,
    rules: bool = True,
    compacting: bool = False,
    seed: int = 1,
    began_to_offer: Callable[[], None] = lambda: None,
) -> Measured:
    """A loop over `home` while `rate` events a second arrive for so many seconds.

    A home that saw a `seed` before takes the same records as second copies.
    """
    rng = random.Random(seed)
    objects = rate * seconds // EVENTS_AN_OBJECT
    # What happened before watching began is history, and nobody is told.
    at = datetime.now(UTC) + timedelta(minutes=2)
    every = max(rate // EVENTS_AN_OBJECT, 1)
    contents = [_object(rng, at, n // every if n % every == 0 else None) for n in range(objects)]
    notifier = Notifier()
    half = rate / EVENTS_AN_OBJECT / 2
    streams = [
        Stream("spooled", contents[0::2], half, spooled=True),
        Stream("fetched", contents[1::2], half, spooled=False),
    ]
    commits: list[float] = []
    wanted = {SUSPECT.format(n // every): n for n in range(0, objects, every)} if rules else {}
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(Home.open_for_writing(home, "benchmark"))
        merging: Compacting | None = None
        if compacting:
            output = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            merging = stack.enter_context(Compacting(opened, output))
        channel = Channel(name="notifier", url="json://localhost", most_an_hour=100_000)
        settings = Settings(home=home, watch=Watching(), channels=[channel])
        watch = Watch(opened, settings, lives=streams)
        if rules:
            _evaluate(watch, opened, settings, notifier)
        watch.after_commit.append(lambda c: commits.append((c.at - c.began).total_seconds()))
        began, cpu = time.perf_counter(), time.process_time()
        thread = threading.Thread(target=watch.run)
        thread.start()
        began_to_offer()
        for stream in streams:
            stream.over.wait()
        while not watch.pipeline.idle():
            time.sleep(0.05)
        deadline = time.perf_counter() + 60
        while len(notifier.told) < len(wanted) and time.perf_counter() < deadline:
            time.sleep(0.05)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        watch.stop.set()
        thread.join()
        taken = sum(watch.pipeline.state.records.values())
    offers = {n: streams[n % 2].offered[n // 2] for n in wanted.values()}
    return Measured(
        taken,
        wall,
        cpu,
        max(s.late for s in streams),
        {s.name: sorted(s.waits) for s in streams},
        sorted(notifier.told[user] - offers[n] for user, n in wanted.items() if user in notifier.told),
        len(wanted),
        sorted(commits),
        merging.rows if merging is not None else 0,
    )


def run(bench: Bench) -> Iterator[Row]:
    """Arrival to notifier over a home that holds events already."""
    sizes = bench.sizes
    taken = bench.collect(bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days))
    rate = 2_000 if sizes.full else 400
    found = measure(taken.home, rate, sizes.watch_seconds)
    yield Row(
        FAMILY,
        f"arrival → alert handed to the notifier, {rate:,} events/s for {sizes.watch_seconds} s",
        f"{_shown(found.told)}; {len(found.told)} of {found.wanted} alerts",
        f"arrival → committed: {_shown(found.committed['fetched'])}",
        _at(found.told, 0.99) if found.told else None,
        "s",
        "≤",
        5,
        f"over {taken.offered:,} events, maintenance running; the 99th of 100",
    )
    bench.drop(taken)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=2_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="another one for each run over the same home")
    parser.add_argument("--home", type=Path, help="a home with records already; default: an empty one")
    parser.add_argument("--compacting", action="store_true", help="the compaction child works the whole time")
    parser.add_argument("--without-rules", action="store_true", help="taking in alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder) / "home"
        found = measure(
            home,
            given.rate,
            given.seconds,
            rules=not given.without_rules,
            compacting=given.compacting,
            seed=given.seed,
            began_to_offer=lambda: print(OFFERING, flush=True),
        )
        print(found.text)


if __name__ == "__main__":
    main()
