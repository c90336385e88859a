"""For every kind of rule: whatever the order, size and lateness of batches, and however often evaluation begins anew,
the findings that stand are those that a search of the past finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.detect.rule import Rule
from ashiato.ledger import Ledger
from detect.evaluating import MORE, event, plain, rules_of, table_of
from detect.streaming import Key, Stream, standing
from detect.test_correlations import correlation
from postgres_server import Server

WHO = {"group-by": ["userIdentity.userName"]}
ADDRESS = {"group-by": ["sourceIPAddress"]}
OPERATIONS = ["a", "b", "c"]
BASE = [plain({"eventName": n}, place, name=n, level="high") for place, n in enumerate(OPERATIONS, 1)]
TERM = ["userIdentity.userName", "eventName"]
KINDS: dict[str, list[str]] = {
    "match": [
        plain({"eventName|exists": True}, 20, level="high"),
        plain({"errorCode": "Denied"}, 21, ashiato={"group_by": ["userIdentity.userName", "requestParameters.v"]}),
        plain({"eventName": "a"}, 22, ashiato={"actors": ["person"]}, level="critical"),
    ],
    "event_count": [*BASE, correlation(30, "event_count", ["a", "b"], {"gte": 3}, **WHO)],
    "event_count at most": [*BASE, correlation(30, "event_count", ["a"], {"lte": 2}, **WHO, timespan="90s")],
    "event_count exactly": [*BASE, correlation(30, "event_count", ["a"], {"eq": 2}, **ADDRESS, generate=True)],
    "value_count": [*BASE, correlation(30, "value_count", ["a", "b"], {"gte": 2, "field": "sourceIPAddress"}, **WHO)],
    "value_sum": [*BASE, correlation(30, "value_sum", ["a", "b"], {"gt": 5, "field": "requestParameters.v"}, **WHO)],
    "value_avg": [*BASE, correlation(30, "value_avg", ["a"], {"lt": 3, "field": "requestParameters.v"})],
    "value_median": [*BASE, correlation(30, "value_median", ["a"], {"gt": 2, "field": "requestParameters.v"})],
    "value_percentile": [
        *BASE,
        correlation(30, "value_percentile", ["a"], {"gt": 2, "field": "requestParameters.v", "percentile": 90}),
    ],
    "temporal": [*BASE, correlation(30, "temporal", ["a", "b"], None, **WHO)],
    "temporal_ordered": [*BASE, correlation(30, "temporal_ordered", ["a", "b", "c"], {"gte": 2}, **WHO)],
    "extended": [*BASE, correlation(30, "temporal", [], "a and (b or c)", **WHO)],
    "waiting": [*BASE, correlation(30, "temporal", [], "a and not b", **WHO)],
    "mixed": [*BASE, correlation(30, "temporal", [], "(a and not b) or (b and c)", **WHO)],
    "chained": [
        *BASE,
        correlation(30, "event_count", ["a"], {"gte": 2}, **WHO, generate=True),
        correlation(31, "event_count", ["c30"], {"gte": 2}, **WHO, timespan="1h"),
    ],
    "chained of gone": [
        *BASE,
        correlation(30, "event_count", ["a"], {"lte": 1}, **WHO),
        correlation(31, "value_count", ["c30"], {"gte": 2, "field": "sourceIPAddress"}, timespan="20m", generate=True),
        correlation(32, "temporal", ["c31", "b"], None, timespan="1h"),
    ],
    "chained over waiting": [
        *BASE,
        correlation(30, "temporal", [], "a and not b", **WHO),
        correlation(31, "event_count", ["c30"], {"gte": 2}, timespan="1h", generate=True),
        correlation(32, "temporal", ["c31", "c"], None, timespan="1h"),
    ],
    "waiting for chained": [
        *BASE,
        correlation(30, "event_count", ["a"], {"gte": 2}, **WHO),
        correlation(31, "temporal", [], "b and not c30", **WHO, timespan="10m"),
    ],
    "long": [
        *BASE,
        correlation(30, "event_count", ["a"], {"gte": 2}, **WHO, timespan="5m"),
        correlation(31, "event_count", ["c30", "b"], {"gte": 3}, timespan="3d"),
    ],
    "first_seen": [
        plain({"eventName|exists": True}, 20, level="high",
              ashiato={"new_terms": {"fields": TERM, "history": "3d", "learning": "1d"}}),
        plain({"eventName|exists": True}, 21, level="high",
              ashiato={"new_terms": {"fields": TERM, "history": "1d", "learning": "0d", "peers": ["eventName"]}}),
        plain({"eventName": ["a", "b"]}, 22,
              ashiato={"new_terms": {"fields": ["sourceIPAddress"], "history": "7d", "learning": "7d",
                                     "learning_by": ["userIdentity.userName"], "peers": ["recipientAccountId"]},
                       "group_by": ["userIdentity.userName"]}),
    ],
    "rate": [
        plain({"eventName|exists": True}, 20,
              ashiato={"rate": {"group_by": ["userIdentity.userName"], "weeks": 1, "at_least": 2, "factor": 1}}),
        plain({"eventName": ["a", "b"]}, 21, ashiato={"rate": {"group_by": [], "weeks": 3, "at_least": 3, "factor": 2}}),
    ],
}  # fmt: skip
RULES: dict[str, dict[str, Rule]] = {kind: rules_of(*documents) for kind, documents in KINDS.items()}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder: Path = tmp_path_factory.mktemp("streaming")
    opened = Ledger.at(folder, migrate=True)
    sa.event.listen(opened.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
    opened.engine.dispose()
    yield opened
    opened.engine.dispose()


@st.composite
def records(draw: st.DrawFn, days: list[int]) -> list[dict[str, Any]]:
    """Few principals and operations, near in time, on a few days."""
    found = []
    hour = timedelta(hours=1).total_seconds()
    for number in range(draw(st.integers(6, 24))):
        day = draw(st.sampled_from(days))
        second = draw(st.one_of(st.integers(0, 90), st.sampled_from([3500, 3599, 3600, 3700, 3900, 7300])))
        user = draw(st.sampled_from(["ann", "ann", "ann", "Ann", "bob", None]))
        more: dict[str, Any] = {"errorCode": "Denied"} if draw(st.booleans()) else {}
        found.append(
            event(
                number,
                seconds=day * 24 * hour + second * draw(st.sampled_from([1, 1, 10])),
                eventName=draw(st.sampled_from(["a", "a", "a", "b", "b", "c"])),
                sourceIPAddress=draw(st.sampled_from(["198.51.100.1", "198.51.100.2"])),
                userIdentity={"type": "IAMUser"} | ({} if user is None else {"userName": user, "arn": f"arn:aws:iam::1:user/{user}"}),
                userAgent=draw(st.sampled_from(["aws-cli/2", "Mozilla/5.0", "APN/1.0 HashiCorp/1.0 Terraform/1.5"])),
                requestParameters={"v": draw(st.sampled_from([1, 2, 5, "3", "x"]))},
                **more,
            )
        )  # fmt: skip
    return found


@st.composite
def hourly(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Several records an hour, in hours of the same place in the week, for rates to be seen."""
    found: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 8))):
        day = draw(st.sampled_from([0, 1, 7, 14, 21, 28, 63, 70]))
        hour = draw(st.sampled_from([0, 0, 1, 5]))
        user = draw(st.sampled_from(["ann", "Ann", "bob"]))
        for place in range(draw(st.integers(1, 6))):
            found.append(
                event(
                    len(found),
                    seconds=(day * 24 + hour) * 3600 + place,
                    eventName=draw(st.sampled_from(OPERATIONS)),
                    userIdentity={"type": "IAMUser", "userName": user},
                )
            )
    return found


