"""Every field of a record has its column; what no column holds is in `extra`; nothing is dropped."""

from __future__ import annotations

import copy
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.cloudtrail_record import FIELDS
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL
from formats.cloudtrail_samples import (
    CORPORA,
    EVERY,
    ORIGIN,
    Record,
    file_of,
    plain,
    read,
    said,
    tight,
    unreadable,
)

_NESTED = {"userIdentity", "resources", "addendum", "tlsDetails"}


def one(record: Record | str, **changes: Any) -> Record:
    text = record if isinstance(record, str) else tight(record | changes)
    (row,) = said(f'{{"Records":[{text}]}}'.encode())
    return row


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def test_every_documented_field_is_in_its_column() -> None:
    row = one(EVERY)
    assert set(EVERY) == set(FIELDS)
    for name, value in EVERY.items():
        if CLOUDTRAIL.by_name[name].json:
            assert row[name] == tight(value)
        elif name == "eventTime":
            assert row[name].isoformat() == "2024-01-01T12:00:00+00:00"
        elif name == "userIdentity":
            kept = copy.deepcopy(value)
            federation = kept["sessionContext"]["webIdFederationData"]
            federation["attributes"] = tight(federation["attributes"])
            assert without_nulls(row[name]) == kept
        elif name in _NESTED:
            assert without_nulls(row[name]) == value
        else:
            assert row[name] == value
    assert row["extra"] is None
    assert row["variant"] == 0
    assert row["record_hash"] is None


def test_provenance() -> None:
    rows, _ = read(file_of([plain(1), plain(2)]))
    assert rows is not None
    assert rows.rows.schema.names == [c.name for c in CLOUDTRAIL.columns if c.name != "ingested_at"]
    assert rows.rows["object"].to_pylist() == ["s3://b/k"] * 2
    assert rows.rows["source"].to_pylist() == ["test"] * 2
    assert rows.rows["delivered_at"].to_pylist() == [ORIGIN.delivered_at] * 2
    for name in rows.rows.schema.names:
        assert rows.rows.schema.field(name).type == CLOUDTRAIL.by_name[name].type


def test_unknown_fields_at_any_depth_are_in_extra() -> None:
    record = copy.deepcopy(EVERY)
    record["newField"] = {"a": [1, 2.50]}
    record["userIdentity"]["new"] = None
    record["userIdentity"]["sessionContext"]["signInSessionArn"] = "arn:aws:signin:::session/1"
    record["userIdentity"]["sessionContext"]["sessionIssuer"]["deep"] = {"er": True}
    record["resources"][1]["tags"] = [{"k": "v"}]
    record["tlsDetails"]["new"] = 1
    record["addendum"]["new"] = "x"
    row = one(record)
    assert json.loads(row["extra"]) == {
        "newField": {"a": [1, 2.5]},
        "userIdentity": {
            "new": None,
            "sessionContext": {
                "signInSessionArn": "arn:aws:signin:::session/1",
                "sessionIssuer": {"deep": {"er": True}},
            },
        },
        "resources": [None, {"tags": [{"k": "v"}]}],
        "tlsDetails": {"new": 1},
        "addendum": {"new": "x"},
    }
    known = one(EVERY)
    assert {k: v for k, v in row.items() if k != "extra"} == {k: v for k, v in known.items() if k != "extra"}


def test_keys_that_differ_in_case_stay_two_keys() -> None:
    row = one(plain(1, requestParameters={"Name": "a", "name": "b"}, EventName="x", eventname="y"))
    assert json.loads(row["requestParameters"]) == {"Name": "a", "name": "b"}
    assert row["eventName"] == "CreateUser"
    assert json.loads(row["extra"]) == {"EventName": "x", "eventname": "y"}


@pytest.mark.parametrize(
    "address",
    ["2001:db8::1", "cloudformation.amazonaws.com", "AWS Internal", "AWS Internal/3", "not valid", ""],
)
def test_source_address_is_text(address: str) -> None:
    assert one(plain(1, sourceIPAddress=address))["sourceIPAddress"] == address


def test_omitted_and_cut_fields_are_kept_as_aws_marks_them() -> None:
    row = one(
        plain(1, requestParameters={"omitted": True, "originalSize": 123456}, userAgent="x" * 1021 + "...")
    )
    assert json.loads(row["requestParameters"])["omitted"] is True
    assert row["userAgent"].endswith("...")


def test_an_addendum_names_what_it_corrects() -> None:
    row = one(plain(1, addendum=EVERY["addendum"]))
    assert row["addendum"] == EVERY["addendum"]


@pytest.mark.parametrize(
    "version",
    ["1.0", "1.01", "1.02", "1.03", "1.04", "1.05", "1.06", "1.07", "1.08", "1.09", "1.10", "1.11", "2.0"],
)
def test_every_event_version(version: str) -> None:
    assert one(plain(1, eventVersion=version))["eventVersion"] == version


