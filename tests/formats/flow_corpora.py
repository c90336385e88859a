"""Flow records for tests: AWS's own examples, and helpers that read parts back as plain rows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ashiato.formats.reading import ObjectOrigin, Part, Rows, Unreadable
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

REPOSITORY = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("ASHIATO_CORPORA", REPOSITORY.parent / "shared" / "corpora"))
ARRIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = ObjectOrigin("flows", "s3://logs/AWSLogs/111111111111/vpcflowlogs/x.log.gz", ARRIVED)
SCHEMA = pa.schema([field for field in VPC_FLOW_LOGS.schema if field.name != "ingested_at"])

V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
    "action log-status"
)
RECORD = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 "
    "1418530070 ACCEPT OK"
)


def examples() -> list[Path]:
    """AWS's record examples, a file for each field list."""
    return sorted((CORPORA / "flow-records").glob("*.log"))


needs_corpora = pytest.mark.skipif(not examples(), reason=f"no corpora in {CORPORA}")


def rows(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The rows of all parts in order, without null columns; checks that each table has the schema."""
    found: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Rows):
            assert part.table == "vpc_flow_logs"
            assert part.rows.schema.equals(SCHEMA)
            part.rows.validate(full=True)
            assert part.keys is None or len(part.keys) == part.rows.num_rows
            found += [{k: v for k, v in row.items() if v is not None} for row in part.rows.to_pylist()]
    return found


def unreadable(parts: Iterable[Part]) -> list[Unreadable]:
    return [part for part in parts if isinstance(part, Unreadable)]


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
