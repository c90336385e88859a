"""JSON text → a value for a column of nested type, and what of the JSON that column does not hold.

Nothing is dropped: unknown keys, a key that comes twice, a type that the column does not have are left
over, in the shape they had. Numbers keep their spelling.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pyarrow as pa


class _Members(list[tuple[str, Any]]):
    """An object's members in order."""


class _Number(str):
    """A number as written."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_Number, strict=False
)
_NOTHING = object()


def fit(text: str, type_: pa.DataType) -> tuple[Any, str | None]:
    """(value for a column of `type_`, JSON text of what is left over or None), from valid JSON text.

    Raises ValueError or RecursionError where the text is too deep to be read.

    >>> fit('{"type":"Root","new":1.50}', pa.struct([("type", pa.string())]))
    ({'type': 'Root'}, '{"new":1.50}')
    """
    held, left = _fit(_DECODER.decode(text), type_)
    return held, None if left is _NOTHING else _text(left)


def _fit(value: Any, type_: pa.DataType) -> tuple[Any, Any]:
    if value is None:
        return None, _NOTHING
    if pa.types.is_struct(type_):
        return _fit_struct(value, type_) if isinstance(value, _Members) else (None, value)
    if pa.types.is_list(type_):
        if isinstance(value, _Members) or not isinstance(value, list):
            return None, value
        pairs = [_fit(element, type_.value_type) for element in value]
        if all(left is _NOTHING for _, left in pairs):
            return [held for held, _ in pairs], _NOTHING
        return [held for held, _ in pairs], [None if left is _NOTHING else left for _, left in pairs]
    if isinstance(value, str) and not isinstance(value, _Number):
        return value, _NOTHING
    return _text(value), _NOTHING


def _fit_struct(value: _Members, type_: pa.DataType) -> tuple[dict[str, Any], Any]:
    held: dict[str, Any] = {}
    left = _Members()
    known = {f.name: f.type for f in type_}
    last = {name: place for place, (name, _) in enumerate(value)}
    for place, (name, inner) in enumerate(value):
        if name not in known:
            left.append((name, inner))
        elif last[name] != place:
            if inner != value[last[name]][1]:
                left.append((name, inner))
        else:
            held[name], rest = _fit(inner, known[name])
            if rest is not _NOTHING:
                left.append((name, rest))
    return held, left or _NOTHING


def _text(value: Any) -> str:
    if isinstance(value, _Members):
        return "{" + ",".join(f"{_quoted(k)}:{_text(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, _Number):
        return value
    if isinstance(value, str):
        return _quoted(value)
    return {None: "null", True: "true", False: "false"}[value]


def _quoted(text: str) -> str:
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        return json.dumps(text)
