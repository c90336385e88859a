"""Ashiato's own keys of a rule file, under `ashiato:`: groups, actors, first seen, rates, tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ashiato.core.errors import AshiatoError
from ashiato.core.spans import parse_span
from ashiato.detect.rule import FirstSeen, Rate, Rule


class WrongKeyError(AshiatoError):
    """A key of ours says what cannot be meant."""


def own_keys(rule: Any) -> dict[str, Any]:
    """What a rule of pySigma says under `ashiato`."""
    own = rule.custom_attributes.get("ashiato", {})
    if not isinstance(own, dict):
        raise WrongKeyError("`ashiato` is a mapping of our own keys")
    return own


def tests_of(own: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The tests that a rule brings."""
    told = own.get("tests", ())
    if not isinstance(told, list | tuple) or not all(isinstance(t, dict) for t in told):
        raise WrongKeyError("ashiato.tests is a list of tests, each a mapping: name, events, history, expect")
    return tuple(told)


def field_names(told: Any, key: str) -> tuple[str, ...]:
    """Field names: one, or a list of them."""
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
        try:
            span = parse_span(int(text) if text.isdecimal() else text)
        except ValueError:
            raise WrongKeyError(f"{str(told)[:40]!r} is no span of time: write 30d, 2w or 12h") from None
    if span is None:
        raise WrongKeyError("a history has an end")
    days = max(-(-int(span.total_seconds()) // 86400), 0)
    if days > 3660:
        raise WrongKeyError("a history of more than ten years")
    return days


def rate(told: Any, rule: Rule) -> Rate:
    """A rule's `rate`."""
    if not isinstance(told, dict):
        raise WrongKeyError("ashiato.rate is a mapping: group_by, weeks, at_least, factor")
    found = Rate(
        group_by=field_names(told.get("group_by", rule.grouping), "rate.group_by"),
        weeks=int(told.get("weeks", 4)),
        at_least=int(told.get("at_least", 50)),
        factor=float(told.get("factor", 5)),
    )
    if not 1 <= found.weeks <= 104:
        raise WrongKeyError("ashiato.rate.weeks lies between 1 and 104")
    if found.at_least < 1 or not found.factor >= 0:
        raise WrongKeyError("ashiato.rate.at_least is 1 or more, factor 0 or more")
    return found


def first_seen(told: Any, rule: Rule, *, history: timedelta, learning: timedelta) -> FirstSeen:
    """A rule's `new_terms`; `history`, `learning`: where it does not say."""
    if not isinstance(told, dict) or not told.get("fields"):
        raise WrongKeyError("ashiato.new_terms needs `fields`: the fields whose values together are the term")
    return FirstSeen(
        fields=field_names(told["fields"], "new_terms.fields"),
        history=_days(told.get("history"), history),
        learning=_days(told.get("learning"), learning),
        learning_by=field_names(told.get("learning_by", _account_field(rule.table)), "new_terms.learning_by"),
        peers=field_names(told.get("peers", ()), "new_terms.peers"),
    )
