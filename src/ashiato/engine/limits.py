"""Limits of one query, and the options that raise them."""

from __future__ import annotations

from dataclasses import dataclass

#: Command-line option of each limit; the messages of `QueryStopped` name them.
OPTIONS = {
    "seconds": "--max-seconds",
    "memory_mb": "--max-memory",
    "disk_mb": "--max-disk",
    "rows": "--max-rows",
    "answer_mb": "--max-answer",
}


@dataclass(frozen=True)
class Limits:
    """What one query may use.

    `seconds` of wall clock; `memory_mb` (MiB) of the database's working memory, beyond which it spills to
    disk; `disk_mb` (MiB) of that spill; `rows` and `answer_mb` (MiB, as Arrow) of the answer.
    """

    seconds: float = 300.0
    memory_mb: int = 2048
    disk_mb: int = 20480
    rows: int = 1_000_000
    answer_mb: int = 512
    threads: int = 2
