"""JSON as text: as it is kept in JSON columns, as it is compared, and whether a second copy says more.

None of these recurses in Python, so that depth is bounded by memory and not by the interpreter's stack.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

# See json_scan.py: possessive groups are broken before Python 3.11.5.
_MANY = r"(?:%s)*+" if sys.version_info >= (3, 11, 5) else r"(?>(?:%s)*)"
_STRING = r'"[^"\\]*+' + _MANY % r'\\.[^"\\]*+' + r'"'
_TOKEN = re.compile(rf"[ \t\r\n]*+({_STRING}|[-+.0-9A-Za-z]++|[\[\]{{}},:])", re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*+")
_STRING_OR_SPACE = re.compile(rb"(" + _STRING.encode() + rb")|[ \t\r\n]+", re.DOTALL)
_ESCAPED = re.compile(r"[\\\x00-\x1f]")


def compact(raw: bytes) -> str:
    """JSON without insignificant whitespace, otherwise as written: order, duplicates, numbers, escapes.

    `raw` is one valid JSON value. Raises UnicodeDecodeError (a ValueError; `start` is the offset in `raw`)
    for bytes that are not UTF-8, ValueError where spaces show that `raw` is not JSON.
    """
    if b" " in raw or b"\n" in raw or b"\t" in raw or b"\r" in raw:
        try:
            tight = msgspec.json.format(raw, indent=-1)
        except RecursionError:
            tight = _STRING_OR_SPACE.sub(rb"\1", raw)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        try:
            return tight.decode()
        except UnicodeDecodeError:
            return raw.decode()
    return raw.decode()


def canonical(raw: bytes) -> bytes:
    """One spelling for all spellings of a JSON value: two copies are equal exactly when these are.

    No whitespace; keys sorted by code point (equal keys stay, in their order); strings with only the
    escapes that JSON demands; numbers as written (`1.0` is not `1`). Raises ValueError for what is not JSON.
    """
    text = raw.decode()
    # For each open container: its kind, and its parts so far (objects: key and value in turn).
    stack: list[tuple[str, list[str]]] = [("", [])]
    position, size = _end_of_blank(text, 0), _trimmed(text)
    while position < size:
        match = _TOKEN.match(text, position)
        if not match:
            raise ValueError(f"not JSON at character {position}")
        position = match.end()
        token = match.group(1)
        first = token[0]
        if first == '"':
            stack[-1][1].append(_string(token))
        elif first in "{[":
            stack.append((first, []))
        elif first in "}]":
            kind, parts = stack.pop()
            if not stack or kind != ("{" if first == "}" else "["):
                raise ValueError(f"not JSON: brackets do not match at character {position - 1}")
            stack[-1][1].append(_closed(kind, parts))
        elif first not in ",:":
            stack[-1][1].append(token)
    if len(stack) != 1 or len(stack[0][1]) != 1:
        raise ValueError("not one JSON value")
    return stack[0][1][0].encode("utf-8", "surrogatepass")


def _end_of_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _trimmed(text: str) -> int:
    return len(text.rstrip(" \t\r\n"))


def _closed(kind: str, parts: list[str]) -> str:
    if kind == "[":
        return "[" + ",".join(parts) + "]"
    if len(parts) % 2:
        raise ValueError("not JSON: a key without a value")
    members = sorted(zip(parts[::2], parts[1::2], strict=True), key=lambda member: member[0])
    return "{" + ",".join(f"{key}:{value}" for key, value in members) + "}"


def _string(token: str) -> str:
    if not _ESCAPED.search(token):
        return token
    return json.dumps(json.loads(token, strict=False), ensure_ascii=False)


#: What AWS writes in place of a value that it does not show.
REDACTED = frozenset({"HIDDEN_DUE_TO_SECURITY_REASONS", "***", "****"})


def says_more(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether `second` (a decoded record) says something that `first` does not.

    That is: a key or list element that the first lacks, a different value, a value where the first has
    null, a value that AWS left out (`{"omitted": true}`, a redaction) or a shortened text. Null and empty
    containers say nothing; nor does a value left out or shortened in the second. Order in lists says nothing.
    """
    pairs: list[tuple[Any, Any]] = [(first, second)]
    while pairs:
        have, new = pairs.pop()
        if _says_nothing(new):
            continue
        if isinstance(new, Mapping) and isinstance(have, Mapping):
            if _omitted(have):
                return True
            pairs.extend((have.get(key), value) for key, value in new.items())
        elif isinstance(new, list) and isinstance(have, list):
            have_left, new_left = _without_common(have, new)
            if len(new_left) > len(have_left):
                return True
            pairs.extend(zip(have_left, new_left, strict=False))
        elif isinstance(new, str) and isinstance(have, str):
            if new != have and not have.startswith(new.removesuffix("...")):
                return True
        elif isinstance(new, bool) is not isinstance(have, bool) or new != have:
            return True
    return False


def _says_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return not value or value in REDACTED
    return value is None or (isinstance(value, Mapping | list) and not value) or _omitted(value)


def _omitted(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("omitted") is True


def _without_common(have: list[Any], new: list[Any]) -> tuple[list[Any], list[Any]]:
    """The elements of both lists that have no equal in the other; both as they are if they are too deep."""
    try:
        have_keys = [msgspec.json.encode(value, order="sorted") for value in have]
        new_keys = [msgspec.json.encode(value, order="sorted") for value in new]
    except (RecursionError, TypeError, ValueError, msgspec.EncodeError):
        return have, new
    common = Counter(have_keys) & Counter(new_keys)
    return _minus(have, have_keys, common), _minus(new, new_keys, common)


def _minus(values: list[Any], keys: list[bytes], common: Counter[bytes]) -> list[Any]:
    left = Counter(common)
    rest = []
    for value, key in zip(values, keys, strict=True):
        if left[key] > 0:
            left[key] -= 1
        else:
            rest.append(value)
    return rest