def test_a_record_of_version_1_0_has_no_id_and_is_known_by_its_content() -> None:
    old = {
        k: v
        for k, v in plain(1, eventVersion="1.0").items()
        if k not in ("eventID", "requestID", "eventType")
    }
    row = one(old)
    assert row["eventID"] is None
    assert row["record_hash"] == row["key"].hex()
    shuffled = dict(reversed(old.items()))
    assert one(json.dumps(shuffled))["key"] == row["key"]
    assert one(old, eventName="Other")["key"] != row["key"]
    both = said(file_of([old, plain(2)]))
    assert [r["key"] for r in both] == [row["key"], one(plain(2))["key"]]


def test_a_key_is_of_event_and_recipient() -> None:
    assert one(plain(1))["key"] != one(plain(1, recipientAccountId="222222222222"))["key"]
    assert one(plain(1))["key"] == one(plain(1, eventName="Changed"))["key"]
    assert one(plain(1))["key"] != one(plain(2))["key"]


def test_nothing_of_a_key_that_comes_twice_is_dropped() -> None:
    text = tight(plain(1))
    row = one(
        text.replace('"eventName":', '"eventName":"First","x":1,"x":2,"eventName":"CreateUser","eventName":')
    )
    assert row["eventName"] == "CreateUser"
    assert row["extra"] == '{"eventName":"First","x":1,"x":2}'
    identity = text.replace('"userName":"eve"', '"userName":"mallory","userName":"eve","userName":"eve"')
    row = one(identity)
    assert row["userIdentity"]["userName"] == "eve"
    assert row["extra"] == '{"userIdentity":{"userName":"mallory"}}'
    row = one(text.replace('"requestParameters":{', '"requestParameters":{"userName":"other",'))
    assert row["requestParameters"] == '{"userName":"other","userName":"user-1"}'
    row = one(text.replace('"userIdentity":', '"userIdentity":{"type":"Root"},"userIdentity":'))
    assert row["userIdentity"]["type"] == "IAMUser"
    assert json.loads(row["extra"]) == {"userIdentity": {"type": "Root"}}
    assert (
        one(text.replace('"eventName":', '"event\\u004eame":"First","eventName":'))["extra"]
        == '{"eventName":"First"}'
    )


def test_a_nested_field_of_another_type_goes_to_extra() -> None:
    identity = {**plain(1)["userIdentity"], "sessionContext": "none", "userName": ["a", 1], "accountId": 12}
    row = one(plain(1, userIdentity=identity))
    assert row["userIdentity"]["sessionContext"] is None
    assert row["userIdentity"]["userName"] == '["a",1]'
    assert row["userIdentity"]["accountId"] == "12"
    assert json.loads(row["extra"]) == {"userIdentity": {"sessionContext": "none"}}


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (r"\ud800", "�"),
        (r"x\udc00y", "x�y"),
        (r"\ud83d\ude00", "😀"),
        (r"\\ud800", r"\ud800"),
        (r"\ud800A", "�A"),
    ],
)
def test_half_a_surrogate_pair_is_data(given_: str, kept: str) -> None:
    text = tight(plain(1)).replace("aws-cli/2.15", given_).replace("user-1", given_)
    row = one(text)
    assert row["userAgent"] == kept
    assert json.loads(row["requestParameters"]) == {"userName": kept}
    if "�" in kept:
        extra = json.loads(row["extra"])
        assert extra == {"userAgent": f'"{given_}"', "requestParameters": f'{{"userName":"{given_}"}}'}