#: What happens between batches.
ACTS = ["pending", "reconcile", "restart", "fail", "nothing", "pending", "check"]


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=12 * MORE,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_streaming_equals_history(ledger: Ledger, kind: str, data: st.DataObject) -> None:
    days = [0, 1, 2, 4, 7, 8, 14, 21, 35] if kind == "first_seen" else [0, 0, 0, 0, 0, 1, 9]
    whole = table_of(data.draw(hourly() if kind == "rate" else records(days)))
    order = data.draw(st.permutations(range(whole.num_rows)))
    stream = Stream(ledger, RULES[kind])
    at = 0
    while at < len(order):
        sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
        pieces = []
        for size in sizes:
            if order[at : at + size]:
                pieces.append(whole.take(order[at : at + size]))
            at += size
        stream.commit(pieces)
        match data.draw(st.sampled_from(ACTS)):
            case "pending":
                stream.pending()
            case "reconcile":
                stream.reconcile()
            case "restart":
                stream.started(live=data.draw(st.booleans()))
                stream.pending()
            case "fail":
                _fail(stream)
            case "check":
                stream.pending()
                stream.reconcile()
                stream.assert_equal_to_history()
    stream.pending()
    stream.reconcile()
    stream.assert_equal_to_history()
    assert not stream.evaluation.spans_open()


