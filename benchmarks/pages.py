"""Pages for many people while events stream in: `python -m benchmarks.pages`.

The sample estate is served as `ashiato demo` does; `ashiato watch`'s loop takes in events at a steady rate; each person asks
for a page every ten seconds, at a moment of their own, with filters of their own. Measured is the time from the request to
the answer's last byte, by kind of page.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import random
import re
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from ashiato import engine
from ashiato.demo import generate
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from benchmarks import watching
from benchmarks.bench import Bench
from benchmarks.processes import BenchmarkError, environment, python
from benchmarks.report import Row

ORDER = 75
FAMILY = "pages"
GROUPS = ("", "", "shop", "production", "security")
LEVELS = ("low", "medium", "high")


@dataclass
class Named:
    """What people look for: values that records of the estate hold."""

    principals: list[str]
    addresses: list[str]
    resources: list[str]
    hosts: list[str]
    operations: list[str]

    @classmethod
    def of(cls, folder: Path) -> Named:
        def values(sql: str) -> list[str]:
            return [str(row["v"]) for row in engine.run(sql, lake).to_pylist() if row["v"]]

        with Home.open_for_reading(folder) as home, PinnedLake(home) as lake:
            return cls(
                values(
                    "SELECT DISTINCT userIdentity.arn AS v FROM cloudtrail WHERE userIdentity.arn LIKE '%user/%' LIMIT 60"
                ),
                values(
                    "SELECT DISTINCT sourceIPAddress AS v FROM cloudtrail WHERE sourceIPAddress LIKE '%.%.%.%' LIMIT 60"
                ),
                values("SELECT DISTINCT resourceId AS v FROM config_items LIMIT 200"),
                values("SELECT DISTINCT srcaddr AS v FROM vpc_flow_logs WHERE srcaddr LIKE '10.%' LIMIT 60"),
                values("SELECT DISTINCT eventName AS v FROM cloudtrail LIMIT 60"),
            )


def kinds(named: Named) -> dict[str, Callable[[random.Random], str]]:
    """An address of each kind of page, with filters of somebody's own."""

    def with_group(rng: random.Random, path: str, **query: str) -> str:
        asked = {**query, "group": rng.choice(GROUPS)}
        return path + "?" + urlencode({k: v for k, v in asked.items() if v})

    return {
        "overview": lambda r: with_group(r, "/"),
        "alerts": lambda r: with_group(r, "/alerts", level=r.choice(LEVELS)),
        "incidents": lambda r: with_group(r, "/incidents"),
        "search": lambda r: with_group(r, "/search", q=f"eventName:{r.choice(named.operations)}"),
        "trace of a principal": lambda r: with_group(r, "/trace", q=r.choice(named.principals)),
        "trace of an address": lambda r: with_group(r, "/trace", q=r.choice(named.addresses)),
        "resource": lambda r: with_group(r, "/resource", id=r.choice(named.resources)),
        "principal": lambda r: with_group(r, f"/principal/{quote(r.choice(named.principals), safe='')}"),
        "host": lambda r: with_group(r, "/host", id=r.choice(named.hosts)),
        "sources": lambda r: with_group(r, "/sources"),
        "detections": lambda r: with_group(r, "/detections"),
    }


