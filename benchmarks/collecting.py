"""`ashiato collect` with parts of it switched off: what does each part cost?

`python -m benchmarks.collecting FOLDER --home HOME [--processes N]`, the parts in BENCH_WITHOUT. Workers
import this module too, so that the switches hold in them. What is left out is wrong on purpose: for measuring only.
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SWITCHES = ("dedupe", "entities", "ledger")


def _replace(owner: Any, name: str, value: object) -> None:
    """Fails where there is nothing of this name any more: the switch would switch nothing."""
    getattr(owner, name)
    setattr(owner, name, value)


def _without_dedupe() -> None:
    """No key, no content hash, no look-up: every record is new."""
    import pyarrow as pa

    from ashiato.formats import cloudtrail
    from ashiato.intake import worker
    from ashiato.lake.writer import LakeWriter

    def keys(ids: Sequence[str | None], _: object) -> pa.Array:
        return pa.repeat(pa.scalar(b"\0" * 16, pa.binary(16)), len(ids))

    def hashes(rows: pa.Table, *_: object) -> pa.Array:
        return pa.repeat(pa.scalar(0, pa.int64()), rows.num_rows)

    def new_rows(_self: object, _name: str, _batch: int, chunk: pa.Table, *_: object) -> tuple[Any, Any, int]:
        return chunk, [], 0

    _replace(cloudtrail, "event_keys", keys)
    _replace(worker, "content_hashes", hashes)
    _replace(LakeWriter, "_new_rows", new_rows)


def _without_entities() -> None:
    """The column `entities` stays empty."""
    import pyarrow as pa

    from ashiato.formats import cloudtrail, flow_rows

    def nothing(columns: dict[str, Any], *_: object) -> pa.Array:
        return pa.nulls(len(next(iter(columns.values()))), pa.list_(pa.int64()))

    _replace(cloudtrail, "entity_lists", nothing)
    _replace(flow_rows, "entity_column", lambda _, count: pa.nulls(count, pa.list_(pa.int64())))


def _without_ledger() -> None:
    """Nothing is asked of the control database and nothing told to it."""
    from ashiato.intake.collect import Collector
    from ashiato.lake.writer import LakeWriter

    def begin(_self: object, _group: str, _objects: object, by_table: dict[str, Any]) -> dict[str, Any]:
        return {name: (n + 1, uuid.uuid4().hex) for n, name in enumerate(by_table)}

    _replace(LakeWriter, "_begin", begin)
    _replace(LakeWriter, "_confirm", lambda *_: None)
    _replace(LakeWriter, "_objects_to_leave_out", lambda *_: (None, None))
    _replace(Collector, "_unknown", lambda _, refs: iter(refs))


for _name in filter(None, os.environ.get("BENCH_WITHOUT", "").split(",")):
    {"dedupe": _without_dedupe, "entities": _without_entities, "ledger": _without_ledger}[_name]()


def main() -> None:
    from ashiato.intake.collect import Collector
    from ashiato.lake.home import Home

    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--processes", type=int)
    given = parser.parse_args()
    with Home.open_for_writing(given.home, "benchmark") as home:
        report = Collector(home, processes=given.processes).run([given.folder])
    print(json.dumps(report.as_json()))


if __name__ == "__main__":
    main()
