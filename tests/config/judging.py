"""Causes judged by what the generator knows: `truth.json` names the event behind each change, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from ashiato.config.causes import Causes, causes
from ashiato.config.history import Change
from ashiato.config.item import COLUMNS, NEWEST_FIRST, ConfigItem, item_of
from ashiato.config.reading import planned, rows
from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading

Told = Mapping[str, Any]


@dataclass
class Verdict:
    """What was right and wrong: (change of truth, what was said)."""

    right: int = 0
    none_right: int = 0
    wrong: list[tuple[Told, Causes]] = field(default_factory=list)
    #: A cause was named where there is none.
    invented: list[tuple[Told, Causes]] = field(default_factory=list)
    #: Neither a cause nor "none" was said: a gap is seen, or the resource was not known before.
    not_none: list[tuple[Told, Causes]] = field(default_factory=list)
    #: The event did not come to the lake; that was said.
    lost: int = 0
    gaps: int = 0
    #: Changes of the truth that the lake does not hold.
    unknown: int = 0

    @property
    def caused(self) -> int:
        return self.right + len(self.wrong)

    @property
    def share(self) -> float:
        return self.right / self.caused


def every_change(lake: PinnedLake) -> list[Change]:
    """The changes of every resource in the lake."""
    source = planned(lake, "config_items", everything())
    assert source is not None
    columns = ", ".join(f'"{c}"' for c in COLUMNS)
    with reading() as opened:
        found = [
            item_of(r)
            for r in rows(opened, f"SELECT {columns} FROM {source} WHERE variant = 0 ORDER BY {NEWEST_FIRST}")
        ]
    of: dict[Any, list[ConfigItem]] = {}
    for item in reversed(found):
        of.setdefault(item.key, []).append(item)
    return [Change(a, b) for items in of.values() for a, b in pairwise([None, *items]) if b is not None]


def judge(lake: PinnedLake, truth: Path) -> Verdict:
    """Causes of all changes that the truth tells of."""
    told = json.loads(truth.read_text(encoding="utf-8"))
    known = {
        (
            c["account"],
            c["region"],
            c["resourceType"],
            c["resourceId"],
            datetime.fromisoformat(c["captureTime"]),
        ): c
        for c in told["changes"]
    }
    asked: list[tuple[Told, Change]] = []
    for change in every_change(lake):
        key = change.after.key
        of = known.pop((key.account, key.region, key.type, key.id, change.after.captured), None)
        if of is not None:
            asked.append((of, change))
    verdict = Verdict(unknown=len(known))
    for (of, _), said in zip(asked, causes(lake, [c for _, c in asked], EVERY_ACCOUNT), strict=True):
        first = said.found[0].event_id if said.found else None
        if "never came" in of["why"]:
            # Its event is in the file that the digest names and that was never delivered.
            verdict.lost += 1
            verdict.gaps += said.gap is not None and not said.found
        elif of["cause"] is None:
            if said.found:
                verdict.invented.append((of, said))
            elif said.none:
                verdict.none_right += 1
            else:
                verdict.not_none.append((of, said))
        elif first == of["cause"]:
            verdict.right += 1
        else:
            verdict.wrong.append((of, said))
    return verdict
