"""The scanner's promise: one bad record costs one record, at bounded time and memory."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.json_scan import Broken, Value, array_start, elements, values

text = st.text(st.sampled_from('ab"\\{}[],: é\n\0/'), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(st.sampled_from(["v", "a", "b"]), anything, max_size=3), max_size=5)
spellings = st.sampled_from([(None, (",", ":")), (None, (", ", " : ")), (1, None)])


def dump(value: Any, spelling: Any) -> bytes:
    indent, separators = spelling
    return json.dumps(value, indent=indent, separators=separators).encode()


def taken(parts: Any) -> list[Any]:
    return [json.loads(part.raw) for part in parts if isinstance(part, Value)]


def broken(parts: Any) -> list[Broken]:
    return [part for part in parts if isinstance(part, Broken)]


@given(records, spellings)
def test_a_whole_document_gives_all_its_elements(items: list[Any], spelling: Any) -> None:
    document = dump({"fileVersion": "1.0", "other": [[{"Records": [1]}]], "Records": items}, spelling)
    start = array_start(document, "Records")
    assert start is not None
    parts = list(elements(document, start=start))
    assert taken(parts) == items
    assert not broken(parts)
    assert all(document[p.offset : p.offset + len(p.raw)] == p.raw for p in parts)


@given(records, spellings, st.data())
@settings(max_examples=300)
def test_a_document_cut_anywhere_gives_exactly_the_elements_before_the_cut(
    items: list[Any], spelling: Any, data: st.DataObject
) -> None:
    document = dump({"Records": items}, spelling)
    start = array_start(document, "Records")
    assert start is not None
    whole = list(elements(document, start=start))
    closing = document.rindex(b"]")
    cut = data.draw(st.integers(start + 1, closing))
    parts = list(elements(document[:cut], start=start))
    expected = [p for p in whole if p.offset + len(p.raw) <= cut]
    assert [p for p in parts if isinstance(p, Value)] == expected
    # The loss is always told, also where the cut falls between two elements.
    assert len(broken(parts)) == 1
    assert isinstance(parts[-1], Broken)


@given(records, st.sampled_from([b"", b"\n", b"\r\n", b" \0 ", b"\xef\xbb\xbf", b",\n"]), spellings)
def test_values_follow_one_another_with_anything_or_nothing_between(
    items: list[Any], between: bytes, spelling: Any
) -> None:
    content = between + between.join(dump(item, spelling) for item in items) + between
    parts = list(values(content))
    assert taken(parts) == items
    assert not broken(parts)


@given(records, st.integers(0, 400))
def test_json_lines_cut_anywhere_give_the_lines_before_the_cut(items: list[Any], cut: int) -> None:
    lines = [json.dumps(item).encode() for item in items]
    content = b"\n".join(lines)[:cut]
    whole, end = [], 0
    for line, item in zip(lines, items, strict=True):
        end += len(line)
        if end <= len(content):
            whole.append(item)
        end += 1
    assert taken(values(content)) == whole


@given(st.binary(max_size=300) | st.text(st.sampled_from('"{}[],:\\a1 \n\0'), max_size=60).map(str.encode))
@settings(max_examples=300)
def test_no_bytes_raise_and_every_part_is_where_it_says(content: bytes) -> None:
    for parts in (list(values(content)), list(elements(b"[" + content, start=0))):
        end = 0
        for part in parts:
            assert part.offset >= end
            end = part.offset + len(part.raw)
    for part in values(content):
        assert content[part.offset : part.offset + len(part.raw)] == part.raw
    array_start(content, "Records")


GOOD = [{"eventVersion": "1.08", "n": n, "resources": [{"ARN": "a"}, {"ARN": "b"}]} for n in range(3)]
G = [json.dumps(g).encode() for g in GOOD]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"eventVersion":"1.08","n":tru/,"a":[{}]}',
        b'{"eventVersion":"1.08","n":"a quote is missing,"a":"x, y","b":{"c":"]}"}}',
        b'{"eventVersion":"1.08","n":{"cut":"off',
        b'{"eventVersion":"1.08","n":[1,2',
        b'{"eventVersion":"1.08","n":"\n","a":[{},{}]}',
        b'{"eventVersion":"1.08" "n":1}',
        b'{"eventVersion":"1.08","n":1]',
        b"<html>{}</html>",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ],
    ids=lambda bad: bad[:40].decode(),
)
def test_a_broken_element_costs_itself_only(bad: bytes) -> None:
    document = b'{"Records":[' + G[0] + b"," + bad + b"," + G[1] + b"," + G[2] + b"]}"
    start = array_start(document, "Records")
    assert start == 11
    parts = list(elements(document, start=start))
    if bad.endswith(b"[1,2"):
        # Cut off inside a list, what follows is well-formed as members of that list: no structure can
        # tell it from an element that holds events. It stays one value, and the missing end is told.
        assert taken(parts)[1]["n"] == [1, 2, *GOOD[1:]]
        assert parts[-1] == Broken(len(document), b"", "the document ends inside the array")
        return
    assert taken(parts) == GOOD
    (fault,) = broken(parts)
    assert fault.offset == document.index(bad)
    assert fault.reason


@pytest.mark.parametrize("bad", [b'{"a":"no end', b'{"a":[1,2', b'{"a"}}', b"text", b"{" * 5000], ids=repr)
def test_a_broken_line_costs_itself_only(bad: bytes) -> None:
    content = b"\n".join([G[0], bad, G[1], G[2]])
    parts = list(values(content))
    assert taken(parts) == GOOD
    assert b"".join(p.raw for p in broken(parts)).strip() == bad


def test_a_stray_bracket_behind_an_element_costs_nothing_but_itself() -> None:
    parts = list(elements(b'[{"a":1}}},{"b":2},{"c":3}]', start=0))
    assert taken(parts) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [(p.offset, p.raw) for p in broken(parts)] == [(8, b"}}")]


def test_invalid_utf8_and_nul_in_a_string_leave_the_element_delimited() -> None:
    content = b'[{"a":"\xff\xfe"},{"a":"\0"},{"a":1}]'
    assert [p.raw for p in elements(content, start=0)] == [b'{"a":"\xff\xfe"}', b'{"a":"\0"}', b'{"a":1}']


def test_elements_tells_where_the_array_ends() -> None:
    content = b'{"Records":[{"a":1}, 2 ] }{"Records":[]}'
    parts: list[Value | Broken] = []

    def outer() -> Generator[Value | Broken, None, None]:
        ends.append((yield from elements(content, start=11)))

    ends: list[int] = []
    parts.extend(outer())
    assert ends == [content.index(b"]") + 1]
    assert [p.raw for p in parts] == [b'{"a":1}', b"2"]


def test_a_value_over_the_limit_comes_as_pieces_and_the_next_one_whole() -> None:
    content = b'{"a":"' + b"x" * 100 + b'"}\n{"b":1}'
    parts = list(values(content, max_value=50))
    assert [len(p.raw) for p in broken(parts)] == [50, 50, 8]
    assert taken(parts) == [{"b": 1}]


def test_text_around_json_is_broken_and_the_json_is_found() -> None:
    parts = list(values(b'View the Timeline: https://x\n\nNew State:\n----\n{"a":1}\n--\nunsubscribe'))
    assert [type(p).__name__ for p in parts] == ["Broken", "Value", "Broken"]


def test_a_memoryview_is_read_without_a_copy_of_the_whole() -> None:
    assert taken(values(memoryview(b'{"a":1}{"b":2'))) == [{"a": 1}]


@pytest.mark.parametrize(
    ("content", "key", "found"),
    [
        (b'\xef\xbb\xbf {"a":{"Records":[1]},"Records" : [2]}', "Records", 37),
        (b'{"Records":{}}', "Records", None),
        (b'{"\\"Records":[1]}', "Records", None),
        (b"[1]", "Records", None),
        (b"", "Records", None),
        (b'{"a":"cut,"b":1,"Records":[1]}', "Records", 26),
        (b'{"Records":[{"Records":[', "Records", 11),
    ],
)
def test_array_start(content: bytes, key: str, found: int | None) -> None:
    assert array_start(content, key) == found


@pytest.mark.parametrize(
    "unit",
    [
        b"[",
        b'"',
        b"\\",
        b'{"a":',
        b'"\\',
        b'"",',
        b'{"a":/},',
        b'{"a":"},',
        b'[{"a":1,',
        b"\n{",
        b'{"b":1}/',
        b" ",
    ],
    ids=repr,
)
def test_time_is_linear_on_hostile_input(unit: bytes) -> None:
    def seconds(size: int) -> float:
        content = unit * (size // len(unit))
        begin = time.process_time()
        for _ in values(content):
            pass
        for _ in elements(b"[" + content, start=0):
            pass
        array_start(b'{"a":1,"b":' + content, "Records")
        return time.process_time() - begin

    # Ten times the input takes ten times as long; a quadratic scan would take a hundred times as long.
    assert seconds(500_000) < 30 * max(seconds(50_000), 0.02)
