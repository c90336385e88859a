"""Which objects the ledger has as done, and which could not be fetched and must come again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.core.text import printable
from ashiato.intake.units import Failure
from ashiato.lake.ledger_rows import file_name
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc
from ashiato.sources.objects import ObjectRef

#: States of an object that is not read again.
KNOWN_STATES = ("taken", "skipped", "quarantined")
#: Objects that the ledger is asked about at once.
SLICE = 400
#: Objects that failed earlier and are tried again in one run, at most.
RETRIED = 50_000


def known(ledger: Ledger, refs: Sequence[ObjectRef]) -> set[ObjectRef]:
    """Those of `refs` that the ledger has as taken, skipped or quarantined."""
    o = t.objects.c
    found: set[ObjectRef] = set()
    for start in range(0, len(refs), SLICE):
        part = refs[start : start + SLICE]
        rows = set(
            ledger.rows(
                sa.select(o.source, o.name, o.etag).where(
                    o.source.in_({r.source for r in part}), o.name.in_([r.name for r in part]),
                    o.state.in_(KNOWN_STATES),
                )
            )
        )  # fmt: skip
        found.update(r for r in part if (r.source, r.name, r.etag) in rows)
    return found


def failed_earlier(ledger: Ledger, source: str, begin: str) -> list[ObjectRef]:
    """Objects whose names begin with `begin` that could not be fetched, newest delivery first: what was
    listed is not always listed again."""
    o = t.objects.c
    rows = ledger.rows(
        sa.select(o.name, o.etag, o.size, o.delivered_at)
        .where(o.source == source, o.state == "failed", o.name.startswith(begin, autoescape=True))
        .order_by(o.delivered_at.desc())
        .limit(RETRIED)
    )
    return [
        ObjectRef(source, name, etag, size, utc(delivered) or now()) for name, etag, size, delivered in rows
    ]


def note_failures(ledger: Ledger, failures: Iterable[Failure]) -> None:
    """Write down what could not be fetched, so that it is shown and comes again."""
    failures = list(failures)
    if not failures:
        return
    with ledger.begin() as connection:
        for failure in failures:
            ref = failure.ref
            reason = printable(failure.reason, 2000)
            key = (
                (t.objects.c.source == ref.source)
                & (t.objects.c.name == ref.name)
                & (t.objects.c.etag == ref.etag)
            )
            changed = connection.execute(
                sa.update(t.objects).where(key).values(state="failed", reason=reason)
            )
            if not changed.rowcount:
                connection.execute(
                    sa.insert(t.objects).values(
                        source=ref.source, name=ref.name, file_name=file_name(ref.name), etag=ref.etag,
                        size=ref.size, records=0,
                        delivered_at=ref.delivered_at, state="failed", reason=reason,
                    )
                )  # fmt: skip
