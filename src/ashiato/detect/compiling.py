"""From pySigma's parsed conditions to ours. The only module that looks inside pySigma's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.modifiers import SigmaWideModifier, modifier_mapping
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
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
    SigmaTimestampPart,
    SpecialChars,
)

from ashiato.detect.conditions import (
    Compared,
    Condition,
    Every,
    FieldPresence,
    FieldsCompared,
    FieldTest,
    InNetwork,
    Keyword,
    NumberIs,
    OneOf,
    RegularExpression,
    Some,
    TextPattern,
    TimePart,
    ValueTest,
    Without,
    check_expression,
)
from ashiato.detect.rule_documents import REFUSED

# The specification has `utf16le` beside its older name `wide`; pySigma knows the older one only.
modifier_mapping.setdefault("utf16le", SigmaWideModifier)

_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}
#: Values that one placeholder may stand for, at most.
_MOST_VALUES = 100_000


class NotCompiled(Exception):  # noqa: N818 - a reason, not a defect
    """Why a rule cannot be evaluated; what a person reads in `detections list`."""


#: What a rule that is none may raise.
UNREADABLE = (NotCompiled, SigmaError, *REFUSED)


def compile_detection(rule: SigmaRule, lists: Mapping[str, Sequence[str]]) -> Condition:
    """The condition of a plain rule; several conditions are alternatives. `lists`: values of placeholders.

    Raises NotCompiled, and SigmaError where the condition refers to what is not there.
    """
    alternatives = []
    for condition in rule.detection.parsed_condition:
        parsed = condition.parsed
        if parsed is None:
            raise NotCompiled("its condition asks nothing")
        alternatives.append(_Compiler(lists).condition(parsed))
    if not alternatives:
        raise NotCompiled("it has no condition")
    return alternatives[0] if len(alternatives) == 1 else Some(tuple(alternatives))


class _Compiler:
    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self.lists = lists

    def condition(self, node: Any) -> Condition:
        if isinstance(node, ConditionAND):
            return _flat(Every, [self.condition(a) for a in node.args if a is not None])
        if isinstance(node, ConditionOR):
            return _flat(Some, [self.condition(a) for a in node.args if a is not None])
        if isinstance(node, ConditionNOT):
            return Without(self.condition(node.args[0]))
        if isinstance(node, ConditionFieldEqualsValueExpression):
            return self.field(node.field, node.value)
        if isinstance(node, ConditionValueExpression):
            return self.keyword(node.value)
        raise NotCompiled(f"a condition of kind {type(node).__name__} is not known")

    def field(self, name: str, value: Any) -> Condition:
        if isinstance(value, SigmaExpansion):
            return _flat(Some, [self.field(name, v) for v in value.values])
        if isinstance(value, SigmaNull):
            return FieldPresence(name, present=False)
        if isinstance(value, SigmaExists):
            return FieldPresence(name, present=bool(value))
        if isinstance(value, SigmaFieldReference):
            how = {
                (False, False): "equals", (True, False): "startswith",
                (False, True): "endswith", (True, True): "contains",
            }[value.starts_with, value.ends_with]  # fmt: skip
            return FieldsCompared(name, value.field, how)  # type: ignore[arg-type]
        return _flat(Some, [FieldTest(name, t) for t in self.tests(value)])

    def keyword(self, value: Any) -> Condition:
        if isinstance(value, SigmaExpansion):
            return _flat(Some, [self.keyword(v) for v in value.values])
        tests: list[Condition] = []
        for test in self.tests(value):
            if isinstance(test, TextPattern):
                test = TextPattern(_contained(test.parts), test.cased)
            tests.append(Keyword(test))
        return tests[0] if len(tests) == 1 else Some(tuple(tests))

    def tests(self, value: Any) -> list[ValueTest]:
        """Tests of which one has to pass: more than one where a placeholder stands for several values."""
        if isinstance(value, SigmaTimestampPart):
            return [TimePart(value.timestamp_part.name.lower(), int(value.number))]  # type: ignore[arg-type]
        if isinstance(value, SigmaCompareExpression):
            return [Compared(_OPERATORS[value.op], value.number.number)]  # type: ignore[arg-type]
        if isinstance(value, SigmaNumber):
            return [NumberIs(value.number)]
        if isinstance(value, SigmaBool):
            return [TextPattern(("true" if value.boolean else "false",))]
        if isinstance(value, SigmaCIDRExpression):
            return [InNetwork(str(value.network))]
        if isinstance(value, SigmaRegularExpression):
            return self._expressions(value)
        if isinstance(value, SigmaString):
            return [
                TextPattern(_joined(parts), isinstance(value, SigmaCasedString))
                for parts in self._expanded(value.s)
            ]
        raise NotCompiled(f"a value of kind {type(value).__name__} is not known")

    def _expressions(self, value: SigmaRegularExpression) -> list[ValueTest]:
        flags = "".join(sorted(value.sigma_to_re_flag[f] for f in value.flags))
        found: list[ValueTest] = []
        for parts in self._expanded(value.regexp.s):
            plain = "".join(
                p if isinstance(p, str) else "*" if p is SpecialChars.WILDCARD_MULTI else "?" for p in parts
            )
            try:
                check_expression(plain, flags)
            except ValueError as error:
                raise NotCompiled(str(error)) from error
            found.append(RegularExpression(plain, flags))
        return found

    def _expanded(self, parts: Sequence[Any]) -> list[list[Any]]:
        """The parts with each placeholder replaced by each of its values."""
        alternatives: list[list[Any]] = [[]]
        for part in parts:
            if not isinstance(part, Placeholder):
                for alternative in alternatives:
                    alternative.append(part)
                continue
            values = self.lists.get(part.name)
            if values is None:
                raise NotCompiled(
                    f"the placeholder %{part.name}% has no values: give them in [detect.lists]"
                    f' ({part.name} = ["…"]) of ashiato.toml'
                )
            if len(alternatives) * max(len(values), 1) > _MOST_VALUES:
                raise NotCompiled(f"the placeholder %{part.name}% stands for too many values")
            alternatives = [[*a, *_wildcards(v)] for a in alternatives for v in values]
        return alternatives


def _wildcards(value: str) -> list[Any]:
    """A list's value: `*` and `?` in it are wildcards, as in a rule."""
    return list(SigmaString(str(value)).s)


