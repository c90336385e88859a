"""Findings as detection makes them, and a control database for them to become alerts in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ashiato.alerts.raising import RaiseReport, raise_findings
from ashiato.core.settings import Account, Channel, Settings
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.finding_rows import finding_uid, write_findings
from ashiato.ledger.findings import Finding, FindingChange

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHOP, BANK = "111111111111", "222222222222"
ALICE = f"arn:aws:iam::{SHOP}:user/alice"
PORT_22 = {
    "ipProtocol": "tcp",
    "fromPort": 22,
    "toPort": 22,
    "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
}


def event(
    name: str = "AuthorizeSecurityGroupIngress",
    *,
    source: str = "ec2",
    at: datetime = NOON,
    who: str = ALICE,
    address: str = "203.0.113.5",
    **more: Any,
) -> dict[str, Any]:
    """A CloudTrail record with the fields that messages show."""
    return {
        "eventID": f"e-{name}-{at:%d%H%M%S}",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": address,
        "userAgent": "aws-cli/2.15",
        "recipientAccountId": SHOP,
        "userIdentity": {"type": "IAMUser", "arn": who, "userName": who.split("/")[-1], "accountId": SHOP},
        "requestParameters": {"groupId": "sg-0a1", "ipPermissions": {"items": [PORT_22]}},
        **more,
    }


def finding(
    at: datetime = NOON,
    *,
    rule: str = "sg-opened",
    principal: str | None = ALICE,
    last: datetime | None = None,
    **more: Any,
) -> Finding:
    """A finding of one record at `at`."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    group = more.pop("group", {"userIdentity.arn": principal or ""})
    example = more.pop("example", None) or event(at=at, who=principal or ALICE)
    values: dict[str, Any] = {
        "title": "Security group opened to the world",
        "level": "high",
        "kind": "match",
        "table": "cloudtrail",
        "hits": 1,
        "event_ids": (example["eventID"],),
        "account": SHOP,
        "region": "ap-northeast-1",
        "actor": "person",
        "addresses": ("203.0.113.5",),
        "access_keys": (),
        "resources": ("sg-0a1",),
        "examples": (example,),
        "tags": ("attack.defense_evasion", "attack.t1562.007"),
        "rarity": 0.9,
        "delivered_at": at + timedelta(minutes=4),
        "ingested_at": at + timedelta(minutes=4, seconds=2),
        **more,
    }
    return Finding(
        uid=finding_uid(rule, group, hour) if "uid" not in values else values.pop("uid"),
        rule=rule,
        group=group,
        hour=hour,
        first=at,
        last=last or at,
        window_start=at,
        principal=principal,
        **values,
    )


def change(of: Finding, kind: Any = "new", *, live: bool = True) -> FindingChange:
    return FindingChange(kind, of, live=live)


def settings(*channels: Channel, **more: Any) -> Settings:
    """Settings without a file: two named accounts."""
    return Settings(
        accounts=[
            Account(id=SHOP, name="shop-prod", groups=["production"]),
            Account(id=BANK, name="bank-dev", groups=["development"]),
        ],
        channels=list(channels),
        **more,
    )


@cache
def _empty() -> bytes:
    """A migrated control database; migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        Ledger.at(Path(folder), migrate=True).close()
        return Path(folder, "ledger.db").read_bytes()


@contextmanager
def a_ledger(folder: Path) -> Iterator[Ledger]:
    """A control database in `folder`, new where there was none."""
    if not (folder / "ledger.db").exists():
        (folder / "ledger.db").write_bytes(_empty())
    ledger = Ledger.at(folder, migrate=False)
    try:
        yield ledger
    finally:
        ledger.close()


def raise_(
    ledger: Ledger, changes: Sequence[FindingChange] | Finding, told: Settings, now: datetime = NOON
) -> RaiseReport:
    """One evaluation: findings written and raised in one transaction, as `detect` does it."""
    if isinstance(changes, Finding):
        changes = [change(changes)]
    with ledger.begin() as connection:
        write_findings(connection, [(c.finding, c.live) for c in changes], now)
        return raise_findings(connection, changes, told, now)


def rows(ledger: Ledger, **where: Any) -> Sequence[Any]:
    asked = sa.select(alerts).order_by(alerts.c.id)
    for name, value in where.items():
        asked = asked.where(alerts.c[name] == value)
    return ledger.rows(asked)


def partition(ledger: Ledger, states: Iterable[str] = ("open",)) -> set[frozenset[str]]:
    """Which findings stand together in one alert."""
    asked = (
        sa.select(alert_findings.c.uid, alert_findings.c.alert)
        .join(alerts, alerts.c.id == alert_findings.c.alert)
        .where(alert_findings.c.standing == 1, alerts.c.state.in_(list(states)))
    )
    sets: dict[int, set[str]] = {}
    for row in ledger.rows(asked):
        sets.setdefault(row.alert, set()).add(row.uid)
    return {frozenset(s) for s in sets.values()}
