"""The whole loop over real folders and buckets: taken within seconds, however its sources fare."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.intake.watched import read_process, read_watched
from ashiato.lake.home import Home
from ashiato.sources.live import Arrival, SourceState
from ashiato.sources.objects import ObjectRef
from ashiato.watch.loop import Watch
from intake.lake_counts import count
from sources.served import Bucket, Fault, Proxy, trail
from watch.watching import content, events, running, settings, until

TODAY = datetime.now(UTC).date()


def bucket_source(bucket: Bucket, name: str = "trail") -> WatchedSource:
    return WatchedSource(
        name=name, type="s3", bucket=bucket.name, endpoint_url=bucket.endpoint, region="us-east-1"
    )


def test_folder_and_bucket_are_taken_within_seconds(tmp_path: Path, bucket: Bucket) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    given = settings(
        tmp_path / "home", WatchedSource(name="drop", type="files", path=folder), bucket_source(bucket)
    )
    bucket.put({trail(TODAY, 1): content(events(8, 1))})
    with running(tmp_path / "home", given) as (watch, said):
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 8, "the bucket")
        began = time.monotonic()
        (folder / "a.json.gz").write_bytes(content(events(8, 2)))
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 16, "the folder")
        assert time.monotonic() - began < 5
        # A key that comes later and sorts before.
        bucket.put({trail(TODAY, 0, minute="0001"): content(events(8, 3))})
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 24, "the late key")
    assert any("trail: 1 objects: 8 cloudtrail" in line for line in said), said
    assert count(tmp_path / "home", "cloudtrail") == 24


def test_a_bucket_whose_network_fails_holds_up_no_other_and_catches_up(
    tmp_path: Path, bucket: Bucket, proxy: Proxy
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    given = settings(
        tmp_path / "home", WatchedSource(name="drop", type="files", path=folder), bucket_source(bucket)
    )
    bucket.put({trail(TODAY, 1): content(events(8, 1))})
    with running(tmp_path / "home", given) as (watch, said):
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 8, "the bucket")
        proxy.rule = lambda asked: Fault(503, "ServiceUnavailable", "down")
        bucket.put({trail(TODAY, 2): content(events(8, 2))})
        until(
            lambda: any(line.startswith("trail (s3):") and "slow down" in line for line in said), "the error"
        )
        (folder / "a.json.gz").write_bytes(content(events(8, 3)))
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 16, "the folder goes on")
        proxy.rule = lambda asked: None
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 24, "the bucket catches up", 60)
        until(lambda: "trail (s3): works again" in said, "it is said")
    assert count(tmp_path / "home", "cloudtrail") == 24


def test_an_object_that_may_not_be_read_yet_is_noted_and_taken_when_it_may(
    tmp_path: Path, bucket: Bucket, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from ashiato.sources.pauses import Again

    monkeypatch.setattr(Again, "FIRST", timedelta(seconds=1))
    denied = trail(TODAY, 2)
    proxy.rule = lambda asked: (
        Fault(403, "AccessDenied", "no") if asked.key == denied and not asked.listing else None
    )
    bucket.put({trail(TODAY, 1): content(events(8, 1)), denied: content(events(8, 2))})
    given = settings(tmp_path / "home", bucket_source(bucket))
    with running(tmp_path / "home", given) as (watch, said):
        until(lambda: watch.pipeline.state.outcomes["failed"], "the failure")
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 8, "the other")
        assert any("Not read" in line and "s3:GetObject" in line for line in said)
        proxy.rule = lambda asked: None
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 16, "it comes again")


class Falling:
    """A source with a defect: it raises twice, then works."""

    name = "falling"

    def __init__(self) -> None:
        self.state = SourceState("falling", "test")
        self.runs = 0

    def run(self, sink: Any, stop: threading.Event) -> None:
        self.runs += 1
        if self.runs < 3:
            raise KeyError("a shape that nobody foresaw")
        self.state.error = self.state.error_since = None
        body = content(events(2, 1))
        sink.offer(Arrival(ObjectRef("q", "q:1", "1", len(body), datetime.now(UTC)), content=body))
        stop.wait()


def test_a_source_that_raises_is_begun_again_and_it_is_said(tmp_path: Path) -> None:
    live = Falling()
    with running(tmp_path / "home", settings(tmp_path / "home"), lives=[live]) as (watch, said):
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 2, "the third run")
        assert live.runs == 3
    assert any("falling (test): a defect" in line and "nobody foresaw" in line for line in said)


def test_services_run_until_the_end_and_findings_of_silence_reach_the_hooks(tmp_path: Path) -> None:
    ended: list[str] = []
    looks: list[int] = []
    folder = tmp_path / "drop"
    folder.mkdir()

    def service(stop: threading.Event) -> None:
        stop.wait()
        ended.append("delivery")

    def before(watch: Watch) -> None:
        watch.add_service("delivery", service)
        watch.on_silence.append(lambda found: looks.append(len(found)))

    given = settings(tmp_path / "home", WatchedSource(name="drop", type="files", path=folder))
    with running(tmp_path / "home", given, before=before):
        until(lambda: looks, "a look at who is silent")
    assert ended == ["delivery"]
    assert looks[0] == 0


def test_another_process_sees_how_the_sources_fare(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put({trail(TODAY, 1): content(events(8, 1))})
    lost = WatchedSource(name="lost", type="files", path=tmp_path / "nowhere")
    given = settings(tmp_path / "home", bucket_source(bucket), lost)

    def rows() -> dict[str, dict[str, Any]]:
        with Home.open_for_reading(tmp_path / "home") as reader:
            return {r["name"]: r for r in read_watched(reader.ledger)}

    def process() -> dict[str, Any]:
        with Home.open_for_reading(tmp_path / "home") as reader:
            found = read_process(reader.ledger, datetime.now(UTC))
        assert found is not None
        return found

    with running(tmp_path / "home", given) as (watch, _):
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 8, "taken")
        until(lambda: rows()["trail"]["last_poll"] and rows()["lost"]["error"], "states are written")
        assert process()["running"]
        assert "no file or folder" in rows()["lost"]["error"]
        assert rows()["trail"]["origins"] == [f"s3://{bucket.name}"]
        assert rows()["trail"]["counts"]["committed"] == 1
    assert not process()["running"]
    assert process()["last_commit"] is not None


def test_maintenance_goes_on_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ashiato.lake import maintain as maintaining
    from ashiato.lake.compaction import OPEN_FILES
    from ashiato.watch import loop

    monkeypatch.setattr(loop, "MAINTAIN_SECONDS", 0.5)
    monkeypatch.setattr(maintaining, "COMMITS", 10)
    monkeypatch.setattr("ashiato.lake.compaction.OPEN_FILES", 5)
    assert OPEN_FILES == 64
    folder = tmp_path / "drop"
    folder.mkdir()
    given = settings(
        tmp_path / "home", WatchedSource(name="drop", type="files", path=folder), commit_seconds=0.05
    )
    with running(tmp_path / "home", given) as (watch, said):
        sink = watch.pipeline.sink("more")
        moment = datetime.now(UTC)
        for number in range(60):
            body = content(events(4, number, moment))
            ref = ObjectRef("q", f"q:{number}", "1", len(body), moment)
            sink.offer(Arrival(ref, content=body))
            until(watch.pipeline.idle, "committed")
        until(lambda: (tmp_path / "home" / "maintenance.json").exists(), "maintenance ran", 60)
        until(lambda: not any("Maintenance failed" in line for line in said), "without failures")
    assert count(tmp_path / "home", "cloudtrail") == 240


def test_two_sources_of_one_name_and_no_source_at_all_are_wrong_use(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        with pytest.raises(WrongUse, match="no source to watch"):
            Watch(home, settings(tmp_path / "home"))
        twice = WatchedSource(name="a", type="files", path=tmp_path)
        with pytest.raises(WrongUse, match="two sources are called a"):
            Watch(home, settings(tmp_path / "home", twice, twice))
