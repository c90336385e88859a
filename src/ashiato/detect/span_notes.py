"""Spans of event time in which a rule's windows have to be made anew from the lake, as the control database keeps them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.detect.gathering import HOUR
from ashiato.ledger import Ledger
from ashiato.ledger.detection_tables import open_spans

#: A span that can be made anew now, and one of a rule that waits for what comes after it.
READY, WAITING = 0, 1


def leave_span(connection: Connection, rule: str, first: int, last: int, *, ready: int = READY) -> None:
    """Leave a span to the lake, in microseconds since 1970; those that overlap or touch it become one."""
    s = open_spans.c
    touching = connection.execute(
        sa.select(s.start, s.end, s.live).where(s.rule == rule, s.start <= last + HOUR, s.end >= first - HOUR)
    ).all()
    for start, end, was in touching:
        first, last, ready = min(first, start), max(last, end), min(ready, was)
        connection.execute(sa.delete(open_spans).where(s.rule == rule, s.start == start))
    connection.execute(sa.insert(open_spans).values(rule=rule, start=first, end=last, live=ready))


def spans_left(ledger: Ledger) -> dict[str, list[tuple[int, int]]]:
    """Open spans by rule, in order."""
    rows = ledger.rows(
        sa.select(open_spans.c.rule, open_spans.c.start, open_spans.c.end).order_by(
            open_spans.c.rule, open_spans.c.start
        )
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for rule, first, last in rows:
        found.setdefault(rule, []).append((first, last))
    return found
