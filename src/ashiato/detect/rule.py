"""A rule, ready to be evaluated: what it looks for, in which table, and how its hits are grouped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from ashiato.detect.conditions import Condition, describe, fields_of
from ashiato.ledger.findings import Actor, Level

RuleKind = Literal["match", "correlation", "first_seen", "rate"]
CorrelationType = Literal[
    "event_count", "value_count", "temporal", "temporal_ordered",
    "value_sum", "value_avg", "value_percentile", "value_median",
]  # fmt: skip

#: What a rule's hits are grouped by where it does not say: who did it, in which account.
DEFAULT_GROUPS = {
    "cloudtrail": ("ashiato.principal", "recipientAccountId"),
    "config_items": ("resourceType", "resourceId", "awsAccountId"),
    "vpc_flow_logs": ("srcaddr", "account_id"),
}
ALL_ACTORS: frozenset[Actor] = frozenset(("person", "automation", "service", "service_for_user", "unknown"))
DEFAULT_ACTORS = ALL_ACTORS - {"service"}


#: Slots that have to be in a window, and slots that must not.
Alternative: TypeAlias = tuple[frozenset[int], frozenset[int]]
_MOST_ALTERNATIVES = 1000


@dataclass(frozen=True)
class Expression:
    """An extended correlation condition over slots: and, or, not."""

    kind: Literal["slot", "and", "or", "not"]
    parts: tuple[Expression, ...] = ()
    slot: int = -1

    def alternatives(self, *, negated: bool = False) -> list[Alternative]:
        """The expression as alternatives (disjunctive normal form): slots that have to be there, and that must not."""
        if self.kind == "slot":
            one = frozenset([self.slot])
            return [(frozenset(), one) if negated else (one, frozenset())]
        if self.kind == "not":
            return self.parts[0].alternatives(negated=not negated)
        inner = [p.alternatives(negated=negated) for p in self.parts]
        if (self.kind == "or") != negated:
            return list(dict.fromkeys(a for several in inner for a in several))
        found: list[Alternative] = [(frozenset(), frozenset())]
        for several in inner:
            found = [
                (wanted | more, unwanted | less)
                for wanted, unwanted in found
                for more, less in several
                if not (wanted | more) & (unwanted | less)
            ]
            if len(found) > _MOST_ALTERNATIVES:
                raise ValueError(f"its condition has more than {_MOST_ALTERNATIVES} alternatives")
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Correlation:
    """A Sigma correlation. `references`: ids of the rules whose hits it counts, a slot each; `span` in
    microseconds; `aliases`: alias → (rule id → field). `fields`: what values are taken from."""

    type: CorrelationType
    references: tuple[str, ...]
    span: int
    group_by: tuple[str, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    operator: Literal["<", "<=", ">", ">=", "==", "!="] = ">="
    count: float = 1
    fields: tuple[str, ...] = ()
    percentile: float = 50
    expression: Expression | None = None

    def field_in(self, name: str, reference: str) -> str:
        """The field of a referenced rule's events that `name` stands for."""
        return self.aliases.get(name, {}).get(reference, name)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """Of an extended condition."""
        return () if self.expression is None else tuple(self.expression.alternatives())

    @cached_property
    def waits(self) -> bool:
        """Whether it may hold by what did not come, so that a window has to be over."""
        return any(unwanted for _, unwanted in self.alternatives)


@dataclass(frozen=True)
class FirstSeen:
    """A term (the values of `fields`) that was in no record of the `history` days before.

    `learning_by`: scope of the cold start: during `learning` days from its first record nothing is raised.
    `peers`: fields of the term as the account knows it: seen there before, it is less rare.
    """

    fields: tuple[str, ...]
    history: int = 30
    learning: int = 7
    learning_by: tuple[str, ...] = ("recipientAccountId",)
    peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """More in an hour than in the same hour of the week before, by group."""

    group_by: tuple[str, ...]
    weeks: int = 4
    at_least: int = 50
    factor: float = 5.0


@dataclass(frozen=True)
class Rule:
    """One rule. `condition`: which records count, of any kind but correlations; `actors`: whose acts raise at the
    rule's level, others are listed as informational; `alone`: whether its hits are findings of their own."""

    id: str
    title: str
    kind: RuleKind
    table: str
    level: Level
    condition: Condition | None = None
    correlation: Correlation | None = None
    first_seen: FirstSeen | None = None
    rate: Rate | None = None
    group_by: tuple[str, ...] = ()
    actors: frozenset[Actor] = DEFAULT_ACTORS
    alone: bool = True
    status: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    texts: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[Mapping[str, Any], ...] = ()
    logsource: Mapping[str, str] = field(default_factory=dict)
    pack: str = ""
    file: str = ""
    names: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    @property
    def grouping(self) -> tuple[str, ...]:
        """Fields that its findings are grouped by."""
        if self.correlation is not None:
            return self.correlation.group_by
        if self.rate is not None:
            return self.rate.group_by
        return self.group_by or DEFAULT_GROUPS[self.table]

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever the rule could find something else, or say it differently."""
        meaning = {
            "kind": self.kind,
            "table": self.table,
            "level": self.level,
            "title": self.title,
            "condition": None if self.condition is None else describe(self.condition),
            "correlation": repr(self.correlation),
            "first_seen": repr(self.first_seen),
            "rate": repr(self.rate),
            "group_by": self.grouping,
            "actors": sorted(self.actors),
            "alone": self.alone,
            "tags": self.tags,
            "version": 1,
        }
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:32]

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that it looks at; "" for the whole record."""
        found = set(self.grouping)
        if self.condition is not None:
            found |= fields_of(self.condition)
        if self.first_seen is not None:
            found |= {*self.first_seen.fields, *self.first_seen.learning_by, *self.first_seen.peers}
        return frozenset(found)
