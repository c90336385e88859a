"""Over the real corpora, a backtest hits exactly what an independent evaluation of the same rules finds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from sigma.rule import SigmaRule

import ashiato as package
from cli.command import Command
from detect.plain_evaluator import plain_test, with_derived
from detect.sqlite_oracle import Oracle, Record

OWN = Path(package.__file__).parent / "detect" / "rules"
#: Of an address's country the plain reading knows nothing.
LOOKS_OUTSIDE = {"ashiato.country"}
LISTS = {"break_glass": ["*:user/break-glass*", "*:user/benjamin"], "log_buckets": ["audit-archive", "*"]}


def backtest(ashiato: Command, home: Path, *more: object) -> dict[str, Any]:
    """The JSON of `backtest --all --findings`, by the rule's id."""
    result = ashiato("detections", "backtest", "--all", "--findings", "--json", "--home", home, *more)
    assert result.status == 0, result.err
    return {r["id"]: r for r in result.json}


def event_ids(told: dict[str, Any]) -> set[str]:
    return {e for f in told["findings"] for e in f["event_ids"]}


def settings(folder: Path, text: str) -> Path:
    path = folder / "ashiato.toml"
    path.write_text(text)
    return path


def test_sigmahq_rules_hit_what_sqlite_finds(
    ashiato: Command, corpus_home: Path, raw: list[Record], corpora: Path
) -> None:
    rules = corpora / "sigma-rules-aws"
    imported = ashiato("detections", "import", rules, "--json", "--home", corpus_home)
    assert (imported.status, imported.json["problems"]) == (0, []), imported.err
    expected = Oracle(raw, [p.read_text() for p in sorted(rules.rglob("*.yml"))]).events()
    assert len(expected) == imported.json["rules"]
    found = backtest(ashiato, corpus_home)
    assert {k: event_ids(found[k]) for k in expected} == expected
    assert {k: found[k]["hits"] for k in expected} == {k: len(v) for k, v in expected.items()}
    assert sum(map(len, expected.values())) > 150


def plain_rules_of_the_own_pack() -> list[str]:
    """Plain rules over CloudTrail, whatever they look at."""
    found = []
    for path in sorted(OWN.rglob("*.yml")):
        for document in yaml.safe_load_all(path.read_text()):
            own = document.get("ashiato", {})
            if "detection" in document and not {"new_terms", "rate"} & own.keys():
                if document["logsource"].get("service") == "cloudtrail":
                    found.append(yaml.safe_dump(document, sort_keys=False))
    return found


def test_plain_rules_of_the_own_pack_hit_what_sqlite_and_a_plain_reading_find(
    ashiato: Command, corpus_home: Path, raw: list[Record], tmp_path: Path
) -> None:
    """SQLite for those that look at columns only; one record after the other for those that look at derived fields
    or into lists."""
    documents = plain_rules_of_the_own_pack()
    underived = Oracle(raw, [d for d in documents if "ashiato." not in str(yaml.safe_load(d)["detection"])], LISTS)
    beyond = underived.beyond()
    expected = {k: v for k, v in underived.events().items() if k not in beyond}
    assert len(expected) > 50
    read = [with_derived(r) for r in raw]
    for document in documents:
        rule = SigmaRule.from_yaml(document)
        if str(rule.id) not in expected and not LOOKS_OUTSIDE & set(re.findall(r"ashiato\.\w+", document)):
            test = plain_test(rule, LISTS)
            expected[str(rule.id)] = {r["eventID"] for r in read if test(r)}
    assert len(expected) > 75
    lists = "".join(f"{k} = {v!r}\n" for k, v in LISTS.items())
    config = settings(tmp_path, f"[detect]\ntime_zone = 'Asia/Tokyo'\n[detect.lists]\n{lists}")
    found = backtest(ashiato, corpus_home, "--config", config)
    for id_, events in expected.items():
        assert event_ids(found[id_]) == events, found[id_]["title"]
        assert found[id_]["hits"] == len(events), found[id_]["title"]
    assert sum(map(len, expected.values())) > 500
