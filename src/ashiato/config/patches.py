"""Differences as JSON Patch (RFC 6902): operations that make one recorded document into another.

The document is what `ConfigItem.document()` gives, as recorded: text that holds a policy is replaced as a whole. Lists
are sets: after the patch they hold the same elements, perhaps in another order.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ashiato.config.documents import DEEPEST, ORDERED, blank, canonical, decoded
from ashiato.config.matching import match

Operation = dict[str, Any]


def patch(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Operation]:
    """The operations from `before` to `after`; None stands for a resource that is not there."""
    if before is None or after is None:
        return [] if before == after else [{"op": "replace", "path": "", "value": after}]
    return list(_walk("", dict(before), dict(after), ""))


def pointer(path: str, name: object) -> str:
    """RFC 6901: `/` and `~` inside a name are escaped.

    >>> pointer("/tags", "a/b")
    '/tags/a~1b'
    """
    return f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _same(a: Any, b: Any) -> bool:
    a, b = decoded(a), decoded(b)
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return (blank(a) and blank(b)) or a == b or canonical(a) == canonical(b)


def _walk(path: str, before: Any, after: Any, name: str, depth: int = 0) -> Iterator[Operation]:
    if name.lower() in ORDERED:
        if before != after:
            yield {"op": "replace", "path": path, "value": after}
    elif _same(before, after):
        return
    elif depth < DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in after:
                if not blank(before[key]):
                    yield {"op": "remove", "path": pointer(path, key)}
            else:
                yield from _walk(pointer(path, key), before[key], after[key], key, depth + 1)
        for key in after:
            if key not in before and not blank(after[key]):
                yield {"op": "add", "path": pointer(path, key), "value": after[key]}
    elif depth < DEEPEST and isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after, depth)
    else:
        yield {"op": "replace", "path": path, "value": after}


def _lists(path: str, before: Sequence[Any], after: Sequence[Any], depth: int) -> Iterator[Operation]:
    matched = match(before, after)
    # Places stand while nothing is removed; what is removed goes from the end.
    for i, j in matched.both:
        yield from _walk(f"{path}/{i}", before[i], after[j], "", depth + 1)
    for i in sorted(matched.removed, reverse=True):
        yield {"op": "remove", "path": f"{path}/{i}"}
    for j in matched.added:
        yield {"op": "add", "path": f"{path}/-", "value": after[j]}


def applied(document: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """The document after `add`, `remove` and `replace` operations. Raises KeyError, IndexError where a path is not
    there."""
    document = copy.deepcopy(document)
    for operation in operations:
        names = [n.replace("~1", "/").replace("~0", "~") for n in operation["path"].split("/")[1:]]
        value = copy.deepcopy(operation.get("value"))
        if not names:
            document = value
            continue
        place = document
        for name in names[:-1]:
            place = place[int(name)] if isinstance(place, list) else place[name]
        last = names[-1]
        if isinstance(place, list):
            if operation["op"] == "add":
                place.insert(len(place) if last == "-" else int(last), value)
            elif operation["op"] == "remove":
                del place[int(last)]
            else:
                place[int(last)] = value
        elif operation["op"] == "remove":
            del place[last]
        else:
            place[last] = value
    return document
