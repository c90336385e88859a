"""deploy/systemd: units that systemd accepts, and that call the command as it is."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.repository import tool
from intake.small_objects import write_small_objects

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICE = SYSTEMD / "ashiato-collect.service"
TIMER = SYSTEMD / "ashiato-collect.timer"
SERVICES = sorted(SYSTEMD.glob("*.service"))
#: It goes on by itself; the others are started by a timer each.
WATCH = SYSTEMD / "ashiato-watch.service"
ONE_SHOTS = [s for s in SERVICES if s != WATCH]
TIMERS = sorted(SYSTEMD.glob("*.timer"))

#: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Sandboxing
HARDENING = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "LockPersonality": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
}


def unit(path: Path) -> configparser.ConfigParser:
    """A unit file; of a key that stands twice the last is kept."""
    parsed = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#", ";"))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(path.read_text())
    return parsed


def environment(path: Path) -> dict[str, str]:
    """An EnvironmentFile."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_sections_and_hardening(path: Path) -> None:
    assert unit(path).sections() == ["Unit", "Service", *(["Install"] if path == WATCH else [])]
    service = unit(path)["Service"]
    assert {key: service.get(key) for key in HARDENING} == HARDENING
    assert service["User"] == "ashiato"
    assert service["Type"] == ("exec" if path == WATCH else "oneshot")
    # It writes to its home and nowhere else.
    assert service["StateDirectory"] == "ashiato"
    assert "ReadWritePaths" not in service
    assert service["Environment"] == "ASHIATO_HOME=/var/lib/ashiato"


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_what_is_started_is_a_command_with_options_that_exist(path: Path) -> None:
    """And nothing pretends to be there that is not: no server, no watcher."""
    pages = {c.words: c for c in tool("command_pages").commands()}
    told = environment(SYSTEMD / "collect.env")
    started = unit(path)["Service"]["ExecStart"].split()
    line = [part for word in started for part in (told[word[1:]].split() if word.startswith("$") else [word])]
    assert line[0] == "/opt/ashiato/bin/ashiato"
    shown = " ".join(p.shown for p in pages[f"ashiato {line[1]}"].parameters).split()
    assert [word for word in line if word.startswith("--") and word not in shown] == []
    if "collect.env" in unit(path)["Service"].get("EnvironmentFile", ""):
        assert line[-1].startswith("s3://")


def test_what_is_started_takes_in(tmp_path: Path) -> None:
    """The line of ExecStart, split as systemd splits it."""
    write_small_objects(tmp_path / "logs", objects=5)
    service = unit(SERVICE)["Service"]
    key, _, home = service["Environment"].partition("=")
    assert (key, home) == ("ASHIATO_HOME", "/var/lib/ashiato")
    words = service["ExecStart"].replace("$OPTIONS", "").replace("$SOURCES", str(tmp_path / "logs")).split()
    called = [sys.executable, "-m", "ashiato", *words[1:]]
    done = subprocess.run(
        called,
        env=_environment(ASHIATO_HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Took ")


def _environment(**more: str) -> dict[str, str]:
    source = str(Path(__file__).parents[2] / "src")
    return {**os.environ, "PYTHONPATH": f"{source}:{os.environ.get('PYTHONPATH', '')}", **more}


def test_the_watcher_ends_in_order_and_is_started_again() -> None:
    service = unit(WATCH)["Service"]
    assert (service["KillSignal"], service["KillMode"]) == ("SIGTERM", "mixed")
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert unit(WATCH)["Install"]["WantedBy"] == "multi-user.target"
    # One process writes to a home.
    assert unit(WATCH)["Unit"]["Conflicts"].split() == [t.name for t in TIMERS]


def test_timers_start_services() -> None:
    assert [t.stem for t in TIMERS] == [s.stem for s in ONE_SHOTS]
    for path in TIMERS:
        assert unit(path).sections() == ["Unit", "Timer", "Install"]
        assert unit(path)["Install"]["WantedBy"] == "timers.target"
    assert "OnUnitInactiveSec" in unit(TIMER)["Timer"], "a long run is not overtaken by the next"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_accepts_them(tmp_path: Path) -> None:
    for path in SERVICES + TIMERS:
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/ashiato/bin/ashiato", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "ashiato" in line]
    assert told == []
    assert done.returncode == 0, done.stderr


def test_the_readme_installs_every_file() -> None:
    readme = (SYSTEMD.parent / "README.md").read_text()
    for path in SYSTEMD.iterdir():
        assert f"deploy/systemd/{path.name}" in readme
    block = readme.split("```sh\n")[1].split("```")[0]
    for line in block.splitlines():
        assert shlex.split(line, comments=True)
