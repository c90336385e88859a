"""Alerts and incidents do not depend on the order in which findings arrive, while nobody acts."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import samples
from alerts.samples import NOON, a_ledger, change, finding, raise_
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alert_findings, alerts, incidents
from ashiato.ledger.findings import Finding

PEOPLE = [f"arn:aws:iam::{samples.SHOP}:user/{name}" for name in ("alice", "bob", "carol")]
ADDRESSES = ["203.0.113.1", "203.0.113.2", "sts.amazonaws.com"]
CROWD = [f"arn:aws:iam::{samples.SHOP}:user/u{n}" for n in range(7)]


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    made = {}
    # Few people, or a crowd at one address: more than may share one and be related by it.
    crowded = draw(st.booleans())
    for _ in range(draw(st.integers(2, 14))):
        hours = draw(st.integers(0, 30 if crowded else 110))
        minutes = draw(st.integers(0, 40))
        at = NOON + timedelta(hours=hours, minutes=minutes)
        one = finding(
            at,
            rule=draw(st.sampled_from(["r1", "r2"])),
            principal=draw(st.sampled_from(CROWD if crowded else PEOPLE)),
            last=at + timedelta(minutes=draw(st.integers(0, 19))),
            level=draw(st.sampled_from(["informational", "low", "high"])),
            addresses=("203.0.113.1",) if crowded else tuple(draw(st.sets(st.sampled_from(ADDRESSES)))),
            access_keys=tuple(draw(st.sets(st.sampled_from(["AKIA1", "AKIA2"]), max_size=1))),
            resources=(),
            standing=draw(st.integers(0, 4)) > 0,
        )
        made[one.uid] = one
    return list(made.values())


def picture(ledger: Ledger) -> Any:
    """What a person sees, without numbers: alerts with their figures and findings, and which are one incident."""
    stands = alert_findings.c.standing == 1
    members: dict[int, set[str]] = {}
    for row in ledger.rows(sa.select(alert_findings).where(stands)):
        members.setdefault(row.alert, set()).add(row.uid)
    found, together = set(), {}
    for row in ledger.rows(sa.select(alerts).where(alerts.c.state.not_in(["merged", "withdrawn"]))):
        names = frozenset(members[row.id])
        found.add(
            (names, row.state, row.level, row.first, row.last, row.hits, row.findings, row.actor, row.rarity)
        )
        if row.incident is not None:
            together.setdefault(row.incident, set()).add(names)
    listed = {
        row.id: row.alerts
        for row in ledger.rows(
            sa.select(incidents).where(incidents.c.dissolved_at.is_(None), incidents.c.merged_into.is_(None))
        )
    }
    assert listed == {number: len(names) for number, names in together.items()}
    return found, {frozenset(names) for names in together.values()}


def arrive(ledger: Ledger, batches: list[list[Any]]) -> Any:
    told = samples.settings()
    for number, batch in enumerate(batches):
        raise_(ledger, batch, told, NOON + timedelta(days=9, minutes=number))
    return picture(ledger)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(findings(), st.data())
def test_any_order_any_batches_any_detours(final: list[Finding], data: st.DataObject) -> None:
    pictures = []
    for _ in range(2):
        detours = []
        for one in final:
            steps = [change(one, "new" if one.standing else "withdrawn")]
            if not one.standing or data.draw(st.booleans()):
                # What stood before: longer, of another key, or withdrawn and back again.
                earlier = replace(
                    one,
                    standing=data.draw(st.booleans()) or not one.standing,
                    last=one.last + timedelta(hours=data.draw(st.integers(0, 9))),
                    access_keys=("AKIA9",),
                )
                steps.insert(0, change(earlier, "new"))
            detours.append(steps)
        batches: list[list[Any]] = []
        while any(detours):
            waiting = [d for d in detours if d]
            size = data.draw(st.integers(1, len(waiting)))
            chosen = data.draw(st.permutations(waiting))[:size]
            batches.append([d.pop(0) for d in chosen])
        with tempfile.TemporaryDirectory() as folder, a_ledger(Path(folder)) as ledger:
            pictures.append(arrive(ledger, batches))
    assert pictures[0] == pictures[1]
