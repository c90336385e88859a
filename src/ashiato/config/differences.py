"""What differs between two items of a resource, property by property.

Lists are compared as the sets that they are, so that one added rule of a security group is one difference;
policy documents are decoded; null, empty and absent are one and the same, for AWS's roads of delivery write
the same absence differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from ashiato.config.documents import DEEPEST, ORDERED, blank, canonical, decoded
from ashiato.config.matching import Labels, by_label, match

if TYPE_CHECKING:
    from ashiato.config.item import ConfigItem

#: Differences beyond this many are not looked for: a state that is another one altogether.
MOST: Final = 2000
_STATUS: Final = "configurationItemStatus"


@dataclass(frozen=True)
class PropertyChange:
    """One property that differs. `before` and `after` are JSON values, decoded; None where it was not there.

    `path`: names of properties with dots; an element of a set stands in brackets by what names it:
    `configuration.ipPermissions[tcp 22 0.0.0.0/0]`. `parts` are its pieces: a property's name, or the
    name of an element with its brackets.
    """

    path: str
    before: Any
    after: Any
    parts: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        if blank(self.before):
            return "added"
        return "removed" if blank(self.after) else "changed"

    def as_json(self) -> dict[str, Any]:
        """path, before, after."""
        return {"path": self.path, "before": self.before, "after": self.after}


def differences(before: ConfigItem | None, after: ConfigItem) -> list[PropertyChange]:
    """The differences from one item of a resource to a later one. A resource that was created or deleted differs in
    its status; what it was made of is in the item itself."""
    was = None if before is None else before.status
    if before is None or before.deleted or after.deleted:
        if before is not None and before.deleted and after.deleted:
            return []
        return [_change((_STATUS,), was, after.status)]
    found = list(compare(before.document(), after.document()))
    unrecorded = {"ResourceNotRecorded"}
    if (was in unrecorded) != (after.status in unrecorded):
        found.insert(0, _change((_STATUS,), was, after.status))
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[PropertyChange]:
    """Differences of two documents, at most MOST."""
    for count, change in enumerate(_walk((), before, after)):
        if count == MOST:
            return
        yield change


def path_of(parts: Sequence[str]) -> str:
    """`("a", "[x]", "b")` → `a[x].b`."""
    return "".join(p if p.startswith("[") else f".{p}" for p in parts).removeprefix(".")


def _change(parts: tuple[str, ...], before: Any, after: Any) -> PropertyChange:
    return PropertyChange(path_of(parts), before, after, parts)


def _walk(parts: tuple[str, ...], before: Any, after: Any) -> Iterator[PropertyChange]:
    # Most of a state is as it was; what looks the same is, for true and 1 are equal to Python alone.
    if before == after and repr(before) == repr(after):
        return
    before, after = decoded(before), decoded(after)
    if blank(before) and blank(after):
        return
    if len(parts) > DEEPEST:
        if canonical(before) != canonical(after):
            yield _change(parts, before, after)
    elif isinstance(before, list) or isinstance(after, list):
        yield from _sets(parts, _listed(before), _listed(after))
    elif _opens(parts, before, after):
        yield from _objects(parts, before or {}, after or {})
    elif isinstance(before, bool) != isinstance(after, bool) or before != after:
        yield _change(parts, before, after)


def _opens(parts: tuple[str, ...], before: Any, after: Any) -> bool:
    """Whether both sides are objects to look into; one that is new as a whole is one difference, but for the
    outermost, which are only AWS's way to group properties."""
    if isinstance(before, dict) and isinstance(after, dict):
        return True
    if len(parts) > 2:
        return False
    return (isinstance(before, dict) and blank(after)) or (isinstance(after, dict) and blank(before))


def _objects(
    parts: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[PropertyChange]:
    # `ipRanges` repeats `ipv4Ranges` in an older form.
    left_out = {"ipRanges"} if "ipv4Ranges" in before or "ipv4Ranges" in after else set()
    for name in [*after, *(n for n in before if n not in after)]:
        if name not in left_out:
            yield from _walk((*parts, str(name)), before.get(name), after.get(name))


def _sets(parts: tuple[str, ...], before: Sequence[Any], after: Sequence[Any]) -> Iterator[PropertyChange]:
    if _permissions(before) and _permissions(after):
        before, after = list(_rules(before)), list(_rules(after))
        yield from _labelled(parts, before, after)
        return
    if parts and parts[-1].lower() in ORDERED:
        if list(before) != list(after):
            yield _change(parts, list(before), list(after))
        return
    matched = match(before, after)
    was, is_ = Labels(before), Labels(after)
    for i, j in matched.both:
        yield from _walk((*parts, f"[{is_.of(after[j], j)}]"), before[i], after[j])
    for i in matched.removed:
        yield _change((*parts, f"[{was.of(before[i])}]"), decoded(before[i]), None)
    for j in matched.added:
        yield _change((*parts, f"[{is_.of(after[j])}]"), None, decoded(after[j]))


def _listed(value: Any) -> list[Any]:
    """A policy's `Action` may be one text or a list of them."""
    if isinstance(value, list):
        return [v for v in value if not blank(v)]
    return [] if blank(value) else [value]


def _permissions(value: Sequence[Any]) -> bool:
    """Whether these are `ipPermissions`: each holds the sources of one protocol and range of ports."""
    return all(isinstance(v, dict) and "ipProtocol" in v for v in value)


def _rules(permissions: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One rule for each source: a security group adds and drops rules, whatever they are grouped by."""
    for p in permissions:
        base = {k: p[k] for k in ("ipProtocol", "fromPort", "toPort") if p.get(k) is not None}
        ranges = p.get("ipv4Ranges") or [{"cidrIp": c} for c in _listed(p.get("ipRanges"))]
        sources = [*ranges, *_listed(p.get("ipv6Ranges"))]
        sources += [*_listed(p.get("userIdGroupPairs")), *_listed(p.get("prefixListIds"))]
        for source in sources or [{}]:
            yield {**base, **(source if isinstance(source, dict) else {"cidrIp": source})}


def rule_label(rule: Mapping[str, Any]) -> str:
    """A rule in words: `tcp 22 0.0.0.0/0`."""
    protocol = str(rule.get("ipProtocol"))
    low, high = rule.get("fromPort"), rule.get("toPort")
    ports = "" if low is None else f" {low}" if low == high else f" {low}-{high}"
    source = next(
        (rule[k] for k in ("cidrIp", "cidrIpv6", "groupId", "groupName", "prefixListId") if rule.get(k)), None
    )
    return f"{'all traffic' if protocol == '-1' else protocol}{ports}" + (f" {source}" if source else "")


def _labelled(
    parts: tuple[str, ...], before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[PropertyChange]:
    # A rule may be there twice: what is equal goes together first, then what bears the same label.
    matched = by_label(
        [(rule_label(r), canonical(r)) for r in before], [(rule_label(r), canonical(r)) for r in after]
    )
    rest = by_label(
        [rule_label(before[i]) for i in matched.removed], [rule_label(after[j]) for j in matched.added]
    )
    for i, j in rest.both:
        was, is_ = before[matched.removed[i]], after[matched.added[j]]
        yield from _objects((*parts, f"[{rule_label(is_)}]"), was, is_)
    for i in rest.removed:
        rule = before[matched.removed[i]]
        yield _change((*parts, f"[{rule_label(rule)}]"), dict(rule), None)
    for j in rest.added:
        rule = after[matched.added[j]]
        yield _change((*parts, f"[{rule_label(rule)}]"), None, dict(rule))
