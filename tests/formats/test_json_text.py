"""JSON columns keep what was written; copies that mean the same compare as the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.formats.json_text import canonical, compact, says_more

text = st.text(max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(text, anything, max_size=4)

STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """The value as JSON, with spaces, key order and escapes drawn at random."""
    space = st.sampled_from(["", " ", "\n\t", "\r\n"])

    def write(v: Any) -> str:
        if isinstance(v, dict):
            members = [
                f"{write(k)}{draw(space)}:{draw(space)}{write(x)}"
                for k, x in draw(st.permutations(list(v.items())))
            ]
            return "{" + draw(space) + f"{draw(space)},{draw(space)}".join(members) + "}"
        if isinstance(v, list):
            return "[" + f",{draw(space)}".join(write(x) for x in v) + draw(space) + "]"
        return json.dumps(v, ensure_ascii=draw(st.booleans()))

    return draw(space) + write(value) + draw(space)


def encode(document: str) -> bytes:
    return document.encode()


@given(anything.flatmap(spelled))
def test_compact_removes_only_spaces_between_tokens(document: str) -> None:
    raw = encode(document)
    kept = compact(raw).encode()
    if b" " in raw or b"\n" in raw:
        strings = STRING.findall(raw)
        assert STRING.findall(kept) == strings
        assert STRING.sub(b"", kept) == re.sub(rb"\s", b"", STRING.sub(b"", raw))
    assert json.loads(kept) == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b'{"b": 1, "a": 2, "a": 3, "A": 4}', '{"b":1,"a":2,"a":3,"A":4}'),
        (b"[1.50E+10, -0, 1e400, " + b"9" * 400 + b"]", "[1.50E+10,-0,1e400," + "9" * 400 + "]"),
        (b'{"k" : "\\u00e9\\/ \\" : \\u0000"}', '{"k":"\\u00e9\\/ \\" : \\u0000"}'),
        ('{"k":"足 跡"}'.encode(), '{"k":"足 跡"}'),
        (b"{}", "{}"),
    ],
)
def test_compact_keeps_order_duplicates_numbers_and_escapes_as_written(raw: bytes, kept: str) -> None:
    assert compact(raw) == kept


@pytest.mark.parametrize("raw", [b'{"a":"\xff"}', b'{ "a": "\xff" }'])
def test_compact_says_where_bytes_are_not_utf8(raw: bytes) -> None:
    with pytest.raises(ValueError, match="utf-8") as raised:
        compact(raw)
    assert isinstance(raised.value, UnicodeDecodeError)
    assert raised.value.start == raw.index(b"\xff")


def test_depth_is_no_matter() -> None:
    deep = b"[" * 100_000 + b" " + b"]" * 100_000
    assert len(compact(deep)) == 200_000
    assert len(canonical(deep)) == 200_000
    first: Any = 1
    second: Any = 2
    for _ in range(5_000):
        first, second = {"a": [first]}, {"a": [second]}
    assert says_more(first, second)
    assert not says_more(first, first)


@given(anything.flatmap(lambda v: st.tuples(spelled(v), spelled(v))))
def test_two_spellings_of_one_value_have_one_canonical_form(pair: tuple[str, str]) -> None:
    assert canonical(encode(pair[0])) == canonical(encode(pair[1]))


def same(a: Any, b: Any) -> bool:
    """Equality that tells 1, 1.0 and true apart."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and json.dumps(a) == json.dumps(b)


@given(anything, anything)
def test_canonical_forms_are_equal_only_for_equal_values(a: Any, b: Any) -> None:
    assert (canonical(json.dumps(a).encode()) == canonical(json.dumps(b).encode())) == same(a, b)


def test_canonical_keeps_duplicate_keys_and_keys_that_differ_in_case() -> None:
    assert canonical(b'{"b":1,"a":2,"A":3,"a":4}') == b'{"A":3,"a":2,"a":4,"b":1}'


@pytest.mark.parametrize("raw", [b"", b"{", b"]", b"[}", b'{"a"}', b"1 2", b"\xff", b'"open', b"#"])
def test_canonical_of_what_is_not_json_is_an_error_and_not_a_form(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"not |utf-8|empty"):
        canonical(raw)


@given(objects)
def test_a_copy_says_no_more_than_its_original(record: dict[str, Any]) -> None:
    assert not says_more(record, json.loads(json.dumps(record)))


@given(objects, text, st.integers() | st.text(min_size=1))
def test_a_key_more_is_more_and_a_key_less_is_not(record: dict[str, Any], key: str, value: Any) -> None:
    without = {k: v for k, v in record.items() if k != key}
    assert says_more(without, {**without, key: value}) == (value not in ("***", "****"))
    assert not says_more({**without, key: value}, without)


@pytest.mark.parametrize(
    ("first", "second", "more"),
    [
        ({"a": None}, {"a": 1}, True),
        ({"a": 1}, {"a": None}, False),
        ({}, {"a": None, "b": {}, "c": [], "d": ""}, False),
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {"a": True}, True),
        ({"a": {"omitted": True, "reason": "size"}}, {"a": {"x": 1}}, True),
        ({"a": {"x": 1}}, {"a": {"omitted": True, "reason": "size"}}, False),
        ({"a": "abc"}, {"a": "abcdef"}, True),
        ({"a": "abcdef"}, {"a": "abc..."}, False),
        ({"a": "abcdef"}, {"a": "HIDDEN_DUE_TO_SECURITY_REASONS"}, False),
        ({"a": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"a": "abc"}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": [1, 2]}, {"a": [2]}, False),
        ({"a": [1]}, {"a": [1, 1]}, True),
        ({"a": [{"k": 1}, {"k": 2}]}, {"a": [{"k": 2, "l": 3}, {"k": 1}]}, True),
        ({"a": {"b": 1}}, {"a": {"B": 1}}, True),
        ({"a": "x"}, {"a": {"b": 1}}, True),
    ],
)
def test_says_more(first: dict[str, Any], second: dict[str, Any], more: bool) -> None:
    assert says_more(first, second) is more
