"""What people do with alerts. Everything goes to the audit log, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access import audit
from ashiato.alerts.history import History
from ashiato.alerts.ids import alert_id, parse_id
from ashiato.alerts.incidents import relate
from ashiato.alerts.locking import lock_alerts
from ashiato.alerts.reading import members_of, surviving
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alerts

#: true: it was what the rule looks for, and bad; benign: it was that, and allowed; false: it was not that.
Closing = Literal["true", "benign", "false"]


@dataclass(frozen=True)
class Desk:
    """Where a person acts: a transaction of the control database, who, and when. `scope`: alerts of other accounts
    are as if there were none."""

    connection: Connection
    settings: Settings
    who: str
    now: datetime
    scope: AccountScope = EVERY_ACCOUNT

    def acknowledge(self, ids: Sequence[str]) -> list[int]:
        """Somebody looks after them; what was told of them until now counts as known."""
        return self._each(ids, "acknowledged", self._acknowledge)

    def close(self, ids: Sequence[str], as_: Closing, note: str | None = None) -> list[int]:
        """They are done with. New findings of the same kind make a new alert."""
        return self._each(
            ids, "closed", lambda row, history: self._close(row, as_, note, history), closed_as=as_, note=note
        )

    def reopen(self, ids: Sequence[str], note: str | None = None) -> list[int]:
        """They need somebody after all."""
        return self._each(ids, "reopened", lambda row, history: self._reopen(row, note, history), note=note)

    def note(self, ids: Sequence[str], text: str) -> list[int]:
        """Write something down about them."""

        def write(row: Any, history: History) -> bool:
            history.add(row.id, "note", self.who, text=printable(text, 10_000))
            return True

        return self._each(ids, "note", write, text=text)

    def assign(self, ids: Sequence[str], to: str | None) -> list[int]:
        """Give them to somebody, or with None to nobody."""

        def give(row: Any, history: History) -> bool:
            if row.assignee == to:
                return False
            self._update(row.id, assignee=None if to is None else printable(to, 200))
            history.add(row.id, "assigned", self.who, to=to)
            return True

        return self._each(ids, "assigned", give, to=to)

    def _each(
        self, ids: Sequence[str], what: str, act: Callable[[Any, History], bool], **detail: Any
    ) -> list[int]:
        """Do something with alerts, and with those of incidents; the numbers of those that it changed."""
        lock_alerts(self.connection)
        history = History(self.connection, self.now)
        numbers: dict[int, None] = {}
        for text in ids:
            letter, number = parse_id(text, "A", "I")
            numbers |= dict.fromkeys(self._of_incident(number) if letter == "I" else [number])
        rows = {row.id: row for row in (surviving(self.connection, n, self.scope) for n in numbers)}
        changed = [number for number, row in rows.items() if act(row, history)]
        for number in changed:
            account = rows[number].account
            audit.record(self.connection, self.who, what, alert_id(number), detail, self.now, account=account)
        relate(self.connection, changed, self.settings.alerts.incident_within, history, self.now)
        history.write()
        return changed

    def _of_incident(self, number: int) -> list[int]:
        return [row.id for row in members_of(self.connection, number, self.scope)[1]]

    def _acknowledge(self, row: Any, history: History) -> bool:
        if row.state not in ("open", "planned", "suppressed"):
            return False
        self._update(
            row.id,
            state="acknowledged",
            **self._known(row),
            assignee=row.assignee or printable(self.who, 200),
        )
        history.add(row.id, "acknowledged", self.who)
        return True

    def _close(self, row: Any, as_: Closing, note: str | None, history: History) -> bool:
        if row.state == "closed" and row.closed_as == as_:
            return False
        self._update(row.id, state="closed", closed_as=as_, closed_at=self.now, **self._known(row))
        history.add(row.id, "closed", self.who, closed_as=as_, note=note)
        return True

    def _reopen(self, row: Any, note: str | None, history: History) -> bool:
        if row.state not in ("closed", "acknowledged"):
            return False
        # Without findings that stand it would need nobody.
        state = "open" if row.findings else "withdrawn"
        self._update(row.id, state=state, closed_as=None, closed_at=None)
        history.add(row.id, "reopened", self.who, note=note)
        return True

    def _known(self, row: Any) -> dict[str, int]:
        """A person who acts on an alert knows of it at its level: only a higher one is news."""
        return {"told_level": max(row.level, -1 if row.told_level is None else row.told_level)}

    def _update(self, number: int, **values: Any) -> None:
        self.connection.execute(
            sa.update(alerts).where(alerts.c.id == number).values(changed_at=self.now, **values)
        )
