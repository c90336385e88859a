"""The macros of macros.sql, which stand for Athena's functions in DuckDB; their names begin with `ax_`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def _all() -> dict[str, str]:
    """CREATE MACRO statements by the macro's name, each after those that it uses."""
    text = Path(__file__).with_name("macros.sql").read_text(encoding="utf-8")
    parts = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).split("\n\n")
    made = [part.strip().rstrip(";") for part in parts if part.strip()]
    return {re.findall(r"ax_\w+", statement)[0]: statement for statement in made}


def statements(*texts: str) -> list[str]:
    """CREATE MACRO statements of the macros that `texts` call, and of those that these call.

    Making all of them would cost a query some 50 ms.
    """
    macros = _all()
    wanted: set[str] = set()
    left = [name for text in texts for name in re.findall(r"\bax_\w+", text, re.IGNORECASE)]
    while left:
        name = left.pop().lower()
        if name in macros and name not in wanted:
            wanted.add(name)
            left += re.findall(r"\bax_\w+", macros[name])
    return [statement for name, statement in macros.items() if name in wanted]
