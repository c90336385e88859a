"""What is wrong with a rule before it has seen a record: it cannot match, or its author meant something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from ashiato.detect.catalogue import Catalogue

if TYPE_CHECKING:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    from ashiato.detect.conditions import Condition
    from ashiato.detect.impossible import Conjunction

Severity = Literal["error", "warning", "info"]
#: Log sources of Sigma rules → tables, as sigma_rules.py takes them.
_SERVICES: Final = {
    None: "cloudtrail",
    "cloudtrail": "cloudtrail",
    "vpcflow": "vpc_flow_logs",
    "config": "config_items",
}


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong. `rule`: id or title; `line`: from 1, where it could be found; `code`: stable."""

    rule: str
    file: str
    line: int | None
    code: str
    text: str
    remedy: str
    severity: Severity


class _AnyList(dict[str, Sequence[str]]):
    """Values of placeholders while rules are only looked at: they could be anything."""

    def get(self, key: str, default: Any = None) -> Any:
        del key, default
        return ["*"]


def lint(
    rules: Iterable[tuple[Any, str]],
    catalogue: Catalogue | None = None,
    texts: Mapping[str, str] | None = None,
) -> list[Remark]:
    """Remarks on parsed rules, each given with the name of its file, in the order given.

    `rules`: SigmaRule and SigmaCorrelationRule objects; `catalogue`: known events (default: without those of a
    lake); `texts`: content of files by their name, from which lines are found. Nothing is raised for whatever rule.
    """
    from sigma.correlations import SigmaCorrelationRule

    known = catalogue if catalogue is not None else Catalogue()
    found: list[Remark] = []
    seen = _Seen()
    for rule, file in rules:
        remarks = [*_head(rule), *seen.remarks(rule, file)]
        if not isinstance(rule, SigmaCorrelationRule):
            remarks += _Plain(rule, known).remarks()
        text = (texts or {}).get(file, "")
        found += [
            replace(r, file=file, line=_line(text, r, rule), rule=str(rule.id or rule.title)) for r in remarks
        ]
    return found


def _remark(
    code: str, text: str, remedy: str = "", severity: Severity = "warning", where: str = ""
) -> Remark:
    """`where`: the word of the file that the remark is about; it stands in `rule` until it is located."""
    return Remark(where, "", None, code, text, remedy, severity)


#: Remarks on what stands in the detection, not above it.
_OF_DETECTION: Final = frozenset(
    ("never-matches", "unknown-field", "impossible-value", "source-not-in-catalogue", "event-not-in-catalogue",
     "event-written-otherwise")
)  # fmt: skip


def _line(text: str, remark: Remark, rule: Any) -> int | None:
    """The first line of the rule that holds the word."""
    word = remark.rule
    if not text or not word:
        return None
    begin = max(text.find(str(rule.id)) if rule.id else 0, 0)
    begin = max(text.rfind("\n---", 0, begin), 0)
    if remark.code in _OF_DETECTION:
        begin = max(text.find("detection:", begin), begin)
    at = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w])").search(text, begin)
    return None if at is None else text.count("\n", 0, at.start()) + 1


def _head(rule: SigmaRule | SigmaCorrelationRule) -> Iterator[Remark]:
    from ashiato.detect.technique_names import current

    if rule.level is None:
        yield _remark(
            "no-level", "it has no level, so it is taken as medium", "Give it a `level`.", where="title"
        )
    if not rule.tags:
        yield _remark(
            "no-tags", "it has no tags", "Name the ATT&CK technique: attack.t1078.004, say.", "info", "title"
        )
    for tag in map(str, rule.tags):
        technique = re.fullmatch(r"attack\.(t\d{4}(?:\.\d{3})?)", tag, re.IGNORECASE)
        successor = current(technique[1].upper()) if technique else None
        if successor is not None:
            remedy = (
                f"Write attack.{successor.lower()}." if successor else "Take it away: nothing replaced it."
            )
            yield _remark("revoked-technique", f"{tag} was revoked by ATT&CK", remedy, "warning", tag)


