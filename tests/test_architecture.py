"""The shape of the code, as the design draws it, and what a run may reach."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from intake.small_objects import write_small_objects

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "ashiato"
#: Lower ones first; each may import those before it, but not its neighbours of the same row.
LAYERS = (
    ("core",),
    ("formats",),
    ("words",),
    ("ledger",),
    ("access",),
    ("lake",),
    ("engine", "sources"),
    ("intake",),
    ("network",),
    ("config", "detect"),
    ("alerts",),
    ("watch",),
    ("search", "trace"),
    ("web",),
    ("demo",),
    ("cli",),
)


def test_every_package_is_one_that_the_design_draws() -> None:
    found = {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert found == {name for row in LAYERS for name in row}
    for folder in PACKAGE.rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")):
            assert (folder / "__init__.py").exists(), folder


def test_the_contract_says_what_the_design_says() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c for c in settings["contracts"] if c["type"] == "layers")
    rows = [tuple(name.strip() for name in row.split(":")) for row in reversed(layers["layers"])]
    assert rows == list(LAYERS)
    assert layers["exhaustive"] is True


def test_data_flows_one_way_and_formats_are_pure() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


GUARD = """
import socket, sys
ALLOWED = ("127.0.0.1", "::1", "localhost")
def judge(self, address):
    host = address[0] if isinstance(address, tuple) else None
    if self.family != socket.AF_UNIX and host not in ALLOWED:
        sys.stderr.write(f"REACHED OUT to {address!r}\\n")
        raise OSError(f"blocked by the test: {address!r}")
def guarded(name):
    real = getattr(socket.socket, name)
    def call(self, address):
        judge(self, address)
        return real(self, address)
    setattr(socket.socket, name, call)
guarded("connect"); guarded("connect_ex")
real_lookup = socket.getaddrinfo
def lookup(host, *rest, **more):
    if host not in (None, *ALLOWED):
        sys.stderr.write(f"REACHED OUT for the address of {host!r}\\n")
        raise OSError("blocked by the test")
    return real_lookup(host, *rest, **more)
socket.getaddrinfo = lookup
"""


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python process below refuses any socket but loopback's, and says so."""
    import os

    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT / "src")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("HOME", str(tmp_path))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_guard_guards(guarded: None) -> None:
    code = "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=1)"
    assert "REACHED OUT" in run("-c", code).stderr


ALL = """
import sys
from ashiato.cli.app import run
for arguments in {commands!r}:
    sys.argv = ["ashiato", *arguments, "--home", {home!r}]
    try:
        run()
    except SystemExit as end:
        print("STATUS", end.code, arguments[0])
"""


def test_a_whole_collection_and_the_questions_after_it_reach_nothing_but_this_machine(
    guarded: None, tmp_path: Path
) -> None:
    made = write_small_objects(tmp_path / "logs", objects=30, seed=6)
    commands = [
        ("collect", str(made.folder)),
        ("query", "SELECT eventname, count(*) FROM cloudtrail_logs GROUP BY 1"),
        ("sources",),
        ("quarantine",),
        ("maintain",),
    ]
    done = run("-c", ALL.format(commands=commands, home=str(tmp_path / "home")))
    assert "REACHED OUT" not in done.stderr
    statuses = [line for line in done.stdout.splitlines() if line.startswith("STATUS")]
    assert statuses == [f"STATUS 0 {c[0]}" for c in commands], done.stderr
