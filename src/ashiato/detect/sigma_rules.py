"""From Sigma documents to rules: parsing by pySigma, filters, references of correlations, Ashiato's own keys.

Specification: https://sigmahq.io/sigma-specification/ . What a document cannot become is a problem with its file,
the rule's title and the reason; the others go on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from ashiato.detect.own_keys import WrongKeyError, field_names, first_seen, own_keys, rate, tests_of
from ashiato.detect.rule import (
    ALL_ACTORS,
    DEFAULT_ACTORS,
    Correlation,
    CorrelationType,
    Expression,
    Rule,
)
from ashiato.detect.rule_documents import REFUSED, Document, RuleProblem, loaded, reason_of
from ashiato.ledger.findings import LEVELS, Actor, Level

if TYPE_CHECKING:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule

#: Log sources (product, service) and the table that their events are in.
TABLES = {
    None: "cloudtrail",
    "cloudtrail": "cloudtrail",
    "vpcflow": "vpc_flow_logs",
    "vpc_flow": "vpc_flow_logs",
    "vpcflowlogs": "vpc_flow_logs",
    "vpc_flow_logs": "vpc_flow_logs",
    "flowlogs": "vpc_flow_logs",
    "config": "config_items",
    "configservice": "config_items",
    "config_items": "config_items",
}
_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "==", "NEQ": "!="}
_RETIRED = frozenset({"deprecated", "unsupported"})
_MOST_SPAN = timedelta(days=366)
#: Correlations that count one another, one above the other.
MOST_LEVELS = 8
#: Characters of a rule's id: a column of the ledger.
_MOST_ID = 120


@dataclass
class ParsedRules:
    """What the documents gave. `sigma`: pySigma's rules, by the id that we give them, for `detections check`."""

    rules: dict[str, Rule] = field(default_factory=dict)
    problems: list[RuleProblem] = field(default_factory=list)
    sigma: dict[str, tuple[Any, str]] = field(default_factory=dict)


def parse(
    documents: Sequence[Document],
    lists: Mapping[str, Sequence[str]],
    *,
    history: timedelta | None = None,
    learning: timedelta | None = None,
) -> ParsedRules:
    """Rules of all documents. Filters apply to the rules of every document that they name."""
    return _Parser(lists, history, learning).parse(documents)


