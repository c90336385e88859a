"""Real items of AWS Config."""

from __future__ import annotations

import json

import pytest

from ashiato.formats.reading import Rows, Skipped, Unreadable
from formats.config_samples import (
    CORPORA,
    OF_THE_ROAD,
    ROADS,
    read,
    rows,
)


@pytest.mark.skipif(not (CORPORA / "config-items").is_dir(), reason="the corpora are not here")
def test_every_item_of_the_corpus_is_read() -> None:
    taken: dict[str, int] = {}
    skipped = []
    for path in sorted((CORPORA / "config-items").glob("*.json")):
        parts = read(path.read_bytes())
        if parts is None:
            assert path.name == "event-cloudsearch.json"
            continue
        assert not [p for p in parts if isinstance(p, Unreadable)]
        skipped += [path.name for p in parts if isinstance(p, Skipped)]
        taken[path.name] = sum(p.rows.num_rows for p in parts if isinstance(p, Rows))
    history = {name: n for name, n in taken.items() if "GetResourceConfigHistory" in name}
    assert sum(history.values()) == 14
    assert history["test_ecs_service_config--config.GetResourceConfigHistory_2.json"] == 0
    assert history["test_sg_config_diff--config.GetResourceConfigHistory_1.json"] == 2
    # Sixteen files of single items and rule events, of which one is the tick of a schedule.
    assert sum(n for name, n in taken.items() if "--config." not in name) == 15
    assert sum(taken.values()) == 29
    assert {name.split("--config.")[-1].split("_")[0] for name in skipped} == {
        "SelectResourceConfig",
        "ListDiscoveredResources",
        "poll-evaluation.json",
    }


@pytest.mark.skipif(not (CORPORA / "eventbridge").is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize(
    "name", ["event-config-rule-instance", "event-config-rule-security-group", "sqs-discover"]
)
def test_real_items_are_the_same_by_every_road(name: str) -> None:
    event = json.loads((CORPORA / "eventbridge" / f"{name}.json").read_bytes())
    inner = event.get("detail") or json.loads(event["invokingEvent"])
    item = inner["configurationItem"]
    (expected,), key = rows(read(item))
    assert expected["awsAccountId"]
    for road in ROADS.values():
        (row,), again = rows(read(road(item)))
        assert again == key
        assert {k: v for k, v in row.items() if k not in OF_THE_ROAD} == {
            k: v for k, v in expected.items() if k not in OF_THE_ROAD
        }
