"""The pages over the sample incident: open to whoever is at this machine, with a guide through it."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashiato.core.settings import Settings
from ashiato.demo.settings import with_names
from ashiato.web.guiding import Incident

if TYPE_CHECKING:
    from ashiato.lake.home import Home

#: Never another address: without accounts, only who sits here may read.
LOOPBACK = "127.0.0.1"


def incident_of(truth: dict[str, Any]) -> Incident | None:
    """What truth.json says of the attack; None where there was none."""
    attack = truth["attack"]
    if attack is None:
        return None
    times = attack["times"]
    user = f"arn:aws:iam::{attack['account']}:user/"

    def first(title: str) -> datetime:
        """The beginning of the first step whose title begins so."""
        return _time(next(x["first"] for x in truth["steps"] if x["title"].startswith(title)))

    return Incident(
        bucket=attack["bucket"],
        host=attack["instance"]["privateIp"],
        instance=attack["instance"]["id"],
        control=attack["commandAndControl"]["address"],
        intruder=attack["bruteForceAddresses"][0],
        group=attack["securityGroup"],
        planted=attack["createdUser"],
        planted_arn=user + attack["createdUser"],
        leaked=attack["leakedUser"],
        leaked_arn=user + attack["leakedUser"],
        key=attack["leakedKey"],
        attacker=attack["attackerAddress"],
        key_used=first("A leaked key"),
        planted_made=first("Persistence"),
        trail_stopped=_time(times["trailStopped"]),
        port_opened=_time(times["portOpened"]),
        entered=_time(times["sshSuccess"]),
        calls_began=_time(times["beaconFirst"]),
        scan_began=_time(times["scan"][0]),
    )


def listen(port: int, *, or_any: bool) -> socket.socket:
    """A listening socket on loopback. `or_any`: where the port is taken, another one. Raises WrongUse."""
    from ashiato.core.errors import WrongUse
    from ashiato.watch.http import bind

    try:
        return bind(f"{LOOPBACK}:{port}", where="--port")
    except WrongUse:
        if not or_any:
            raise
        return bind(f"{LOOPBACK}:0", where="--port")


def serve(home: Home, settings: Settings, truth: dict[str, Any], listening: socket.socket) -> None:
    """Serve the pages until SIGTERM or SIGINT."""
    from ashiato.web.door import OpenDoor
    from ashiato.web.serving import run
    from ashiato.web.site import Site

    site = Site(home, with_names(settings), OpenDoor(), open_to_readers=True, incident=incident_of(truth))
    run(site, listening)


def read_truth(files: Path) -> dict[str, Any]:
    """truth.json of generated files."""
    import json

    found: dict[str, Any] = json.loads((files / "truth.json").read_text(encoding="utf-8"))
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