def _fail(stream: Stream) -> None:
    """Whoever is told of findings fails: nothing of the batch may be remembered."""

    class NoSpaceError(Exception):
        pass

    def fail(*_: object) -> None:
        raise NoSpaceError

    told, stream.evaluation.told = stream.evaluation.told, fail
    for act in (stream.pending, stream.reconcile):
        with pytest.raises(NoSpaceError) if act == stream.pending else _either(NoSpaceError):
            act()
    stream.evaluation.told = told


def _either(error: type[Exception]) -> Any:
    from contextlib import suppress

    return suppress(error)


# -- what went wrong once, or easily may ----------------------------------------------------------------------

TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.5"


def arriving(ledger: Ledger, rules: dict[str, Rule], *batches: list[Any], between: str = "pending") -> Stream:
    """Batches (lists of events; a list of lists is a batch of several pieces), each evaluated before the next."""
    stream = Stream(ledger, rules)
    for batch in batches:
        pieces = batch if isinstance(batch[0], list) else [batch]
        stream.commit([table_of(p) for p in pieces])
        stream.pending()
        if between == "reconcile":
            stream.reconcile()
        if between == "restart":
            stream.started()
    stream.pending()
    stream.reconcile()
    stream.assert_equal_to_history()
    return stream


def only(stream: Stream) -> Key:
    [found] = standing(stream.ledger)
    return found


def test_the_level_rests_on_everyone_who_acted(ledger: Ledger) -> None:
    """A person is as telling as the hundredth record of a batch as as its first."""
    rules = rules_of(plain({"eventName": "a"}, level="high"))
    many = [event(n, eventName="a", userAgent=TERRAFORM) for n in range(100)]
    assert only(arriving(ledger, rules, many))[8] == "medium"
    many[77] = event(77, eventName="a", userAgent="Mozilla/5.0")
    for batches in ([many], [many[:50], many[50:]], [many[70:], many[:70]]):
        assert only(arriving(ledger, rules, *batches))[8] == "high"


def test_levels_of_windows_rest_on_who_acted_in_them(ledger: Ledger) -> None:
    documents = [*BASE, correlation(30, "event_count", ["a"], {"gte": 3}, timespan="1m")]
    person = event(1, seconds=600, eventName="a", userAgent="Mozilla/5.0")
    tools = [event(n, seconds=n, eventName="a", userAgent=TERRAFORM) for n in range(2, 60)]
    stream = arriving(ledger, rules_of(*documents), [person, *tools])
    assert only(stream)[8] == "low"


@pytest.mark.parametrize("between", ["pending", "reconcile", "restart"])
def test_what_did_not_come_is_known_when_something_later_did(ledger: Ledger, between: str) -> None:
    """`a and not b` of the newest record: nothing says that its time is over, until any record does."""
    rules = RULES["waiting"]
    waiting = [event(1, seconds=1, eventName="a")]
    assert standing(arriving(ledger, rules, waiting, between=between).ledger) == set()
    later = [event(2, seconds=9000, eventName="x")]
    stream = arriving(ledger, rules, waiting, later, between=between)
    assert only(stream)[2] == 1
    late = [event(3, seconds=60, eventName="b")]
    assert standing(arriving(ledger, rules, waiting, later, late, between=between).ledger) == set()


def test_a_waiting_window_is_no_work_until_records_come(ledger: Ledger) -> None:
    stream = arriving(ledger, RULES["waiting"], [event(1, seconds=1, eventName="a")])
    assert not stream.evaluation.spans_open()
    stream.commit([table_of([event(2, seconds=9000, eventName="x")])])
    stream.pending()
    assert stream.evaluation.spans_open()


