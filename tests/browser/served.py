"""Processes of ours that serve pages, as a person starts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ashiato

SECONDS = 60


@dataclass
class Served:
    """`origin`: http://127.0.0.1:PORT; `lines`: what the command printed so far."""

    origin: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def link(self, path: str) -> str:
        """The address in what it printed that has this path. Raises LookupError."""
        found = re.search(re.escape(self.origin + path) + r"\S*", "\n".join(self.lines))
        if found is None:
            raise LookupError(path)
        return found[0]


@contextmanager
def serving(arguments: list[str], last: str) -> Iterator[Served]:
    """`ashiato ARGUMENTS` until the block ends. `last`: what stands in the last line of its greeting."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASHIATO_")}
    environment["PYTHONPATH"] = str(Path(ashiato.__file__).parents[1])
    environment["PYTHONUNBUFFERED"] = "1"
    process = subprocess.Popen(
        [sys.executable, "-m", "ashiato", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip
    lines: list[str] = []
    told = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if last in line:
                told.set()
        told.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        told.wait(SECONDS)
        found = re.search(r"http://127\.0\.0\.1:\d+", "\n".join(lines))
        assert found is not None, "\n".join(lines)
        yield Served(found[0], process, lines)
    finally:
        began = time.monotonic()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == 0, (process.returncode, lines[-20:])
    assert time.monotonic() - began < 15, "it did not stop when told to"
    assert not [line for line in lines if "Traceback" in line], "\n".join(lines[-60:])
