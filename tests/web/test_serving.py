"""`ashiato serve` as people start it: a link, pages, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def test_it_tells_a_link_serves_and_ends_cleanly(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "ashiato",
        "serve",
        "--home",
        str(tmp_path / "home"),
        "--listen",
        "127.0.0.1:0",
    ]
    said = tmp_path / "said"
    with said.open("wb") as out:
        process = subprocess.Popen([*command, "--json"], stdout=out, stderr=subprocess.STDOUT, env=os.environ)
    try:
        until = time.monotonic() + 120
        while not said.read_text().strip().endswith("}"):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
        told = json.loads(said.read_text())
        assert told["link"].startswith(told["address"] + "/link/")
        with urllib.request.urlopen(told["link"], timeout=60) as answer:
            assert b"You become the first admin" in answer.read()
        # Somebody who listens keeps nobody from ending it.
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()


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
