"""Delivery: from the outbox to the channels, at least once, again and again until a message is given up."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa

from ashiato.alerts import outbox as box
from ashiato.alerts.channels import Sender, open_channel
from ashiato.alerts.digest import digest_text, enqueue_scheduled, read_digest
from ashiato.alerts.history import History
from ashiato.alerts.ids import alert_id
from ashiato.alerts.messages import Text, Writer
from ashiato.alerts.placing import sliced
from ashiato.alerts.reading import surviving, told
from ashiato.alerts.telling import Tell
from ashiato.core.clock import now as clock_now
from ashiato.core.errors import AshiatoError
from ashiato.core.settings import Channel, Settings
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alerts, outbox
from ashiato.ledger.findings import LEVELS

_log = logging.getLogger(__name__)

#: The first pause after a failure, and the longest; each is twice the one before, and scattered.
FIRST_PAUSE = timedelta(seconds=3)
LONGEST_PAUSE = timedelta(minutes=5)
#: The loop looks into the outbox so often.
POLL_SECONDS = 0.5
#: Every so many looks it sees to dead claims and digests.
_SELDOM = 10
#: What goes beyond the cap is gathered so long before "and 37 more" is sent.
GATHER = timedelta(seconds=20)
#: "and 37 more" goes at most so often; the cap counts over the same time.
_HOUR = timedelta(hours=1)
#: Lines of "and 37 more".
_MOST_LINES = 15
#: States in which an alert has something to tell.
_TELLING = ("open", "acknowledged")


@dataclass
class DeliveryReport:
    """How a round went: messages sent, failed (to be tried again), given up, gathered into one, and superseded."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    gathered: int = 0
    superseded: int = 0

    def __iadd__(self, other: DeliveryReport) -> Self:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


