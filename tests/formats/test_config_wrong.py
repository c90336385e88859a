"""Wrong input: one bad item costs one item, and is told with place and reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.config_items import read_items
from ashiato.formats.reading import Rows, Skipped, Unreadable
from formats.config_samples import (
    ITEM,
    ORIGIN,
    ROADS,
    anything,
    api_form,
    changed,
    dump,
    read,
)

WRONG: dict[str, tuple[bytes, str]] = {
    "no capture time": (
        dump(changed(configurationItemCaptureTime=None)),
        "configurationItemCaptureTime is missing",
    ),
    "text as time": (
        dump(changed(configurationItemCaptureTime="soon")),
        "configurationItemCaptureTime is 'soon'",
    ),
    "no such day": (
        dump(changed(configurationItemCaptureTime="2024-02-30T00:00:00Z")),
        "CaptureTime is '2024-02-30",
    ),
    "huge time": (
        dump(changed(configurationItemCaptureTime=int("9" * 400))),
        "configurationItemCaptureTime is the number 999",
    ),
    "object as text": (dump(changed(resourceId={"a": 1})), "resourceId is an object; expected text"),
    "number as list": (dump(changed(relationships=3)), "relationships is a number; expected a list"),
    "text in a list": (dump(changed(relationships=["a"])), "relationships holds text; expected objects"),
    "number as object": (dump(changed(configuration=3)), "configuration is a number; expected an object"),
    "text, not JSON": (dump(changed(configuration='{"a":')), "configuration is text that is not JSON"),
    "boolean as tags": (dump(changed(tags=True)), "tags is a boolean; expected an object"),
    "not UTF-8": (dump(changed()).replace(b"ami-1", b"\xff"), "configuration is not UTF-8"),
    "NUL": (dump(changed()).replace(b"ami-1", b"\0"), "JSON is malformed"),
    "not an object": (b"[1]", "Expected `object`"),
    "null": (b"null", "Expected `object`"),
    "not JSON": (b'{"resourceId":tru}', "JSON is malformed"),
    "too deep": (
        dump(changed()).replace(b'"ami-1"', b"[" * 100_000 + b"]" * 100_000),
        "nested too deep",
    ),
    "too deep in text": (
        dump(changed(configuration='{"a":' * 100_000 + "1" + "}" * 100_000)),
        "nested too deep",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_item_is_told_with_place_and_reason_and_the_others_are_kept(case: str) -> None:
    bad, reason = WRONG[case]
    good = dump(ITEM)
    parts = list(read_items([(5, good, None), (70, bad, None), (90, good, None)], ORIGIN))
    (fault,) = [p for p in parts if isinstance(p, Unreadable)]
    assert reason in fault.reason
    assert (fault.offset, fault.content) == (70, bad)
    (table,) = [p for p in parts if isinstance(p, Rows)]
    assert table.rows.num_rows == 2


def test_offsets_point_into_the_delivered_content() -> None:
    document = dump(
        {"fileVersion": "1.0", "configurationItems": [ITEM, changed(resourceId=5.5, tags=1), ITEM]}
    )
    parts = read(document)
    assert parts is not None
    (fault,) = [p for p in parts if isinstance(p, Unreadable)]
    assert document[fault.offset :].startswith(fault.content)


@given(st.data())
@settings(max_examples=150)
def test_a_field_of_any_type_never_raises(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from([ITEM, api_form(ITEM)]))
    field = data.draw(st.sampled_from([*item, "new"]))
    item = {**item, field: data.draw(anything)}
    road = ROADS[data.draw(st.sampled_from([road for road in ROADS if not road.startswith("api")]))]
    for part in read(road(item)) or []:
        assert isinstance(part, Rows | Unreadable | Skipped)
        if isinstance(part, Rows):
            part.rows.validate(full=True)
