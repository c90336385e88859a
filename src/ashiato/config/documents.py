"""JSON that AWS hands out as text: policy documents, percent-encoded or plain, and JSON inside strings."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote

#: Text beyond this is compared as text: policies are far smaller (IAM 10,240, S3 20,480 characters).
MOST: Final = 1 << 20
_MOST_NESTED: Final = 3
#: What is nested deeper is compared as it is written.
DEEPEST: Final = 100
#: Lists in which the order is a part of the meaning, by their names in lower case.
ORDERED: Final = frozenset({"command", "entrypoint", "args", "arguments", "preferreddeploymentorder"})


def decoded(value: Any) -> Any:
    """The JSON that a text holds, percent-encoded or not; anything else as it is.

    >>> decoded("%7B%22Version%22%3A%222012-10-17%22%7D")
    {'Version': '2012-10-17'}
    >>> decoded("[not json")
    '[not json'
    """
    for _ in range(_MOST_NESTED):
        if not isinstance(value, str) or len(value) > MOST:
            return value
        start = value[:16].lstrip()[:3]
        if start.lower() in ("%7b", "%5b"):
            found = _parsed(unquote(value))
        elif start[:1] in ("{", "[") or (start[:1] == '"' and value.rstrip()[-1:] == '"'):
            found = _parsed(value)
        else:
            return value
        if found is _NOTHING:
            return value
        value = found
    return value


_NOTHING: Final = object()


def _parsed(text: str) -> Any:
    found = opened(text, _NOTHING)
    return found if isinstance(found, dict | list | str) else _NOTHING


def opened(text: str, otherwise: Any) -> Any:
    """The JSON that a text is; `otherwise` where it is none, or nested so deep that nothing of ours would write it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return otherwise
    return otherwise if text.count("[") + text.count("{") > DEEPEST and _deep(found) else found


def _deep(value: Any) -> bool:
    waiting = [(value, 0)]
    while waiting:
        v, depth = waiting.pop()
        if depth > DEEPEST:
            return True
        if isinstance(v, dict | list):
            waiting += [(w, depth + 1) for w in (v.values() if isinstance(v, dict) else v)]
    return False


def blank(value: Any) -> bool:
    """Whether there is nothing: AWS's roads of delivery write the same absence as null, "", [], {} or not at all, and
    so what holds nothing else."""
    if not isinstance(value, dict | list):
        return value is None or value == ""
    waiting: list[Any] = [value]
    while waiting:
        v = waiting.pop()
        if isinstance(v, dict | list):
            waiting.extend(v.values() if isinstance(v, dict) else v)
        elif v is not None and v != "":
            return False
    return True


def canonical(value: Any) -> str:
    """Equal for equal contents, whatever the order of keys and of list elements, encoded or not."""
    return _written(_ordered(decoded(value), 0))


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _ordered(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return _flat(value)
    if isinstance(value, dict):
        return {
            k: [_ordered(decoded(w), depth + 1) for w in v]
            if isinstance(v, list) and str(k).lower() in ORDERED
            else _ordered(decoded(v), depth + 1)
            for k, v in value.items()
            if not blank(v)
        }
    if isinstance(value, list):
        return sorted((_ordered(decoded(v), depth + 1) for v in value if not blank(v)), key=_written)
    return value


def _flat(value: Any) -> list[str]:
    """What is nested too deep to be ordered: its pieces as they come."""
    found, waiting = [], [(0, "", value)]
    while waiting:
        depth, name, v = waiting.pop()
        if isinstance(v, dict | list):
            found.append(f"{depth} {name}")
            inner = v.items() if isinstance(v, dict) else enumerate(v)
            waiting.extend((depth + 1, str(k), w) for k, w in inner)
        else:
            found.append(f"{depth} {name} {v!r}")
    return found
