"""From the settings to live sources: each type by its own module, and clear words where one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources import live_kinds
from ashiato.sources.listings import MemoryListings
from ashiato.sources.live import SourceState
from ashiato.sources.live_kinds import LiveContext, kinds, live_kind, make_live


class Road:
    def __init__(self, name: str, type_: str) -> None:
        self.name = name
        self.state = SourceState(name, type_)

    def run(self, sink: object, stop: object) -> None: ...


@pytest.fixture
def context() -> LiveContext:
    return LiveContext(MemoryListings())


@pytest.fixture
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds registered from here on are forgotten afterwards."""
    kinds()
    roads = live_kinds._kinds.by_type
    alone = {k: [road for road in roads[k] if road.needs is None] for k in ("files", "s3")}
    monkeypatch.setattr(live_kinds._kinds, "by_type", alone)


def test_folders_and_buckets_are_found_by_registration(context: LiveContext, tmp_path: Path) -> None:
    assert {"files", "s3"} <= set(kinds())
    [folder] = make_live(WatchedSource(name="drop", type="files", path=tmp_path), context)
    assert (folder.name, folder.state.type) == ("drop", "files")
    [bucket] = make_live(WatchedSource(name="trail", type="s3", bucket="corp-trail"), context)
    assert (bucket.name, bucket.state.type) == ("trail", "s3")


def test_a_setting_that_a_type_needs_is_asked_for_by_name(context: LiveContext) -> None:
    with pytest.raises(WrongUse, match="needs `bucket`") as caught:
        make_live(WatchedSource(name="trail", type="s3"), context)
    assert caught.value.where == "sources.trail"


def test_a_type_or_road_that_is_not_installed_is_a_clear_error(
    only_these: None, context: LiveContext
) -> None:
    with pytest.raises(WrongUse, match="cannot watch sources of type firehose") as caught:
        make_live(WatchedSource(name="hose", type="firehose"), context)
    assert "files, s3" in str(caught.value.remedy)
    with pytest.raises(WrongUse, match="from a queue"):
        make_live(WatchedSource(name="t", type="s3", bucket="corp-trail", queue="https://q"), context)


def test_a_bucket_with_a_queue_has_two_roads_under_one_name(only_these: None, context: LiveContext) -> None:
    live_kind("s3", needs="queue")(lambda settings, _context: Road(settings.name, "s3 queue"))
    source = WatchedSource(name="trail", type="s3", bucket="corp-trail", queue="https://q")
    assert [(r.name, r.state.type) for r in make_live(source, context)] == [
        ("trail", "s3"),
        ("trail", "s3 queue"),
    ]
    without = WatchedSource(name="trail", type="s3", bucket="corp-trail")
    assert len(make_live(without, context)) == 1
