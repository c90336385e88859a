"""The own pack in the engine: every rule compiles, and its own examples hold there too."""

from __future__ import annotations

from pathlib import Path

import pytest

import ashiato
from ashiato.core.settings import Settings
from ashiato.detect.derived import Surroundings
from ashiato.detect.engine import Engine
from ashiato.detect.rule import Rule
from ashiato.detect.rule_tests import run_tests
from ashiato.detect.sigma_rules import Document, parse

PACK = Path(ashiato.__file__).parent / "detect" / "rules"
LISTS = {"break_glass": ["*:user/break-glass*"], "log_buckets": ["audit-archive"]}
PARSED = parse(
    [
        Document(str(p.relative_to(PACK)), p.read_text(encoding="utf-8"), "ashiato")
        for p in sorted(PACK.rglob("*.yml"))
    ],
    LISTS,
)
ENGINE = Engine(PARSED.rules, Surroundings.of(Settings()))


def test_every_rule_can_be_evaluated() -> None:
    assert PARSED.problems == []
    assert len(PARSED.rules) == len(PARSED.sigma)


@pytest.mark.parametrize("rule", [r for r in PARSED.rules.values() if r.tests], ids=lambda r: r.names[0])
def test_the_examples_of_a_rule_hold(rule: Rule) -> None:
    assert [(t.name, t.why) for t in run_tests(ENGINE, rule) if not t.passed] == []
