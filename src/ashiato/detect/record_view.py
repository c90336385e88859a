"""Records of a table as rules see them: fields by dotted path, over an Arrow table.

A field of few distinct values is looked at once per value, not once per record: columns become codes into their
distinct values. What lies inside JSON is decoded for the records that a rule gets to, and only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ashiato.detect.conditions import Scalar
from ashiato.detect.json_paths import decode, leaves, segments, values
from ashiato.formats.columns import TableDescription

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Columns of ours, which are no fields of a record.
_PROVENANCE = frozenset(
    {"extra", "entities", "delivered_at", "ingested_at", "source", "object", "variant", "record_hash"}
)

#: Where a time column has none.
NO_TIME = -(1 << 62)

Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Coded:
    """A column: for each record the place of its value among the distinct ones, -1 for none."""

    codes: np.ndarray[Any, np.dtype[np.int64]]
    distinct: list[Scalar]


#: Values that are made of others: name → (fields it is made of, function of their values), or a function of the view.
Derived = Mapping[str, "tuple[tuple[str, ...], Callable[..., Scalar | None]] | Callable[[RecordView], Coded]"]


class RecordView:
    """One table of records. `derived`: further fields, made of columns."""

    def __init__(
        self, table: pa.Table, description: TableDescription, derived: Derived | None = None
    ) -> None:
        self.table = table
        self.description = description
        self.derived = derived or {}
        self._coded: dict[str, Coded | None] = {}
        self._decoded: dict[str, dict[int, Any]] = {}
        self._records: dict[int, dict[str, Any]] = {}
        self._moments: dict[str, np.ndarray[Any, np.dtype[np.int64]] | None] = {}
        self._listed: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def times(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Time of each record, microseconds since 1970."""
        column = self.table[self.description.time_column].cast(pa.int64())
        return np.asarray(column.to_numpy(), dtype=np.int64)

    def moments(self, column: str) -> np.ndarray[Any, np.dtype[np.int64]] | None:
        """A column of times in microseconds, NO_TIME where there is none; None where there is no such column."""
        if column not in self._moments:
            found = None
            if column in self.table.column_names:
                known = pc.fill_null(self.table[column].cast(pa.int64()), NO_TIME)
                found = np.asarray(known.to_numpy(), dtype=np.int64)
            self._moments[column] = found
        return self._moments[column]

    def listed(self, column: str) -> list[Any]:
        """A column as a list: for what is asked of most of its records."""
        if column not in self._listed:
            self._listed[column] = self.table[column].to_pylist()
        return self._listed[column]

    # -- fields ---------------------------------------------------------------------------------------

    def coded(self, name: str) -> Coded | None:
        """A field as codes; None where it lies inside JSON or a list (see `values_of`)."""
        if name not in self._coded:
            self._coded[name] = self._make_coded(name)
        return self._coded[name]

    def _make_coded(self, name: str) -> Coded | None:
        if name in self.derived:
            return self._derive(name)
        array = self._column(name)
        return None if array is None else code(array)

    def _column(self, name: str) -> pa.Array | None:
        """A column of scalars by its dotted name; None where there is none of it or it is JSON."""
        first, *rest = name.split(".")
        described = self.description.by_name.get(first)
        if (
            described is None
            or described.json
            or first in _PROVENANCE
            or first not in self.table.column_names
        ):
            return None
        array = self.table[first]
        for step in rest:
            if not pa.types.is_struct(array.type) or array.type.get_field_index(step) < 0:
                return None
            array = pc.struct_field(array, [step])
        if pa.types.is_nested(array.type) or self._json_inside(name):
            return None
        return array

    def _json_inside(self, name: str) -> bool:
        return (
            name == "userIdentity.sessionContext.webIdFederationData.attributes"
            or name == "addendum.updatedFields"
        )

    def _derive(self, name: str) -> Coded:
        told = self.derived[name]
        if not isinstance(told, tuple):
            return told(self)
        fields, make = told
        if not len(self):
            return Coded(np.empty(0, np.int64), [])
        columns = [self.coded(f) for f in fields]
        combined = np.zeros(len(self), np.int64)
        for column in columns:
            if column is not None:
                combined = combined * (len(column.distinct) + 1) + (column.codes + 1)
                if combined.max(initial=0) > 1 << 40:
                    combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
        _, firsts, places = np.unique(combined, return_index=True, return_inverse=True)
        made: list[Scalar | None] = []
        for row in firsts.tolist():
            arguments = [
                self._one(f, row) if c is None else (None if c.codes[row] < 0 else c.distinct[c.codes[row]])
                for f, c in zip(fields, columns, strict=True)
            ]
            made.append(make(*arguments))
        distinct: dict[Scalar, int] = {}
        of_place = np.empty(len(made), np.int64)
        for place, value in enumerate(made):
            of_place[place] = -1 if value is None else distinct.setdefault(value, len(distinct))
        return Coded(of_place[places], list(distinct))

    def _one(self, name: str, row: int) -> Scalar | None:
        found = self.values_of(name, row)
        return found[0] if found else None

    def values_of(self, name: str, row: int) -> list[Scalar]:
        """All values of a field in one record."""
        column = self.coded(name)
        if column is not None:
            code_ = column.codes[row]
            if code_ >= 0:
                return [column.distinct[code_]]
            return self._unknown(name, row)
        path = segments(name)
        first = path[0] if path else ""
        if first in self.description.by_name and first not in _PROVENANCE:
            found = values(self.decoded(first, row), path[1:])
            return found or self._unknown(name, row)
        return self._unknown(name, row)

    def _unknown(self, name: str, row: int) -> list[Scalar]:
        """Of fields that the table has no column for."""
        if not self.any_extra or not self._has_extra[row]:
            return []
        return values(self.decoded("extra", row), segments(name))

    @cached_property
    def _has_extra(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.asarray(pc.is_valid(self.table["extra"]).to_numpy(zero_copy_only=False), dtype=np.bool_)

    @cached_property
    def any_extra(self) -> bool:
        """Whether some record has fields that the table has no column for."""
        return "extra" in self.table.column_names and bool(self._has_extra.any())

    def decoded(self, column: str, row: int) -> Any:
        """A column's value in one record, JSON decoded."""
        known = self._decoded.setdefault(column, {})
        if row not in known:
            value = self.table[column][row].as_py()
            described = self.description.by_name[column]
            known[row] = decode(value) if described.json and isinstance(value, str) else _plain(value)
        return known[row]

    def prepare(self, column: str, rows: Rows, *, few: int = 4) -> None:
        """Decode a column for these records at once: taking many is faster than one by one."""
        if column not in self.table.column_names:
            return
        known = self._decoded.setdefault(column, {})
        missing = [r for r in rows.tolist() if r not in known]
        if len(missing) < few:
            return
        described = self.description.by_name[column]
        taken = self.table[column].take(pa.array(missing)).to_pylist()
        for row, value in zip(missing, taken, strict=True):
            known[row] = decode(value) if described.json and isinstance(value, str) else _plain(value)

    def texts(self, row: int) -> Iterable[Scalar]:
        """All values of a record, whatever their field: what keywords look at."""
        for column in self.description.columns:
            name = column.name
            if (name in _PROVENANCE and name != "extra") or name not in self.table.column_names:
                continue
            yield from leaves(self.decoded(name, row))

    def record(self, row: int) -> dict[str, Any]:
        """The record as AWS writes it, nulls left out. Not to be changed."""
        known = self._records.get(row)
        if known is None:
            self.prepare_records([row])
            known = self._records[row]
        return known

    @cached_property
    def _filled(self) -> list[str]:
        """Columns of a record's own that hold anything in this table."""
        return [
            c.name
            for c in self.description.columns
            if (c.name not in _PROVENANCE or c.name == "extra")
            and c.name in self.table.column_names
            and self.table[c.name].null_count < len(self)
        ]

    def prepare_records(self, rows: Iterable[int]) -> None:
        """Make these records at once: by the column is faster than one by one."""
        missing = [r for r in dict.fromkeys(rows) if r not in self._records]
        if not missing:
            return
        found: list[dict[str, Any]] = [{} for _ in missing]
        for name in self._filled:
            self.prepare(name, np.array(missing, np.int64), few=1)
            known = self._decoded[name]
            for record, row in zip(found, missing, strict=True):
                value = _without_nulls(known[row])
                if value is None:
                    continue
                if name == "extra" and isinstance(value, dict):
                    _with_extra(record, value)
                else:
                    record[name] = value
        self._records.update(zip(missing, found, strict=True))


def _with_extra(record: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, member in extra.items():
        if isinstance(record.get(key), dict) and isinstance(member, dict):
            record[key] = {**record[key], **member}
        else:
            record.setdefault(key, member)


def code(array: pa.ChunkedArray | pa.Array) -> Coded:
    """An Arrow column as codes and distinct values."""
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.int64())
        coded = code(array)
        return Coded(coded.codes, [iso_time(v) for v in coded.distinct])  # type: ignore[arg-type]
    combined = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([], combined.type)
    encoded = combined if pa.types.is_dictionary(combined.type) else pc.dictionary_encode(combined)
    indices = encoded.indices
    codes = np.asarray(pc.fill_null(indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    return Coded(codes, encoded.dictionary.to_pylist())


def iso_time(microseconds: int) -> str:
    """A time as CloudTrail writes it: whole seconds, or milliseconds where there are any."""
    time = _EPOCH + timedelta(microseconds=microseconds)
    if microseconds % 1_000_000 == 0:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return time.isoformat(timespec="milliseconds" if microseconds % 1000 == 0 else "microseconds").replace(
        "+00:00", "Z"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_time(int((value - _EPOCH) / timedelta(microseconds=1)))
    if isinstance(value, dict):
        return {k: _inner(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _inner(name: str, value: Any) -> Any:
    """Two members of structures hold JSON as text."""
    if name in ("attributes", "updatedFields") and isinstance(value, str) and value[:1] in "{[":
        return decode(value)
    return _plain(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: w for k, v in value.items() if (w := _without_nulls(v)) is not None}
        return kept or None
    return value
