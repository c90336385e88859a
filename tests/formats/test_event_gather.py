"""Files that are read together say what each says by itself, and to whom it belongs."""

from __future__ import annotations

import gzip
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows, Unreadable
from formats.cloudtrail_samples import file_of, said


def record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": f"2026-10-01T00:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventID": f"00000000-0000-4000-8000-{number:012x}",
        "recipientAccountId": "111122223333",
        **more,
    }


#: What makes a file of these records, and how many of them can be read.
KINDS = {
    "plain": lambda rs: (file_of(rs), len(rs)),
    "empty": lambda _: (file_of([]), 0),
    "escaped": lambda rs: (file_of([{**r, "errorMessage": 'said "no"\n'} for r in rs]), len(rs)),
    "other script": lambda rs: (file_of([{**r, "errorMessage": "権限がありません"} for r in rs]), len(rs)),
    "spaced": lambda rs: (json.dumps({"Records": rs}, indent=1).encode(), len(rs)),
    "unknown field": lambda rs: (file_of([{**r, "brandNew": {"a": 1}} for r in rs]), len(rs)),
    "no id": lambda rs: (
        file_of([{k: v for k, v in r.items() if k != "eventID"} for r in rs]),
        len(rs),
    ),
    "id of another form": lambda rs: (file_of([{**r, "eventID": "x" + r["eventID"]} for r in rs]), len(rs)),
    "wrong type": lambda rs: (file_of([*rs, record(9999, eventTime=7)]), len(rs)),
    "cut off": lambda rs: (file_of([*rs, record(9999)])[:-20], len(rs)),
    "twice the key": lambda rs: (file_of(rs)[:-1] + b',"Records":[]}', len(rs)),
}


@settings(deadline=None, max_examples=120)
@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 4)), min_size=1, max_size=12))
def test_together_as_alone(kinds: list[tuple[str, int]]) -> None:
    made = []
    for number, (kind, count) in enumerate(kinds):
        made.append(KINDS[kind]([record(number * 10 + i) for i in range(count)]))
    reader = LogReader()
    counts = dict.fromkeys(range(len(made)), 0)
    bad: dict[str, int] = {}
    for number, (content, _) in enumerate(made):
        before = reader.events.added
        for part in reader.read(gzip.compress(content), ObjectOrigin("s", str(number))):
            if isinstance(part, Unreadable):
                bad[str(number)] = bad.get(str(number), 0) + 1
        counts[number] += reader.events.added - before
    for gathered in reader.settle():
        for origin, count in gathered.counts:
            counts[int(origin.name)] += count
            if isinstance(gathered.part, Unreadable):
                bad[origin.name] = bad.get(origin.name, 0) + 1
    rows = reader.flush()
    assert counts == {number: count for number, (_, count) in enumerate(made)}
    expected_bad = {str(n) for n, (kind, _) in enumerate(kinds) if kind in ("wrong type", "cut off")}
    assert bad.keys() == expected_bad
    if rows is None:
        assert not sum(counts.values())
        return
    assert isinstance(rows, Rows)
    together = rows.rows.drop_columns(["delivered_at", "source"]).to_pylist()
    alone = []
    for number, (content, count) in enumerate(made):
        if count and str(number) not in bad:
            alone += [(str(number), r) for r in said(content)]
    of_sound = [r for r in together if r["object"] not in bad]
    key = sorted(json.dumps({**r, "key": None, "object": o}, default=str, sort_keys=True) for o, r in alone)
    assert sorted(json.dumps({**r, "key": None}, default=str, sort_keys=True) for r in of_sound) == key


def test_keys_are_the_same_by_every_way() -> None:
    """An event of a plain file, of one that must be read field by field, and beside one without an id."""
    plain = said(file_of([record(1), record(2)]))
    unknown = said(file_of([record(1, brandNew=1), record(2, brandNew=1)]))
    beside = said(file_of([record(1), record(2), {k: v for k, v in record(3).items() if k != "eventID"}]))
    assert [r["key"] for r in plain] == [r["key"] for r in unknown] == [r["key"] for r in beside][:2]
    accounts = said(file_of([record(1), record(1, recipientAccountId="444455556666")]))
    assert len({r["key"] for r in accounts}) == 2
