"""A second, slow and plain reading of the rules, for tests only: one event, one rule, by pySigma's condition tree.

It shares no code with the engine, so that the two can be held against one another.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationType
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
)

from ashiato.formats.principals import actor, agent_family, outcome, principal
from ashiato.network.addresses import Networks, kind_of, network_of
from ashiato.network.working_hours import WorkingHours

Event = dict[str, Any]
Test = Callable[[Event], bool]

NO_NETWORKS = Networks()
TOKYO = WorkingHours("Asia/Tokyo")


def when(event: Event) -> datetime:
    """Event time of an operation, a flow record or a configuration item."""
    if "eventTime" in event:
        return datetime.fromisoformat(event["eventTime"])
    if "start" in event:
        return datetime.fromtimestamp(event["start"], UTC)
    return datetime.fromisoformat(event["configurationItemCaptureTime"])


def with_derived(event: Event) -> Event:
    """The event with the fields that the engine derives; those that a test gives stand."""
    given = event.get("ashiato", {})
    if "eventSource" in event:
        who = principal(event.get("userIdentity"), event.get("recipientAccountId"))
        address = event.get("sourceIPAddress")
        derived = {
            "principal": who.arn or who.name,
            "session": who.session,
            "actor": actor(event),
            "outcome": outcome(event),
            "network": network_of(address, NO_NETWORKS),
            "address_kind": kind_of(address),
            "agent": agent_family(event.get("userAgent")),
            "working_hours": str(TOKYO.is_working_hour(when(event))).lower(),
            "caller_account": who.account,
        }
        return {**event, "ashiato": {**derived, **given}}
    if "srcaddr" in event:
        ends = {"src_kind": kind_of(event["srcaddr"]), "dst_kind": kind_of(event["dstaddr"])}
        return {**event, "ashiato": {**ends, **given}}
    return event


def values(event: Any, path: str) -> list[Any]:
    """Everything that the dotted path names: lists are looked into, null and empty count as nothing."""
    found = [event]
    for name in path.split("."):
        deeper: list[Any] = []
        for one in found:
            inside = one if isinstance(one, list) else [one]
            deeper += [i[name] for i in inside if isinstance(i, dict) and name in i]
        found = deeper
    flat: list[Any] = []
    for one in found:
        flat += one if isinstance(one, list) else [one]
    return [v for v in flat if v is not None and v != "" and v != {}]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _pattern(value: SigmaString, *, cased: bool) -> Callable[[Any], bool]:
    wild = "".join(
        part if isinstance(part, str) else {"WILDCARD_MULTI": "\0*", "WILDCARD_SINGLE": "\0?"}[part.name]
        for part in value.s
    )
    pieces = re.split("(\0[*?])", wild)
    regex = "".join({"\0*": ".*", "\0?": "."}.get(p, re.escape(p)) for p in pieces)
    compiled = re.compile(regex, re.DOTALL | (0 if cased else re.IGNORECASE))
    return lambda v: compiled.fullmatch(_text(v)) is not None


COMPARE: dict[Any, Callable[[float, float], bool]] = {
    CompareOperators.LT: lambda a, b: a < b,
    CompareOperators.LTE: lambda a, b: a <= b,
    CompareOperators.GT: lambda a, b: a > b,
    CompareOperators.GTE: lambda a, b: a >= b,
}


def _referring(field: str, value: SigmaFieldReference) -> Test:
    def test(event: Event) -> bool:
        others = [_text(v) for v in values(event, value.field)]
        for mine in map(_text, values(event, field)):
            for other in others:
                if value.starts_with and value.ends_with:
                    ok = other in mine
                elif value.starts_with:
                    ok = mine.startswith(other)
                elif value.ends_with:
                    ok = mine.endswith(other)
                else:
                    ok = mine == other
                if ok:
                    return True
        return False

    return test


def _value_test(field: str, value: Any, lists: dict[str, list[str]]) -> Test:
    if isinstance(value, SigmaNull):
        return lambda e: not values(e, field)
    if isinstance(value, SigmaExists):
        return lambda e: (
            bool(values(e, field)) is value.exists.boolean
            if hasattr(value.exists, "boolean")
            else bool(values(e, field)) is bool(value.exists)
        )
    if isinstance(value, SigmaFieldReference):
        return _referring(field, value)
    if isinstance(value, SigmaExpansion):
        inner = [_value_test(field, v, lists) for v in value.values]
        return lambda e: any(t(e) for t in inner)
    if isinstance(value, SigmaString) and value.contains_placeholder():
        names = [p.name for p in value.s if not isinstance(p, str) and hasattr(p, "name")]
        listed = [v for name in names for v in lists.get(name, [])]
        return lambda e: any(
            fnmatchcase(_text(v).lower(), one.lower()) for v in values(e, field) for one in listed
        )
    check: Callable[[Any], bool]
    if isinstance(value, SigmaString):
        check = _pattern(value, cased=isinstance(value, SigmaCasedString))
    elif isinstance(value, SigmaBool):
        check = lambda v: _text(v).lower() == _text(value.boolean)  # noqa: E731
    elif isinstance(value, SigmaNumber):
        check = lambda v: _number(v) == value.number  # noqa: E731
    elif isinstance(value, SigmaRegularExpression):
        compiled = re.compile(
            str(value.regexp), sum(int(value.sigma_to_python_flags[f]) for f in value.flags)
        )
        check = lambda v: compiled.search(_text(v)) is not None  # noqa: E731
    elif isinstance(value, SigmaCIDRExpression):
        block = ipaddress.ip_network(value.cidr)
        check = lambda v: _inside(v, block)  # noqa: E731
    elif isinstance(value, SigmaCompareExpression):
        limit, operator = float(value.number.number), COMPARE[value.op]
        check = lambda v: (n := _number(v)) is not None and operator(n, limit)  # noqa: E731
    else:
        raise NotImplementedError(type(value))
    return lambda e: any(check(v) for v in values(e, field))


def _inside(value: Any, block: Any) -> bool:
    try:
        return ipaddress.ip_address(_text(value)) in block
    except ValueError:
        return False


def _tree(node: Any, lists: dict[str, list[str]]) -> Test:
    if isinstance(node, ConditionAND):
        parts = [_tree(a, lists) for a in node.args]
        return lambda e: all(p(e) for p in parts)
    if isinstance(node, ConditionOR):
        parts = [_tree(a, lists) for a in node.args]
        return lambda e: any(p(e) for p in parts)
    if isinstance(node, ConditionNOT):
        inner = _tree(node.args[0], lists)
        return lambda e: not inner(e)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _value_test(node.field, node.value, lists)
    if isinstance(node, (ConditionIdentifier, ConditionValueExpression)):
        raise NotImplementedError("keywords are not used in the own pack")
    raise NotImplementedError(type(node))


def plain_test(rule: SigmaRule, lists: dict[str, list[str]] | None = None) -> Test:
    """Whether one event (with its derived fields) matches the rule's condition."""
    parts = [_tree(c.parsed, lists or {}) for c in rule.detection.parsed_condition]
    return lambda e: any(p(e) for p in parts)


