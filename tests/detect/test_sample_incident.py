"""What `ashiato demo` shows: every step of the incident is raised, and the background does not drown it."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.incident import look


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 31337])
def test_every_step_is_raised_and_the_background_is_quiet(tmp_path: Path, seed: int) -> None:
    seen = look(tmp_path, seed=seed, events=60_000, flows=150_000)
    assert seen.missed == []
    assert seen.worst <= 3, seen.titles
