"""Where listings stand, kept in the control database (see sources/listings.py for the meaning)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

from ashiato.ledger.database import Ledger
from ashiato.ledger.tables import listings, requests


class LedgerListings:
    """States of listed prefixes and counts of list requests a day."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def states(self, source: str, under: str) -> Mapping[str, str]:
        """The state of every remembered prefix of `source` that begins with `under`."""
        c = listings.c
        rows = self.ledger.rows(
            sa.select(c.prefix, c.state).where(
                c.source == source, c.prefix.startswith(under, autoescape=True)
            )
        )
        return {row.prefix: row.state for row in rows}

    def save(self, source: str, states: Mapping[str, str]) -> None:
        """Remember these prefixes' states, all or none."""
        if not states:
            return
        with self.ledger.begin() as connection:
            connection.execute(
                sa.delete(listings).where(
                    listings.c.source == source, listings.c.prefix == sa.bindparam("p")
                ),
                [{"p": prefix} for prefix in states],
            )
            connection.execute(
                sa.insert(listings),
                [{"source": source, "prefix": p, "state": s} for p, s in states.items()],
            )

    def requests(self, source: str, day: date) -> Mapping[str, int]:
        """List requests sent on a UTC day, by kind."""
        c = requests.c
        rows = self.ledger.rows(
            sa.select(c.kind, c.count).where(c.source == source, c.day == day.isoformat())
        )
        return {row.kind: row[1] for row in rows}

    def add_requests(self, source: str, day: date, counts: Mapping[str, int]) -> None:
        """Add to the day's counts."""
        c = requests.c
        with self.ledger.begin() as connection:
            for kind, count in counts.items():
                key = (c.source == source) & (c.day == day.isoformat()) & (c.kind == kind)
                changed = connection.execute(sa.update(requests).where(key).values(count=c.count + count))
                if not changed.rowcount:
                    connection.execute(
                        sa.insert(requests).values(source=source, day=day.isoformat(), kind=kind, count=count)
                    )
