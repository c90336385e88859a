"""Noise folded: operations that only read, or that AWS's services made, and repeats are told as one line each.

Nothing is lost: each line holds what it stands for. What failed or was denied is never noise by being a reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Noise = Literal["reading", "service"]


@dataclass(frozen=True)
class Line:
    """One or more operations of a trace, newest first. `noise`: None for what stands for itself (and its repeats)."""

    operations: Sequence[Mapping[str, Any]]
    noise: Noise | None = None

    @property
    def newest(self) -> Mapping[str, Any]:
        return self.operations[0]

    @property
    def count(self) -> int:
        return len(self.operations)

    @property
    def first(self) -> datetime:
        found: datetime = self.operations[-1]["time"]
        return found

    @property
    def last(self) -> datetime:
        found: datetime = self.operations[0]["time"]
        return found

    @property
    def calls(self) -> list[tuple[str, int]]:
        """Each operation by its name with how often it was called, the most frequent first."""
        return Counter(str(o["what"]) for o in self.operations).most_common()


def noise_of(operation: Mapping[str, Any]) -> Noise | None:
    """Why an operation of a trace's JSON is noise; None where it is not."""
    if operation.get("error"):
        return None
    if operation.get("actor") == "service":
        return "service"
    return "reading" if operation.get("read_only") else None


def folded(operations: Iterable[Mapping[str, Any]]) -> list[Line]:
    """The lines of a lane of operations, newest first, as the lane is.

    Between two operations that matter, noise of one caller from one address is one line; operations that matter are
    one line where they follow one another and say the same.
    """
    lines: list[Line] = []
    waiting: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    same: list[Mapping[str, Any]] = []

    def close_noise() -> None:
        lines.extend(Line(of_one, key[0]) for key, of_one in waiting.items())
        waiting.clear()

    def close_same() -> None:
        if same:
            lines.append(Line(tuple(same)))
            same.clear()

    for operation in operations:
        noise = noise_of(operation)
        if noise is not None:
            close_same()
            waiting.setdefault((noise, operation["who"], operation["from"]), []).append(operation)
            continue
        close_noise()
        if same and _said(same[0]) != _said(operation):
            close_same()
        same.append(operation)
    close_noise()
    close_same()
    return lines


def _said(operation: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(operation.get(n) for n in ("who", "what", "target", "from", "result", "error", "text"))
