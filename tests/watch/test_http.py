"""/healthz, /metrics and the heartbeat, over real HTTP and real mail."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.settings import WatchedSource, Watching
from ashiato.lake.home import Home
from ashiato.sources.live import SourceState
from ashiato.watch.heartbeat import Heartbeat
from ashiato.watch.http import HttpService, bind
from ashiato.watch.loop import Watch
from watch.watching import content, events, running, settings, until


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Monitor:
    """A monitoring service: counts what fetches it; `status` is what it answers."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.status = 200
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                monitor.paths.append(self.path)
                self.send_response(monitor.status)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ping/secret-id"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Still:
    """A source of which nothing comes."""

    name = "still"

    def __init__(self) -> None:
        self.state = SourceState("still", "test")

    def run(self, sink: Any, stop: threading.Event) -> None:
        stop.wait()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


def test_health_and_metrics_over_http(tmp_path: Path, folder: Path) -> None:
    made: list[HttpService] = []

    def before(watch: Watch) -> None:
        made.append(HttpService(watch, "127.0.0.1:0"))
        watch.add_service("http", made[0])
        watch.error_long = timedelta(seconds=0.5)

    given = settings(tmp_path / "home", WatchedSource(name="drop", type="files", path=folder))
    (folder / "a.json.gz").write_bytes(content(events(8, 1)))
    with running(tmp_path / "home", given, before=before) as (watch, _):
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 8, "taken")
        base = f"http://127.0.0.1:{made[0].port}"
        until(lambda: get(f"{base}/healthz")[0] == 200, "well")
        document = json.loads(get(f"{base}/healthz")[1])
        assert document["ok"] is True
        assert document["reasons"] == []
        assert document["waiting"] == {"objects": 0, "bytes": 0, "oldest_seconds": None}
        assert [(s["name"], s["error"]) for s in document["sources"]] == [("drop", None)]
        status, text = get(f"{base}/metrics")
        assert status == 200
        samples = {
            (s.name, *sorted(s.labels.values())): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }
        # A walk and the system's word may both offer it.
        assert samples["ashiato_arrivals_total", "drop"] >= 1
        assert samples["ashiato_records_total", "cloudtrail", "taken"] == 8
        assert samples["ashiato_commits_total",] >= 1
        assert samples["ashiato_waiting_bytes", "drop"] == 0
        assert samples["ashiato_lag_seconds_count", "files", "taken"] == 8
        assert (
            "ashiato_latest_lag_seconds",
            "111122223333",
            "cloudtrail",
            "files",
            "taken",
            "us-east-1",
        ) in samples
        assert samples["ashiato_source_error", "drop", "files"] == 0
        # A source in error for long.
        watch.runners[0].live.state.error = "the disk is gone"
        watch.runners[0].live.state.error_since = watch.clock() - timedelta(minutes=1)
        status, text = get(f"{base}/healthz")
        assert (status, json.loads(text)["reasons"]) == (503, ["drop (files) is in error: the disk is gone"])
        watch.runners[0].live.state.error = None

        # Commits that fail.
        def full(*_: object) -> None:
            raise AshiatoError("No space left on device")

        real = watch.pipeline.writer.commit
        watch.pipeline.writer.commit = full  # type: ignore[method-assign, assignment]
        (folder / "b.json.gz").write_bytes(content(events(8, 2)))
        until(lambda: get(f"{base}/healthz")[0] == 503, "not well")
        assert "No space left" in get(f"{base}/healthz")[1]
        waiting = json.loads(get(f"{base}/healthz")[1])["waiting"]
        assert waiting["objects"] == 1
        assert waiting["oldest_seconds"] > 0
        watch.pipeline.writer.commit = real  # type: ignore[method-assign]
        until(lambda: get(f"{base}/healthz")[0] == 200, "well again", 40)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(base, timeout=2)


def test_an_address_that_is_taken_or_none_is_wrong_use() -> None:
    with bind("127.0.0.1:0") as taken, pytest.raises(WrongUse, match="cannot listen"):
        bind(f"127.0.0.1:{taken.getsockname()[1]}")
    for wrong in ("8600", "localhost", ":x", "127.0.0.1:99999"):
        with pytest.raises(WrongUse, match="no address"):
            bind(wrong)


def test_the_heartbeat_beats_while_all_is_well_and_never_when_not(
    tmp_path: Path, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ashiato.watch.heartbeat.LOOK_SECONDS", 0.1)
    monkeypatch.setenv("PING", monitor.url)
    made: list[Heartbeat] = []

    def before(watch: Watch) -> None:
        watch.error_long = timedelta(0)
        wanted = Watching(heartbeat_url="${PING}", heartbeat_every=timedelta(seconds=0.2))
        made.append(Heartbeat(wanted, watch.home.ledger, watch.health, watch.say, watch.clock))
        watch.add_service("heartbeat", made[0])

    with running(tmp_path / "home", settings(tmp_path / "home"), lives=[Still()], before=before) as (
        watch,
        said,
    ):
        until(lambda: len(monitor.paths) >= 2, "beats")
        assert set(monitor.paths) == {"/ping/secret-id"}
        state = watch.runners[0].live.state
        state.error, state.error_since = "broken", watch.clock()
        # What was on its way may still come.
        threading.Event().wait(0.4)
        count = len(monitor.paths)
        threading.Event().wait(0.8)
        assert len(monitor.paths) == count, "no beat while something is wrong"
        state.error = state.error_since = None
        until(lambda: len(monitor.paths) > count, "it beats again")
        monitor.status = 500
        until(lambda: any("could not be sent" in line for line in said), "a failure is said")
        assert not any("secret-id" in line for line in said)
    assert made[0].fetched >= 3


def test_the_heartbeat_by_mail_comes_once_a_day_over_restarts(tmp_path: Path, folder: Path) -> None:
    from aiosmtpd.controller import Controller

    mails: list[Any] = []

    class Taking:
        async def handle_DATA(  # noqa: N802
            self, server: Any, session: Any, envelope: Any
        ) -> str:
            mails.append(envelope)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Taking(), hostname="127.0.0.1", port=port)
    controller.start()
    wanted = Watching(
        heartbeat_mail=f"mailto://127.0.0.1:{port}?from=ashiato@example.com&to=admin@example.com&mode=insecure"
    )
    given = settings(tmp_path / "home", WatchedSource(name="drop", type="files", path=folder))
    beats: list[Heartbeat] = []

    def before(watch: Watch) -> None:
        beats.append(Heartbeat(wanted, watch.home.ledger, watch.health, watch.say, watch.clock))
        watch.add_service("heartbeat", beats[-1])

    try:
        with running(tmp_path / "home", given, before=before):
            until(lambda: beats[0].mailed == 1, "the first mail")
        with running(tmp_path / "home", given, before=before) as (watch, _):
            until(lambda: watch.runners[0].live.state.last_poll, "a second process")
            threading.Event().wait(2.5)
    finally:
        controller.stop()
    assert len(mails) == 1
    text = mails[0].content.decode()
    assert "all is well" in text
    assert "drop (files)" in text


def test_a_heartbeat_that_cannot_be_meant_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        for wrong, said in (
            (Watching(heartbeat_url="${NO_SUCH}"), "NO_SUCH is not set"),
            (Watching(heartbeat_url="ftp://x"), "neither http"),
            (Watching(heartbeat_mail="nonsense"), "no Apprise URL"),
        ):
            with pytest.raises(WrongUse, match=said):
                Heartbeat(wrong, home.ledger, lambda: None, print, lambda: None)  # type: ignore[arg-type, return-value]
