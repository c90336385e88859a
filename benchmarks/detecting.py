"""Rules over events: how many a second, beside pySigma's SQLite backend, and what twice as many rules cost."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from ashiato.core.settings import load_settings
from ashiato.detect.derived import Surroundings
from ashiato.detect.engine import Engine
from ashiato.detect.history import LakeHistory
from ashiato.detect.ruleset import documents
from ashiato.detect.sigma_rules import Document, parse
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.watch.evaluating import evaluate
from benchmarks.bench import Bench, median
from benchmarks.report import Row

ORDER = 60
FAMILY = "rules"
RULES = 800
#: Events that SQL is tried on: a rule is a scan.
FEW_EVENTS = 5_000

_RULE = """title: {name} {how}
id: {id}
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection: {{eventSource: {source}, eventName: {name}}}
  outcome: {{{outcome}}}
  condition: selection and outcome
level: informational
"""


def synthetic(count: int) -> list[Document]:
    """A rule for each operation of AWS and outcome, as generated rule sets have them."""
    import botocore.session

    session = botocore.session.get_session()
    operations: list[tuple[str, str]] = []
    for service in session.get_available_services():
        model = session.get_service_model(service)
        operations += [(f"{model.endpoint_prefix}.amazonaws.com", name) for name in model.operation_names]
        if len(operations) > 2 * count:
            break
    random.Random(1).shuffle(operations)
    outcomes = (("succeeded", "errorCode: null"), ("failed", "errorCode|exists: true"))
    return [
        Document(
            f"{number}.yml",
            _RULE.format(
                name=operations[number // 2][1], source=operations[number // 2][0], how=outcomes[number % 2][0],
                outcome=outcomes[number % 2][1], id=f"00000000-0000-4000-8000-{number:012d}",
            ),
        )
        for number in range(count)
    ]  # fmt: skip


def run(bench: Bench) -> Iterator[Row]:
    """Matching over tables in memory; evaluation of a whole home to findings and alerts."""
    sizes = bench.sizes
    load = bench.loads.cloudtrail(sizes.events, 1, sizes.days)
    taken = bench.collect(load)
    settings = load_settings(home=taken.home)
    own = list(documents(settings, taken.home))
    around = Surroundings.of(settings)
    with Home.open_for_reading(taken.home) as home, PinnedLake(home) as lake:
        pieces = [p.combine_chunks() for p in LakeHistory(lake).pieces("cloudtrail")]
    events = sum(p.num_rows for p in pieces)
    rates: dict[int, list[float]] = {}
    for count in (RULES, 2 * RULES):
        parsed = parse([*own, *synthetic(count)], settings.detect.lists)
        engine = Engine(parsed.rules, around)
        for _ in range(sizes.repeats + 1):
            began = time.perf_counter()
            for piece in pieces:
                engine.look("cloudtrail", piece)
            rates.setdefault(count, []).append(time.perf_counter() - began)
        # The first round builds indexes; watching goes on with them.
        rates[count] = rates[count][1:]
    few, many = median(rates[RULES]), median(rates[2 * RULES])
    slow = _sqlite(pieces[0].slice(0, FEW_EVENTS), synthetic(RULES))
    yield Row(
        FAMILY,
        f"{RULES} generated rules and the own pack over a batch of {events:,} events",
        f"{events / few:,.0f} events/s, {events / few / slow:,.0f} × the baseline",
        f"pySigma's SQLite backend, {RULES} rules: {slow:,.0f} events/s",
        events / few,
        "events/s",
        "≥",
        200_000,
        "one thread; tables in memory",
    )
    yield Row(
        FAMILY,
        f"twice as many generated rules ({2 * RULES})",
        f"{many:.2f} s",
        f"{RULES} rules: {few:.2f} s",
        many / few,
        "×",
        "≤",
        1.3,
    )
    with Home.open_for_writing(taken.home, "benchmark") as writing:
        began = time.perf_counter()
        done = evaluate(writing, settings)
        whole = time.perf_counter() - began
    yield Row(
        FAMILY,
        "the own pack over a home, to findings and alerts (first seen, windows, rates)",
        f"{done.records / whole:,.0f} events/s, {sum(done.changes.values()):,} findings",
        f"matching alone: {events / few:,.0f} events/s",
        done.records / whole,
        "events/s",
        note="one process, with reading the lake and writing the ledger",
    )
    bench.drop(taken)


def _sqlite(events: pa.Table, rules: list[Document]) -> float:
    """Events a second of the rules as SQL, each a query over flattened events."""
    backend = sqliteBackend(collate_nocase=True)
    collection = SigmaCollection.from_yaml("\n---\n".join(d.text for d in rules))
    rows = [_flat(e) for e in events.to_pylist()]
    names = ("eventSource", "eventName", "errorCode", "eventID")
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE logs ({', '.join(names)})")
        connection.executemany(
            "INSERT INTO logs VALUES (?, ?, ?, ?)", [[r.get(n) for n in names] for r in rows]
        )
        queries = [backend.convert_rule(rule)[0] for rule in collection.rules]
        began = time.perf_counter()
        for query in queries:
            connection.execute(query).fetchall()
        return len(rows) / (time.perf_counter() - began)


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    return {k: json.dumps(v, default=str) if isinstance(v, dict | list) else v for k, v in event.items()}
