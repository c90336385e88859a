"""The sample incident as a person would see it: what of it was raised, and what else was.

`python -m detect.incident SEED…` (with `tests` on the path) prints both for other seeds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ashiato.core.settings import Settings
from ashiato.demo import generate
from ashiato.intake.collect import Collector
from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.findings import LEVELS
from ashiato.watch.evaluating import evaluate

#: An alert above this level is one that somebody has to look at.
LOW = LEVELS.index("low")


@dataclass
class Seen:
    """`missed`: steps of truth.json that no alert from low up names; `noisy`: alerts above low of the background, by
    day and account; `titles`: what those are."""

    missed: list[int]
    noisy: Counter[tuple[str, str]]
    titles: Counter[str]

    @property
    def worst(self) -> int:
        return max(self.noisy.values(), default=0)


def look(folder: Path, *, seed: int, events: int, flows: int, days: int = 35) -> Seen:
    """Generate an estate, take it in, evaluate, and compare with its truth."""
    made = generate(folder / "files", seed=seed, events=events, flows=flows, days=days)
    home = folder / "home"
    with Home.open_for_writing(home, "test") as opened:
        Collector(opened, processes=2).run([str(folder / "files")])
        evaluate(opened, Settings(home=home))
        a, f, af = alerts.c, findings.c, alert_findings.c
        rows = opened.ledger.rows(
            sa.select(
                a.id, a.level, a.title, a.account, f.table_name, f.first, f.last, f.event_ids, f.addresses, f.resources,
                f.group_json,
            )
            .join_from(alerts, alert_findings, af.alert == a.id)
            .join(findings, f.uid == af.uid)
            .where(f.standing == 1, a.level >= LOW)
        )  # fmt: skip
    return _compare(made.truth, rows)


def _compare(truth: dict[str, Any], rows: list[Any]) -> Seen:
    steps = truth["steps"]
    attacking = {e for step in steps for e in step["events"]}
    values = {v for step in steps for v in (*step["addresses"], *step["resources"])}
    begin, end = _time(steps[0]["first"]), _time(steps[-1]["last"]) + timedelta(days=1)
    missed = [s["step"] for s in steps if not any(_names(row, s) for row in rows)]
    of_attack: set[int] = set()
    for row in rows:
        said = {*json.loads(row.addresses), *json.loads(row.resources), *json.loads(row.group_json).values()}
        inside = row.first < end and row.last >= begin
        if attacking & set(json.loads(row.event_ids)) or (
            inside and row.table_name != "cloudtrail" and any(v in s for v in values for s in said if v)
        ):
            of_attack.add(row.id)
    noisy: Counter[tuple[str, str]] = Counter()
    titles: Counter[str] = Counter()
    counted: set[int] = set()
    # Records of years ago are there so that search finds something old; nobody watched then.
    watched = _time(truth["window"]["start"])
    for row in rows:
        if row.level > LOW and row.id not in of_attack and row.id not in counted and row.first >= watched:
            counted.add(row.id)
            noisy[f"{row.first:%Y-%m-%d}", row.account or ""] += 1
            titles[row.title] += 1
    return Seen(missed, noisy, titles)


def _names(row: Any, step: dict[str, Any]) -> bool:
    """Whether a finding is of a step: by event, or, for connections, by address within its time."""
    if step["events"]:
        return bool(set(step["events"]) & set(json.loads(row.event_ids)))
    if row.table_name != "vpc_flow_logs":
        return False
    first, last = _time(step["first"]) - timedelta(hours=1), _time(step["last"]) + timedelta(hours=1)
    said = {*json.loads(row.addresses), *json.loads(row.group_json).values()}
    return row.first <= last and row.last >= first and bool(said & set(step["addresses"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def main() -> None:
    for seed in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            seen = look(Path(folder), seed=seed, events=60_000, flows=150_000)
        print(
            f"seed {seed}: missed {seen.missed or 'none'}; above low on background: worst day and account {seen.worst},"
            f" {sum(seen.noisy.values())} in all; {dict(seen.titles.most_common(4))}",
            flush=True,
        )


if __name__ == "__main__":
    main()