def _key(event: Event, fields: Iterable[str]) -> tuple[str, ...] | None:
    found = []
    for field in fields:
        here = values(event, field)
        if not here:
            return None
        found.append(_text(here[0]))
    return tuple(found)


class Reading:
    """Rules of one pack: which of the given events does a rule, of any kind, point at?"""

    def __init__(self, rules: Iterable[Any], lists: dict[str, list[str]] | None = None) -> None:
        self.rules = list(rules)
        self.lists = lists or {}
        self.by_name = {str(k): r for r in self.rules for k in (r.name, r.id) if k}
        self.tests: dict[str, Test] = {}

    def hits(self, rule: Any, events: list[Event]) -> list[list[Event]]:
        """Matches of the rule: each a list of the events that make it, in time order."""
        events = sorted(events, key=when)
        if isinstance(rule, SigmaCorrelationRule):
            return self._correlated(rule, events)
        key = str(rule.id)
        if key not in self.tests:
            self.tests[key] = plain_test(rule, self.lists)
        own = rule.custom_attributes.get("ashiato", {})
        plain = [e for e in events if self.tests[key](e)]
        if "new_terms" in own:
            return [[e] for e in first_seen(plain, own["new_terms"], events)]
        if "rate" in own:
            return rates(plain, own["rate"])
        return [[e] for e in plain]

    def _correlated(self, rule: SigmaCorrelationRule, events: list[Event]) -> list[list[Event]]:
        moments: list[tuple[datetime, str, list[Event]]] = []
        for reference in rule.rules or []:
            base = self.by_name[str(reference.reference)]
            moments += [(when(hit[-1]), str(reference.reference), hit) for hit in self.hits(base, events)]
        moments.sort(key=lambda m: (m[0], m[1]))
        aliases = (
            {
                a.alias: {str(k.reference if hasattr(k, "reference") else k): f for k, f in a.mapping.items()}
                for a in rule.aliases.aliases.values()
            }
            if rule.aliases
            else {}
        )
        groups: dict[tuple[str, ...], list[tuple[datetime, str, list[Event]]]] = {}
        for moment in moments:
            fields = [aliases.get(g, {}).get(moment[1], g) for g in rule.group_by or []]
            key = _key(moment[2][-1], fields)
            if key is not None:
                groups.setdefault(key, []).append(moment)
        span = timedelta(seconds=rule.timespan.seconds)
        found: list[list[Event]] = []
        for group in groups.values():
            found += self._windows(rule, group, span)
        return sorted(found, key=lambda h: when(h[-1]))

    def _windows(
        self, rule: SigmaCorrelationRule, group: list[tuple[datetime, str, list[Event]]], span: timedelta
    ) -> list[list[Event]]:
        found: list[list[Event]] = []
        window: list[tuple[datetime, str, list[Event]]] = []
        for moment in group:
            window = [m for m in window if moment[0] - m[0] <= span]
            window.append(moment)
            if self._holds(rule, window):
                found.append([e for m in window for e in m[2]])
                window = []
        return found

    def _holds(self, rule: SigmaCorrelationRule, window: list[tuple[datetime, str, list[Event]]]) -> bool:
        kind = rule.type
        if kind in (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED):
            wanted = [str(r.reference) for r in rule.rules or []]
            if kind is SigmaCorrelationType.TEMPORAL:
                return set(wanted) <= {m[1] for m in window}
            place, after = 0, None
            for name in wanted:
                place = next(
                    (
                        i + 1
                        for i in range(place, len(window))
                        if window[i][1] == name and (after is None or window[i][0] >= after)
                    ),
                    0,
                )
                if not place:
                    return False
                after = window[place - 1][0]
            return True
        if kind is SigmaCorrelationType.EVENT_COUNT:
            amount = float(len(window))
        else:
            field = rule.condition.fieldref
            seen = [v for m in window for e in m[2][-1:] for v in values(e, field)]
            amount = (
                float(len({_text(v) for v in seen}))
                if kind is SigmaCorrelationType.VALUE_COUNT
                else sum(_number(v) or 0 for v in seen)
            )
        sign = rule.condition.op.name
        limit = float(rule.condition.count)
        return {"GTE": amount >= limit, "GT": amount > limit, "EQ": amount == limit}.get(sign, False)