class _Parser:
    def __init__(
        self, lists: Mapping[str, Sequence[str]], history: timedelta | None, learning: timedelta | None
    ) -> None:
        self.lists = lists
        self.history = history or timedelta(days=30)
        self.learning = learning if learning is not None else timedelta(days=7)
        self.out = ParsedRules()
        self.plain: dict[str, SigmaRule] = {}
        self.correlations: dict[str, SigmaCorrelationRule] = {}
        self.filters: list[tuple[SigmaFilter, Document]] = []
        self.places: dict[str, Document] = {}
        self.ids: dict[str, str] = {}
        self.filtered: dict[str, list[str]] = {}
        self._levels: dict[str, int] = {}

    def parse(self, documents: Sequence[Document]) -> ParsedRules:
        for document in documents:
            self._read(document)
        for filter_, document in self.filters:
            self._filter(filter_, document)
        silenced = self._silenced()
        for id_, rule in self.plain.items():
            made = self._plain(id_, rule)
            if made is not None:
                self.out.rules[id_] = replace(made, alone=made.alone and id_ not in silenced)
        for id_ in self._inner_first():
            self._correlation(id_, self.correlations[id_], self.places[id_])
        for id_ in set(self.correlations) & silenced & set(self.out.rules):
            self.out.rules[id_] = replace(self.out.rules[id_], alone=False)
        return self.out

    # -- documents ------------------------------------------------------------------------------------

    def _read(self, document: Document) -> None:
        from sigma.collection import SigmaCollection

        from ashiato.detect.compiling import UNREADABLE

        try:
            found = loaded(document.text)
        except ValueError as error:
            self._problem(document, None, None, reason_of(error))
            return
        parts = [d for d in found if isinstance(d, dict)]
        if not parts:
            self._problem(document, None, None, "it holds no Sigma document")
            return
        groups = [parts] if any("action" in d for d in parts) else [[d] for d in parts]
        for group in groups:
            title = next((str(d.get("title")) for d in group if d.get("title")), None)
            if not any({"detection", "correlation", "filter"} & d.keys() for d in group):
                self._problem(
                    document, None, title, "it is no Sigma rule: it has no detection, correlation or filter"
                )
                continue
            try:
                collection = SigmaCollection.from_dicts(
                    group, collect_errors=True, collect_filters=True, resolve_references=False
                )
            except UNREADABLE as error:
                self._problem(document, None, title, reason_of(error))
                continue
            for wrong in collection.errors:
                self._problem(document, None, title, reason_of(wrong))
            for rule in collection.rules:
                if rule.errors:
                    continue
                try:
                    self._keep(rule, document)
                except UNREADABLE as error:
                    self._problem(document, None, title, reason_of(error))
            self.filters += [(f, document) for f in collection.filters if not f.errors]

    def _keep(self, rule: Any, document: Document) -> None:
        from sigma.correlations import SigmaCorrelationRule

        id_ = _id(rule)
        if id_ in self.places:
            other = self.places[id_]
            if other.text != document.text:
                self._problem(
                    document,
                    id_,
                    rule.title,
                    f"its id is that of a rule in {other.file}, which is used instead",
                )
            return
        self.places[id_] = document
        self.ids[id_] = id_
        if rule.name:
            self.ids.setdefault(rule.name, id_)
        elif rule.id is None:
            # So that filters and correlations can name it, as `detections list` shows it.
            rule.name = id_
        self.out.sigma[id_] = (rule, document.file)
        if isinstance(rule, SigmaCorrelationRule):
            if not all(isinstance(n, str) for n in _named(rule)):
                self._problem(
                    document, id_, rule.title, "it names rules or fields by something else than text"
                )
                return
            self.correlations[id_] = rule
        else:
            self.plain[id_] = rule

    def _filter(self, filter_: SigmaFilter, document: Document) -> None:
        """Apply a filter. One that applies to nothing is a problem, since its author meant something; so is one that
        cannot be evaluated: the rules that it means stay as they are."""
        from ashiato.detect.compiling import UNREADABLE, compile_detection

        applied = 0
        for id_, rule in self.plain.items():
            before = list(rule.detection.condition), dict(rule.detection.detections)
            try:
                filter_.apply_on_rule(rule)
                if rule.detection.condition == before[0]:
                    continue
                compile_detection(rule, self.lists)
            except UNREADABLE as error:
                rule.detection.condition, rule.detection.detections = before
                rule.detection.__post_init__()
                if self._compiles(rule):
                    self._problem(document, None, filter_.title, reason_of(error))
                    return
            applied += 1
            self.filtered.setdefault(id_, []).append(filter_.title)
        if not applied:
            self._problem(
                document, None, filter_.title, "the filter applies to no rule: check `rules` and `logsource`"
            )

    def _compiles(self, rule: SigmaRule) -> bool:
        from ashiato.detect.compiling import UNREADABLE, compile_detection

        try:
            compile_detection(rule, self.lists)
        except UNREADABLE:
            return False
        return True

    def _silenced(self) -> set[str]:
        """Rules that a correlation counts and that are no findings of their own (`generate` is not set)."""
        found: set[str] = set()
        for rule in self.correlations.values():
            if not rule.generate:
                found.update(self.ids[n] for n in _references(rule) if n in self.ids)
        return found

    # -- rules ----------------------------------------------------------------------------------------

    def _plain(self, id_: str, rule: SigmaRule) -> Rule | None:
        from ashiato.detect.compiling import UNREADABLE, compile_detection

        document = self.places[id_]
        try:
            table = _table(rule)
            condition = compile_detection(rule, self.lists)
            own = own_keys(rule)
            made = self._head(id_, rule, table, own)
            if "new_terms" in own:
                told = first_seen(own["new_terms"], made, history=self.history, learning=self.learning)
                return replace(made, kind="first_seen", condition=condition, first_seen=told)
            if "rate" in own:
                return replace(made, kind="rate", condition=condition, rate=rate(own["rate"], made))
            return replace(made, condition=condition)
        except UNREADABLE as error:
            self._problem(document, id_, rule.title, reason_of(error))
            return None

    def _head(self, id_: str, rule: Any, table: str, own: Mapping[str, Any]) -> Rule:
        document = self.places[id_]
        level = rule.level.name.lower() if rule.level is not None else "medium"
        actors = own.get("actors")
        if actors is not None and not set(actors) <= ALL_ACTORS:
            raise WrongKeyError(f"ashiato.actors may hold {', '.join(sorted(ALL_ACTORS))}")
        return Rule(
            id=id_,
            title=rule.title or id_,
            kind="match",
            table=table,
            level=cast("Level", level if level in LEVELS else "medium"),
            group_by=field_names(own.get("group_by", ()), "group_by"),
            actors=DEFAULT_ACTORS if actors is None else cast("frozenset[Actor]", frozenset(actors)),
            alone=bool(own.get("alone", True)),
            status=rule.status.name.lower() if rule.status is not None else "",
            description=rule.description or "",
            tags=tuple(str(t) for t in rule.tags),
            references=tuple(map(str, rule.references)),
            falsepositives=tuple(map(str, rule.falsepositives)),
            texts={k: own[k] for k in ("title_ja", "description_ja", "next") if k in own},
            tests=tests_of(own),
            logsource=_logsource(getattr(rule, "logsource", None)),
            pack=document.pack,
            file=document.file,
            names=(rule.name,) if rule.name else (),
            filters=tuple(self.filtered.get(id_, ())),
        )

    def _inner_first(self) -> list[str]:
        """Correlations, each after those that it counts; those that count themselves are problems."""
        inner = {
            id_: {t for n in _references(rule) if (t := self.ids.get(n)) in self.correlations}
            for id_, rule in self.correlations.items()
        }
        outer: dict[str, list[str]] = {}
        for id_, several in inner.items():
            for other in several:
                outer.setdefault(other, []).append(id_)
        ordered = [id_ for id_, several in inner.items() if not several]
        for id_ in ordered:
            for other in outer.get(id_, ()):
                inner[other].discard(id_)
                if not inner[other]:
                    ordered.append(other)
        known = set(ordered)
        for id_, rule in self.correlations.items():
            if id_ not in known:
                reason = "it counts itself through other correlations, or one that does"
                self._problem(self.places[id_], id_, rule.title, reason)
        return ordered

    def _correlation(self, id_: str, rule: SigmaCorrelationRule, document: Document) -> None:
        from sigma.correlations import SigmaExtendedCorrelationCondition

        names = _references(rule)
        references: list[str] = []
        tables: set[str] = set()
        for name in names:
            target = self.ids.get(name)
            made = self.out.rules.get(target) if target is not None else None
            if target is None or made is None:
                why = "is not among the rules" if target is None else "cannot be evaluated itself"
                self._problem(document, id_, rule.title, f"the rule {name} that it counts {why}")
                return
            if made.kind in ("first_seen", "rate"):
                self._problem(document, id_, rule.title, f"the rule {name} is of a kind that is not counted")
                return
            references.append(target)
            tables.add(made.table)
        self._levels[id_] = 1 + max((self._levels.get(r, 0) for r in references), default=0)
        if self._levels[id_] > MOST_LEVELS:
            reason = f"more than {MOST_LEVELS} correlations count one another"
            self._problem(document, id_, rule.title, reason)
            return
        if len(tables) > 1:
            self._problem(document, id_, rule.title, "it counts records of different logs")
            return
        try:
            own = own_keys(rule)
            head = self._head(id_, rule, tables.pop(), own)
            condition = rule.condition
            expression = None
            shape: dict[str, Any] = {}
            if isinstance(condition, SigmaExtendedCorrelationCondition):
                expression = _expression(condition.parsed, {n: i for i, n in enumerate(names)})
            else:
                shape = {"operator": _OPERATORS[condition.op.name], "count": condition.count}
                if condition.fieldref:
                    found = condition.fieldref
                    shape["fields"] = tuple(found) if isinstance(found, list) else (found,)
                if condition.percentile is not None:
                    if not 0 <= condition.percentile <= 100:
                        raise WrongKeyError("a percentile lies between 0 and 100")
                    shape["percentile"] = float(condition.percentile)
            if timedelta(seconds=rule.timespan.seconds) > _MOST_SPAN:
                raise WrongKeyError("its timespan is longer than a year")
            correlation = Correlation(
                type=cast("CorrelationType", rule.type.name.lower()),
                references=tuple(references),
                span=rule.timespan.seconds * 1_000_000,
                group_by=tuple(rule.group_by or ()),
                aliases={
                    a.alias: {self.ids.get(r.reference, r.reference): f for r, f in a.mapping.items()}
                    for a in rule.aliases
                },
                expression=expression,
                **shape,
            )
            if any(not wanted for wanted, _ in correlation.alternatives):
                raise WrongKeyError(
                    "a condition of nothing but `not` has no event to wait after: name a rule that has to match too"
                )
            if expression is not None and not correlation.alternatives:
                raise WrongKeyError("its condition contradicts itself: it never holds")
        except REFUSED as error:
            self._problem(document, id_, rule.title, reason_of(error))
            return
        made = replace(head, kind="correlation", correlation=correlation)
        self.out.rules[id_] = made

    def _problem(self, document: Document, rule: str | None, title: str | None, reason: str) -> None:
        self.out.problems.append(RuleProblem(document.file, rule, title, reason))


