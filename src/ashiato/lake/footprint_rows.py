"""Footprints of some entities out of a plan's files: small files are kept whole, by entity; larger ones are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cachetools import LRUCache, cached

from ashiato.formats.tables import FOOTPRINTS
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rows of a file up to which it is kept, some 100 bytes for each.
_MOST_ROWS: Final = 100_000
_MOST_BYTES: Final = 64 << 20
_COLUMNS: Final = ", ".join(f'"{c.name}"' for c in FOOTPRINTS.columns)
#: Texts of which there are few.
_CODED: Final = ["kind", "account", "role", "table"]


@dataclass(frozen=True)
class _Rows:
    """The footprints of a file: `hashes` of its entities, in order, and the row of each in `rows`."""

    hashes: NDArray[np.int64]
    places: NDArray[np.int32]
    rows: pa.Table

    @property
    def bytes(self) -> int:
        return 1000 + 12 * len(self.hashes) + int(self.rows.nbytes)

    def of(self, wanted: NDArray[np.int64]) -> NDArray[np.int32]:
        """The rows of entities with some of these hashes, sorted."""
        first = np.searchsorted(self.hashes, wanted, side="left")
        last = np.searchsorted(self.hashes, wanted, side="right")
        found = [self.places[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True) if b > a]
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int32)


_files: Final[LRUCache[tuple[str], _Rows]] = LRUCache(_MOST_BYTES, getsizeof=lambda rows: rows.bytes)


@cached(_files, lock=Lock())
def _held(file: str) -> _Rows:
    rows = pq.read_table(file, partitioning=None, read_dictionary=_CODED).combine_chunks()
    rows = rows.select([c.name for c in FOOTPRINTS.columns])
    coded = rows["entity"].combine_chunks().dictionary_encode()
    of_texts = np.array([hash(text) for text in coded.dictionary.to_pylist()], np.int64)
    hashes = of_texts[coded.indices.to_numpy()]
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    return _Rows(hashes[order], order, rows)


def look_into(plan: TablePlan) -> None:
    """Read beforehand what is kept of these files."""
    for file in plan.live:
        if file.rows <= _MOST_ROWS:
            _held(file.path)


def footprints_of(plan: TablePlan, values: Sequence[str]) -> pa.Table:
    """The rows of `footprints` in a plan's files that are of these entities."""
    wanted = np.unique(np.array([hash(value) for value in values], np.int64))
    parts = [FOOTPRINTS.schema.empty_table()]
    large = []
    for file in plan.live:
        if file.rows > _MOST_ROWS:
            large.append(file.path)
            continue
        held = _held(file.path)
        places = held.of(wanted)
        if len(places):
            parts.append(held.rows.take(pa.array(places)).cast(FOOTPRINTS.schema))
    found = pa.concat_tables(parts)
    # Of several texts with one hash.
    found = found.filter(pc.is_in(found["entity"], pa.array(values, pa.string())))
    return pa.concat_tables([found, *_asked(plan, large, values)])


def _asked(plan: TablePlan, files: Sequence[str], values: Sequence[str]) -> list[pa.Table]:
    """Those of larger files."""
    if not files:
        return []
    with reading() as connection:
        # Constants, not a subquery: they are compared with each row group's statistics and bloom filter.
        places = ", ".join(f"${n + 1}" for n in range(len(values)))
        sql = f"SELECT {_COLUMNS} FROM {relation(files, plan.iceberg_schema)} WHERE entity IN ({places})"
        return [connection.sql(sql, params=list(values)).to_arrow_table().cast(FOOTPRINTS.schema)]