def first_seen(matching: list[Event], terms: dict[str, Any], everything: list[Event]) -> list[Event]:
    """Those whose terms did not occur in the history before them, once the scope is known for long enough."""
    history = timedelta(days=int(str(terms["history"]).removesuffix("d")))
    learning = timedelta(days=int(str(terms.get("learning", "7d")).removesuffix("d")))
    scoped = terms.get("learning_by", ["recipientAccountId"])
    begun: dict[tuple[str, ...], datetime] = {}
    for event in everything:
        scope = _key(event, scoped)
        if scope is not None:
            begun.setdefault(scope, when(event))
    last: dict[tuple[str, ...], datetime] = {}
    found = []
    for event in matching:
        key, scope = _key(event, terms["fields"]), _key(event, scoped)
        if key is None or scope is None:
            continue
        now = when(event)
        known = key in last and now - last[key] <= history
        if not known and now - begun[scope] >= learning:
            found.append(event)
        last[key] = now
    return found


def rates(events: list[Event], rate: dict[str, Any]) -> list[list[Event]]:
    """Hours with more events than `factor` times the most of the same hour in the weeks before."""
    hours: dict[tuple[str, ...], dict[datetime, list[Event]]] = {}
    for event in events:
        key = _key(event, rate["group_by"])
        if key is not None and (not rate.get("errors") or event.get("errorCode")):
            hour = when(event).replace(minute=0, second=0, microsecond=0)
            hours.setdefault(key, {}).setdefault(hour, []).append(event)
    found = []
    for by_hour in hours.values():
        for hour, here in by_hour.items():
            before = [len(by_hour.get(hour - timedelta(weeks=w), [])) for w in range(1, rate["weeks"] + 1)]
            usual = sum(before) / len(before)
            if len(here) >= rate["at_least"] and len(here) > rate["factor"] * usual:
                found.append(here)
    return found
