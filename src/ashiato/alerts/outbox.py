"""What is to be sent: written in the transaction that raises it, claimed by whoever sends, never forgotten."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.grouping import later
from ashiato.alerts.history import History
from ashiato.alerts.routing import channels_for
from ashiato.alerts.settling import News
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alerts, outbox
from ashiato.ledger.findings import LEVELS

#: How long a claim holds when its process does not come back; longer than any channel may take.
CLAIM = timedelta(minutes=3)

#: This process, as claims name it.
_PROCESS = uuid.uuid4().hex


@dataclass(frozen=True)
class Message:
    """One message to one channel, as it stands in the outbox. `version`: the how-manieth telling of the alert."""

    id: int
    key: str
    kind: str
    channel: str
    alert: int | None
    version: int
    level: int
    detail: dict[str, Any]
    attempts: int
    created_at: datetime
    give_up_at: datetime | None


def message_key(kind: str, name: int | str, version: int, channel: str) -> str:
    """
    >>> message_key("alert", 17, 1, "on-call")
    'alert.17.1.on-call'
    """
    return f"{kind}.{name}.{version}.{channel}"


def enqueue_news(
    connection: Connection, news: Sequence[News], settings: Settings, history: History, now: datetime
) -> int:
    """Messages for what is news, one a channel that wants it; how many. The alert remembers what was told."""
    rows: list[dict[str, Any]] = []
    for item in news:
        wanted = channels_for(settings, LEVELS[item.level], json.loads(item.tags), item.account)
        for channel in wanted:
            detail = {"risen": True} if item.risen else {}
            rows.append(
                _row("alert", item.alert, item.version, channel.name, item.level, detail, settings, now)
                | {"alert": item.alert}
            )
        if wanted:
            connection.execute(
                sa.update(alerts)
                .where(alerts.c.id == item.alert)
                .values(told_level=item.level, told_version=item.version, told_at=now)
            )
            history.add(item.alert, "told", channels=[c.name for c in wanted], level=LEVELS[item.level])
    if rows:
        connection.execute(sa.insert(outbox), rows)
    return len(rows)


def enqueue(
    connection: Connection,
    kind: str,
    name: str,
    channel: str,
    detail: dict[str, Any],
    settings: Settings,
    now: datetime,
) -> int | None:
    """A message that is of no alert (digest, more): its number, or None where its key is in the outbox already."""
    row = _row(kind, name, 0, channel, 0, detail, settings, now)
    if connection.scalar(sa.select(sa.exists().where(outbox.c.key == row["key"]))):
        return None
    made = connection.execute(sa.insert(outbox).values(**row)).inserted_primary_key
    assert made is not None
    return int(made[0])


def _row(
    kind: str,
    name: int | str,
    version: int,
    channel: str,
    level: int,
    detail: dict[str, Any],
    settings: Settings,
    now: datetime,
) -> dict[str, Any]:
    limit = settings.alerts.retry_for
    return {
        "key": message_key(kind, name, version, channel),
        "kind": kind,
        "channel": channel,
        "alert": None,
        "version": version,
        "level": level,
        "state": "pending",
        "detail": json.dumps(detail),
        "attempts": 0,
        "created_at": now,
        "due_at": now,
        "give_up_at": None if limit is None else later(now, limit),
    }


def due(connection: Connection, now: datetime, channel: str | None = None) -> list[Message]:
    """Messages that may be sent now, highest level first, then oldest."""
    o = outbox.c
    asked = sa.select(outbox).where(_ready(now)).order_by(o.level.desc(), o.id)
    if channel is not None:
        asked = asked.where(o.channel == channel)
    return [_message(row) for row in connection.execute(asked)]


def ready_channels(connection: Connection, now: datetime) -> list[str]:
    """Channels that something waits for that may be sent now."""
    asked = sa.select(outbox.c.channel).where(_ready(now)).distinct().order_by(outbox.c.channel)
    return [row.channel for row in connection.execute(asked)]


def _ready(now: datetime) -> sa.ColumnElement[bool]:
    o = outbox.c
    return sa.or_(
        sa.and_(o.state == "pending", o.due_at <= now), sa.and_(o.state == "sending", o.claimed_until <= now)
    )


def sent_since(connection: Connection, channel: str, kind: str, since: datetime) -> int:
    """Messages of a kind that a channel got since then."""
    o = outbox.c
    asked = sa.select(sa.func.count()).where(
        o.channel == channel, o.sent_at > since, o.kind == kind, o.state == "sent"
    )
    return int(connection.scalar(asked) or 0)


def claim(connection: Connection, message: Message, now: datetime) -> bool:
    """Take a message for sending; False where another process has it."""
    o = outbox.c
    free = sa.or_(o.state == "pending", sa.and_(o.state == "sending", o.claimed_until <= now))
    changed = connection.execute(
        sa.update(outbox)
        .where(o.id == message.id, free)
        .values(state="sending", claimed_by=claimant(), claimed_until=now + CLAIM)
    )
    return changed.rowcount == 1


def claimant() -> str:
    """Host, process id, and a name that no later process of that id has."""
    return printable(f"{socket.gethostname()} {os.getpid()} {_PROCESS}", 200)


def free_dead_claims(connection: Connection) -> None:
    """Make pending again what a process of this host had claimed that is no more; of others, claims run out."""
    o = outbox.c
    for row in connection.execute(sa.select(o.id, o.claimed_by).where(o.state == "sending")).all():
        if _is_dead(row.claimed_by or ""):
            connection.execute(
                sa.update(outbox)
                .where(o.id == row.id, o.state == "sending", o.claimed_by == row.claimed_by)
                .values(state="pending")
            )


def _is_dead(claimed_by: str) -> bool:
    host, _, rest = claimed_by.partition(" ")
    number, _, process = rest.partition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return process != _PROCESS
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def mark(connection: Connection, message: Message, state: str, **values: Any) -> None:
    """Note how sending ended: sent, pending (again, later), dead, superseded, gathered."""
    if values.get("error") is not None:
        values["error"] = printable(values["error"], 1000)
    connection.execute(
        sa.update(outbox).where(outbox.c.id == message.id).values(state=state, claimed_by=None, **values)
    )


def revive(connection: Connection, ids: Sequence[int] | None, settings: Settings, now: datetime) -> int:
    """Try dead messages again, all of them or some; how many."""
    o = outbox.c
    limit = settings.alerts.retry_for
    asked = sa.update(outbox).where(o.state == "dead")
    if ids is not None:
        asked = asked.where(o.id.in_(ids))
    give_up = None if limit is None else later(now, limit)
    done = connection.execute(asked.values(state="pending", due_at=now, attempts=0, give_up_at=give_up))
    return done.rowcount


def _message(row: Any) -> Message:
    return Message(
        row.id,
        row.key,
        row.kind,
        row.channel,
        row.alert,
        row.version,
        row.level,
        json.loads(row.detail),
        row.attempts,
        row.created_at,
        row.give_up_at,
    )
