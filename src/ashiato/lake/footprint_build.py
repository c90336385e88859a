"""The child's part of footprints: one log's rows of one day → a file of the table `footprints`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.schema import Schema

from ashiato.formats.tables import FOOTPRINTS, TABLES
from ashiato.lake.footprint_counts import Counter, default_view, selection
from ashiato.lake.merging import SortedFiles, connect
from ashiato.lake.scan import relation
from ashiato.lake.spans import end_of

#: Rows that are counted at once: an event with its request and response is up to some kilobytes.
BATCH_ROWS = 20_000


def build_footprints(
    *,
    workspace: str,
    table: str,
    schema: str,
    files: Sequence[str],
    days: Sequence[str],
    superseded: Sequence[str],
    folder: str,
    footprints_schema: str,
    target_bytes: int,
) -> dict[str, Any]:
    """Count the rows of `table` in `files` on these days (ISO, UTC): {"files": paths, "rows": n, "read": n}."""
    time = TABLES[table].time_column
    output = SortedFiles(
        Path(folder), FOOTPRINTS, Schema.model_validate_json(footprints_schema), target_bytes
    )
    read = 0
    database = Path(workspace) / "counts.duckdb"
    database.unlink(missing_ok=True)
    source = relation(files, Schema.model_validate_json(schema))
    sql = (
        f"SELECT {selection(table)} FROM {source}"
        f' WHERE "{time}" >= $start::TIMESTAMPTZ AND "{time}" <= $end::TIMESTAMPTZ'
        f' AND "{time}"::TIMESTAMP::DATE IN (SELECT unnest($days::DATE[])) AND {default_view(table)}'
    )
    end = end_of(date.fromisoformat(max(days))).isoformat()
    values: dict[str, Any] = {"start": min(days), "end": end, "days": list(days)}
    if table == "cloudtrail":
        values["superseded"] = list(superseded)
    config: dict[str, Any] = {"threads": 2, "memory_limit": "384MB", "temp_directory": f"{workspace}/spill"}
    try:
        with connect(workspace, "256MB") as reading, duckdb.connect(str(database), config=config) as counting:
            counting.execute("SET preserve_insertion_order = false")
            counter = Counter(table, counting)
            for batch in reading.sql(sql, params=values).to_arrow_reader(BATCH_ROWS):
                read += batch.num_rows
                counter.add(batch)
            for part in counter.results():
                output.write(pa.Table.from_batches([part]))
            paths = output.close()
    except BaseException:
        output.abandon()
        raise
    finally:
        database.unlink(missing_ok=True)
    return {"files": paths, "rows": output.rows, "read": read}
