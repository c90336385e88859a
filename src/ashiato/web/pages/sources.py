"""Sources: what comes from where and how late, what is missing, and what could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Area, Nav, NotFound, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from ashiato.web.visit import Visit

area = Area("sources")

ROWS = 200
ENTRIES = 500

_SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "source": lambda s: s["source"],
    "log": lambda s: s["log"],
    "account": lambda s: s["account"] or "",
    "region": lambda s: s["region"] or "",
    "newest": lambda s: 0 if s["newest"] is None else s["newest"].timestamp(),
    "delivered": lambda s: _p95(s, "delivered"),
    "taken": lambda s: _p95(s, "taken"),
    "records": lambda s: s["records"],
    "objects": lambda s: s["objects_a_day"],
}


def _p95(source: dict[str, Any], stage: str) -> float:
    lag = source["lag"][stage]
    return -1.0 if lag is None else float(lag["p95"])


@area.get("/sources", title=N_("What comes from where, and how late?"), nav=Nav(N_("Sources"), 70))
def sources(visit: Visit) -> Response:
    report = visit.site.standing.report(visit.scope)
    sort = visit.one("sort", "-delivered")
    if sort.removeprefix("-") not in _SORTS:
        raise Wrong(visit._("There is no such column to sort by"))
    source, log = visit.one("source"), visit.one("log")
    rows = [
        s for s in report["sources"] if (not source or s["source"] == source) and (not log or s["log"] == log)
    ]
    rows.sort(key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    gaps = [g for g in report["gaps"] if not log or g["log"] == log]
    after = visit.number("after", 0, most=1_000_000)
    return visit.render(
        "sources/sources.html",
        report=report,
        rows=rows[after : after + ROWS],
        total=len(rows),
        after=str(after + ROWS) if after + ROWS < len(rows) else None,
        sort=sort,
        source=source,
        log=log,
        all_sources=sorted({s["source"] for s in report["sources"]}),
        all_logs=sorted({s["log"] for s in report["sources"]}),
        gaps=sorted(gaps, key=lambda g: g["to"], reverse=True),
    )


@area.get(
    "/sources/quarantine",
    title=N_("What could not be read?"),
    least="admin",
    ability="sources",
    grouped=False,
)
def quarantine(visit: Visit) -> Response:
    from ashiato.intake.quarantine import entries, with_states

    found = with_states(visit.ledger, entries(visit.home, ENTRIES))
    return visit.render("sources/quarantine.html", entries=found, most=ENTRIES)


@area.get(
    "/sources/quarantine/{id}/bytes", title=N_("Bytes of the quarantine"), least="admin", ability="sources",
    grouped=False,
)  # fmt: skip
def content(visit: Visit) -> Response:
    """Saved, never shown: nobody knows what it is."""
    from ashiato.intake.quarantine import entry_bytes

    found = entry_bytes(visit.home, visit.path["id"])
    if found is None:
        raise NotFound(visit._("There is no such entry in quarantine"))
    visit.audit("quarantine read", visit.path["id"])
    return visit.stream([found], media_type="application/octet-stream", filename=f"{visit.path['id']}.bin")
