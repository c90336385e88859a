"""From Sigma documents to rules: parsing by pySigma, filters, references of correlations, Ashiato's own keys.

Specification: https://sigmahq.io/sigma-specification/ . What a document cannot become is a problem with its file,
the rule's title and the reason; the others go on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from ashiato.core.errors import AshiatoError
from ashiato.core.settings import parse_span
from ashiato.detect.rule import (
    ALL_ACTORS,
    DEFAULT_ACTORS,
    Correlation,
    CorrelationType,
    Expression,
    FirstSeen,
    Rate,
    Rule,
)
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
        self._busy: set[str] = set()

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
        for id_ in self.correlations:
            self._correlate(id_)
        for id_ in set(self.correlations) & silenced & set(self.out.rules):
            self.out.rules[id_] = replace(self.out.rules[id_], alone=False)
        return self.out

    # -- documents ------------------------------------------------------------------------------------

    def _read(self, document: Document) -> None:
        import yaml
        from sigma.collection import SigmaCollection
        from sigma.exceptions import SigmaError
        from sigma.rule.base import SigmaYAMLLoader

        import ashiato.detect.compiling  # noqa: F401 - knows a modifier that pySigma does not

        try:
            loaded = list(yaml.load_all(document.text, SigmaYAMLLoader))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self._problem(document, None, None, f"it is not YAML: {' '.join(str(error).split())}")
            return
        parts = [d for d in loaded if isinstance(d, dict)]
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
            except (SigmaError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                self._problem(document, None, title, _reason(error))
                continue
            for wrong in collection.errors:
                self._problem(document, None, title, _reason(wrong))
            for rule in collection.rules:
                if not rule.errors:
                    self._keep(rule, document)
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
        self.out.sigma[id_] = (rule, document.file)
        if isinstance(rule, SigmaCorrelationRule):
            self.correlations[id_] = rule
        else:
            self.plain[id_] = rule

    def _filter(self, filter_: SigmaFilter, document: Document) -> None:
        """Apply a filter; one that applies to nothing is a problem, since its author meant something."""
        from sigma.exceptions import SigmaError

        applied = 0
        for id_, rule in self.plain.items():
            try:
                before = list(rule.detection.condition)
                filter_.apply_on_rule(rule)
            except SigmaError as error:
                self._problem(document, None, filter_.title, _reason(error))
                return
            if rule.detection.condition != before:
                applied += 1
                self.filtered.setdefault(id_, []).append(filter_.title)
        if not applied:
            self._problem(
                document, None, filter_.title, "the filter applies to no rule: check `rules` and `logsource`"
            )

    def _silenced(self) -> set[str]:
        """Rules that a correlation counts and that are no findings of their own (`generate` is not set)."""
        found: set[str] = set()
        for rule in self.correlations.values():
            if not rule.generate:
                found.update(self.ids[n] for n in _references(rule) if n in self.ids)
        return found

    # -- rules ----------------------------------------------------------------------------------------

    def _plain(self, id_: str, rule: SigmaRule) -> Rule | None:
        from sigma.exceptions import SigmaError

        from ashiato.detect.compiling import NotCompiled, compile_detection

        document = self.places[id_]
        try:
            table = _table(rule)
            condition = compile_detection(rule, self.lists)
            own = _own_keys(rule)
            made = self._head(id_, rule, table, own)
            if "new_terms" in own:
                first_seen = self._first_seen(own["new_terms"], made)
                return replace(made, kind="first_seen", condition=condition, first_seen=first_seen)
            if "rate" in own:
                return replace(made, kind="rate", condition=condition, rate=_rate(own["rate"], made))
            return replace(made, condition=condition)
        except (NotCompiled, SigmaError, WrongKeyError, ValueError, TypeError, RecursionError) as error:
            self._problem(document, id_, rule.title, _reason(error))
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
            group_by=_names(own.get("group_by", ()), "group_by"),
            actors=DEFAULT_ACTORS if actors is None else cast("frozenset[Actor]", frozenset(actors)),
            alone=bool(own.get("alone", True)),
            status=rule.status.name.lower() if rule.status is not None else "",
            description=rule.description or "",
            tags=tuple(str(t) for t in rule.tags),
            references=tuple(map(str, rule.references)),
            falsepositives=tuple(map(str, rule.falsepositives)),
            texts={k: own[k] for k in ("title_ja", "description_ja", "next") if k in own},
            tests=tuple(own.get("tests", ())),
            pack=document.pack,
            file=document.file,
            names=(rule.name,) if rule.name else (),
            filters=tuple(self.filtered.get(id_, ())),
        )

    def _first_seen(self, told: Any, rule: Rule) -> FirstSeen:
        if not isinstance(told, dict) or not told.get("fields"):
            raise WrongKeyError(
                "ashiato.new_terms needs `fields`: the fields whose values together are the term"
            )
        return FirstSeen(
            fields=_names(told["fields"], "new_terms.fields"),
            history=_days(told.get("history"), self.history),
            learning=_days(told.get("learning"), self.learning),
            learning_by=_names(told.get("learning_by", _account_field(rule.table)), "new_terms.learning_by"),
            peers=_names(told.get("peers", ()), "new_terms.peers"),
        )

    def _correlate(self, id_: str) -> Rule | None:
        """A correlation and, before it, those that it refers to."""
        if id_ in self.out.rules:
            return self.out.rules[id_]
        rule, document = self.correlations[id_], self.places[id_]
        if id_ in self._busy:
            self._problem(document, id_, rule.title, "it refers to itself through other correlations")
            return None
        self._busy.add(id_)
        try:
            return self._correlation(id_, rule, document)
        finally:
            self._busy.discard(id_)

    def _correlation(self, id_: str, rule: SigmaCorrelationRule, document: Document) -> Rule | None:
        from sigma.correlations import SigmaExtendedCorrelationCondition

        names = _references(rule)
        references: list[str] = []
        tables: set[str] = set()
        for name in names:
            target = self.ids.get(name)
            made = None
            if target is not None:
                made = self.out.rules.get(target) or (
                    self._correlate(target) if target in self.correlations else None
                )
            if target is None or made is None:
                why = "is not among the rules" if target is None else "cannot be evaluated itself"
                self._problem(document, id_, rule.title, f"the rule {name} that it counts {why}")
                return None
            if made.kind in ("first_seen", "rate"):
                self._problem(document, id_, rule.title, f"the rule {name} is of a kind that is not counted")
                return None
            references.append(target)
            tables.add(made.table)
        if len(tables) > 1:
            self._problem(document, id_, rule.title, "it counts records of different logs")
            return None
        try:
            own = _own_keys(rule)
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
        except (WrongKeyError, ValueError, TypeError) as error:
            self._problem(document, id_, rule.title, _reason(error))
            return None
        made = replace(head, kind="correlation", correlation=correlation)
        self.out.rules[id_] = made
        return made

    def _problem(self, document: Document, rule: str | None, title: str | None, reason: str) -> None:
        self.out.problems.append(RuleProblem(document.file, rule, title, reason))


class WrongKeyError(AshiatoError):
    """A key of ours says what cannot be meant."""


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


def _own_keys(rule: Any) -> dict[str, Any]:
    own = rule.custom_attributes.get("ashiato", {})
    if not isinstance(own, dict):
        raise WrongKeyError("`ashiato` is a mapping of our own keys")
    return own


def _id(rule: Any) -> str:
    if rule.id is not None:
        return str(rule.id)
    if rule.name:
        return str(rule.name)
    slug = re.sub(r"[^a-z0-9]+", "-", (rule.title or "").lower()).strip("-")[:40] or "rule"
    return f"{slug}-{hashlib.sha256(repr(rule.to_dict()).encode()).hexdigest()[:8]}"


def _names(told: Any, key: str) -> tuple[str, ...]:
    if isinstance(told, str):
        return (told,)
    if isinstance(told, list | tuple) and all(isinstance(n, str) for n in told):
        return tuple(told)
    raise WrongKeyError(f"ashiato.{key} is a list of field names")


def _account_field(table: str) -> str:
    return {"cloudtrail": "recipientAccountId", "config_items": "awsAccountId"}.get(table, "account_id")


def _days(told: Any, default: timedelta) -> int:
    if told is None:
        span: timedelta | None = default
    else:
        units = {"d": "days", "w": "weeks", "h": "hours"}
        text = re.sub(r"^(\d+)([dwh])$", lambda m: f"{m[1]} {units[m[2]]}", str(told))
        span = parse_span(int(text) if text.isdigit() else text)
    if span is None:
        raise WrongKeyError("a history has an end")
    return max(-(-int(span.total_seconds()) // 86400), 0)


def _rate(told: Any, rule: Rule) -> Rate:
    if not isinstance(told, dict):
        raise WrongKeyError("ashiato.rate is a mapping: group_by, weeks, at_least, factor")
    return Rate(
        group_by=_names(told.get("group_by", rule.grouping), "rate.group_by"),
        weeks=int(told.get("weeks", 4)),
        at_least=int(told.get("at_least", 50)),
        factor=float(told.get("factor", 5)),
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__


def retired(rule: Rule) -> bool:
    """Whether its authors say that it should no longer be used."""
    return rule.status in _RETIRED
