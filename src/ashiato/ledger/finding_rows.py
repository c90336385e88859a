"""Findings in the control database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.text import printable
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.findings import Actor, Finding, Kind, Level
from ashiato.ledger.inserting import insert_many

#: Values a statement may name at once on every database.
_SLICE = 400


def group_key(group: Mapping[str, str]) -> str:
    """A short name of a group, whatever its values hold."""
    text = json.dumps(group, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def finding_uid(rule: str, group: Mapping[str, str], hour: datetime) -> str:
    """The uid of the finding of a rule, group and hour."""
    text = f"{rule}\0{group_key(group)}\0{hour:%Y%m%d%H}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def to_row(finding: Finding, *, live: bool, changed_at: datetime) -> dict[str, Any]:
    """The row of a finding. Text of records is made fit for any database."""
    return {
        "uid": finding.uid,
        "rule": finding.rule,
        "title": finding.title,
        "level": finding.level,
        "kind": finding.kind,
        "table_name": finding.table,
        "group_json": json.dumps(dict(finding.group)),
        "group_key": group_key(finding.group),
        "hour": finding.hour,
        "first": finding.first,
        "last": finding.last,
        "window_start": finding.window_start,
        "hits": finding.hits,
        "event_ids": json.dumps(finding.event_ids),
        "event_times": json.dumps(finding.event_times),
        "account": finding.account and printable(finding.account, 20),
        "region": finding.region and printable(finding.region, 40),
        "principal": finding.principal and printable(finding.principal, 4000),
        "actor": finding.actor,
        "addresses": json.dumps(finding.addresses),
        "access_keys": json.dumps(finding.access_keys),
        "resources": json.dumps(finding.resources),
        "examples": json.dumps(finding.examples),
        "explanation": json.dumps(dict(finding.explanation)),
        "rarity": finding.rarity,
        "tags": json.dumps(finding.tags),
        "delivered_at": finding.delivered_at,
        "ingested_at": finding.ingested_at,
        "standing": int(finding.standing),
        "live": int(live),
        "changed_at": changed_at,
    }


def from_row(row: Any) -> Finding:
    """The finding of a row of `findings`."""
    return Finding(
        uid=row.uid,
        rule=row.rule,
        title=row.title,
        level=cast("Level", row.level),
        kind=cast("Kind", row.kind),
        table=row.table_name,
        group=json.loads(row.group_json),
        hour=row.hour,
        first=row.first,
        last=row.last,
        window_start=row.window_start,
        hits=row.hits,
        event_ids=tuple(json.loads(row.event_ids)),
        event_times=tuple(json.loads(row.event_times)),
        account=row.account,
        region=row.region,
        principal=row.principal,
        actor=cast("Actor", row.actor),
        addresses=tuple(json.loads(row.addresses)),
        access_keys=tuple(json.loads(row.access_keys)),
        resources=tuple(json.loads(row.resources)),
        examples=tuple(json.loads(row.examples)),
        explanation=json.loads(row.explanation),
        rarity=row.rarity,
        tags=tuple(json.loads(row.tags)),
        delivered_at=row.delivered_at,
        ingested_at=row.ingested_at,
        standing=bool(row.standing),
    )


def read_findings(connection: Connection, uids: Iterable[str]) -> dict[str, Finding]:
    """Findings by uid, withdrawn ones too; those that there are."""
    wanted = list(dict.fromkeys(uids))
    found: dict[str, Finding] = {}
    for start in range(0, len(wanted), _SLICE):
        part = wanted[start : start + _SLICE]
        for row in connection.execute(sa.select(findings).where(findings.c.uid.in_(part))):
            found[row.uid] = from_row(row)
    return found


def standing_of(connection: Connection, kind: Kind) -> list[Finding]:
    """Findings of a kind that stand."""
    rows = connection.execute(sa.select(findings).where(findings.c.kind == kind, findings.c.standing == 1))
    return [from_row(row) for row in rows]


def write_findings(
    connection: Connection, changed: Sequence[tuple[Finding, bool]], changed_at: datetime
) -> None:
    """Write findings as they are now; the bool says whether they are news."""
    uids = [finding.uid for finding, _ in changed]
    for start in range(0, len(uids), _SLICE):
        connection.execute(sa.delete(findings).where(findings.c.uid.in_(uids[start : start + _SLICE])))
    insert_many(connection, findings, [to_row(f, live=live, changed_at=changed_at) for f, live in changed])
