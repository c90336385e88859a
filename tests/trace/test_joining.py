"""Windows joined to connections, rows folded, cursors and what is pasted: whatever the order and the text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import process_time
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.formats.refs import FLOW_REF, flow_ref
from ashiato.formats.tables import TABLES
from ashiato.trace.connections import GAP, joined, settled
from ashiato.trace.flows_out import Exchange, Exchanges
from ashiato.trace.folding import folded
from ashiato.trace.host_answers import _Flows
from ashiato.trace.keys import Window
from ashiato.trace.lanes import folded as folded_connections
from ashiato.trace.lanes import lane, together
from ashiato.trace.paging import LANES, cursor_of, places_of
from ashiato.trace.reading import _MOST_PORTIONS, _MOST_SPANS, Place, _fewer, _length, _portions
from ashiato.trace.recognising import recognise
from ashiato.trace.telling import Telling

BEGIN = datetime(2026, 11, 19, tzinfo=UTC)
FLOWS = TABLES["vpc_flow_logs"].schema
EVENTS = TABLES["cloudtrail"].schema


def flow(
    minute: float, *, out: bool = True, port: int = 443, log: str = "fl-1", ok: bool = True, size: int = 10
) -> dict[str, Any]:
    start = BEGIN + timedelta(minutes=minute)
    ends = [("10.0.0.5", 40000), ("203.0.113.9", port)]
    (source, source_port), (target, target_port) = ends if out else reversed(ends)
    row: dict[str, Any] = dict.fromkeys(FLOWS.names)
    return row | {
        "account_id": "111122223333", "interface_id": "eni-1", "srcaddr": source, "dstaddr": target, "srcport": source_port,
        "dstport": target_port, "protocol": 6, "packets": 1, "bytes": size, "start_time": start,
        "start": int(start.timestamp()), "end": int(start.timestamp()) + 50, "action": "ACCEPT" if ok else "REJECT",
        "object": f"a/b_{log.ljust(20, '0')}_x.log.gz", "entities": [], "ingested_at": start,
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, FLOWS)


windows = st.builds(
    flow,
    st.integers(0, 400),
    out=st.booleans(),
    port=st.sampled_from([22, 443]),
    ok=st.booleans(),
    size=st.integers(0, 10_000),
)


@given(st.lists(windows, max_size=40), st.randoms())
def test_joining_does_not_depend_on_the_order_and_loses_nothing(
    rows: list[dict[str, Any]], random: Any
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = joined(table(rows)), joined(table(shuffled))

    def told(found: Any) -> Any:
        return sorted((c.first, c.last, c.port, c.action, c.bytes, c.packets, c.records) for c in found)

    assert told(one) == told(other)
    assert sum(c.bytes for c in one) == sum(r["bytes"] for r in rows)
    assert sum(c.records for c in one) == len(rows)
    for a in one:
        for b in one:
            if a is not b and (a.port, a.action) == (b.port, b.action):
                assert a.first > b.last + GAP or b.first > a.last + GAP


of_two_logs = st.builds(
    flow,
    st.integers(0, 400),
    out=st.booleans(),
    port=st.integers(20, 29),
    log=st.sampled_from(["fl-1", "fl-2"]),
    size=st.integers(0, 10_000),
)


@given(st.lists(of_two_logs, min_size=21, max_size=80), st.booleans(), st.data())
def test_a_lane_of_few_is_the_head_of_the_lane_of_all(
    rows: list[dict[str, Any]], fold: bool, data: st.DataObject
) -> None:
    every = joined(table(rows))
    after = data.draw(st.none() | st.sampled_from([(c.last, c.ref) for c in every]))
    left = [c for c in every if after is None or (c.last, c.ref) < after]
    whole = folded_connections(left, 1, fold=fold)
    found = lane(table(rows), 1, fold=fold, after=after)
    assert [[c.refs for c in group] for group in found.groups] == [[c.refs for c in group] for group in whole]
    assert found.groups == whole
    assert found.more == (sum(map(len, whole)) < len(left))


@given(st.lists(windows, max_size=40), st.integers(1, 12))
def test_folded_connections_are_the_newest_without_one_left_out(
    rows: list[dict[str, Any]], limit: int
) -> None:
    found = joined(table(rows))
    groups = folded_connections(found, limit, fold=True)
    taken = [c for group in groups for c in group]
    assert len(groups) <= limit
    assert sorted(map(id, taken)) == sorted(map(id, found[: len(taken)]))
    for group in groups:
        made = together(group)
        assert made.bytes == sum(c.bytes for c in group)
        assert (made.first, made.last) == (min(c.first for c in group), max(c.last for c in group))


@given(st.lists(st.builds(flow, st.integers(0, 900), out=st.booleans(), port=st.sampled_from([22, 53, 80, 443]),
                          log=st.sampled_from(["fl-1", "fl-2"])), max_size=60), st.integers(1, 60))  # fmt: skip
def test_what_the_newest_records_settle_is_what_all_of_them_say(
    rows: list[dict[str, Any]], most: int
) -> None:
    newest = sorted(rows, key=lambda r: r["start_time"], reverse=True)

    def told(found: Any) -> Any:
        return [(c.first, c.last, c.port, c.bytes, c.records, sorted(c.refs)) for c in found]

    found = told(settled(table(newest[:most])))
    assert found == told(joined(table(rows)))[: len(found)]


def test_two_flow_logs_of_one_interface_tell_once() -> None:
    rows = [flow(m, log=log) for m in range(5) for log in ("fl-1", "fl-2")]
    [connection] = joined(table(rows))
    assert (connection.records, connection.bytes) == (5, 50)
    assert len(connection.refs) == 10


@pytest.mark.parametrize("logs", [("fl-1",), ("fl-1", "fl-2")])
def test_thousands_of_connections_of_one_5_tuple_do_not_take_minutes(logs: tuple[str, ...]) -> None:
    """A service that calls from a fixed port every quarter of an hour, for months."""
    rows = table([flow(17 * n, log=log) for n in range(4000) for log in logs])
    began = process_time()
    assert len(joined(rows)) == 4000
    assert process_time() - began < 4


@given(windows, st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_a_flow_record_is_found_by_its_reference(row: dict[str, Any], text: str | None) -> None:
    """What SQL says is the hash in a reference is what the reference has."""
    row |= {"log_event_id": text, "srcport": None}
    rows = table([row])
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        [(ref,)] = connection.execute(f"SELECT {FLOW_REF} FROM rows").fetchall()
    assert flow_ref(rows.to_pylist()[0]) == ref


def test_who_opened_it_is_told_by_the_ports() -> None:
    for out in (True, False):
        [connection] = joined(table([flow(0, out=out)]))
        assert (connection.client, connection.server, connection.port) == ("10.0.0.5", "203.0.113.9", 443)


def call(minute: int, name: str, who: str, *, reads: bool, failed: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(EVENTS.names)
    return row | {
        "eventTime": BEGIN - timedelta(minutes=minute), "eventName": name, "eventSource": "ec2.amazonaws.com",
        "readOnly": reads, "errorCode": "AccessDenied" if failed else None, "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.7", "userIdentity": {"type": "IAMUser", "arn": who}, "entities": [], "variant": 0,
        "eventID": f"{minute}", "ingested_at": BEGIN,
    }  # fmt: skip


calls = st.builds(
    call,
    st.just(0),
    st.sampled_from(["RunInstances", "DescribeInstances"]),
    st.sampled_from(["alice", "bob"]),
    reads=st.booleans(),
    failed=st.booleans(),
)


@given(st.lists(st.tuples(st.integers(0, 90), calls), max_size=40), st.integers(1, 10))
def test_folding_keeps_every_row_once_and_never_mixes_callers(
    steps: list[tuple[int, dict[str, Any]]], limit: int
) -> None:
    rows, at = [], BEGIN
    for minutes, row in steps:
        at -= timedelta(minutes=minutes)
        rows.append({**row, "eventTime": at})
    events = pa.Table.from_pylist(rows, EVENTS)
    groups = folded(events, limit)
    taken = sorted(n for group in groups for n in group)
    assert taken == list(range(len(taken)))
    assert len(groups) <= limit
    assert len(taken) == len(rows) or len(groups) == limit
    for group in groups:
        assert group == sorted(group)
        assert len({rows[n]["userIdentity"]["arn"] for n in group}) == 1
        if not rows[group[0]]["readOnly"]:
            assert len({(rows[n]["eventName"], rows[n]["errorCode"]) for n in group}) == 1


def test_few_spans_hold_many_and_leave_out_the_longest_gaps() -> None:
    hour = timedelta(hours=1)
    spans = [(BEGIN + n * 24 * hour, BEGIN + n * 24 * hour + hour) for n in range(100) if n not in (40, 41)]
    found = _fewer(list(reversed(spans)))
    assert len(found) == 16
    assert all(any(a <= first and last <= b for a, b in found) for first, last in spans)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert not any(a <= BEGIN + 40 * 24 * hour <= b for a, b in found)
    assert _fewer(spans[:3]) == spans[:3]
    # Gaps that are less than the spans save nothing.
    assert _fewer([(BEGIN, BEGIN + 2 * hour), (BEGIN + 3 * hour, BEGIN + 4 * hour)]) == [
        (BEGIN, BEGIN + 4 * hour)
    ]
    assert _fewer([]) == []


def test_thousands_of_peers_are_told_apart_in_no_time() -> None:
    """A host that the whole internet knocks at."""
    peers = tuple(
        Exchange(
            f"{'10.1' if n % 2 else '198.18'}.{n // 256}.{n % 256}", 22, 0, 0, 0, 0, 1, BEGIN, BEGIN, None, None, f"{n}"
        )
        for n in range(5000)
    )  # fmt: skip
    telling = Telling.of(Settings())
    began = process_time()
    flows = _Flows.of(Exchanges(peers), telling)
    assert (len(flows.outside), len(flows.inside)) == (2500, 2500)
    assert process_time() - began < 2


#: hypothesis takes bounds without a zone.
moments = st.datetimes(
    datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01"), timezones=st.just(UTC)
)
places = st.none() | st.builds(Place, moments, st.text(max_size=60))


@given(places, places, places)
def test_a_cursor_comes_back_as_it_was(a: Place | None, b: Place | None, c: Place | None) -> None:
    given_ = dict(zip(LANES.values(), (a, b, c), strict=True))
    cursor = cursor_of(given_)
    assert (cursor is None) == (not any(given_.values()))
    if cursor is not None:
        assert places_of(cursor) == given_


@given(st.text(max_size=200))
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    remedy = None
    try:
        found = places_of(text)
    except WrongUse as refused:
        found, remedy = None, refused.remedy
    assert remedy or set(found or ()) == set(LANES.values())


@given(st.text(max_size=1500))
def test_whatever_is_pasted_is_something_or_is_refused(text: str) -> None:
    said = None
    try:
        said = recognise(text).value
    except WrongUse as refused:
        said = refused.remedy
    assert said


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        (" 'AKIAI44QH8DHBEXAMPLE', ", "access_key", "AKIAI44QH8DHBEXAMPLE"),
        ("203.0.113.99/32", "address", "203.0.113.99"),
        ("[2001:DB8::1]", "address", "2001:db8::1"),
        ("::ffff:192.0.2.1", "address", "192.0.2.1"),
        ("111122223333", "account", "111122223333"),
        ("i-0a1b2c3d4e5f60718", "instance", "i-0a1b2c3d4e5f60718"),
        ("0C98E0C8-7A5C-4AE9-A58F-3543ABD1D978", "event", "0c98e0c8-7a5c-4ae9-a58f-3543abd1d978"),
        ("arn:aws:iam::111122223333:role/ops", "arn", "arn:aws:iam::111122223333:role/ops"),
        ("sg-0a1", "name", "sg-0a1"),
        ("alice@example.com", "name", "alice@example.com"),
    ],
)
def test_forms_of_what_is_pasted(text: str, form: str, value: str) -> None:
    found = recognise(text)
    assert (found.form, found.value) == (form, value)


@given(moments, moments, moments, moments)
def test_what_a_window_cuts_lies_in_it(a: datetime, b: datetime, c: datetime, d: datetime) -> None:
    window, (first, last) = Window(min(a, b), max(a, b)), (min(c, d), max(c, d))
    if window.misses(first, last) or window.start == window.end:
        return
    low, high = window.cut(first, last)
    assert window.holds(low, high)
    assert window.holds(first, last) == ((low, high) == (first, last))


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 90)), min_size=1, max_size=400), st.booleans())
def test_portions_hold_every_span_once_and_come_in_order(hours: list[tuple[int, int]], oldest: bool) -> None:
    minute = timedelta(minutes=1)
    starts = dict(hours)
    spans = sorted(
        (BEGIN + h * 60 * minute, BEGIN + (h * 60 + min(n, 59)) * minute) for h, n in starts.items()
    )
    portions = list(_portions(spans, oldest=oldest))
    assert len(portions) <= _MOST_PORTIONS
    assert all(0 < len(p) <= _MOST_SPANS for p in portions)
    flat = [span for p in (portions if oldest else reversed(portions)) for span in p]
    assert all(before[1] < after[0] for before, after in pairwise(flat))
    assert all(sum(a <= first and last <= b for a, b in flat) == 1 for first, last in spans)
    if len(portions) == 1 and len(spans) > _MOST_SPANS:
        assert _length(portions[0]) <= 2 * _length(spans)
