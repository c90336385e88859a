"""Which element of one list is which of another: rules, policies, tags, relationships are sets, not sequences.

Elements are matched by what names them (a tag's key, a route's destination, an ARN); where nothing does, by
equal content, and what is left by likeness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ashiato.config.documents import blank, canonical, decoded

#: Names of fields, in lower case, that name an element, the surest first.
_NAMING: Final[tuple[tuple[str, ...], ...]] = (
    ("resourcetype", "resourceid", "name"),
    ("resourcetype", "resourcename", "name"),
    ("rulenumber", "egress"),
    ("ipprotocol", "fromport", "toport"),
    ("destinationcidrblock",),
    ("destinationipv6cidrblock",),
    ("destinationprefixlistid",),
    ("key",),
    ("tagkey",),
    ("sid",),
    ("arn",),
    ("policyarn",),
    ("policyname",),
    ("parameterkey",),
    ("outputkey",),
    ("versionid",),
    ("id",),
    ("name",),
    ("attributename",),
    ("networkinterfaceid",),
    ("volumeid",),
    ("devicename",),
    ("instanceid",),
    ("groupid",),
    ("subnetid",),
    ("cidrip",),
    ("cidripv6",),
    ("cidrblock",),
    ("privateipaddress",),
    ("ipv6address",),
    ("endpoint",),
    ("protocol", "port"),
)
#: More elements than this are matched by name or equal content only: likeness compares each with each.
_MOST_ALIKE: Final = 40
#: Likeness from which two elements count as one that was changed.
_ALIKE: Final = 0.5
_LONGEST: Final = 120
_DEEPEST_LABEL: Final = 3


@dataclass(frozen=True)
class Matched:
    """Pairs of places in both lists, and the places that have no partner."""

    both: list[tuple[int, int]]
    removed: list[int]
    added: list[int]


def match(before: Sequence[Any], after: Sequence[Any]) -> Matched:
    """Match the elements of two lists."""
    a, b = [decoded(v) for v in before], [decoded(v) for v in after]
    naming = _naming(a, b)
    if naming is not None:
        return by_label([naming(v) for v in a], [naming(v) for v in b])
    matched = by_label([canonical(v) for v in a], [canonical(v) for v in b])
    if matched.removed and matched.added and _objects([*a, *b]):
        return _alike(a, b, matched)
    return matched


class Labels:
    """What to call the elements of a list in a path."""

    def __init__(self, elements: Sequence[Any]) -> None:
        self._naming = _naming([decoded(v) for v in elements], [])

    def of(self, element: Any, place: int | None = None) -> str:
        """What names the element; else its place, where given; else its content."""
        element = decoded(element)
        if self._naming is not None and isinstance(element, dict):
            text = " ".join(n for n in self._naming(element) if n)
        elif place is not None and isinstance(element, dict | list):
            text = str(place)
        else:
            text = _content(element)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _content(element: Any, depth: int = 0) -> str:
    if not isinstance(element, dict | list):
        return str(element)
    if depth > _DEEPEST_LABEL:
        return "…"
    if isinstance(element, dict):
        shown = [(k, v) for k, v in element.items() if not blank(v)][:4]
        return ", ".join(f"{k}={_content(v, depth + 1)}" for k, v in shown)
    return f"[{', '.join(_content(v, depth + 1) for v in element[:4])}]"


def _objects(values: Sequence[Any]) -> bool:
    return all(isinstance(v, dict) for v in values)


def _naming(a: Sequence[Any], b: Sequence[Any]) -> Callable[[Any], tuple[str, ...]] | None:
    """A function from an element to its name, where some fields name every element of both lists, each once."""
    if not (a or b) or not _objects([*a, *b]):
        return None
    common = {k.lower() for k in next(iter([*a, *b]))}
    for fields in (*_NAMING, *_by_suffix(common)):
        if not common.issuperset(fields):
            continue

        def name(element: Mapping[str, Any], fields: tuple[str, ...] = fields) -> tuple[str, ...]:
            lower = {k.lower(): v for k, v in element.items()}
            return tuple(_scalar(lower.get(f)) for f in fields)

        names_a, names_b = [name(v) for v in a], [name(v) for v in b]
        named = all(any(n) for n in (*names_a, *names_b))
        if named and len(set(names_a)) == len(names_a) and len(set(names_b)) == len(names_b):
            return name
    return None


def _by_suffix(fields: set[str]) -> Iterator[tuple[str, ...]]:
    for suffix in ("arn", "id", "name", "identifier", "key"):
        for field in sorted(fields, key=len):
            if field.endswith(suffix):
                yield (field,)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def by_label(a: Sequence[Any], b: Sequence[Any]) -> Matched:
    """Equal labels are one element; a label may come several times."""
    places: dict[Any, list[int]] = {}
    for j, name in enumerate(b):
        places.setdefault(name, []).append(j)
    both, removed = [], []
    for i, name in enumerate(a):
        waiting = places.get(name)
        if waiting:
            both.append((i, waiting.pop(0)))
        else:
            removed.append(i)
    return Matched(both, removed, sorted(j for waiting in places.values() for j in waiting))


def _alike(a: Sequence[Any], b: Sequence[Any], matched: Matched) -> Matched:
    if len(matched.removed) > _MOST_ALIKE or len(matched.added) > _MOST_ALIKE:
        return matched
    if len(a) == len(b) == 1:
        # A list of one whose element changed.
        return Matched([(0, 0)], [], [])
    leaves_a = {i: _leaves(a[i]) for i in matched.removed}
    leaves_b = {j: _leaves(b[j]) for j in matched.added}
    scored = sorted(
        ((_likeness(leaves_a[i], leaves_b[j]), i, j) for i in leaves_a for j in leaves_b),
        key=lambda s: (-s[0], s[1], s[2]),
    )
    both, gone, new = list(matched.both), set(matched.removed), set(matched.added)
    for likeness, i, j in scored:
        if likeness < _ALIKE:
            break
        if i in gone and j in new:
            both.append((i, j))
            gone.remove(i)
            new.remove(j)
    return Matched(both, sorted(gone), sorted(new))


def _leaves(value: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, v = waiting.pop()
        v = decoded(v)
        if isinstance(v, dict):
            waiting.extend((f"{path}/{k}", w) for k, w in v.items())
        elif isinstance(v, list):
            waiting.extend((f"{path}/*", w) for w in v)
        elif not blank(v):
            found[f"{path}={v}"] += 1
    return found


def _likeness(a: Counter[str], b: Counter[str]) -> float:
    whole = max(a.total(), b.total())
    return (a & b).total() / whole if whole else 1.0
