"""Columns of the table `cloudtrail` from events: gathered while they are in the processor's cache.

Events come by the file, tables are built by the ten thousand. In between stand lists of text and joined
JSON, not the events: a decoded event is dead weight after its fields are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.cloudtrail_record import FIELDS, FLAG_FIELDS, NESTED, NOTHING, TEXT_FIELDS, Event
from ashiato.formats.entities import every
from ashiato.formats.json_text import compact
from ashiato.formats.nested import fit
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL

STRUCTS = {name: CLOUDTRAIL.by_name[name].type for name in NESTED}
_AT = {name: place for place, name in enumerate(FIELDS)}
_ALL_TEXTS = tuple(name for name in FIELDS if name in TEXT_FIELDS)
_TEXTS = tuple(name for name in _ALL_TEXTS if name != "eventTime")
_FLAGS = tuple(name for name in FIELDS if name in FLAG_FIELDS)
_RAWS = tuple(name for name in FIELDS if name not in TEXT_FIELDS and name not in FLAG_FIELDS)
#: Nested columns of few distinct values: a session's identity stands in thousands of events.
_REPEATED = ("userIdentity", "addendum", "tlsDetails")
_JSON = tuple(name for name in _RAWS if name not in _REPEATED)
#: Rows after which lists of text become Arrow arrays: few enough to be in the cache still.
_FOLD = 500
_MAX_DEPTH = 500
#: Space between tokens, or in text what looks like it.
_LOOSE = r"[{\[,:] | [}\],:]"

Fields = tuple[Sequence[Any], ...]


class NotPlain(ValueError):  # noqa: N818 (a fact about the input, not a fault)
    """Events that must be looked at one by one."""


def transposed(events: Sequence[Event]) -> Fields:
    """The events' values, field by field in the order of FIELDS."""
    return tuple(zip(*map(msgspec.structs.astuple, events), strict=True))


def size_of(fields: Fields, files: Sequence[Sequence[Event]]) -> int:
    """Bytes of the files `{"Records":[…]}` of these events, where their texts are ASCII without escapes.

    If the files are as long, their events hold all that they say; if not, that must be looked into.
    """
    n = len(fields[0])
    empty = sum(not file for file in files)
    # Braces, and a comma fewer than there are events and fields.
    size = (len(b'{"Records":[]}') - 1) * len(files) + empty + 2 * n
    for name in _RAWS:
        values = fields[_AT[name]]
        absent = values.count(NOTHING)
        if absent < n:
            size += sum(map(len, values)) + (n - absent) * (len(name) + 4)
    for name in _ALL_TEXTS:
        values = fields[_AT[name]]
        absent = values.count(None)
        if absent < n:
            size += len("".join(filter(None, values)) if absent else "".join(values))
            size += (n - absent) * (len(name) + 6)
    for name in _FLAGS:
        values = fields[_AT[name]]
        yes, absent = values.count(True), values.count(None)
        size += 5 * (n - absent) - yes + (n - absent) * (len(name) + 4)
    return size


