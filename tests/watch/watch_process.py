"""`ashiato watch` as a process of its own that a test kills, and the other commands beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from watch.watching import until


def run(*args: object, status: int | None = 0, **env: str) -> Any:
    """`ashiato ARGS --json`; what it printed, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "ashiato", *map(str, args), "--json"],
        capture_output=True,
        env={**os.environ, **env},
        timeout=300,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    assert status is None or done.returncode == status, (args, done.returncode, said, done.stdout[-2000:])
    return json.loads(done.stdout)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for one in held:
        one.close()
    return ports


class WatchProcess:
    """Started, killed and started again over one home. `said`: all that was written to standard error."""

    def __init__(self, config: Path, log: Path, port: int, **env: str) -> None:
        self.config, self.log, self.port = config, log, port
        self.env = {**os.environ, **env}
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def start(self, *, well: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ashiato", "watch", "--config", str(self.config), "--wait", "30"],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self.env,
            )
        if well:
            until(lambda: self.healthz()[0] in (200, 503), "/healthz answers", 120)

    def healthz(self) -> tuple[int, Any]:
        assert self.process is not None
        assert self.process.poll() is None, self.said[-5000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except (OSError, ValueError):
            return 0, None

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.said[-5000:]
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def end(self) -> None:
        """In order, by SIGTERM."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(90) == 0, self.said[-5000:]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.kill()
            self.process.wait()
