"""Stepping through JSON by a dotted path, as Sigma's field names do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from ashiato.detect.conditions import Scalar

#: Text that holds JSON (policy documents) is opened where a path goes into it.
_OPENS = ("{", "[")
_LIST_MARKS = re.compile(r"\[(\*|\d*)\]|\{\}")
_MOST_NODES = 20_000


@lru_cache(8192)
def segments(path: str) -> tuple[str, ...]:
    """The steps of a field name. `items[].x`, `items{}.x` and `items.x` are the same: lists are stepped through.

    >>> segments("requestParameters.items[].cidrIp")
    ('requestParameters', 'items', 'cidrIp')
    """
    return tuple(p for p in _LIST_MARKS.sub(r".\1", path).replace("*", "").split(".") if p)


def decode(text: str) -> Any:
    """JSON text as Python values; None where it is none (what a record holds is anybody's)."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


def nodes(value: Any, path: tuple[str, ...], depth: int = 0) -> Iterator[Any]:
    """What lies at the path: scalars, objects or lists, null left out. Lists are stepped through; a number in the
    path may also name an element; a key may itself hold dots."""
    if value is None or depth > 100:
        return
    if not path:
        if isinstance(value, list):
            yield value
            for element in value:
                yield from nodes(element, (), depth + 1)
        else:
            yield value
        return
    if isinstance(value, dict):
        for end in range(1, len(path) + 1):
            key = path[0] if end == 1 else ".".join(path[:end])
            if key in value:
                yield from nodes(value[key], path[end:], depth + 1)
    elif isinstance(value, list):
        if path[0].isdecimal() and len(path[0]) < 9 and int(path[0]) < len(value):
            yield from nodes(value[int(path[0])], path[1:], depth + 1)
        for element in value:
            yield from nodes(element, path, depth + 1)
    elif isinstance(value, str) and value[:1] in _OPENS:
        yield from nodes(decode(value), path, depth + 1)


def values(value: Any, path: tuple[str, ...]) -> list[Scalar]:
    """What tests are applied to: scalars as they are, objects and lists as their JSON text (compact, and as
    commonly spaced, since a rule's author may have seen either)."""
    found: list[Scalar] = []
    for node in nodes(value, path):
        if isinstance(node, dict | list):
            found.extend(_texts(node))
        else:
            found.append(node)
        if len(found) > _MOST_NODES:
            break
    return found


def _texts(node: Any) -> tuple[str, ...]:
    try:
        return msgspec.json.encode(node).decode(), json.dumps(node, ensure_ascii=False)
    except UnicodeEncodeError:
        # Half a character, which JSON can spell and UTF-8 cannot.
        return json.dumps(node, separators=(",", ":"), ensure_ascii=False), json.dumps(
            node, ensure_ascii=False
        )
    except (RecursionError, ValueError, OverflowError):
        return ()


def leaves(value: Any, depth: int = 0) -> Iterator[Scalar]:
    """All scalars of a JSON value, whatever their place."""
    if value is None or depth > 200:
        return
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member, depth + 1)
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, depth + 1)
    else:
        yield value
