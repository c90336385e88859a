"""A small home in which everything that the pages speak of occurs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from docs.repository import ashiato
from intake.small_objects import write_small_objects

FLOWS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status\n2 111122223333 eni-0aaaaaaaaaaaaaaaa - - - - - - - 1790000000 1790000060 - SKIPDATA\n"
)


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of logs as a person may have it: three kinds, second copies, a damaged file, another kind."""
    folder = tmp_path_factory.mktemp("docs") / "logs"
    made = write_small_objects(folder, objects=60, seed=3)
    assert made.items
    (folder / "skipdata.log.gz").write_bytes(gzip.compress(FLOWS.encode()))
    (folder / "cut.json.gz").write_bytes(gzip.compress(b'{"Records":[{"eventVersion":"1.11","eventT')[:-12])
    (folder / "notes.txt").write_text("Nothing that AWS delivered.\n")
    return folder


@pytest.fixture(scope="session")
def home(logs: Path) -> Path:
    """The home made of `logs`."""
    folder = logs.parent / "home"
    status, _ = ashiato("collect", str(logs), "--home", str(folder))
    assert status == 1, "the damaged file needs a person"
    return folder
