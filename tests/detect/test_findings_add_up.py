"""Parts of findings are functions of what was seen, in whatever order: runs, drafts, windows, changes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.detect.changes import change_of
from ashiato.detect.engine import Engine
from ashiato.detect.first_seen import DAY, Run, with_sighting
from ashiato.detect.gathering import Draft, drafts_of_matches, joined
from ashiato.detect.rule import Correlation
from ashiato.detect.windows import CountedHit, longest_chain, matched_windows, percentile
from ashiato.ledger.finding_rows import finding_uid, from_row, to_row
from ashiato.ledger.findings import MOST_EVENT_IDS, Finding
from detect.evaluating import AROUND, BEGIN, MORE, event, plain, rules_of, table_of
from detect.streaming import key

sightings = st.lists(
    st.tuples(st.integers(0, 60).map(lambda q: q * DAY // 4), st.sampled_from("abcd")),
    max_size=12,
    unique=True,
)


@settings(max_examples=200 * MORE)
@given(seen=sightings, history=st.integers(0, 6), data=st.data())
def test_runs_are_chains_of_days_no_further_apart_than_the_history(
    seen: list[tuple[int, str]], history: int, data: st.DataObject
) -> None:
    runs: tuple[Run, ...] = ()
    for time, name in data.draw(st.permutations(seen)):
        runs = with_sighting(runs, time, name, history)
        assert with_sighting(runs, time, name, history) == runs
    expected: list[Run] = []
    for time, name in sorted(seen):
        if expected and time // DAY - expected[-1].last_day <= history:
            expected[-1] = replace(expected[-1], last_day=time // DAY)
        else:
            expected.append(Run(time, name, time // DAY))
    assert list(runs) == expected


RULE = rules_of(plain({"eventName": "a"}, level="high"))["00000000-0000-4000-8000-000000000001"]


@st.composite
def drafts(draw: st.DrawFn, numbers: list[int]) -> Draft:
    """The finding of some of the events of one group and hour."""
    agents = ["aws-cli/2", "Mozilla/5.0", "APN/1.0 HashiCorp/1.0 Terraform/1.5"]
    events = [
        event(
            n, seconds=n // 2, eventName="a", userAgent=agents[n % 3], sourceIPAddress=f"198.51.100.{n % 5}"
        )
        for n in numbers
    ]
    look = Engine({RULE.id: RULE}, AROUND).look("cloudtrail", table_of(draw(st.permutations(events))))
    [made] = drafts_of_matches(RULE, look.view, look.matches[RULE.id])
    return made


def told(finding: Finding) -> Any:
    """All of a finding that every of its records bears on; addresses and examples are of some of them."""
    return (
        key(finding),
        finding.actor,
        finding.explanation,
        finding.account,
        finding.region,
        finding.principal,
    )


@given(split=st.lists(st.integers(0, 2), min_size=3, max_size=25), data=st.data())
def test_findings_of_parts_add_up_to_the_finding_of_the_whole(split: list[int], data: st.DataObject) -> None:
    numbers = [[n for n, part in enumerate(split) if part == wanted] for wanted in range(3)]
    parts = [data.draw(drafts(some)) for some in numbers if some]
    whole = data.draw(drafts(list(range(len(split))))).finding()
    first, *others = data.draw(st.permutations(parts))
    added = first.finding()
    for other in others:
        added = joined(added, other)
    assert told(added) == told(whole)
    for other in others:
        first.merge(other)
    assert told(first.finding()) == told(whole)


def test_more_events_than_a_finding_names() -> None:
    ids = [f"e{n:05d}" for n in range(MOST_EVENT_IDS + 50)]
    events = [event(n, seconds=n // 10, eventName="a", eventID=i) for n, i in enumerate(ids)]
    engine = Engine({RULE.id: RULE}, AROUND)

    def draft(some: list[dict[str, Any]]) -> Draft:
        look = engine.look("cloudtrail", table_of(some))
        [made] = drafts_of_matches(RULE, look.view, look.matches[RULE.id])
        return made

    late, early = draft(events[40:]), draft(events[:40])
    found = joined(late.finding(), early)
    assert (found.hits, found.event_ids) == (len(ids), tuple(ids[:MOST_EVENT_IDS]))
    assert key(found) == key(draft(events).finding())
    assert change_of(late.finding(), found) == "grown"


times = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from("abcdef"), st.integers(0, 2), st.sampled_from("xyz")),
    max_size=14,
)


@settings(max_examples=200 * MORE)
@given(
    hits=times, span=st.integers(1, 12), kind=st.sampled_from(["event_count", "value_count", "temporal"]),
    operator=st.sampled_from([">=", ">", "<=", "<", "==", "!="]), count=st.integers(0, 4),
    first=st.integers(0, 30), length=st.integers(0, 30),
)  # fmt: skip
def test_windows_end_at_hits_and_reach_back_over_the_span(
    hits: list[tuple[int, str, int, str]],
    span: int,
    kind: Any,
    operator: Any,
    count: int,
    first: int,
    length: int,
) -> None:
    """Counting what comes in and goes out says what counting each window anew says."""
    rule = Correlation(kind, ("r0", "r1", "r2"), span, operator=operator, count=count)
    counted = sorted({CountedHit(*h) for h in hits}, key=lambda h: (h.time, h.event, h.slot))
    place = {
        "event_count": lambda h: h.event,
        "value_count": lambda h: h.value,
        "temporal": lambda h: h.slot,
    }[kind]
    compare = {
        ">=": int.__ge__, ">": int.__gt__, "<=": int.__le__, "<": int.__lt__, "==": int.__eq__, "!=": int.__ne__,
    }[operator]  # fmt: skip
    expected = []
    for end in sorted({h.time for h in counted}):
        inside = [h for h in counted if end - span <= h.time <= end]
        metric = len({place(h) for h in inside})
        if compare(metric, count) and first <= end <= first + length:
            expected.append((end - span, end, float(metric), inside))
    lowest = bisect_left([h.time for h in counted], first - span)
    given_hits = counted[lowest:]
    windows = matched_windows(rule, given_hits, first=first, last=first + length, now=10**9)
    assert [(w.start, w.end, w.metric, given_hits[w.low : w.high]) for w in windows] == expected


@given(hits=times, slots=st.permutations([0, 1, 2]))
def test_the_longest_chain_is_in_order_and_no_longer_one_is(
    hits: list[tuple[int, str, int, str]], slots: list[int]
) -> None:
    counted = [CountedHit(*h) for h in hits]
    chain = longest_chain(counted, slots)
    places = [slots.index(h.slot) for h in chain]
    assert places == sorted(set(places))
    assert [h.time for h in chain] == sorted(h.time for h in chain)
    best = 0
    for wanted in range(1, 8):
        chosen = [s for n, s in enumerate(slots) if wanted >> n & 1]
        after: float = -1
        for slot in chosen:
            after = min((h.time for h in counted if h.slot == slot and h.time >= after), default=float("inf"))
        if after != float("inf"):
            best = max(best, len(chosen))
    assert len(chain) == best


@given(numbers=st.lists(st.floats(-100, 100), min_size=1, max_size=9), percent=st.floats(0, 100))
def test_percentiles_are_numpys(numbers: list[float], percent: float) -> None:
    import numpy as np

    assert abs(percentile(sorted(numbers), percent) - float(np.percentile(numbers, percent))) < 1e-9


# -- changes ---------------------------------------------------------------------------------------------------

HOUR = datetime(2026, 3, 2, 9, tzinfo=UTC)


def finding(
    *events: str, level: Any = "high", hits: int | None = None, standing: bool = True, **more: Any
) -> Finding:
    return Finding(
        uid=finding_uid("r", {}, HOUR), rule="r", title="t", level=level, kind="match", table="cloudtrail", group={}, hour=HOUR,
        first=HOUR, last=HOUR, window_start=HOUR, hits=len(events) if hits is None else hits, event_ids=events,
        event_times=tuple(range(len(events))), standing=standing, **more,
    )  # fmt: skip


def test_what_a_change_is_called() -> None:
    one = finding("a")
    assert change_of(None, one) == "new"
    assert change_of(None, replace(one, standing=False)) is None
    assert change_of(replace(one, standing=False), one) == "new"
    assert change_of(replace(one, standing=False), replace(one, standing=False)) is None
    assert change_of(one, replace(one, standing=False)) == "withdrawn"
    assert change_of(one, one) is None
    assert change_of(one, replace(one, examples=({"a": 1},), title="another")) is None
    assert change_of(one, finding("a", "b")) == "grown"
    assert change_of(one, finding("b")) == "amended"
    assert change_of(finding("a", "b"), one) == "amended"
    assert change_of(one, replace(one, level="low")) == "grown"
    assert change_of(one, replace(one, first=HOUR - timedelta(hours=1))) == "grown"
    many = [f"{n:04}" for n in range(MOST_EVENT_IDS + 1)]
    before, after = finding(*many[1:], hits=1000), finding(*many[:-1], hits=1001)
    assert change_of(before, after) == "grown"


def test_a_finding_survives_its_row() -> None:
    whole = replace(
        finding("a", "\ud800", "x" * 300), group={"userAgent": "\0 \ud800 '\""}, addresses=("::1",), rarity=0.5,
        explanation={"terms": [{"a": "\x1b"}]}, examples=({"n": float("inf")},), delivered_at=BEGIN,
    )  # fmt: skip

    class Row:
        def __init__(self, values: dict[str, Any]) -> None:
            self.__dict__ = values

    assert from_row(Row(to_row(whole, live=True, changed_at=BEGIN))) == whole
