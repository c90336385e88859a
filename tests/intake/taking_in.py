"""Short ways to take things in and to look at what came of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ashiato.intake.collect import Collector, CollectReport
from ashiato.lake.home import Home
from ashiato.ledger import tables as t
from ashiato.sources.options import SourceOptions


def collect(
    home: Path, *addresses: Path | str, options: SourceOptions | None = None, ledger_url: str | None = None,
    **settings: Any,
) -> CollectReport:  # fmt: skip
    """Take in these addresses, in this process."""
    settings.setdefault("processes", 1)
    with Home.open_for_writing(home, "test", ledger_url=ledger_url) as opened:
        return Collector(opened, **settings).run([str(a) for a in addresses], options)


def balanced(report: CollectReport, *, records: int | None = None) -> dict[str, Any]:
    """The JSON of a report whose equations hold; `records` is how many were offered."""
    found = report.as_json()
    o = found["objects"]
    assert o["seen"] == o["taken"] + o["already"] + o["skipped"] + o["quarantined"], found
    if records is not None:
        accounted = sum(found["records"].values()) + found["duplicates"] + found["variants"]
        assert accounted + found["quarantined_records"] == records, found
    return found


def write_events(path: Path, events: Sequence[Any]) -> Path:
    """A CloudTrail file as AWS delivers it."""
    return write(path, json.dumps({"Records": list(events)}).encode())


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 1, mtime=0) if path.suffix == ".gz" else content)
    return path


def ledger_rows(home: Path, statement: sa.Executable, ledger_url: str | None = None) -> list[tuple[Any, ...]]:
    with Home.open_for_reading(home, ledger_url=ledger_url) as opened:
        return [tuple(row) for row in opened.ledger.rows(statement)]


def states(home: Path) -> dict[str, int]:
    """How many objects are in which state."""
    o = t.objects.c
    return {
        str(k): int(n) for k, n in ledger_rows(home, sa.select(o.state, sa.func.count()).group_by(o.state))
    }


def names(paths: Iterable[Path]) -> list[str]:
    return [p.name for p in paths]
