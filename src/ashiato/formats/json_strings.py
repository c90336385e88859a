"""Strings of JSON, one at a time, where a whole decoder would refuse or lose something."""

from __future__ import annotations

import json.decoder
from collections.abc import Callable
from typing import cast

_scan = cast(
    "Callable[[str, int, bool], tuple[str, int]]",
    json.decoder.scanstring,  # type: ignore[attr-defined]
)


def scan_string(text: str, start: int) -> tuple[str, int]:
    """(value, offset behind it) of the string whose characters begin at `start`. Raises ValueError.

    Halves of surrogate pairs and control characters stay in the value.

    >>> scan_string('"a\\\\u0041":1', 1)
    ('aA', 9)
    """
    return _scan(text, start, False)
