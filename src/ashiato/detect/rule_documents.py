"""Documents of rules as text, what is wrong with them, and reading their YAML without being drowned by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ashiato.core.errors import AshiatoError

#: Values of one file of rules.
MOST_VALUES = 500_000
_MOST_REASON = 400


@dataclass(frozen=True)
class Document:
    """A file's text and where it lies; `pack`: the folder it came with."""

    file: str
    text: str
    pack: str = ""


@dataclass(frozen=True)
class RuleProblem:
    """A document that is no rule that can be evaluated, and why."""

    file: str
    rule: str | None
    title: str | None
    reason: str


#: What a document that nobody thought of may raise while it is read: its author's mistake, not ours.
REFUSED = (
    AshiatoError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError, re.error,
)  # fmt: skip


def loaded(text: str) -> list[Any]:
    """The YAML documents of a text. Raises ValueError with the reason where it is none, or stands for too much."""
    import yaml
    from sigma.rule.base import SigmaYAMLLoader

    try:
        found = list(yaml.load_all(text, SigmaYAMLLoader))
        size = expanded(found)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {reason_of(error)}") from error
    if size > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values once its aliases are followed")
    return found


def expanded(value: Any) -> int:
    """How many values a YAML document has once its aliases are followed (a few lines can stand for billions).

    Raises ValueError where one holds itself.
    """
    sizes: dict[int, int] = {}
    inside: set[int] = set()

    def size(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 1
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in inside:
            raise ValueError("a value holds itself")
        inside.add(id(node))
        found = 1 + sum(map(size, node.values() if isinstance(node, dict) else node))
        inside.discard(id(node))
        sizes[id(node)] = found
        return found

    return size(value)


def reason_of(error: Exception) -> str:
    """An error's text, on one line and no longer than a person reads."""
    text = " ".join(str(error).split())
    if isinstance(error, KeyError):
        text = f"{text} is missing"
    if len(text) > _MOST_REASON:
        text = f"{text[: _MOST_REASON // 2]} … {text[-_MOST_REASON // 2 :]}"
    return text or type(error).__name__
