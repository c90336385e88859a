"""The commands of the README, run as they stand there, in a folder that has `logs/`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.repository import READMES, ROOT, blocks

RUN = [block for about, block in blocks(READMES[0]) if "ashiato" in block and "not run" not in about]


def test_there_is_something_to_run() -> None:
    assert len(RUN) >= 3


@pytest.fixture
def shell(logs: Path, tmp_path: Path) -> dict[str, str]:
    """An environment with `ashiato` on its path and a home of its own; the status 1 is no failure."""
    program = tmp_path / "bin" / "ashiato"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n"{sys.executable}" -m ashiato "$@" || test $? -eq 1\n')
    program.chmod(0o755)
    (tmp_path / "logs").symlink_to(logs)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ASHIATO_", "AWS_"))}
    path = [str(ROOT / "src"), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PATH": f"{program.parent}:{kept['PATH']}",
        "PYTHONPATH": ":".join(path),
        "ASHIATO_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
    }


@pytest.mark.slow
def test_the_readme_runs_from_top_to_bottom(shell: dict[str, str], tmp_path: Path) -> None:
    for block in RUN:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=300
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip()
        assert "0 rows" not in done.stderr.splitlines(), f"an example without an answer:\n{block}"
    assert (tmp_path / "https.csv").read_text().startswith("srcaddr,dstaddr,bytes")
