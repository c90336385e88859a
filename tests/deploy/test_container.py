"""deploy/Containerfile: what can be told without building it."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Containerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.M))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def last(name: str) -> str:
    return [arguments for instruction, arguments in instructions() if instruction == name][-1]


def test_every_instruction_is_one() -> None:
    known = {
        "ARG",
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "VOLUME",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    }
    assert {name for name, _ in instructions()} <= known
    assert instructions()[0][0] == "ARG"


def test_it_runs_without_root_on_a_slim_image() -> None:
    bases = [arguments for name, arguments in instructions() if name == "FROM"]
    assert len(bases) == 2, "what building needs stays behind"
    for base in bases:
        assert re.match(r"docker\.io/library/python:\$\{PYTHON\}-slim( AS build)?$", base)
    user, _, group = last("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    names = [name for name, _ in instructions()]
    assert "RUN" not in names[len(names) - names[::-1].index("USER") :], (
        "nothing is done as another user after it"
    )


def test_the_python_is_one_that_the_project_supports() -> None:
    import tomllib

    version = re.search(r"^ARG PYTHON=(\d+)\.(\d+)$", TEXT, re.M)
    wanted = re.search(
        r">=(\d+)\.(\d+)", tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert version
    assert wanted
    assert tuple(map(int, version.groups())) >= tuple(map(int, wanted.groups()))


def test_what_is_copied_is_there_and_enough_for_the_wheel() -> None:
    copied = [a.split()[:-1] for n, a in instructions() if n == "COPY" and not a.startswith("--from")]
    files = [name for names in copied for name in names]
    for name in files:
        assert (ROOT / name).exists(), name
    # The readme and the licence are named in pyproject.toml: building fails without them.
    assert {"pyproject.toml", "README.md", "LICENSE", "src"} <= set(files)


def test_it_starts_the_command_with_a_home_that_outlives_it() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["ashiato"]
    assert json.loads(last("CMD")) == ["--help"]
    assert last("STOPSIGNAL") == "SIGINT", "a stop is Ctrl-C: what was read is committed"
    assert "ASHIATO_HOME=/var/lib/ashiato" in last("ENV")
    assert last("VOLUME") == "/var/lib/ashiato"
    assert not re.search(r"\b(curl|wget|ADD|sudo|latest)\b", TEXT)