@dataclass
class Asked:
    """Seconds of each answer by kind, sorted at the end; what was not answered with a page."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        return sorted(itertools.chain(*self.seconds.values()))

    @property
    def text(self) -> str:
        lines = [
            f"{name:<22} {len(found):>5}  {_shown(sorted(found))}"
            for name, found in sorted(self.seconds.items())
        ]
        lines.append(f"{'all':<22} {len(self.all):>5}  {_shown(self.all)}")
        lines += [f"not answered: {text}" for text in self.failed[:20]]
        return "\n".join(lines)


def _at(found: list[float], share: float) -> float:
    return found[min(len(found) - 1, int(share * len(found)))]


def _shown(found: list[float]) -> str:
    if not found:
        return "none"
    return (
        "  ".join(f"p{q} {_at(found, q / 100) * 1000:,.0f}" for q in (50, 95))
        + f"  max {found[-1] * 1000:,.0f} ms"
    )


def _person(number: int, port: int, every: float, until: float, choices: Choices, asked: Asked) -> None:
    rng = random.Random(number)
    due = time.perf_counter() + rng.random() * every
    while due < until:
        time.sleep(max(0.0, due - time.perf_counter()))
        name, address = choices(rng)
        began = time.perf_counter()
        status = ask(port, address)
        # A page that the person waits for longer than ten seconds is asked for by nobody else meanwhile.
        if status == 200:
            asked.seconds[name].append(time.perf_counter() - began)
        else:
            asked.failed.append(f"{status} {address[:200]}")
        due = max(due + every, time.perf_counter())


Choices = Callable[[random.Random], tuple[str, str]]


def ask(port: int, address: str, most: int = 3) -> int:
    """The status after following redirects, the body read to its end; 0 where nothing came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for _ in range(most):
            connection.request("GET", address, headers={"Accept-Encoding": "gzip", "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            if answer.status not in (302, 303):
                return answer.status
            address = answer.headers["location"]
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
    return 0


@contextlib.contextmanager
def served(home: Path, files: Path) -> Iterator[int]:
    """The demo's pages in a process of their own; yields the port."""
    command = python(
        "-m", "ashiato", "demo", "--keep", "--home", str(home), "--files", str(files), "--port", "0"
    )
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment({"PYTHONUNBUFFERED": "1"})
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/guide", line)
            if found is not None:
                yield int(found[1])
                return
        raise BenchmarkError("the pages did not start")
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def watched(home: Path, rate: int, seconds: int) -> Iterator[list[str]]:
    """Events arrive at a loop in a process of its own, so that people do not wait for its interpreter; yields the lines
    that it will have printed at the end."""
    said: list[str] = []
    if not rate:
        yield said
        return
    command = python(
        "-m", "benchmarks.watching", "--home", str(home), "--rate", str(rate), "--seconds", str(seconds),
        "--seed", str(random.randrange(1 << 30)),
    )  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        if not any(line.strip() == watching.OFFERING for line in process.stdout):
            raise BenchmarkError("the loop did not start")
        yield said
        said += process.stdout


def measure(
    home: Path, files: Path, *, people: int, every: float, seconds: int, rate: int
) -> tuple[Asked, str]:
    """The answers, and what the taking in says of itself."""
    named = Named.of(home)
    possible = kinds(named)
    with served(home, files) as port:
        # Kinds of which there is a page; the first of each also warms what every process reads once.
        there = {name: make for name, make in possible.items() if ask(port, make(random.Random(0))) == 200}

        def choose(rng: random.Random) -> tuple[str, str]:
            name = rng.choice(sorted(there))
            return name, there[name](rng)

        asked = Asked()
        with watched(home, rate, seconds) as said:
            until = time.perf_counter() + seconds
            threads = [
                threading.Thread(target=_person, args=(n, port, every, until, choose, asked))
                for n in range(people)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        taken = "".join(said)
    missing = sorted(set(possible) - set(there))
    return asked, taken + (f"\nthere is no page for: {', '.join(missing)}" if missing else "")


def make_estate(folder: Path, days: int, events: int, flows: int) -> tuple[Path, Path]:
    """Home and files of a demo, as `ashiato demo` leaves them."""
    home, files = folder / "home", folder / "files"
    generate(files, days=days, events=events, flows=flows)
    for command in (("collect", str(files), "--json"), ("maintain", "--only", "footprints")):
        subprocess.run(
            python("-m", "ashiato", *command, "--home", str(home)),
            check=False, stdout=subprocess.DEVNULL, env=environment(),
        )  # fmt: skip
    (home / "ASHIATO-DEMO").touch()
    return home, files


def run(bench: Bench) -> Iterator[Row]:
    """The sample estate, 50 people, 2,000 events a second; less of each where the size is small."""
    full = bench.sizes.full
    people, every, rate = (50, 10.0, 2_000) if full else (5, 1.0, 200)
    seconds = bench.sizes.watch_seconds
    home, files = make_estate(bench.new_folder(), *((35, 200_000, 500_000) if full else (3, 3_000, 3_000)))
    asked, taken = measure(home, files, people=people, every=every, seconds=seconds, rate=rate)
    yield Row(
        FAMILY,
        f"pages for {people} people, each one every {every:g} s, while {rate:,} events/s arrive",
        _shown(asked.all),
        "; ".join(
            f"{name} {_at(sorted(s), 0.95) * 1000:,.0f} ms" for name, s in sorted(asked.seconds.items())
        ),
        _at(asked.all, 0.95) if asked.all else None,
        "s",
        "≤",
        0.5,
        f"the 95th of 100; {len(asked.failed)} not answered; {taken.splitlines()[0] if taken else 'nothing arrived'}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two pages of a person")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rate", type=int, default=2_000, help="events a second; 0: nothing arrives")
    parser.add_argument("--demo", type=Path, help="folder with home/ and files/ of a demo; it is written to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.demo is not None:
            home, files = given.demo / "home", given.demo / "files"
        else:
            home, files = make_estate(Path(folder), 35, 200_000, 500_000)
        asked, taken = measure(
            home, files, people=given.people, every=given.every, seconds=given.seconds, rate=given.rate
        )
        print(asked.text)
        print(taken)


if __name__ == "__main__":
    main()
