"""What rules cover of ATT&CK, by technique, with current ids."""

from __future__ import annotations

from pathlib import Path

import ashiato
from ashiato.detect.coverage import coverage, techniques
from ashiato.detect.rule import Rule
from ashiato.detect.sigma_rules import Document, parse


def _rule(title: str, *tags: str, level: str = "low", alone: bool = True) -> Rule:
    return Rule(title, title, "match", "cloudtrail", level, tags=tags, alone=alone)  # type: ignore[arg-type]


def test_rows_by_technique() -> None:
    rows = coverage(
        [
            _rule("a", "attack.t1685.002", "cis.4.5"),
            _rule("b", "attack.t1562.008", "attack.t1078.004", level="high"),
            _rule("part", "attack.t1110", alone=False),
        ]
    )
    assert rows == [
        {
            "technique": "T1078.004",
            "name": "Valid Accounts: Cloud Accounts",
            "rules": 1,
            "highest": "high",
            "titles": ["b"],
        },
        {
            "technique": "T1685.002",
            "name": "Disable or Modify Tools: Disable or Modify Cloud Log",
            "rules": 2,
            "highest": "high",
            "titles": ["b", "a"],
        },
    ]
    assert coverage([]) == []
    assert techniques(["attack.initial-access", "attack.t1999"]) == ["T1999"]


def test_every_technique_of_the_own_pack_has_its_name() -> None:
    pack = Path(ashiato.__file__).parent / "detect" / "rules"
    files = [Document(p.name, p.read_text(encoding="utf-8"), "ashiato") for p in pack.rglob("*.yml")]
    rows = coverage(parse(files, {"break_glass": [], "log_buckets": []}).rules.values())
    assert len(rows) > 40
    assert [r["technique"] for r in rows if not r["name"]] == []
