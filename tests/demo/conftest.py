"""A small estate, generated once, and its files read without any of the generator's code."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ashiato.demo import GeneratedEstate, generate

DAYS, EVENTS, FLOWS = 3, 9000, 9000


@dataclass
class Delivered:
    """All records by bucket: events with their file, items, and flow records as dictionaries of text."""

    root: Path
    truth: dict[str, Any]
    generated: GeneratedEstate
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # bucket, record
    event_files: dict[Path, list[dict[str, Any]]] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    flows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # flow log id, record
    digests: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def by_id(self) -> dict[str, dict[str, Any]]:
        """Events by their id."""
        return {identifier(x): x for _, x in self.events}

    def roads(self) -> dict[str, set[str]]:
        """Which buckets delivered an event."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for bucket, record in self.events:
            found[identifier(record)].add(bucket)
        return found


def identifier(record: dict[str, Any]) -> str:
    """An event's id, also of an aggregated event."""
    return str(record.get("eventID") or record["eventId"])


def read(root: Path, generated: GeneratedEstate) -> Delivered:
    """Reads a whole generated tree."""
    out = Delivered(root, json.loads((root / "truth.json").read_text(encoding="utf-8")), generated)
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.name != "truth.json"):
        key = str(path.relative_to(root))
        bucket = key.partition("/")[0]
        if path.name.endswith(".log.parquet"):
            log = path.name.split("_")[3]
            out.flows += [(log, row) for row in pq.read_table(path).to_pylist()]
        elif path.name.endswith(".log.gz"):
            header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
            names = [n.replace("-", "_") for n in header.split(" ")]
            log = path.name.split("_")[3]
            for line in lines:
                values = line.split(" ")
                assert len(values) == len(names), (path, line)
                out.flows.append(
                    (log, {n: None if v == "-" else v for n, v in zip(names, values, strict=True)})
                )
        elif path.name.endswith(".json.gz"):
            content = json.loads(gzip.decompress(path.read_bytes()))
            if "/CloudTrail-Digest/" in key:
                out.digests[path] = content
            elif "/Config/" in key:
                out.items += content["configurationItems"]
            else:
                records = content if isinstance(content, list) else content["Records"]
                out.event_files[path] = records
                out.events += [(bucket, r) for r in records]
    return out


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """The estate of three days."""
    root = tmp_path_factory.mktemp("estate")
    return read(root, generate(root, days=DAYS, events=EVENTS, flows=FLOWS))
