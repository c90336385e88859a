"""The pack that Ashiato ships: every rule parses, says what it is in both languages, and does what its examples say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule

import ashiato
from ashiato.detect.examples import examples
from detect.plain_evaluator import Reading, with_derived

RULES = Path(ashiato.__file__).parent / "detect" / "rules"
LISTS = {"break_glass": ["*:user/break-glass*"], "log_buckets": ["audit-archive"]}
REVOKED = re.compile(r"attack\.(t1562|t1108)\b")


def _loaded() -> list[Any]:
    collection = SigmaCollection.load_ruleset([RULES], collect_errors=True)
    return list(collection.rules)


ALL = _loaded()
READING = Reading(ALL, LISTS)


def own(rule: Any) -> dict[str, Any]:
    return dict(rule.custom_attributes["ashiato"])


ALERTING = [r for r in ALL if own(r).get("alone", True)]


def test_every_rule_parses_and_there_are_enough() -> None:
    assert [(r.title, r.errors) for r in ALL if r.errors] == []
    assert len(ALERTING) >= 80


def test_ids_names_and_titles_are_unique() -> None:
    for what in ("id", "name", "title"):
        twice = [k for k, n in Counter(str(getattr(r, what)) for r in ALL).items() if n > 1]
        assert twice == [], what


@pytest.mark.parametrize("rule", ALL, ids=lambda r: r.name)
def test_a_rule_says_what_it_is(rule: Any) -> None:
    assert rule.author == "Ashiato"
    assert rule.level is not None
    assert rule.description
    assert own(rule)["title_ja"] != rule.title
    assert re.search("[ぁ-んァ-ン一-龥]", own(rule)["title_ja"])
    assert re.search("[ぁ-んァ-ン一-龥]", own(rule)["description_ja"])
    assert rule.tags
    for tag in map(str, rule.tags):
        assert re.fullmatch(r"attack\.t\d{4}(\.\d{3})?|cis\.4\.\d{1,2}", tag), tag
        assert not REVOKED.match(tag), tag


@pytest.mark.parametrize("rule", ALERTING, ids=lambda r: r.name)
def test_an_alerting_rule_says_what_to_check_next_in_both_languages(rule: Any) -> None:
    following = own(rule)["next"]
    assert len(following["en"]) == len(following["ja"]) >= 1
    assert all(r.startswith("https://docs.aws.amazon.com/") for r in rule.references)
    assert rule.references


@pytest.mark.parametrize("rule", ALERTING, ids=lambda r: r.name)
def test_its_examples_hold(rule: Any) -> None:
    cases = examples(own(rule))
    assert {c.expect for c in cases} == {"match", "none"}
    for case in cases:
        events = [with_derived(e) for e in (*case.history, *case.events)]
        ours = {id(e) for e in events[len(case.history) :]}
        hits = [h for h in READING.hits(rule, events) if any(id(e) in ours for e in h)]
        assert bool(hits) == (case.expect == "match"), f"{rule.name}: {case.name}"


def test_correlations_name_rules_of_the_pack() -> None:
    names = {r.name for r in ALL}
    for rule in ALL:
        if isinstance(rule, SigmaCorrelationRule):
            assert {str(r.reference) for r in rule.rules or []} <= names