class Deliverer:
    """Sends what the outbox holds. Several may run, in one process or many: a message is claimed before it is sent."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        *,
        tell: Tell | None = None,
        clock: Callable[[], datetime] = clock_now,
        opened: Callable[[Channel], Sender] = open_channel,
        scatter: Callable[[float, float], float] = random.uniform,
        on_sent: Callable[[box.Message, datetime], None] | None = None,
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self.clock = clock
        self._tell = tell
        self._open = opened
        self._scatter = scatter
        self._on_sent = on_sent
        self._channels = {c.name: c for c in settings.channels}
        self._ready = {name: threading.Event() for name in self._channels}
        self._pauses: dict[str, tuple[int, datetime]] = {}

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set: one thread a channel, so that a slow one holds nobody up."""
        threads = [
            threading.Thread(target=self._run_channel, args=(name, stop), name=f"deliver-{name}", daemon=True)
            for name in self._channels
        ]
        for thread in threads:
            thread.start()
        rounds = 0
        while not stop.is_set():
            if rounds % _SELDOM == 0:
                self._guard(self._run_seldom, stop)
            self._guard(self._wake_ready, stop)
            rounds += 1
            stop.wait(POLL_SECONDS)
        for thread in threads:
            thread.join(timeout=30)

    def _run_seldom(self) -> None:
        with self.ledger.begin() as connection:
            box.free_dead_claims(connection)
        self.enqueue_digests()

    def _wake_ready(self) -> None:
        """One look into the outbox for all channels."""
        now = self.clock()
        with self.ledger.engine.connect() as connection:
            ready = box.ready_channels(connection, now)
        for name in ready:
            if name not in self._channels:
                self._deliver(name, timedelta(0))
            elif self._pauses.get(name, (0, now))[1] <= now:
                self._ready[name].set()

    def _run_channel(self, name: str, stop: threading.Event) -> None:
        ready = self._ready[name]
        while not stop.is_set():
            if ready.wait(1):
                ready.clear()
                self._guard(lambda: self._deliver(name, GATHER), stop)

    def _guard(self, work: Callable[[], Any], stop: threading.Event) -> None:
        """The loop outlives a control database that is busy or away, and a defect met by one message."""
        try:
            work()
        except Exception:
            _log.exception("a round of delivery failed; it is tried again")
            stop.wait(5)

    def enqueue_digests(self) -> int:
        """Put the digest into the outbox if it is time; how many messages."""
        with self.ledger.begin() as connection:
            return enqueue_scheduled(connection, self.settings, self.clock())

    def deliver_due(self, *, gather: timedelta = timedelta(0)) -> DeliveryReport:
        """Send what is due now, one channel after another; each stops at its first failure."""
        with self.ledger.begin() as connection:
            box.free_dead_claims(connection)
            waiting = box.ready_channels(connection, self.clock())
        report = DeliveryReport()
        for name in waiting:
            report += self._deliver(name, gather)
        return report

    def _deliver(self, name: str, gather: timedelta) -> DeliveryReport:
        report = DeliveryReport()
        now = self.clock()
        with self.ledger.engine.connect() as connection:
            due = box.due(connection, now, name)
            sent = box.sent_since(connection, name, "alert", now - _HOUR) if due else 0
        if not due:
            return report
        channel = self._channels.get(name)
        room = 0 if channel is None else channel.most_an_hour - sent
        beyond: list[box.Message] = []
        for message in due:
            if channel is None:
                self._give_up(message, f"the settings have no channel {name}", report)
            elif message.kind == "alert" and room <= 0:
                beyond.append(message)
            else:
                room -= message.kind == "alert"
                if not self._send(channel, message, report):
                    return report
        if channel is not None and beyond:
            self._gather(channel, beyond, gather, report)
        return report

    def _gather(
        self, channel: Channel, beyond: Sequence[box.Message], gather: timedelta, report: DeliveryReport
    ) -> None:
        """One message "and 37 more" for what goes beyond the cap; at most one an hour."""
        now = self.clock()
        with self.ledger.begin() as connection:
            if min(m.created_at for m in beyond) + gather > now or box.sent_since(
                connection, channel.name, "more", now - _HOUR
            ):
                return
            free = [m for m in beyond if box.claim(connection, m, now)]
            detail = {"alerts": [m.alert for m in free], "levels": [m.level for m in free]}
            number = (
                box.enqueue(
                    connection, "more", f"{free[0].id}-{len(free)}", channel.name, detail, self.settings, now
                )
                if free
                else None
            )
            if number is None:
                return
            for message in free:
                box.mark(connection, message, "gathered", gathered_into=number)
            [made] = [m for m in box.due(connection, now, channel.name) if m.id == number]
        report.gathered += len(free)
        self._send(channel, made, report)

    def _send(self, channel: Channel, message: box.Message, report: DeliveryReport) -> bool:
        """Send one message; False where the channel failed and the rest had better wait."""
        now = self.clock()
        with self.ledger.begin() as connection:
            if not box.claim(connection, message, now):
                return True
            text = self._text(connection, channel, message, now)
            if text is None:
                box.mark(connection, message, "superseded")
                report.superseded += 1
                return True
        try:
            self._open(channel).send(text)
        except AshiatoError as error:
            self._failed(channel.name, message, error.what, report)
            return False
        self._pauses.pop(channel.name, None)
        done = self.clock()
        with self.ledger.begin() as connection:
            box.mark(connection, message, "sent", sent_at=done, attempts=message.attempts + 1, error=None)
            self._note(connection, message, "delivered", done, channel=channel.name)
        report.sent += 1
        if self._on_sent is not None:
            self._on_sent(message, done)
        return True

    def _failed(self, name: str, message: box.Message, error: str, report: DeliveryReport) -> None:
        now, attempts = self.clock(), message.attempts + 1
        if message.give_up_at is not None and now >= message.give_up_at:
            self._give_up(message, error, report)
        else:
            due = now + self._pause(attempts)
            with self.ledger.begin() as connection:
                box.mark(connection, message, "pending", due_at=due, attempts=attempts, error=error)
            report.failed += 1
        failures = self._pauses.get(name, (0, now))[0] + 1
        self._pauses[name] = (failures, now + self._pause(failures) / 2)

    def _give_up(self, message: box.Message, error: str, report: DeliveryReport) -> None:
        now = self.clock()
        with self.ledger.begin() as connection:
            box.mark(connection, message, "dead", attempts=message.attempts + 1, error=error)
            self._note(connection, message, "given up", now, channel=message.channel, error=error)
        report.dead += 1

    def _pause(self, attempts: int) -> timedelta:
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
        return pause * self._scatter(0.5, 1.0)

    def _note(self, connection: Any, message: box.Message, what: str, now: datetime, **detail: Any) -> None:
        if message.alert is not None:
            history = History(connection, now)
            history.add(message.alert, what, **detail)
            history.write()

    def _text(self, connection: Any, channel: Channel, message: box.Message, now: datetime) -> Text | None:
        """The message as it is to be read now; None where there is nothing left to tell."""
        writer = Writer(self.settings, channel.language, self._tell)
        if message.kind == "digest":
            until = datetime.fromisoformat(message.detail["until"])
            digest = read_digest(connection, self.settings, message.detail["period"], until, channel)
            return digest_text(digest, writer, message.key)
        if message.kind == "more":
            return self._more(connection, channel, message, writer)
        if message.alert is None:
            return None
        row = surviving(connection, message.alert)
        if row.state not in _TELLING:
            return None
        return writer.alert(told(connection, row), message.key, now, risen=bool(message.detail.get("risen")))

    def _more(self, connection: Any, channel: Channel, message: box.Message, writer: Writer) -> Text:
        """ "and 37 more": how many of which level, and a line for the first of them."""
        numbers: list[int] = message.detail["alerts"]
        levels: list[int] = message.detail["levels"]
        rows: dict[int, Any] = {}
        for part in sliced(numbers[:_MOST_LINES]):
            rows |= {r.id: r for r in connection.execute(sa.select(alerts).where(alerts.c.id.in_(part)))}
        highest = writer.level(max(levels))
        counts = [
            writer.text("more.level", level=writer.level(level), count=levels.count(level))
            for level in sorted(set(levels), reverse=True)
        ]
        lines = [
            writer.text("more.first", count=len(numbers), most=channel.most_an_hour),
            writer.texts["list"].join(counts),
            *(writer.line(rows[n]) for n in numbers[:_MOST_LINES] if n in rows),
        ]
        if len(numbers) > _MOST_LINES:
            lines.append(writer.text("more.rest", count=len(numbers) - _MOST_LINES))
        return Text(
            subject=writer.text("more.subject", count=len(numbers), level=highest),
            lines=tuple(lines),
            tail=(writer.text("more.command"), writer.text("key", key=message.key)),
            key=message.key,
            level=LEVELS[max(levels)],
            link=writer.link(alert_id(numbers[0]))
            and f"{(self.settings.alerts.link or '').rstrip('/')}/alerts",
        )


def undelivered(ledger: Ledger) -> Sequence[Any]:
    """Messages that were given up, and those that failed and will be tried again; oldest first."""
    o = outbox.c
    failed = sa.and_(o.state.in_(["pending", "sending"]), o.attempts > 0)
    return ledger.rows(sa.select(outbox).where(sa.or_(o.state == "dead", failed)).order_by(o.id))


def trial(channel: Channel, settings: Settings) -> Text:
    """The message of `ashiato alerts test`."""
    writer = Writer(settings, channel.language)
    levels = writer.texts["list"].join(writer.texts[f"level.{level}"] for level in channel.levels)
    key = box.message_key("test", "0", 0, channel.name)
    return Text(
        subject=writer.text("test.subject", channel=channel.name),
        lines=(
            writer.text("test.first", channel=channel.name),
            writer.text("test.levels", levels=levels),
        ),
        tail=(writer.text("key", key=key),),
        key=key,
        level="informational",
    )
