"""Raises findings and delivers them, and kills itself at a step: `kill_driver.py FOLDER URL STEP PASSES`.

Findings that are in the control database are behind the cursor: they are not raised again.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alerts.samples import ALICE, NOON, a_ledger, change, finding, settings
from ashiato.alerts import channels, delivery, outbox, raising
from ashiato.core.settings import Channel
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.finding_rows import write_findings

COUNT = 6
STEPS = ("raising", "enqueued", "raised", "claimed", "told", "sending", "took", "marking", "marked", "never")


def main(folder: Path, url: str, step: str, passes: int) -> None:
    left = [passes]

    def at(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(module: Any, name: str, before: str | None, after: str | None) -> None:
        original = getattr(module, name)

        def wrapped(*args: Any, **keys: Any) -> Any:
            if before:
                at(before)
            result = original(*args, **keys)
            if after:
                at(after)
            return result

        setattr(module, name, wrapped)

    around(raising, "settle", "raising", None)
    around(raising, "enqueue_news", None, "enqueued")
    around(outbox, "claim", None, "claimed")
    around(delivery.Deliverer, "_text", None, "told")
    around(channels.AppriseSender, "send", "sending", "took")
    around(outbox, "mark", "marking", "marked")
    told = settings(Channel(name="hook", url=url))
    with a_ledger(folder) as ledger:
        for number in range(COUNT):
            made = finding(
                NOON + timedelta(minutes=number), principal=f"{ALICE}{number}", addresses=(), resources=()
            )
            with ledger.begin() as connection:
                if connection.scalar(sa.select(findings.c.uid).where(findings.c.uid == made.uid)):
                    continue
                write_findings(connection, [(made, True)], NOON)
                raising.raise_findings(connection, [change(made)], told, NOON)
            at("raised")
        delivery.Deliverer(ledger, told).deliver_due()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
