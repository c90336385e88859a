"""Printing: tables, JSON, CSV. What logs hold is shown as text and never obeyed."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from rich.console import Console

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
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_no_formula(c) for c in columns])
    for row in rows:
        writer.writerow(
            [
                _no_formula(v) if isinstance(v, str | list | dict) else cell(v)
                for v in (row[c] for c in columns)
            ]
        )
    return out.getvalue()


def _no_formula(value: object) -> str:
    text = plain(cell(value))
    return "'" + text if text.startswith(_FORMULA) else text


def console() -> Console:
    """Standard output; a pipe gets plain text as wide as it needs."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process with status 1, which is ours for "needs a person".
            raise BrokenPipeError

    return Output(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False, emoji=False)


def _one_line(text: str) -> str:
    """A line break inside a value would look like another row."""
    return plain(text).replace("\n", "\\n")


def print_table(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str | None = None,
    to: Console | None = None,
) -> None:
    """A table for people; numbers to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        numbers = [r[name] for r in rows if r[name] is not None]
        right = bool(numbers) and all(
            isinstance(n, int | float | Decimal) and not isinstance(n, bool) for n in numbers
        )
        table.add_column(Text(_one_line(name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_one_line(cell(row[name]))) for name in columns))
    (to or console()).print(table)


def print_rows(
    format_: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, title: str | None = None
) -> None:
    """Rows in the wanted format."""
    if format_ == "json":
        print(to_json([{c: r[c] for c in columns} for r in rows]))
    elif format_ == "csv":
        sys.stdout.write(to_csv(columns, rows))
    else:
        print_table(columns, rows, title=title)


def amount(number: float) -> str:
    """Bytes for people.

    >>> amount(1536)
    '1.5 KiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
