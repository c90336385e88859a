"""The command `ashiato`, run in this process (fast) or in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Result:
    """Exit status and what was written."""

    status: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Command:
    """Runs `ashiato ARGS` with `sys.argv` and the standard streams in place of a shell's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *args: object, stdin: bytes = b"") -> Result:
        from ashiato.cli.app import run

        out, err = io.BytesIO(), io.StringIO()
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["ashiato", *map(str, args)])
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            output = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
            patched.setattr(sys, "stdout", output)
            patched.setattr(sys, "stderr", err)
            try:
                run()
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            output.flush()
        assert "Traceback" not in err.getvalue()
        return Result(status, out.getvalue(), err.getvalue())


def start(*args: object, **options: Any) -> subprocess.Popen[bytes]:
    """`python -m ashiato ARGS` as a process of its own."""
    environment = {**os.environ, **options.pop("env", {})}
    before = options.pop("python", [])
    return subprocess.Popen(
        [sys.executable, *before, "-m", "ashiato", *map(str, args)],
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE),
        env=environment,
        **options,
    )


def finished(process: subprocess.Popen[bytes], timeout: float = 120) -> Result:
    out, err = process.communicate(timeout=timeout)
    text = err.decode()
    assert "Traceback" not in text, text
    return Result(process.returncode, out or b"", text)
