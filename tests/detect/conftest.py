"""Homes with records in them, and the command, for tests of detection."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command import Command
from detect.sqlite_oracle import Record, corpus
from intake.taking_in import collect


@pytest.fixture(scope="module")
def ashiato() -> Iterator[Command]:
    """The command, away from the settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [n for n in os.environ if n.startswith("ASHIATO_") and not n.startswith("ASHIATO_TEST")]:
            patched.delenv(name)
        patched.setenv("COLUMNS", "200")
        patched.setenv("NO_COLOR", "1")
        yield Command(patched)


@pytest.fixture(scope="session")
def raw(corpora: Path) -> list[Record]:
    """Every CloudTrail record of the corpora, as delivered."""
    return corpus(corpora)


@pytest.fixture(scope="session")
def corpus_home(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that took the corpora in. Nobody imports rules into it: tests copy it, or give --config."""
    home = tmp_path_factory.mktemp("corpus") / "home"
    names = ("cloudtrail-invictus", "cloudtrail-stratus", "eventbridge")
    collect(home, *(corpora / n for n in names))
    return home