def _named(rule: SigmaCorrelationRule) -> Iterator[Any]:
    """Everything that a correlation calls by a name."""
    yield from (r.reference for r in rule.rules or ())
    yield from rule.group_by or ()
    for alias in rule.aliases:
        yield alias.alias
        yield from (r.reference for r in alias.mapping)
        yield from alias.mapping.values()
    field = getattr(rule.condition, "fieldref", None)
    yield from field if isinstance(field, list) else [field or ""]


def _references(rule: SigmaCorrelationRule) -> list[str]:
    from sigma.correlations import SigmaExtendedCorrelationCondition

    if rule.rules is not None:
        return list(dict.fromkeys(r.reference for r in rule.rules))
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return rule.condition.get_referenced_rules()
    return []


def _expression(node: Any, slots: Mapping[str, int]) -> Expression:
    from sigma.correlations import CorrelationConditionAND, CorrelationConditionNOT, SigmaRuleReference

    if isinstance(node, SigmaRuleReference):
        return Expression("slot", slot=slots[node.reference])
    kind: Literal["and", "or", "not"] = (
        "not"
        if isinstance(node, CorrelationConditionNOT)
        else "and"
        if isinstance(node, CorrelationConditionAND)
        else "or"
    )
    return Expression(kind, tuple(_expression(a, slots) for a in node.args))