def test_rules_that_count_windows_know_those_of_before_a_restart(ledger: Ledger) -> None:
    batches = [[event(n, seconds=100 * n, eventName="a") for n in pair] for pair in ([1, 2], [11, 12])]
    stream = Stream(ledger, RULES["chained"])
    for batch in batches:
        stream.commit([table_of(batch)])
        stream.pending()
        stream.started()
    assert stream.evaluation.live
    # Without what is made anew from the lake: it was all in memory.
    stream.assert_equal_to_history()
    assert len(standing(ledger)) == 2


def test_windows_that_came_too_late_for_memory_are_still_counted(ledger: Ledger) -> None:
    """c30 looks 5 minutes back, c31 counts its windows over 3 days: memory reaches less far for the inner one."""
    hour = 3600
    first = [event(1, seconds=100 * hour, eventName="x"), event(2, seconds=100 * hour, eventName="b")]
    late = [event(3, seconds=90 * hour, eventName="a"), event(4, seconds=90 * hour + 5, eventName="a")]
    newest = [event(5, seconds=100 * hour + 9, eventName="b")]
    stream = arriving(ledger, RULES["long"], first, late, newest, between="reconcile")
    assert only(stream)[6] == ("e000003", "e000004", "e000002", "e000005")


def test_rates_do_not_tell_names_by_their_case(ledger: Ledger) -> None:
    week = 7 * 24 * 3600

    def acted(number: int, weeks: int, name: str) -> dict[str, Any]:
        seconds = weeks * week + number
        return event(
            number, seconds=seconds, eventName="a", userIdentity={"type": "IAMUser", "userName": name}
        )

    before, now = [acted(1, 0, "ann")], [[acted(2, 3, "Ann")], [acted(3, 3, "ann")]]
    for batches in ([before, *now], [now[1], now[0], before], [[*before, *now[0], *now[1]]]):
        stream = arriving(ledger, RULES["rate"], *batches)
        assert [(k[2], k[9]) for k in standing(stream.ledger)] == [(2, '{"userIdentity.userName": "Ann"}')]


def test_a_late_record_tells_that_a_group_was_known_already(ledger: Ledger) -> None:
    day = 24 * 3600
    burst = [event(n, seconds=60 * day + n, eventName="a", userIdentity={"userName": "ann"}) for n in (1, 2)]
    late = [event(3, seconds=1, eventName="a", userIdentity={"userName": "ann"})]
    assert only(arriving(ledger, RULES["rate"], burst, late))[2] == 2


def test_the_pieces_of_a_batch_come_in_any_order(ledger: Ledger) -> None:
    """What the first piece brought for the first time, the second may have had before."""
    hour = 3600
    base = event(1, seconds=1, eventName="x")
    day_two, day_one = (event(n, seconds=s * hour, eventName="a") for n, s in ((2, 90), (3, 60)))
    rules = rules_of(KINDS["first_seen"][0])
    assert only(arriving(ledger, rules, [base], [[day_two], [day_one]]))[6] == ("e000003",)


def test_the_same_finding_is_told_once_and_named_once(ledger: Ledger) -> None:
    """Windows that overlap share events."""
    stream = arriving(ledger, RULES["chained"], [event(n, seconds=n, eventName="a") for n in range(1, 9)])
    for found in standing(stream.ledger):
        assert len(set(found[6])) == len(found[6])
        assert list(found[7]) == sorted(found[7])


@pytest.mark.needs_postgres
def test_the_same_on_postgresql(postgres: Server) -> None:
    """Runs, counts, open spans and findings in the other database, with text that it refuses as it is."""
    opened = Ledger(postgres.url(), migrate=True)
    try:
        for kind in ("match", "chained", "waiting", "first_seen", "rate", "long"):
            events = [
                event(
                    n,
                    seconds=(n % 5) * 7 * 86400 + n,
                    eventName="abc"[n % 3],
                    requestParameters={"v": "a\0b\ud800"},
                )
                for n in range(40)
            ]
            batches = [events[n::4] for n in range(4)]
            arriving(opened, RULES[kind], *batches, between="restart")
    finally:
        opened.engine.dispose()
