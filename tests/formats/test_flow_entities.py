"""What a flow record names is defined once: by the record and by the column it is the same."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.entities import KINDS, ROLES, hashes
from ashiato.formats.flow_entities import ENTITY_COLUMNS, entities_of, entity_column
from ashiato.formats.flow_fields import TYPES


def test_a_record_names_addresses_interface_instance_account_and_network() -> None:
    row = {
        "version": 5,
        "account_id": "111111111111",
        "interface_id": "eni-1",
        "srcaddr": "10.0.0.1",
        "dstaddr": "10.0.0.2",
        "pkt_srcaddr": "198.51.100.7",
        "pkt_dstaddr": "10.0.0.2",
        "instance_id": "i-1",
        "vpc_id": "vpc-1",
        "subnet_id": None,
        "ecs_task_arn": "arn:aws:ecs:us-east-1:111111111111:task/c/1",
        "tgw_id": "tgw-1",
    }
    assert set(entities_of(row)) == {
        ("account", "111111111111", "target"),
        ("interface", "eni-1", "target"),
        ("address", "10.0.0.1", "origin"),
        ("address", "10.0.0.2", "peer"),
        ("address", "198.51.100.7", "origin"),
        ("instance", "i-1", "target"),
        ("resource", "vpc-1", "target"),
        ("arn", "arn:aws:ecs:us-east-1:111111111111:task/c/1", "target"),
        ("resource", "tgw-1", "target"),
    }


def test_nothing_is_named_by_a_dash_an_empty_text_or_an_unknown_account() -> None:
    assert entities_of({"srcaddr": "-", "account_id": "unknown", "vpc_id": "", "instance_id": None}) == []
    assert entities_of({"ecs_service_name": "unknown"}) == [("resource", "unknown", "target")]


def test_kinds_roles_and_columns_are_those_of_the_tables() -> None:
    assert {kind for kind, _ in ENTITY_COLUMNS.values()} <= set(KINDS)
    assert {role for _, role in ENTITY_COLUMNS.values()} <= set(ROLES)
    assert list(ENTITY_COLUMNS) == [name for name in TYPES if name in ENTITY_COLUMNS]


_VALUES = st.none() | st.sampled_from(
    ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:DB8:0:0::1", "::ffff:10.0.0.1", ":bad:", "-", "",
     "unknown", "足跡", "vpc-1"]
) | st.text(st.characters(codec="utf-8"), max_size=5)  # fmt: skip
_COLUMNS = st.lists(st.sampled_from(list(ENTITY_COLUMNS)), max_size=8, unique=True)


@settings(deadline=None)
@given(st.data())
def test_by_the_column_it_is_the_same_as_by_the_record(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    columns = {
        name: data.draw(st.lists(_VALUES, min_size=count, max_size=count)) for name in data.draw(_COLUMNS)
    }
    column = entity_column({name: pa.array(values, pa.string()) for name, values in columns.items()}, count)
    column.validate(full=True)
    expected = [
        hashes((kind, value) for kind, value, _ in entities_of({n: v[place] for n, v in columns.items()}))
        for place in range(count)
    ]
    assert column.to_pylist() == expected


def test_columns_of_many_rows_are_laid_out_row_by_row() -> None:
    count = 40_001
    sources = [f"10.0.{i % 7}.{i % 11}" if i % 5 else None for i in range(count)]
    peers = [f"10.0.{i % 3}.{i % 2}" for i in range(count)]
    column = entity_column({"srcaddr": pa.array(sources), "dstaddr": pa.array(peers)}, count)
    for place in (0, 1, 5, 16_383, 16_384, 32_768, count - 1):
        named = entities_of({"srcaddr": sources[place], "dstaddr": peers[place]})
        assert column[place].as_py() == hashes((kind, value) for kind, value, _ in named)
