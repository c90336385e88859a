"""Printing: tables, JSON, CSV. What logs hold is shown as text and never obeyed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ashiato.core.clock import now
from ashiato.core.printing import cell, plain, to_csv, to_json

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "amount",
    "cell",
    "console",
    "one_line",
    "plain",
    "print_rows",
    "print_said",
    "print_table",
    "say",
    "to_csv",
    "to_json",
]


def console() -> Console:
    """Standard output; a pipe gets plain text as wide as it needs."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process with status 1, which is ours for "needs a person".
            raise BrokenPipeError

    return Output(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False, emoji=False)


#: A table shows so many characters of a value; a name may have a million, of which a folded column makes a book.
MOST_IN_A_CELL = 4_000


def one_line(text: str) -> str:
    """Text within bounds, and in one line: a line break inside a value would look like another row."""
    shown = plain(text[:MOST_IN_A_CELL]).replace("\n", "\\n")
    left_out = len(text) - MOST_IN_A_CELL
    return shown if left_out <= 0 else f"{shown}… ({left_out:,} more characters; --json has them)"


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
        table.add_column(Text(one_line(name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell(row[name]))) for name in columns))
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


def print_said(format_: str, document: Mapping[str, Any], sentence: str) -> None:
    """What was done: one document, for people a sentence."""
    if format_ == "json":
        print(to_json(document))
    elif format_ == "csv":
        print_rows("csv", list(document), [document])
    else:
        print(plain(sentence))


def say(text: str) -> None:
    """A line on standard error, with the time: what a command that goes on says meanwhile."""
    print(f"{now():%Y-%m-%d %H:%M:%SZ} {plain(text)}", file=sys.stderr, flush=True)


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
