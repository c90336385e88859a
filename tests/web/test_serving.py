"""`ashiato serve` as people start it: a link, pages, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from ashiato.lake.home import Home
from ashiato.ledger.tables import batches
from watch.estate import happened, zipped


class Serving:
    """A process of `ashiato serve`; `told`: the document that it prints, `said`: all that it printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            command = [
                sys.executable,
                "-m",
                "ashiato",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--json",
                *arguments,
            ]
            self.process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ)
        self.until(lambda: self._out.read_text().strip().endswith("}"), "it tells its address")
        self.told = json.loads(self._out.read_text())

    @property
    def said(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 120
        while not true():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, f"{what}: {self.said}"
            time.sleep(0.1)

    def get(self, path: str = "/") -> bytes:
        with urllib.request.urlopen(self.told["address"] + path, timeout=60) as answer:
            return bytes(answer.read())

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Serving]:
    made = Serving(folder, *arguments)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def test_it_tells_a_link_serves_and_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path / "said", "--home", str(tmp_path / "home")) as one:
        assert one.told["link"].startswith(one.told["address"] + "/link/")
        assert b"You become the first admin" in one.get(one.told["link"].removeprefix(one.told["address"]))
        assert one.end() == 0, one.said


def test_behind_a_proxy_the_link_is_the_proxys(tmp_path: Path) -> None:
    config = tmp_path / "ashiato.toml"
    config.write_text('[alerts]\nlink = "https://ashiato.example.com/"\n')
    with serving(tmp_path / "said", "--home", str(tmp_path / "home"), "--config", str(config)) as one:
        assert one.told["link"].startswith("https://ashiato.example.com/link/")
        assert one.told["address"].startswith("http://127.0.0.1:")


def test_it_watches_the_sources_and_a_second_one_serves_pages_alone(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    config = tmp_path / "ashiato.toml"
    config.write_text(f"""
home = "{tmp_path}/home"
[detect]
own_pack = false
[[sources]]
name = "drop"
type = "files"
path = "{drop}"
[watch]
listen = ""
poll_seconds = 0.5
""")

    def taken() -> int:
        with Home.open_for_reading(tmp_path / "home") as home:
            return int(home.ledger.scalar(sa.select(sa.func.count()).select_from(batches)) or 0)

    with serving(tmp_path / "one", "--config", str(config)) as one:
        (drop / ".a").write_bytes(zipped(happened(0, datetime.now(UTC))))
        (drop / ".a").rename(drop / "a.json.gz")
        one.until(lambda: taken() > 0, "what comes is taken in")
        with serving(tmp_path / "two", "--config", str(config)) as two:
            assert "these are the pages alone" in two.said
            assert b"ok" in two.get("/healthz")
            assert two.end() == 0, two.said
        assert one.end() == 0, one.said
    assert "defect" not in one.said


def test_where_somebody_listens_already_it_says_so(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as held:
        done = subprocess.run(
            [sys.executable, "-m", "ashiato", "serve", "--home", str(tmp_path / "home"),
             "--listen", f"127.0.0.1:{held.getsockname()[1]}"],
            capture_output=True, timeout=120, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
