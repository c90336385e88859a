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
from detect.evaluating import BEGIN, MORE, event, plain, rules_of, table_of
from detect.streaming import Stream
from detect.test_correlations import correlation

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
    for number in range(draw(st.integers(1, 24))):
        day = draw(st.sampled_from(days))
        second = draw(st.one_of(st.integers(0, 90), st.sampled_from([3500, 3599, 3600, 3700, 3900, 7300])))
        user = draw(st.sampled_from(["ann", "Ann", "bob", None]))
        more: dict[str, Any] = {"errorCode": "Denied"} if draw(st.booleans()) else {}
        found.append(
            event(
                number,
                seconds=day * 24 * hour + second * draw(st.sampled_from([1, 1, 10])),
                eventName=draw(st.sampled_from(OPERATIONS)),
                sourceIPAddress=draw(st.sampled_from(["198.51.100.1", "198.51.100.2"])),
                userIdentity={"type": "IAMUser"} | ({} if user is None else {"userName": user, "arn": f"arn:aws:iam::1:user/{user}"}),
                userAgent=draw(st.sampled_from(["aws-cli/2", "Mozilla/5.0", "APN/1.0 HashiCorp/1.0 Terraform/1.5"])),
                requestParameters={"v": draw(st.sampled_from([1, 2, 5, "3", "x"]))},
                **more,
            )
        )  # fmt: skip
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
    days = [0, 0, 0, 1, 2, 9] if kind not in ("rate", "first_seen") else [0, 1, 2, 4, 7, 8, 14, 21, 35, 63]
    whole = table_of(data.draw(records(days)))
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


def test_begin_is_on_the_hour() -> None:
    """The examples above reach over hours only then."""
    assert BEGIN.minute == 0
