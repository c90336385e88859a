"""A home in which every text of every record is an attack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ashiato.core.settings import Account, Settings
from browser.chromium import chromium
from browser.conftest import executable
from hostile import attacks
from intake.taking_in import write, write_events

__all__ = ["executable"]

#: The settings are a person's own: names of accounts and groups that need escaping, not attacks.
ACCOUNTS = [Account(id="111111111111", name='A & B <prod> "1"', groups=["R&D <x>"])]


@dataclass(frozen=True)
class Hostile:
    home: Path
    files: Path
    settings: Settings


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("ASHIATO_") and not n.startswith("ASHIATO_TEST")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    """Taken in and evaluated once, read only."""
    from ashiato.cli.app import Common
    from ashiato.cli.commands.collect import take_in

    root = tmp_path_factory.mktemp("hostile")
    files, settings = root / "files", Settings(home=root / "home", accounts=ACCOUNTS)
    day = "111111111111/{0}/us-east-1/2026/11/19/111111111111_{0}_us-east-1_20261119T1000Z_{1}"
    items = list(attacks.items(40))
    named = [attacks.naming(n, item) for n, item in enumerate(items)]
    events = [*attacks.events(240), *named]
    for number in range(0, len(events), 60):
        name = f"{number:016}.json.gz"
        write_events(files / "AWSLogs" / day.format("CloudTrail", name), events[number : number + 60])
    write(
        files / "AWSLogs/111111111111/Config/us-east-1/2026/11/19/ConfigHistory"
        "/111111111111_Config_us-east-1_ConfigHistory_AWS::EC2::Volume_20261119T120000Z_20261119T130000Z_1.json.gz",
        json.dumps({"fileVersion": "1.0", "configurationItems": items}).encode(),
    )
    write(
        files / "AWSLogs" / day.format("vpcflowlogs", "0000000000000000.log.gz"),
        attacks.flow_text(300).encode("utf-8", "surrogatepass"),
    )
    # What cannot be read at all is named in the quarantine.
    write(files / "AWSLogs" / day.format("CloudTrail", "broken.json.gz"), b'{"Records": [{"x": <script>')
    report = take_in(Common(settings, "json"), [str(files)])
    assert report.as_json()["records"]["cloudtrail"] > 200
    return Hostile(settings.home, files, settings)


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    with chromium(executable) as found:
        yield found
