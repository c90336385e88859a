"""Values as text, JSON and CSV. What logs hold is shown and never obeyed: by no terminal, by no spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

#: Control characters (C0 but tab and line feed, DEL, C1), line separators, text direction marks, surrogates,
#: and the invisible tag characters, in which a text can be hidden.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
#: What a spreadsheet takes for the beginning of a formula, in ASCII and in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain(text: str) -> str:
    r"""Text that a terminal shows and does not obey.

    >>> plain("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return _UNSAFE.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def _for_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal) and value.is_finite():
        return float(value) if value % 1 else int(value)
    if isinstance(value, UUID):
        return str(value)
    return str(value)


def to_json(value: object, *, indent: int | None = 2) -> str:
    """JSON for people and programs: UTF-8, control and direction characters escaped."""
    text = json.dumps(_finite(value), ensure_ascii=False, indent=indent, default=_for_json, allow_nan=False)
    return _UNSAFE.sub(lambda m: json.dumps(m[0])[1:-1], text)


def _finite(value: Any) -> Any:
    """The same, with `NaN` and `Infinity`, for which JSON has no number, as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(Decimal(value))
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def cell(value: object) -> str:
    """One value as a table or CSV shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_for_json)
    if isinstance(value, datetime | date | bytes):
        return str(_for_json(value))
    return str(value)


def to_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV by RFC 4180; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return csv_lines([columns]) + csv_lines([row[c] for c in columns] for row in rows)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Lines of such CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_no_formula(v) if isinstance(v, str | list | dict) else cell(v) for v in row])
    return out.getvalue()


def _no_formula(value: object) -> str:
    text = plain(cell(value))
    return "'" + text if text.startswith(_FORMULA) else text