class _Seen:
    """Ids and conditions of the rules so far."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._meanings: dict[str, tuple[str, str]] = {}

    def remarks(self, rule: Any, file: str) -> Iterator[Remark]:
        id_ = str(rule.id) if rule.id else None
        if id_ is not None and id_ in self._ids:
            text = f"its id is that of a rule in {self._ids[id_]}"
            yield _remark("same-id", text, "Give one of them a new id (uuidgen).", "error", id_)
        elif id_ is not None:
            self._ids[id_] = file
        meaning = _meaning(rule)
        if meaning is None:
            return
        title, where = self._meanings.setdefault(meaning, (str(rule.title), file))
        if (title, where) != (str(rule.title), file):
            yield _remark(
                "same-condition",
                f"it finds the same as {title!r} ({where})",
                "Disable one of them.",
                "warning",
                "title",
            )


def _own(rule: Any) -> dict[str, Any]:
    """Ashiato's own keys of the rule."""
    own = rule.custom_attributes.get("ashiato")
    return own if isinstance(own, dict) else {}


def _meaning(rule: Any) -> str | None:
    """What the rule finds, as text that is equal for rules that find the same."""
    from sigma.correlations import SigmaCorrelationRule

    from ashiato.detect.conditions import describe

    own = _own(rule)
    if own.get("alone") is False:
        return None
    kind = {k: own[k] for k in ("new_terms", "rate", "actors") if k in own}
    if isinstance(rule, SigmaCorrelationRule):
        told = {k: v for k, v in rule.to_dict().get("correlation", {}).items() if k != "generate"}
        return json.dumps(["correlation", told, kind], sort_keys=True, default=str)
    condition = _compiled(rule)
    if condition is None:
        return None
    source = [rule.logsource.product, rule.logsource.service, rule.logsource.category]
    return json.dumps([source, _ordered(describe(condition)), kind], sort_keys=True, default=str)


def _ordered(told: Any) -> Any:
    """A described condition without regard to the order of its parts and to the case of text."""
    if isinstance(told, dict):
        return {k: v if k in ("re", "cased", "field") else _ordered(v) for k, v in told.items()}
    if isinstance(told, list):
        return sorted((_ordered(x) for x in told), key=lambda x: json.dumps(x, sort_keys=True, default=str))
    return told.lower() if isinstance(told, str) else told


def _compiled(rule: SigmaRule) -> Condition | None:
    """The rule's condition; None where it cannot be compiled, which `detections list` says with the reason."""
    from sigma.exceptions import SigmaError

    from ashiato.detect.compiling import NotCompiled, compile_detection

    try:
        return compile_detection(rule, _AnyList())
    except (NotCompiled, SigmaError, ValueError, TypeError, AttributeError, RecursionError):
        return None