def _joined(parts: Sequence[Any]) -> tuple[Any, ...]:
    """pySigma's pieces as ours: text, None for `*`, False for `?`; neighbours joined."""
    joined: list[Any] = []
    for part in parts:
        if part is SpecialChars.WILDCARD_MULTI:
            if not joined or joined[-1] is not None:
                joined.append(None)
        elif part is SpecialChars.WILDCARD_SINGLE:
            joined.append(False)
        elif joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return tuple(joined)


def _contained(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    start = () if parts and parts[0] is None else (None,)
    end = () if parts and parts[-1] is None else (None,)
    return (*start, *parts, *end)


def _flat(kind: type[Every | Some], parts: list[Condition]) -> Condition:
    """`kind` of the parts, those of the same kind opened up."""
    flat: list[Condition] = []
    for part in parts:
        if isinstance(part, kind):
            flat.extend(part.parts)
        else:
            flat.append(part)
    if kind is Some:
        flat = _joined_tests(flat)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _joined_tests(parts: list[Condition]) -> list[Condition]:
    """Alternatives that test the same field become one test of it."""
    by_field: dict[str, list[Any]] = {}
    for part in parts:
        if isinstance(part, FieldTest):
            by_field.setdefault(part.name, []).extend(
                part.test.tests if isinstance(part.test, OneOf) else [part.test]
            )
    joined: list[Condition] = []
    for part in parts:
        tests = by_field.pop(part.name, None) if isinstance(part, FieldTest) else None
        if tests is not None and isinstance(part, FieldTest):
            joined.append(part if len(tests) == 1 else FieldTest(part.name, OneOf(tuple(tests))))
        elif not isinstance(part, FieldTest):
            joined.append(part)
    return joined
