"""The one child process that does maintenance's heavy reading and writing, seen from its parent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Self

import ashiato
from ashiato.core.errors import AshiatoError


class MaintenanceChild:
    """Starts `ashiato.lake.compaction_child` when there is a first job and ends it on leaving.

    The child reads planned data files and writes new ones; it commits nothing and holds no lock, so that
    its death at any moment leaves only files that no snapshot names. `peak_rss` is the largest resident
    set it reported, in bytes.
    """

    def __init__(self, tmp: Path) -> None:
        self.workspace = tmp / f"maintain-{uuid.uuid4().hex}"
        self.peak_rss = 0
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, kind: str, **arguments: Any) -> dict[str, Any]:
        """One job; its answer. Raises AshiatoError where the child failed or died."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        request = {"kind": kind, "workspace": str(self.workspace), **arguments}
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise self._died(process)
        answer: dict[str, Any] = json.loads(line)
        self.peak_rss = max(self.peak_rss, int(answer.get("peak_rss", 0)))
        if "error" in answer:
            raise AshiatoError(
                f"maintenance could not write: {answer['error']}",
                where=str(self.workspace.parent.parent),
                remedy="Free disk space or repair the folder's permissions and run `ashiato maintain` again;"
                " the lake is as it was.",
            )
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self.workspace.mkdir(parents=True, exist_ok=True)
        package = str(Path(ashiato.__file__).parents[1])
        path = os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH")) if p)
        with (self.workspace / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ashiato.lake.compaction_child", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": path},
                # Ctrl-C at the terminal is the parent's to answer.
                start_new_session=True,
            )
        return self._process

    def _died(self, process: subprocess.Popen[bytes]) -> AshiatoError:
        status = process.wait()
        self._process = None
        said = (self.workspace / "stderr").read_text(errors="replace").strip().splitlines()
        return AshiatoError(
            f"the maintenance process ended with status {status}" + (f": {said[-1]}" if said else ""),
            remedy="Out of memory? The lake is as it was; `ashiato maintain` goes on where it stopped.",
        )

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.close()
                process.wait(timeout=5)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                process.kill()
                process.wait()
            process.stdout.close()
        shutil.rmtree(self.workspace, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
