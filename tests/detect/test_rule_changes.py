"""Rules come, go and change: what stands is what the rules of today find in all that the lake holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.core.settings import Settings
from ashiato.detect.evaluation import Evaluation, watching_since
from ashiato.detect.rule import Rule
from ashiato.detect.ruleset import engine_for, load_rules, say_enabled
from ashiato.lake.home import Home
from ashiato.ledger import Ledger
from ashiato.ledger.detection_tables import rule_states
from detect.evaluating import MORE, UUID, event, plain, rules_of, table_of
from detect.streaming import Key, Stream, backtested, standing
from detect.test_correlations import correlation
from detect.test_streaming import KINDS, arriving, hourly, records
from intake.taking_in import collect, write_events


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger.at(tmp_path_factory.mktemp("rules"), migrate=True)
    yield opened
    opened.engine.dispose()


def of_these(stream: Stream) -> set[Key]:
    """Findings of the rules that are evaluated now."""
    alone = {r.id for r in stream.rules.values() if r.alone}
    return {k for k in standing(stream.ledger) if k[0] in alone}


def assert_caught_up(stream: Stream) -> None:
    assert of_these(stream) == backtested(stream.rules, stream.history())


EVENTS = [event(n, seconds=n * 30, eventName="a" if n % 3 else "b") for n in range(1, 30)]
PLAIN = plain({"eventName": "a"}, 1, name="a")
COUNT = correlation(
    30, "event_count", ["a"], {"gte": 3}, **{"group-by": ["userIdentity.userName"]}, generate=True
)
OVER = correlation(31, "event_count", ["c30"], {"gte": 2}, timespan="30m", generate=True)


def filtered(address: str) -> str:
    return yaml.safe_dump(
        {
            "title": f"not {address}",
            "logsource": {"product": "aws", "service": "cloudtrail"},
            "filter": {"rules": ["a"], "usual": {"sourceIPAddress": address}, "condition": "not usual"},
        }
    )


def change(stream: Stream, rules: dict[str, Rule]) -> None:
    stream.rules = rules
    stream.started()
    stream.pending()
    stream.reconcile()
    assert_caught_up(stream)


def test_a_new_rule_is_evaluated_over_what_is_there(ledger: Ledger) -> None:
    stream = arriving(ledger, rules_of(PLAIN), EVENTS)
    change(stream, rules_of(PLAIN, COUNT))
    assert any(k[0] == UUID.format(30) for k in of_these(stream))


def test_what_came_while_a_rule_was_off_is_caught_up(ledger: Ledger) -> None:
    """Its fingerprint is what it was; it has still missed something."""
    stream = arriving(ledger, rules_of(PLAIN, COUNT, OVER), EVENTS[:10])
    before = standing(ledger)
    change(stream, rules_of(plain({"eventName": "z"}, 2)))
    assert standing(ledger) == before
    stream.commit([table_of(EVENTS[10:])])
    stream.pending()
    change(stream, rules_of(PLAIN, COUNT, OVER))
    assert standing(ledger) != before


def test_a_filter_changes_the_rule_and_those_that_count_it(ledger: Ledger) -> None:
    mixed = [dict(e, sourceIPAddress="192.0.2.1") if n % 2 else e for n, e in enumerate(EVENTS)]
    stream = arriving(ledger, rules_of(PLAIN, COUNT, OVER), mixed)
    before = of_these(stream)
    change(stream, rules_of(PLAIN, COUNT, OVER, filtered("192.0.2.1")))
    after = of_these(stream)
    for number in (1, 30, 31):
        mine = [{k for k in found if k[0] == UUID.format(number)} for found in (before, after)]
        assert sum(k[2] for k in mine[1]) < sum(k[2] for k in mine[0])
    change(stream, rules_of(PLAIN, COUNT, OVER))
    assert of_these(stream) == before


def test_a_filter_that_leaves_nothing_withdraws(ledger: Ledger) -> None:
    stream = arriving(ledger, rules_of(PLAIN), EVENTS)
    assert standing(ledger)
    change(stream, rules_of(PLAIN, filtered("198.51.100.*")))
    assert standing(ledger) == set()


def test_lists_of_the_settings_are_part_of_a_rule(ledger: Ledger) -> None:
    listed = plain({"eventName|expand": "%names%"}, 1)
    stream = arriving(ledger, rules_of(listed, lists={"names": ["a"]}), EVENTS)
    hits = sum(k[2] for k in standing(ledger))
    change(stream, rules_of(listed, lists={"names": ["a", "b"]}))
    assert sum(k[2] for k in standing(ledger)) == len(EVENTS) > hits


def test_a_rule_that_is_counted_from_now_on_is_no_finding_of_its_own(ledger: Ledger) -> None:
    stream = arriving(ledger, rules_of(PLAIN), EVENTS)
    silent = correlation(30, "event_count", ["a"], {"gte": 3})
    change(stream, rules_of(PLAIN, silent))
    assert {k[0] for k in standing(ledger)} == {UUID.format(30)}


def test_a_waiting_rule_that_is_new_waits_for_what_comes(ledger: Ledger) -> None:
    waiting = correlation(30, "temporal", [], "a and not b")
    documents = (PLAIN, plain({"eventName": "b"}, 2, name="b"))
    stream = arriving(ledger, rules_of(*documents), [event(1, seconds=1, eventName="a")])
    change(stream, rules_of(*documents, waiting))
    assert of_these(stream) == set()
    stream.commit([table_of([event(2, seconds=9000, eventName="z")])])
    stream.pending()
    stream.reconcile()
    assert len(of_these(stream)) == 1


POOL = {
    kind: [rules_of(*documents), rules_of(*documents[: len(documents) // 2 + 1])]
    for kind, documents in KINDS.items()
    if kind in ("match", "chained", "chained over waiting", "first_seen", "rate", "value_count", "mixed")
}


@pytest.mark.parametrize("kind", POOL)
@settings(
    max_examples=6 * MORE,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_rules_come_and_go_between_batches(ledger: Ledger, kind: str, data: st.DataObject) -> None:
    days = [0, 1, 2, 4, 7, 8, 14] if kind == "first_seen" else [0, 0, 0, 1]
    whole = table_of(data.draw(hourly() if kind == "rate" else records(days)))
    order = data.draw(st.permutations(range(whole.num_rows)))
    stream = Stream(ledger, data.draw(st.sampled_from(POOL[kind])))
    while order:
        size = data.draw(st.integers(1, 8))
        stream.commit([whole.take(order[:size])])
        order = order[size:]
        if data.draw(st.booleans()):
            stream.pending()
        if data.draw(st.booleans()):
            stream.rules = data.draw(st.sampled_from([*POOL[kind], {}]))
            stream.started(live=data.draw(st.booleans()))
    change(stream, POOL[kind][0])


# -- as a person says it -------------------------------------------------------------------------------------------


def evaluated(home: Path, told: Settings) -> tuple[set[str], dict[str, int]]:
    """Evaluate a home as `collect` does; ids of rules that have standing findings, and changes by kind."""
    with Home.open_for_writing(home, "test") as opened:
        _, engine = engine_for(told, home, opened.ledger)
        evaluation = Evaluation(opened, engine, live=False, news_since=None)
        evaluation.settle_rules()
        evaluation.pending()
        evaluation.reconcile()
        return {k[0] for k in standing(opened.ledger)}, evaluation.report.changes


def test_switching_off_and_on_again_loses_nothing(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(PLAIN)
    told = Settings(detect={"own_pack": False, "rules": [rules]})
    home = tmp_path / "home"
    write_events(tmp_path / "1.json", EVENTS[:5])
    collect(home, tmp_path / "1.json")
    assert evaluated(home, told) == ({UUID.format(1)}, {"new": 1})
    with Home.open_for_writing(home, "test") as opened:
        say_enabled(opened.ledger, [UUID.format(1)], enabled=False)
        assert load_rules(told, home, opened.ledger).listed[UUID.format(1)].reason == "switched off"
    write_events(tmp_path / "2.json", EVENTS[5:])
    collect(home, tmp_path / "2.json")
    assert evaluated(home, told) == ({UUID.format(1)}, {})
    with Home.open_for_writing(home, "test") as opened:
        say_enabled(opened.ledger, [UUID.format(1)], enabled=None)
    assert evaluated(home, told)[1] == {"grown": 1}
    (rules / "filter.yml").write_text(filtered("*"))
    assert evaluated(home, told) == (set(), {"withdrawn": 1})
    (rules / "filter.yml").unlink()
    assert evaluated(home, told) == ({UUID.format(1)}, {"new": 1})
    assert evaluated(home, told)[1] == {}


def test_what_the_settings_say_of_the_estate_is_caught_up_with(tmp_path: Path) -> None:
    """Who is automation, and which addresses are one's own: the past is told as the settings of today tell it."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(plain({"ashiato.network": "office"}, 1, level="high"))
    home = tmp_path / "home"
    write_events(tmp_path / "1.json", EVENTS)
    collect(home, tmp_path / "1.json")
    told = {"own_pack": False, "rules": [rules]}
    office = [{"name": "office", "cidrs": ["198.51.100.0/24"]}]
    assert evaluated(home, Settings(detect=told)) == (set(), {})
    assert evaluated(home, Settings(detect=told, networks=office))[1] == {"new": 1}
    automation = {**told, "automation": ["*:user/ann"]}
    assert evaluated(home, Settings(detect=automation, networks=office))[1] == {"grown": 1}
    with Home.open_for_reading(home) as opened:
        assert [k[8] for k in standing(opened.ledger)] == ["medium"]
    assert evaluated(home, Settings(detect=automation, networks=office))[1] == {}
    assert evaluated(home, Settings(detect=told)) == (set(), {"withdrawn": 1})


def test_news_begins_once(tmp_path: Path) -> None:
    write_events(tmp_path / "1.json", EVENTS[:5])
    collect(tmp_path / "home", tmp_path / "1.json")
    with Home.open_for_writing(tmp_path / "home", "test") as opened:
        assert watching_since(opened, begin=False) is None
        since = watching_since(opened, begin=True)
        assert since is not None
        assert watching_since(opened, begin=True) == since
        rows = opened.ledger.rows(sa.select(rule_states.c.rule))
        assert [r.rule for r in rows] == ["#watching"]