HOSTILE = [
    "\x1b[31mred\x1b[0m\x1b]0;title\x07", "=cmd|' /C calc'!A0", "%s%n%x{0}{__class__}", "x" * 300_000, "\u202eevil",
    "<script>alert(1)</script>", "'; DROP TABLE cloudtrail; --", "\x00\x01\x7f", "../../etc/passwd", "👩‍👩‍👧‍👦" * 100,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_data(text: str) -> None:
    record = plain(1, userAgent=text, errorMessage=text, requestParameters={text: text, "bucketName": text})
    for row in (one(record), said(tight(record).encode())[0], said(json.dumps(record, indent=1).encode())[0]):
        assert row["userAgent"] == row["errorMessage"] == text
        assert json.loads(row["requestParameters"]) == record["requestParameters"]


def test_numbers_stay_as_written() -> None:
    digits = "9" * 400
    text = tight(plain(1)).replace('{"userName":"user-1"}', f'{{"n":{digits},"f":1.50,"e":1e999,"z":-0.0}}')
    row = one(text.replace('"type":"IAMUser"', f'"type":"IAMUser","new":{digits},"f":1.10'))
    assert row["requestParameters"] == f'{{"n":{digits},"f":1.50,"e":1e999,"z":-0.0}}'
    assert row["extra"] == f'{{"userIdentity":{{"new":{digits},"f":1.10}}}}'
    assert one(text.replace('"eventVersion":"1.08"', '"eventVersion":1.10'))["eventVersion"] == "1.10"


def test_flags_as_text() -> None:
    row = one(plain(1, readOnly="true", managementEvent="False"))
    assert (row["readOnly"], row["managementEvent"]) == (True, False)


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-01T12:00:00.123Z",
        "2024-01-01T12:00:00+00:00",
        "2024-01-01 21:00:00+09:00",
        "2024-01-01T12:00:00.123456789Z",
        "2024-01-01T12:00:00",
        "2024-01-01 12:00:00",
        "2024-01-01 12:00:00.000000000",
        "2024-01-01 12:00:00.000 UTC",
    ],
)
def test_times_with_a_zone_and_in_utc_without_one(time: str) -> None:
    assert (
        one(plain(1, eventTime=time))["eventTime"].replace(microsecond=0).isoformat()
        == "2024-01-01T12:00:00+00:00"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": 1704110400}, {"eventTime": "yesterday"}, {"eventTime": "2024-13-01T00:00:00Z"}, {"eventTime": None},
        {"eventTime": "2024-01-01"}, {"eventTime": "2024-01-01T12:00:00 JST"}, {"eventTime": "٢٠٢٤-01-01T12:00:00Z"}, {"eventName": {"a": 1}}, {"eventID": 7},
        {"userIdentity": "root"}, {"userIdentity": []}, {"resources": {}}, {"tlsDetails": 1}, {"readOnly": "maybe"},
        {"addendum": "x"}, {"eventSource": ["s3.amazonaws.com"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_type_in_one_record_costs_that_record(change: Record) -> None:
    bad = tight(plain(2) | change)
    content = f'{{"Records":[{tight(plain(1))},{bad},{tight(plain(3))}]}}'.encode()
    rows, others = read(content)
    assert rows is not None
    assert rows.rows["eventID"].to_pylist() == [plain(1)["eventID"], plain(3)["eventID"]]
    (lost,) = unreadable(others)
    assert lost.content == bad.encode()
    assert content[lost.offset : lost.offset + len(lost.content)] == lost.content
    assert next(iter(change)) in lost.reason


# -- three ways ------------------------------------------------------------------------------------------

_text = st.text(st.characters(codec="utf-8"), max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_text | st.sampled_from(["roleArn", "name", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_changes = st.fixed_dictionaries(
    {},
    optional={
        "userAgent": _text | st.none(),
        "errorMessage": _text,
        "requestParameters": _json,
        "responseElements": _json,
        "additionalEventData": _json,
        "userIdentity": st.none()
        | st.dictionaries(
            st.sampled_from(["type", "arn", "principalId", "new", "sessionContext", "accessKeyId"]),
            _json | st.just("AssumedRole"),
        ),
        "resources": st.none()
        | st.lists(
            st.none()
            | st.dictionaries(st.sampled_from(["ARN", "accountId", "type", "x"]), _text | st.none()),
            max_size=2,
        ),
        "tlsDetails": st.none() | st.dictionaries(st.sampled_from(["tlsVersion", "y"]), _text),
        "readOnly": st.none() | st.booleans(),
        "unknown": _json,
        "requestID": _text,
    },
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_changes, min_size=1, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_three_ways_give_equal_rows(changes: list[Record], indent: int | None, ascii_: bool) -> None:
    records = [plain(i) | change for i, change in enumerate(changes)]
    separators = None if indent else (",", ":")

    def text(value: Any) -> str:
        return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_)

    whole = said(text({"Records": records}).encode())
    by_record, by_field = EventRows(), EventRows()
    for record in records:
        by_record.add_record(text(record).encode(), ORIGIN)
        # A field that no version knows sends the record field by field.
        by_field.add_record(text(record | {"zz": 0}).encode(), ORIGIN)
    for rows in (by_record.take(), by_field.take()):
        assert rows is not None
        assert rows.keys is not None
        plainly = rows.rows.drop_columns(["delivered_at", "source", "object"]).to_pylist()
        for row, other, key in zip(plainly, whole, rows.keys.to_pylist(), strict=True):
            extra = json.loads(row["extra"] or "{}")
            extra.pop("zz", None)
            assert extra == json.loads(other["extra"] or "{}")
            assert {**row, "extra": None, "key": key} == {**other, "extra": None}


def test_the_corpora_go_the_fast_way_and_the_patient_one_alike() -> None:
    files = sorted(CORPORA.glob("cloudtrail-*/*.json"))
    if not files:
        pytest.skip("the corpora are not here")
    fast, patient = EventRows(), EventRows()
    for file in files[:40]:
        document = json.loads(file.read_bytes())
        records = document["Records"] if isinstance(document, dict) else document
        assert fast.add_file(file_of(records), ORIGIN) == len(records)
        for record in records:
            patient.add_record(tight(record).encode(), ORIGIN)
    first, second = fast.take(), patient.take()
    assert first is not None
    assert second is not None
    assert first.rows.equals(second.rows)
    assert first.keys.equals(second.keys)
    assert first.rows["extra"].null_count == first.rows.num_rows
    assert pa.compute.all(pa.compute.greater(pa.compute.list_value_length(first.rows["entities"]), 1)).as_py()