class _Repeated(dict[bytes, int]):
    """Numbers of distinct JSON texts of a nested column; each is parsed once, when it is first seen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.codes: list[int] = []
        self.held: list[Any] = [None]
        self.rests: dict[int, str] = {}
        self[b""] = self[b"null"] = 0

    def __missing__(self, raw: bytes) -> int:
        if not raw.startswith(NESTED[self.name]):
            raise NotPlain(f"{self.name} of another shape")
        value, rest = fitted(self.name, raw.decode())
        code = self[raw] = len(self.held)
        self.held.append(value)
        if rest is not None:
            self.rests[code] = rest
        return code

    def add(self, values: Sequence[Any]) -> None:
        """Append; raises ValueError or RecursionError, with nothing appended."""
        self.codes.extend(list(map(self.__getitem__, map(bytes, values))))

    def array(self, extras: dict[int, str]) -> tuple[pa.Array, pa.Array]:
        """(distinct values, number of each row's); the first distinct value is null."""
        if self.rests:
            for row, code in enumerate(self.codes):
                if code in self.rests:
                    add_extra(extras, row, self.name, self.rests[code])
        return pa.array(self.held, STRUCTS[self.name]), pa.array(self.codes, pa.int32())


class Columns:
    """Values of events, to be turned into Arrow arrays at once."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0
        self._folded = 0
        self._texts: dict[str, list[str | None]] = {name: [] for name in _TEXTS}
        self._arrays: dict[str, list[pa.Array]] = {name: [] for name in _TEXTS}
        self._flags: dict[str, list[bool | None]] = {name: [] for name in _FLAGS}
        self._repeated = {name: _Repeated(name) for name in _REPEATED}
        self._json: dict[str, list[bytes]] = {name: [] for name in _JSON}
        #: Rows that the lines of a field stand for; what is missing is written when a value comes.
        self._lines = dict.fromkeys(_JSON, 0)

    def add(self, fields: Fields) -> None:
        """Append events, given by field. Their JSON has no line breaks.

        Raises ValueError or RecursionError, with nothing appended, where JSON is nested too deeply or a
        nested column has another shape.
        """
        n = len(fields[0])
        joined = _joined(fields)
        for name, repeated in self._repeated.items():
            values = fields[_AT[name]]
            if values.count(NOTHING) == n:
                repeated.codes.extend([0] * n)
                continue
            try:
                repeated.add(values)
            except (ValueError, RecursionError):
                for other in self._repeated.values():
                    del other.codes[self.rows :]
                raise
        for name, text in joined.items():
            missing = self.rows - self._lines[name]
            if missing:
                self._json[name].append(b"\n" * (missing - 1))
            self._json[name].append(text)
            self._lines[name] = self.rows + n
            self.bytes += len(text)
        for name, texts in self._texts.items():
            texts.extend(fields[_AT[name]])
        for name, flags in self._flags.items():
            flags.extend(fields[_AT[name]])
        self.rows += n
        if self.rows - self._folded >= _FOLD:
            self._fold()

    def _fold(self) -> None:
        for name, texts in self._texts.items():
            if texts.count(None) == len(texts):
                array = pa.nulls(len(texts), pa.string())
            else:
                array = pa.array(texts, pa.string())
            self._arrays[name].append(array)
            self.bytes += array.nbytes
            texts.clear()
        self._folded = self.rows

    def arrays(self, extras: dict[int, str]) -> tuple[dict[str, pa.Array], tuple[pa.Array, pa.Array]]:
        """All columns but `eventTime`; and the distinct identities with each row's number.

        What nested columns do not hold is put into `extras`, by row.
        """
        if self._folded < self.rows:
            self._fold()
        out = {name: pa.concat_arrays(arrays) for name, arrays in self._arrays.items()}
        for name, flags in self._flags.items():
            out[name] = pa.array(flags, pa.bool_())
        distinct = {name: repeated.array(extras) for name, repeated in self._repeated.items()}
        for name, (values, codes) in distinct.items():
            out[name] = values.take(codes)
        for name in _JSON:
            texts = self._texts_of(name)
            out[name] = resources_column(texts, extras) if name == "resources" else tightened(texts)
        return out, distinct["userIdentity"]

    def _texts_of(self, name: str) -> pa.Array:
        chunks = self._json[name]
        if not chunks:
            return pa.nulls(self.rows, pa.string())
        missing = self.rows - self._lines[name]
        if missing:
            chunks.append(b"\n" * (missing - 1))
        joined = pa.array([b"\n".join(chunks)], pa.large_string())
        values = pc.split_pattern(joined, "\n").flatten().cast(pa.string())
        nothing = pc.or_(pc.equal(values, ""), pc.equal(values, "null"))
        return pc.if_else(nothing, pa.scalar(None, pa.string()), values)


def _joined(fields: Fields) -> dict[str, bytes]:
    """Of each field of JSON that any event has: a line for each event. Raises NotPlain."""
    n = len(fields[0])
    joined = {}
    for name in _JSON:
        values = fields[_AT[name]]
        if values.count(NOTHING) == n:
            continue
        text = b"\n".join(values)
        if len(text) > 2 * _MAX_DEPTH and max(map(len, values)) > 2 * _MAX_DEPTH:
            for value in text.split(b"\n"):
                if len(value) > 2 * _MAX_DEPTH and value.count(b"[") + value.count(b"{") > _MAX_DEPTH:
                    raise NotPlain("JSON that may be nested deeply")
        joined[name] = text
    text = joined.get("resources", b"\n" * (n - 1))
    lists = text.startswith((b"[", b"null")) + text.count(b"\n[") + text.count(b"\nnull")
    if lists + fields[_AT["resources"]].count(NOTHING) != n:
        raise NotPlain("resources of another shape")
    return joined


def tightened(values: pa.Array) -> pa.Array:
    """JSON without white space between its tokens."""
    if values.null_count == len(values):
        return values
    spaced = pc.indices_nonzero(pc.fill_null(pc.match_substring(values, " "), False))
    if not len(spaced):
        return values
    texts = values.take(spaced).dictionary_encode()
    loose = pc.match_substring_regex(texts.dictionary, _LOOSE)
    if not pc.any(loose).as_py():
        return values
    tight = [
        compact(text.encode()) if may else text
        for text, may in zip(texts.dictionary.to_pylist(), loose.to_pylist(), strict=True)
    ]
    mask = pc.is_in(every(len(values)), spaced)
    return pc.replace_with_mask(values, mask, pa.array(tight, pa.string()).take(texts.indices))


@lru_cache(maxsize=1 << 15)
def fitted(name: str, text: str) -> tuple[Any, str | None]:
    """Value for the nested column, and JSON text of what it does not hold or None."""
    return fit(text, STRUCTS[name])


class _Resource(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    ARN: str | None = None
    accountId: str | None = None
    type: str | None = None
    ARNPrefix: str | None = None


_RESOURCES = msgspec.json.Decoder(list[_Resource])


def resources_column(values: pa.Array, extras: dict[int, str]) -> pa.Array:
    """The column `resources` from its JSON texts; what it does not hold is put into `extras`, by row."""
    type_ = STRUCTS["resources"]
    if values.null_count == len(values):
        return pa.nulls(len(values), type_)
    encoded = values.dictionary_encode()
    held: list[Any] = []
    rests: dict[int, str] = {}
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            found = _RESOURCES.decode(text)
            whole = len(msgspec.json.encode(found)) == len(text.encode())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            whole = False
        if whole:
            held.append([msgspec.structs.astuple(resource) for resource in found])
            continue
        value, rest = fitted("resources", text)
        held.append(None if value is None else [_row(resource) for resource in value])
        if rest is not None:
            rests[code] = rest
    if rests:
        for row, code in enumerate(encoded.indices.to_pylist()):
            if code in rests:
                add_extra(extras, row, "resources", rests[code])
    return pa.array(held, type_).take(encoded.indices)


def _row(resource: dict[str, str] | None) -> tuple[str | None, ...] | None:
    return None if resource is None else tuple(resource.get(f.name) for f in STRUCTS["resources"].value_type)


def add_extra(extras: dict[int, str], row: int, name: str, text: str) -> None:
    """Put a member into the extra of a row. `name` is a field's name and needs no escape."""
    before = extras.get(row)
    extras[row] = f'{{"{name}":{text}}}' if before is None else f'{before[:-1]},"{name}":{text}}}'
