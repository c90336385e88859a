"""Fixtures of all tests: AWS's recorded data where it is at hand, real servers, a home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from postgres_server import Server, find_programs, start_server

CORPORA = Path(os.environ.get("ASHIATO_CORPORA") or Path(__file__).parents[2] / "shared" / "corpora")

# A deadline would judge the machine, not the code; CI tries the same examples each time.
settings.register_profile(
    "ashiato",
    deadline=None,
    derandomize=bool(os.environ.get("CI") or os.environ.get("ASHIATO_REQUIRE_ALL")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ashiato")


def missing_part(what: str) -> None:
    """Skip a test that needs a program of the machine; where everything is required, fail it."""
    if os.environ.get("ASHIATO_REQUIRE_ALL"):
        pytest.fail(f"{what} is missing, and ASHIATO_REQUIRE_ALL is set")
    pytest.skip(f"{what} is not on this machine")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Recorded logs and AWS's samples; they are not part of the repository, so their absence always skips."""
    if not CORPORA.is_dir():
        pytest.skip(f"no corpora at {CORPORA}")
    return CORPORA


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL server of this session's own, in a folder that goes with it."""
    programs = find_programs()
    if programs is None:
        missing_part("PostgreSQL (initdb and postgres)")
    assert programs is not None
    with start_server(programs, tmp_path_factory) as server:
        yield server
