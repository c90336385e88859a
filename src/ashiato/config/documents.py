"""JSON that AWS hands out as text: policy documents, percent-encoded or plain, and JSON inside strings."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote

#: Text beyond this is compared as text: policies are far smaller (IAM 10,240, S3 20,480 characters).
MOST: Final = 1 << 20
_MOST_NESTED: Final = 3


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
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
    return found if isinstance(found, dict | list | str) else _NOTHING


def blank(value: Any) -> bool:
    """Whether there is nothing: AWS's roads of delivery write the same absence as null, "", [], {} or not at all."""
    return value is None or value in ("", [], {})


def canonical(value: Any) -> str:
    """Equal for equal contents, whatever the order of keys and of list elements, encoded or not."""
    return json.dumps(_ordered(decoded(value), 0), sort_keys=True, ensure_ascii=False, default=str)


def _ordered(value: Any, depth: int) -> Any:
    if depth > 200:
        return str(value)
    if isinstance(value, dict):
        return {k: _ordered(decoded(v), depth + 1) for k, v in value.items() if not blank(v)}
    if isinstance(value, list):
        return sorted(
            json.dumps(_ordered(decoded(v), depth + 1), sort_keys=True, ensure_ascii=False, default=str)
            for v in value
        )
    return value
