"""The audit log of Ashiato itself: who did what, when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ashiato.web.page import N_, Area, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from ashiato.access.audit import Entry
    from ashiato.web.visit import Visit

area = Area("audit")

ROWS = 100
EXPORTED = 10_000


@area.get("/audit", title=N_("Who did what here?"), least="admin", ability="audit", grouped=False)
def audit(visit: Visit) -> Response:
    from ashiato.access.audit import acts

    found = _entries(visit, ROWS + 1)
    with visit.ledger.engine.connect() as connection:
        all_acts = acts(connection)
    return visit.render(
        "audit/audit.html",
        entries=found[:ROWS],
        after=str(found[ROWS - 1].number) if len(found) > ROWS else None,
        acts=all_acts,
        asked={name: visit.one(name) for name in ("who", "what", "target", "from", "to")},
    )


@area.get("/audit.json", title=N_("Audit log as JSON"), least="admin", ability="audit", grouped=False)
def export(visit: Visit) -> Response:
    """The entries that the page's filters mean, newest first, one a line."""
    import msgspec

    found = _entries(visit, EXPORTED)
    visit.audit("audit log exported", "", {"entries": len(found)})

    def lines() -> Iterator[bytes]:
        for entry in found:
            yield msgspec.json.encode(entry.as_json()) + b"\n"

    return visit.stream(lines(), media_type="application/x-ndjson", filename="ashiato-audit.ndjson")


def _entries(visit: Visit, limit: int) -> list[Entry]:
    from ashiato.access.audit import entries

    before = visit.number("after", 0, most=2**62)
    with visit.ledger.engine.connect() as connection:
        return entries(
            connection,
            who=visit.one("who") or None,
            what=visit.one("what") or None,
            target=visit.one("target") or None,
            since=_day(visit, "from"),
            until=_day(visit, "to", after=timedelta(days=1)),
            before=before or None,
            limit=limit,
            scope=visit.scope,
        )


def _day(visit: Visit, name: str, after: timedelta = timedelta(0)) -> datetime | None:
    """The beginning of a day of the visitor's zone. Raises Wrong."""
    text = visit.one(name)
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=visit.zone) + after
    except (ValueError, OverflowError) as error:
        raise Wrong(visit._("A day is written like 2026-11-23")) from error
