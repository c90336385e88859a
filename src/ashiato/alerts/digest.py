"""The digest: what a day or a week brought, for those who read mail once in the morning. Informational alerts
need nobody and are left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.messages import Text, Writer, zone_of
from ashiato.alerts.outbox import enqueue
from ashiato.alerts.reading import NEEDING, alert_document
from ashiato.alerts.routing import in_scope
from ashiato.core.settings import Channel, Settings
from ashiato.ledger.alert_tables import alerts, incidents, outbox
from ashiato.ledger.findings import LEVELS

Period = Literal["day", "week"]

#: Lines of each part.
_MOST = 25
#: A digest that could not be made at its hour is made up for so long.
_MAKE_UP = timedelta(hours=6)


@dataclass(frozen=True)
class Digest:
    """Rows of alerts from `since` to `until`. `grown`: told before, with hits in this time; `older`: need somebody
    since before; `incidents`: with two alerts or more that had hits."""

    period: Period
    since: datetime
    until: datetime
    raised: Sequence[Any]
    grown: Sequence[Any]
    older: Sequence[Any]
    incidents: Sequence[Any]
    closed: int
    withdrawn: int
    amended: int
    planned: int
    suppressed: int
    undelivered: int

    @property
    def needing(self) -> int:
        return len(self.older) + len(self.grown) + sum(row.state in NEEDING for row in self.raised)


def span_of(period: Period, until: datetime) -> tuple[datetime, datetime]:
    return until - timedelta(days=1 if period == "day" else 7), until


def read_digest(
    connection: Connection,
    settings: Settings,
    period: Period,
    until: datetime,
    channel: Channel | None = None,
) -> Digest:
    """What the time until then brought; for a channel only what it may hear of, of every level."""
    since, _ = span_of(period, until)
    c = alerts.c

    def select(*where: Any) -> list[Any]:
        asked = sa.select(alerts).where(*where).order_by(c.level.desc(), c.first, c.id)
        return [row for row in connection.execute(asked) if allowed(row)]

    def allowed(row: Any) -> bool:
        return channel is None or in_scope(channel, settings, json.loads(row.tags), row.account)

    needs = c.level > 0
    new = select(c.raised_at > since, c.raised_at <= until, c.state != "merged", needs)
    older = select(c.raised_at <= since, c.state.in_(NEEDING), needs)
    numbers = {row.incident for row in (*new, *older) if row.incident is not None and row.last > since}
    together = (
        connection.execute(
            sa.select(incidents).where(incidents.c.id.in_(sorted(numbers)[:400])).order_by(incidents.c.id)
        ).all()
        if numbers
        else []
    )
    dead = sa.select(sa.func.count()).where(outbox.c.state == "dead")
    if channel is not None:
        dead = dead.where(outbox.c.channel == channel.name)
    return Digest(
        period=period,
        since=since,
        until=until,
        raised=[row for row in new if row.state not in ("planned", "suppressed", "withdrawn")],
        grown=[row for row in older if row.last > since],
        older=[row for row in older if row.last <= since],
        incidents=together,
        closed=len(select(c.closed_at > since, c.closed_at <= until, c.state == "closed")),
        withdrawn=len(select(c.changed_at > since, c.changed_at <= until, c.state == "withdrawn")),
        amended=len(select(c.amended_at > since, c.amended_at <= until, c.state.in_([*NEEDING, "closed"]))),
        planned=sum(row.state == "planned" for row in new),
        suppressed=sum(row.state == "suppressed" for row in new),
        undelivered=connection.scalar(dead) or 0,
    )


def digest_text(digest: Digest, writer: Writer, key: str) -> Text:
    """The digest as a message."""
    zone = writer.zone
    stamp = "%Y-%m-%d %H:%M"
    since, until = (t.astimezone(zone).strftime(stamp) for t in (digest.since, digest.until))
    name = digest.until.astimezone(zone).tzname() or "UTC"
    raised, needing = len(digest.raised), digest.needing
    values = {"since": since, "until": until, "zone": name, "raised": raised, "open": needing}
    lines = [
        writer.text("digest.first", closed=digest.closed, **values)
        if raised
        else writer.text("digest.none", **values)
    ]
    levels = Counter(row.level for row in digest.raised)
    if levels:
        counted = [
            writer.text("digest.level", level=writer.level(level), count=levels[level])
            for level in sorted(levels, reverse=True)
        ]
        lines.append(writer.text("digest.levels", levels=writer.texts["list"].join(counted)))
    lines += _part(writer, "digest.new", digest.raised, writer.line)
    lines += _part(writer, "digest.grown", digest.grown, lambda row: _grown(writer, row))
    lines += _part(writer, "digest.incidents", digest.incidents, lambda row: _incident(writer, row))
    lines += _part(writer, "digest.older", digest.older, writer.line)
    if digest.withdrawn or digest.amended:
        lines.append(writer.text("digest.changed", withdrawn=digest.withdrawn, amended=digest.amended))
    if digest.planned or digest.suppressed:
        lines.append(writer.text("digest.held", planned=digest.planned, suppressed=digest.suppressed))
    if digest.undelivered:
        lines.append(writer.text("digest.undelivered", count=digest.undelivered))
    return Text(
        subject=writer.text(f"digest.subject.{digest.period}", **values),
        lines=tuple(lines),
        tail=(writer.text("digest.command"), writer.text("key", key=key)),
        key=key,
        level=LEVELS[max(levels, default=0)],
        link=None
        if writer.settings.alerts.link is None
        else f"{writer.settings.alerts.link.rstrip('/')}/alerts",
    )


def _part(writer: Writer, heading: str, rows: Sequence[Any], line: Callable[[Any], str]) -> list[str]:
    if not rows:
        return []
    lines = [writer.text(heading), *(f"- {line(row)}" for row in rows[:_MOST])]
    if len(rows) > _MOST:
        lines.append(writer.text("digest.rest", count=len(rows) - _MOST))
    return lines


def _grown(writer: Writer, row: Any) -> str:
    return writer.text(
        "digest.grown.line",
        id=alert_id(row.id),
        level=writer.level(row.level),
        title=writer.title(row),
        who=writer.who(row),
        hits=f"{row.hits:,}",
        last=f"{row.last:%Y-%m-%d %H:%M}",
    )


def _incident(writer: Writer, row: Any) -> str:
    return writer.text(
        "digest.incident.line",
        id=incident_id(row.id),
        level=writer.level(row.level),
        count=row.alerts,
        first=f"{row.first:%Y-%m-%d %H:%M}",
        last=f"{row.last:%Y-%m-%d %H:%M}",
    )


def digest_document(digest: Digest, names: dict[str, str]) -> dict[str, Any]:
    """The JSON of a digest."""
    listed = {
        name: [alert_document(row, names, ()) for row in rows]
        for name, rows in (("raised", digest.raised), ("grown", digest.grown), ("older", digest.older))
    }
    for row in (row for rows in listed.values() for row in rows):
        del row["event_ids"]
    return {
        "period": digest.period,
        "since": digest.since,
        "until": digest.until,
        "open": digest.needing,
        **listed,
        "incidents": [
            {
                "id": incident_id(row.id),
                "level": LEVELS[row.level],
                "alerts": row.alerts,
                "first": row.first,
                "last": row.last,
            }
            for row in digest.incidents
        ],
        **{
            name: getattr(digest, name)
            for name in ("closed", "withdrawn", "amended", "planned", "suppressed", "undelivered")
        },
    }


def scheduled(settings: Settings, now: datetime) -> datetime | None:
    """The last moment, at most six hours ago, at which a digest was to be sent: `digest_at` in the local zone,
    weekly ones on Mondays."""
    at = settings.alerts.digest_at
    if at is None:
        return None
    local = now.astimezone(zone_of(settings))
    hour, _, minute = at.partition(":")
    for day in (local.date(), local.date() - timedelta(days=1)):
        moment = datetime.combine(day, time(int(hour), int(minute)), local.tzinfo).astimezone(UTC)
        if moment <= now < moment + _MAKE_UP and (
            settings.alerts.digest_period == "day" or day.weekday() == 0
        ):
            return moment
    return None


def enqueue_scheduled(connection: Connection, settings: Settings, now: datetime) -> int:
    """Put the digest of the hour into the outbox, once; how many messages."""
    moment = scheduled(settings, now)
    if moment is None:
        return 0
    wanted = settings.alerts.digest_channels
    made = 0
    for channel in settings.channels:
        if not wanted or channel.name in wanted:
            detail = {"period": settings.alerts.digest_period, "until": moment.isoformat()}
            made += (
                enqueue(connection, "digest", f"{moment:%Y%m%dT%H%M}", channel.name, detail, settings, now)
                is not None
            )
    return made
