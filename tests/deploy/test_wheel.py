"""The wheel holds what running needs, and nothing else."""

from __future__ import annotations

import configparser
import importlib.util
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "ashiato"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from this folder by the backend itself: no network, no environment of its own."""
    if importlib.util.find_spec("hatchling") is None:
        if os.environ.get("ASHIATO_REQUIRE_ALL"):
            pytest.fail("hatchling is not installed: it belongs to the extra `test`")
        pytest.skip("hatchling is not installed")
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [path] = out.glob("ashiato-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_it_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {n for n in wheel.namelist() if not n.startswith("ashiato-")}
    source = {
        f"ashiato/{p.relative_to(PACKAGE).as_posix()}"
        for p in PACKAGE.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and ".ruff_cache" not in p.parts
    }
    assert held == source


def test_it_holds_what_is_no_module(wheel: zipfile.ZipFile) -> None:
    """Migrations are found by their folder, macros are read as text."""
    held = set(wheel.namelist())
    for name in ("migrations/env.py", "migrations/script.py.mako", "migrations/versions/__init__.py"):
        assert f"ashiato/ledger/{name}" in held
    assert [n for n in held if n.startswith("ashiato/ledger/migrations/versions/m0001")]
    assert "ashiato/engine/macros.sql" in held


def test_its_metadata(wheel: zipfile.ZipFile) -> None:
    import tomllib

    from ashiato import __version__

    [folder] = {n.split("/")[0] for n in wheel.namelist() if ".dist-info/" in n}
    told = Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told["Name"] == "ashiato"
    assert told["Version"] == __version__
    assert told["Requires-Python"] == project["requires-python"]
    assert told["License-Expression"] == "Apache-2.0"
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()
    assert len([r for r in told.get_all("Requires-Dist", []) if "extra ==" not in r]) == len(
        project["dependencies"]
    )
    assert told.get_payload().startswith("# Ashiato")  # type: ignore[union-attr]


def test_its_entry_point_starts(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """From the wheel's own files, without the repository on the path; migrations run."""
    [folder] = {n.split("/")[0] for n in wheel.namelist() if ".dist-info/" in n}
    entries = configparser.ConfigParser()
    entries.read_string(wheel.read(f"{folder}/entry_points.txt").decode())
    module, _, function = entries["console_scripts"]["ashiato"].partition(":")
    wheel.extractall(tmp_path / "site")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "notes.txt").write_text("nothing that AWS delivered\n")
    program = (
        f"import sys; sys.path.insert(0, sys.argv.pop(1)); import {module} as m;"
        f" assert m.__file__.startswith(sys.path[0]), m.__file__; m.{function}()"
    )
    called = [sys.executable, "-c", program, str(tmp_path / "site")]
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("ASHIATO_")}
    for arguments, wanted in (
        (["--version"], "ashiato "),
        (["collect", str(tmp_path / "logs"), "--home", str(tmp_path / "home")], "Took 0 of 1 objects"),
    ):
        done = subprocess.run(
            [*called, *arguments], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(wanted)
    assert (tmp_path / "home" / "ledger.db").exists()