class _Plain:
    """Checks of a rule that looks at records."""

    def __init__(self, rule: SigmaRule, catalogue: Catalogue) -> None:
        self.rule = rule
        self.catalogue = catalogue
        service = (rule.logsource.service or "").lower() or None
        self.table = _SERVICES.get(service) if (rule.logsource.product or "aws").lower() == "aws" else None

    def remarks(self) -> Iterator[Remark]:
        from ashiato.detect.impossible import conjunctions, why_never
        from ashiato.detect.known_fields import is_single

        condition = _compiled(self.rule)
        if condition is None or self.table is None:
            return
        table = self.table
        reason = why_never(condition, lambda name: is_single(table, name))
        if reason is not None:
            yield _remark(
                "never-matches", f"it never matches: {reason}", "Check `and`, `or` and `not` of its condition.",
                "error", "condition",
            )  # fmt: skip
        yield from self._fields(condition)
        yield from self._values(condition)
        if table == "cloudtrail":
            yield from self._events(conjunctions(condition) or [])

    def _fields(self, condition: Condition) -> Iterator[Remark]:
        from ashiato.detect.conditions import fields_of
        from ashiato.detect.known_fields import closest_field, is_field

        assert self.table is not None
        own = _own(self.rule)
        terms, rate = own.get("new_terms") or {}, own.get("rate") or {}
        named = [terms.get(k) for k in ("fields", "learning_by", "peers")] if isinstance(terms, dict) else []
        named += [own.get("group_by"), rate.get("group_by") if isinstance(rate, dict) else None]
        told = {n for group in named if isinstance(group, list) for n in group if isinstance(n, str)}
        for name in sorted((fields_of(condition) | told) - {""}):
            if not is_field(self.table, name):
                near = closest_field(self.table, name)
                remedy = (
                    f"Did you mean {near}?"
                    if near and near != name
                    else "See `ashiato schema " + self.table + "`."
                )
                yield _remark("unknown-field", f"records have no field {name}", remedy, "warning", name)

    def _values(self, condition: Condition) -> Iterator[Remark]:
        from ashiato.detect.impossible import exact_values
        from ashiato.detect.known_fields import why_not_a_value

        assert self.table is not None
        told = set()
        for atom in _atoms(condition):
            for value in exact_values(atom.test) or ():
                reason = why_not_a_value(self.table, atom.name, value)
                if reason and (atom.name, value) not in told:
                    told.add((atom.name, value))
                    yield _remark(
                        "impossible-value", f"{atom.name} is never {value!r}: {reason}", "Correct the value.",
                        "warning", value,
                    )  # fmt: skip

    def _events(self, alternatives: Sequence[Conjunction]) -> Iterator[Remark]:
        """Names that no service writes, by the sources that stand beside them."""
        pairs: dict[str, set[str | None]] = {}
        sources: set[str] = set()
        for conjunction in alternatives:
            here = _required(conjunction, "eventSource")
            sources.update(here)
            for name in _required(conjunction, "eventName"):
                pairs.setdefault(name, set()).update(here or [None])
        unknown = {s for s in sources if not self.catalogue.has_source(s)}
        for source in sorted(unknown):
            near = self.catalogue.closest_source(source)
            yield _remark(
                "source-not-in-catalogue", f"eventSource {source} is not in the catalogue",
                f"Did you mean {near}?" if near else "Leave it if you have seen it in records.", "warning", source,
            )  # fmt: skip
        for name, beside in sorted(pairs.items()):
            places = beside - unknown
            if places and not any(self.catalogue.has(name, s) for s in places):
                yield self._unknown_event(name, sorted(s for s in places if s))
            elif places:
                yield from self._otherwise_written(name, places, set(pairs))

    def _unknown_event(self, name: str, sources: list[str]) -> Remark:
        elsewhere = self.catalogue.sources_of(name)
        where = f" for {', '.join(sources[:3])}" if sources else ""
        text = f"eventName {name} is not in the catalogue{where}"
        if any(self.catalogue.is_permission_only(name, s) for s in sources or [None]):  # type: ignore[list-item]
            remedy = "It is a permission of IAM; no event has this name."
        elif elsewhere and sources:
            remedy = f"It is an event of {', '.join(elsewhere[:3])}."
        else:
            near = self.catalogue.closest(name, sources[0] if len(sources) == 1 else None)
            remedy = f"Did you mean {near}?" if near else "Leave it if you have seen it in records."
        return _remark("event-not-in-catalogue", text, remedy, "warning", name)

    def _otherwise_written(self, name: str, places: set[str | None], names: set[str]) -> Iterator[Remark]:
        for source in places:
            written = self.catalogue.written_as(name, source)
            if written is not None and written.lower() not in {n.lower() for n in names}:
                yield _remark(
                    "event-written-otherwise", f"CloudTrail writes {name} as {written}", f"Write {written}.",
                    "warning", name,
                )  # fmt: skip
                return


def _atoms(condition: Condition) -> Iterator[Any]:
    """All tests of fields in a condition, negated or not."""
    from ashiato.detect.conditions import Every, FieldTest, Some, Without

    match condition:
        case FieldTest():
            yield condition
        case Without(part=part):
            yield from _atoms(part)
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from _atoms(part)


def _required(conjunction: Conjunction, field: str) -> list[str]:
    """Literal values that a conjunction lets the field have."""
    from ashiato.detect.conditions import FieldTest
    from ashiato.detect.impossible import exact_values

    for literal in conjunction:
        if isinstance(literal.atom, FieldTest) and literal.atom.name == field and literal.holds:
            values = exact_values(literal.atom.test)
            if values is not None:
                return values
    return []
