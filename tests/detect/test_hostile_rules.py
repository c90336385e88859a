"""Rule files are anybody's: what cannot be evaluated is named with the reason, and the rest goes on."""

from __future__ import annotations

import itertools
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.detect.engine import Engine
from ashiato.detect.history import TablesHistory
from ashiato.detect.past import PastSearch
from ashiato.detect.rule_tests import run_tests
from ashiato.detect.ruleset import import_rules, load_rules, read_path
from ashiato.detect.sigma_rules import MOST_LEVELS, Document, parse
from detect.evaluating import AROUND, MORE, UUID, event, plain, table_of
from detect.test_correlations import correlation

GOOD = plain({"eventName": "CreateUser"}, 99, name="good")
SOURCE = {"product": "aws", "service": "cloudtrail"}


def reasons(*documents: str, lists: Any = None) -> list[str]:
    """Reasons of what cannot be evaluated; the good rule always can."""
    parsed = parse([Document(f"{n}.yml", d) for n, d in enumerate([*documents, GOOD])], lists or {})
    assert UUID.format(99) in parsed.rules
    Engine(parsed.rules, AROUND).look("cloudtrail", table_of([event(1)]))
    return [p.reason for p in parsed.problems]


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(
        [*lines, f"title: *a{levels - 1}", "logsource: {product: aws}", f"detection: *a{levels - 1}"]
    )


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "it is not YAML"),
        ("", "it holds no Sigma document"),
        ("- a\n- b\n", "it holds no Sigma document"),
        ("just text", "it holds no Sigma document"),
        ("title: x\nid: y\n", "it is no Sigma rule"),
        ("\0\1\2", "it is not YAML"),
        ("a: &a [*a]", "a value holds itself"),
        (laughs(12), "once its aliases are followed"),
        ("title: x\ntitle: y\n", "Duplicate key"),
        ("[" * 100_000, "it is not YAML"),
        (plain({"eventName": "x"}, logsource={"product": "windows", "service": "security"}), "its log source"),
        (plain({"eventName": "x"}, logsource={"product": "aws", "service": "guardduty"}), "its log source"),
        (plain({"eventName": "x"}, logsource={}), "log source"),
        (plain({"eventName": "x"}, logsource={"category": "process_creation"}), "its log source"),
        (plain({"eventName|nosuch": "x"}), "nosuch"),
        (plain({"eventName|re": "("}), "Regular expression"),
        (plain({"eventName|re": "(?=x)y"}), "(?=x)y"),
        (plain({"eventName|re": r"(a)\1"}), "invalid escape"),
        (plain({"eventName|re": "x" * 1_500_000}), "pattern too large"),
        (plain({"eventName|re": "(a{900}){900}"}), "repetition"),
        (plain({"eventName|cidr": "10.0.0.0/99"}), "10.0.0.0/99"),
        (plain({"eventName|gt": "many"}), "GreaterThan"),
        (plain({"eventName|expand": "%admins%"}), "the placeholder %admins% has no values"),
        (plain({"sel": {"eventName": "x"}, "condition": "nothing"}), "nothing"),
        (plain({"sel": {"eventName": "x"}, "condition": "sel and ("}), ""),
        (plain({"sel": {"eventName": "x"}, "condition": ""}), ""),
        (plain({"eventName": "x"}, level="apocalyptic"), "apocalyptic"),
        (plain({"eventName": "x"}, id="no uuid"), "UUID"),
        (plain({"eventName": "x"}, ashiato=["no", "mapping"]), "mapping"),
        (plain({"eventName": "x"}, ashiato={"actors": ["robots"]}), "ashiato.actors"),
        (plain({"eventName": "x"}, ashiato={"group_by": {"a": 1}}), "ashiato.group_by"),
        (plain({"eventName": "x"}, ashiato={"tests": "none"}), "ashiato.tests"),
        (plain({"eventName": "x"}, ashiato={"new_terms": {}}), "new_terms needs `fields`"),
        (plain({"eventName": "x"}, ashiato={"new_terms": {"fields": ["a"], "history": "soon"}}), "soon"),
        (plain({"eventName": "x"}, ashiato={"new_terms": {"fields": ["a"], "history": "99999d"}}), "ten years"),
        (plain({"eventName": "x"}, ashiato={"rate": {"weeks": 0}}), "weeks"),
        (plain({"eventName": "x"}, ashiato={"rate": {"weeks": 10**30}}), "weeks"),
        (plain({"eventName": "x"}, ashiato={"rate": {"factor": float("nan")}}), "factor"),
        (plain({"eventName": "x"}, ashiato={"rate": "often"}), "mapping"),
        (correlation(1, "event_count", ["missing"], {"gte": 1}), "missing"),
        (correlation(1, "event_count", ["c1"], {"gte": 1}), "counts itself"),
        (correlation(1, "event_count", ["good"], {"gte": "x"}), ""),
        (correlation(1, "event_count", ["good"], None), ""),
        (correlation(1, "no_such_type", ["good"], {"gte": 1}), "no_such_type"),
        (correlation(1, "event_count", ["good"], {"gte": 1}, timespan="soon"), "soon"),
        (correlation(1, "event_count", ["good"], {"gte": 1}, timespan="99y"), "longer than a year"),
        (correlation(1, "event_count", ["good"], {"gte": 1}, timespan="0s"), ""),
        (correlation(1, "value_count", ["good"], {"gte": 1}), ""),
        (correlation(1, "value_percentile", ["good"], {"gte": 1, "field": "x", "percentile": 200}), "percentile"),
        (correlation(1, "temporal", [], "not good"), "nothing but `not`"),
        (correlation(1, "temporal", [], "good and not good"), "never holds"),
        (correlation(1, "temporal", [], "good and ("), ""),
        (correlation(1, "temporal", ["good", "good"], {"gte": 1}, aliases="x"), ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(document: str, said: str) -> None:
    found = reasons(document)
    assert len(found) >= 1
    assert said in found[0]
    assert len(found[0]) < 1000


def test_cycles_and_towers_of_correlations() -> None:
    ring = [correlation(n, "event_count", [f"c{(n + 1) % 3}"], {"gte": 1}) for n in range(3)]
    found = reasons(*ring)
    assert len(found) == 3
    assert any("counts itself" in r for r in found)
    tower = [correlation(1001, "event_count", ["good"], {"gte": 1})]
    tower += [correlation(n, "event_count", [f"c{n - 1}"], {"gte": 1}) for n in range(1002, 1900)]
    for order in (tower, list(reversed(tower))):
        parsed = parse([Document("t.yml", "---\n".join([GOOD, *order]))], {})
        assert len(parsed.rules) == 1 + MOST_LEVELS
        assert len(parsed.problems) == 899 - MOST_LEVELS
        assert sum(f"more than {MOST_LEVELS}" in p.reason for p in parsed.problems) == 1
    wide = [correlation(1, "event_count", ["good"], {"gte": 1})]
    for n in range(2, MOST_LEVELS * 2, 2):
        below = ["good"] if n == 2 else [f"c{n - 2}", f"c{n - 1}"]
        wide += [correlation(n + m, "temporal", below, {"gte": 1}) for m in (0, 1)]
    rules = parse([Document("w.yml", "---\n".join([GOOD, *wide]))], {}).rules
    PastSearch(Engine(rules, AROUND), TablesHistory({"cloudtrail": [table_of([event(1)])]})).run()


def test_an_id_is_used_once() -> None:
    other = plain({"eventName": "DeleteUser"}, 99)
    parsed = parse(
        [Document("mine.yml", GOOD), Document("theirs.yml", other), Document("again.yml", GOOD)], {}
    )
    [problem] = parsed.problems
    assert (problem.file, "mine.yml" in problem.reason) == ("theirs.yml", True)


def test_a_filter_that_applies_to_nothing_is_named() -> None:
    told = {
        "title": "f",
        "logsource": SOURCE,
        "filter": {"rules": ["other"], "x": {"a": "b"}, "condition": "not x"},
    }
    assert "applies to no rule" in reasons(yaml.safe_dump(told))[0]
    told["filter"] = {"rules": ["good"], "x": {"a": "b"}, "condition": "not nothing"}
    parsed = parse([Document("f.yml", yaml.safe_dump(told)), Document("g.yml", GOOD)], {})
    assert len(parsed.problems) == 1
    assert "nothing" in parsed.problems[0].reason


def test_a_rule_without_id_is_found_by_the_one_it_is_given() -> None:
    document = yaml.safe_load(plain({"eventName": "x"}))
    del document["id"]
    [rule] = parse([Document("a.yml", yaml.safe_dump(document))], {}).rules.values()
    counted = correlation(1, "event_count", [rule.id], {"gte": 1})
    told = {
        "title": "f",
        "logsource": SOURCE,
        "filter": {"rules": [rule.id], "x": {"a": "b"}, "condition": "not x"},
    }
    parsed = parse(
        [Document("a.yml", "---\n".join(map(yaml.safe_dump, [document, told])) + "---\n" + counted)], {}
    )
    assert parsed.problems == []
    assert parsed.rules[rule.id].filters == ("f",)


MUTATED = [
    GOOD,
    plain({"sel": {"eventName|contains|all": ["a", "b"]}, "k": ["word", 5], "condition": "1 of them"}, tags=["attack.t1"]),
    plain({"a|re|i": "x.*", "b|cidr": "10.0.0.0/8", "c|base64offset|contains": "q", "d|expand": "%l%", "e|gt": 5}),
    plain({"eventName": "x"}, ashiato={"new_terms": {"fields": ["a"], "history": "3d"}, "tests": [{"events": [{}]}]}),
    plain({"eventName": "x"}, ashiato={"rate": {"group_by": ["a"], "weeks": 2, "at_least": 3, "factor": 2}}),
    correlation(1, "value_count", ["good"], {"gte": 1, "field": "a"}, aliases={"x": {"good": "b"}}, **{"group-by": ["x"]}),
    correlation(1, "temporal", [], "good and not good2"),
    yaml.safe_dump({"title": "f", "logsource": SOURCE, "filter": {"rules": ["good"], "x": {"a": "b"}, "condition": "not x"}}),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, "", "x", "%x%", "*", "\\", "1 of", "a" * 300, [], [None], {}, {"a": None}, [[["x"]]], {"|all": []},
    {1: 2}, "2026-01-01", "\ud800".encode("utf-8", "replace").decode(), "%l%",
]  # fmt: skip


def _mutate(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.15:
        return rng.choice(VALUES)
    if isinstance(value, dict):
        changed = {
            k if rng.random() < 0.95 else rng.choice(["x", "", "a|b", 5, "condition"]): _mutate(v, rng)
            for k, v in value.items()
        }
        if rng.random() < 0.1 and changed:
            del changed[rng.choice(list(changed))]
        return changed
    if isinstance(value, list):
        return [_mutate(v, rng) for v in value for _ in range(rng.choice([1, 1, 1, 0, 2]))]
    return value


@settings(max_examples=150 * MORE)
@given(seed=st.integers(0, 1 << 32), place=st.integers(0, len(MUTATED) - 1))
def test_whatever_a_document_says_the_others_are_evaluated(seed: int, place: int) -> None:
    rng = random.Random(seed)
    document = yaml.safe_dump(_mutate(yaml.safe_load(MUTATED[place]), rng))
    parsed = parse([Document("good.yml", GOOD), Document("bad.yml", document)], {"l": ["a", "b*"]})
    assert UUID.format(99) in parsed.rules
    engine = Engine(parsed.rules, AROUND)
    table = table_of([event(1, a="x", b="10.1.1.1"), event(2, a=["y", {"z": 1}])])
    PastSearch(engine, TablesHistory({"cloudtrail": [table]})).run()
    for rule in parsed.rules.values():
        run_tests(engine, rule)
        assert rule.fingerprint


# -- archives ------------------------------------------------------------------------------------------------


def archive(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return path


def test_an_archive_stays_in_its_folder(tmp_path: Path) -> None:
    members = {
        "../../evil.yml": GOOD,
        "/etc/evil.yml": plain({"eventName": "a"}, 2),
        "..\\..\\back.yml": plain({"eventName": "b"}, 3),
        "a.yml": plain({"eventName": "c"}, 4),
        "a.yml/b.yml": plain({"eventName": "d"}, 5),
        f"{'long' * 100}.yml": plain({"eventName": "e"}, 6),
        ".hidden/x.yml": plain({"eventName": "f"}, 7),
        "notes.txt": "no rule",
        "__MACOSX/._a.yml": "\0\0",
    }
    path = archive(tmp_path / "rules.zip", members)
    home = tmp_path / "home"
    report = import_rules(path, Settings(), home)
    assert len(report.rules) == 7
    assert report.problems == []
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p != path]
    assert all(p.is_relative_to(home / "rules" / "rules") for p in written)
    listed = load_rules(Settings(detect={"own_pack": False}), home)
    assert len(listed.rules) == 7


def test_an_import_replaces_the_one_before_and_no_other(tmp_path: Path) -> None:
    for name, number in (("aws", 1), ("aws2", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yml").write_text(plain({"eventName": "x"}, number))
        report = import_rules(tmp_path / name, Settings(), tmp_path / "home")
    report = import_rules(tmp_path / "aws", Settings(), tmp_path / "home")
    assert [r.id for r in report.rules] == [UUID.format(1)]
    (tmp_path / "aws" / "a.yml").write_text(plain({"eventName": "x"}, 3))
    import_rules(tmp_path / "aws", Settings(), tmp_path / "home")
    listed = load_rules(Settings(detect={"own_pack": False}), tmp_path / "home")
    assert set(listed.rules) == {UUID.format(2), UUID.format(3)}


@pytest.mark.parametrize(("step", "time"), [("write_text", 2), ("rename", 1), ("rename", 2)])
def test_an_import_that_is_killed_leaves_the_rules_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, time: int
) -> None:
    """While the new ones are written, before the old ones are put aside, before the new ones take their place."""
    source, home = tmp_path / "mine", tmp_path / "home"
    source.mkdir()
    alone = Settings(detect={"own_pack": False})
    (source / "a.yml").write_text(plain({"eventName": "x"}, 1))
    import_rules(source, Settings(), home)
    (source / "a.yml").write_text(plain({"eventName": "x"}, 2))
    (source / "b.yml").write_text(plain({"eventName": "x"}, 3))
    real, times = getattr(Path, step), itertools.count(1)

    def killed(path: Path, *given: Any, **more: Any) -> Any:
        if next(times) == time:
            raise KeyboardInterrupt
        return real(path, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, step, killed)
        with pytest.raises(KeyboardInterrupt):
            import_rules(source, Settings(), home)
    assert set(load_rules(alone, home).rules) == {UUID.format(1)}
    import_rules(source, Settings(), home)
    assert set(load_rules(alone, home).rules) == {UUID.format(2), UUID.format(3)}
    assert [p.name for p in (home / "rules").iterdir()] == ["mine"]


def test_archives_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "rules.zip", {"a.yml": GOOD * 20})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(WrongUse, match="cannot be read"):
        list(read_path(path, "x"))
    large = archive(tmp_path / "large.zip", {"a.yml": "x" * (3 << 20)})
    with pytest.raises(WrongUse, match="2 MiB"):
        list(read_path(large, "x"))
    for number, text in enumerate([b"PK\x03\x04broken", b"", b"\x1f\x8b"]):
        (tmp_path / f"no{number}.zip").write_bytes(text)
        with pytest.raises(WrongUse, match="no zip archive"):
            list(read_path(tmp_path / f"no{number}.zip", "x"))
    with pytest.raises(WrongUse, match="no such file"):
        list(read_path(tmp_path / "nowhere", "x"))
    (tmp_path / "rule.txt").write_text(GOOD)
    assert len(import_rules(tmp_path / "rule.txt", Settings(), tmp_path / "home").rules) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongUse, match="no rules"):
        import_rules(tmp_path / "empty", Settings(), tmp_path / "home")