def _table(rule: SigmaRule) -> str:
    source = rule.logsource
    product = (source.product or "").lower()
    service = source.service.lower() if source.service else None
    if product not in ("aws", "") or (not product and service is None):
        raise WrongKeyError(f"its log source ({_source(source)}) is none that Ashiato takes in")
    table = TABLES.get(service)
    if table is None:
        raise WrongKeyError(
            f"its log source ({_source(source)}) is none that Ashiato takes in: aws with cloudtrail, vpcflow or config"
        )
    return table


def _source(source: Any) -> str:
    told = [f"{k} {v}" for k in ("product", "category", "service") if (v := getattr(source, k, None))]
    return ", ".join(told) or "none"


def _logsource(source: Any) -> dict[str, str]:
    return {k: v for k in ("product", "category", "service") if (v := getattr(source, k, None))}


def _id(rule: Any) -> str:
    if rule.id is not None:
        return str(rule.id)
    if rule.name and len(rule.name) <= _MOST_ID:
        return str(rule.name)
    slug = re.sub(r"[^a-z0-9]+", "-", (rule.title or "").lower()).strip("-")[:40] or "rule"
    return f"{slug}-{hashlib.sha256(repr(rule.to_dict()).encode()).hexdigest()[:8]}"


__all__ = ["Document", "ParsedRules", "RuleProblem", "parse", "retired"]


def retired(rule: Rule) -> bool:
    """Whether its authors say that it should no longer be used."""
    return rule.status in _RETIRED
