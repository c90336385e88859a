"""docs/dependencies.md has a line for each dependency in pyproject.toml, and no other."""

from __future__ import annotations

import re
import tomllib

from docs.repository import ROOT


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0]


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run_time = {_name(r) for r in project["project"]["dependencies"]}
    extras = {k: {_name(r) for r in v} for k, v in project["project"]["optional-dependencies"].items()}
    building = {_name(r) for r in project["build-system"]["requires"]}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    _, first, second, third = page.split("\n## ")
    assert set(re.findall(r"^\| `([^`]+)` \|", first, re.M)) == run_time
    pairs = set(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", second, re.M))
    assert pairs == {(extra, name) for extra, names in extras.items() if extra != "test" for name in names}
    # A run-time package of an extra is tested too; it is explained once.
    optional = {name for extra, names in extras.items() if extra != "test" for name in names}
    assert set(re.findall(r"^\| `([^`]+)` \|", third, re.M)) == (extras["test"] | building) - optional


def test_every_line_gives_a_reason_and_the_alternative() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows
    for row in rows:
        *_, why, instead = [cell.strip() for cell in row.strip("|").split("|")]
        assert why
        assert instead, row
