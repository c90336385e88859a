"""Overview: what needs a person now, how busy it is against habit, how late logs come, where calls came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.web.gaps import gap_words
from ashiato.web.page import N_, Area, Nav, Wrong

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from ashiato.network.origins import Origin
    from ashiato.watch.activity import Hour, Log
    from ashiato.watch.standing import Window
    from ashiato.web.charts import Chart, Gap, Rank
    from ashiato.web.visit import Visit

area = Area("overview")

DAYS = ("1", "3", "7")
URGENT = 8
ROWS = 8


@area.get("/", title=N_("What needs you now"), nav=Nav(N_("Overview"), 10, "o"))
def overview(visit: Visit) -> Response:
    from ashiato.alerts.reading import NEEDING
    from ashiato.alerts.standing import counts_by_level, most_urgent

    days = visit.one("days", "7")
    if days not in DAYS:
        raise Wrong(visit._("There is no such span of days"))
    with visit.ledger.engine.connect() as connection:
        levels = counts_by_level(connection, visit.scope, NEEDING)
        urgent = most_urgent(connection, visit.scope, NEEDING, URGENT)
    standing = visit.site.standing
    window = standing.window(int(days))
    report = standing.report(visit.scope)
    found = standing.origins(window, visit.scope)
    gaps = [g for g in report["gaps"] if g["to"] > window.start and g["from"] < window.end]
    gaps.sort(key=lambda g: g["to"] - g["from"], reverse=True)
    return visit.render(
        "overview/overview.html",
        levels=levels,
        needing=sum(n for name, n in levels.items() if name != "informational"),
        urgent=urgent,
        window=window,
        days=days,
        all_days=DAYS,
        operations=_chart(visit, "cloudtrail", window, report),
        connections=_chart(visit, "vpc_flow_logs", window, report),
        report=report,
        late=_latest_first(report["sources"])[:ROWS],
        gaps=gaps[:ROWS],
        gaps_count=len(gaps),
        networks=_ranking(visit, found.networks, window, visit._("Network")),
        countries=_ranking(visit, found.countries, window, visit._("Country")),
        database=visit.settings.detect.country_database is not None,
    )


def _chart(visit: Visit, log: Log, window: Window, report: dict[str, Any]) -> Chart:
    from ashiato.web.charts import Bin, histogram

    hours = visit.site.standing.activity(log, window, visit.scope)
    labels = {
        "cloudtrail": visit._("Operations by hour"),
        "vpc_flow_logs": visit._("Connections by hour, as flow records"),
    }

    def to_search(start: datetime, end: datetime) -> str:
        return _search(visit, log, start, end)

    return histogram(
        visit,
        [Bin(h.start, _end(h), h.count, h.usual, h.marked) for h in hours],
        label=labels[log],
        gaps=_gaps(visit, report, log),
        link=to_search,
        brush=None,
        brush_to=visit.link("/search", table=log),
        name=log,
    )


def _end(hour: Hour) -> datetime:
    from ashiato.watch.activity import HOUR

    return hour.start + HOUR


def _gaps(visit: Visit, report: dict[str, Any], log: str) -> list[Gap]:
    from ashiato.web.charts import Gap

    return [Gap(g["from"], g["to"], gap_words(visit, g["why"])) for g in report["gaps"] if g["log"] == log]


def _search(visit: Visit, log: str, start: datetime, end: datetime, q: str | None = None) -> str:
    from ashiato.web.filters import iso

    return visit.link("/search", table=log, q=q, **{"from": iso(start), "to": iso(end)})


def _latest_first(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those whose records come latest first: the 95th of a hundred, then the oldest newest record."""

    def late(source: dict[str, Any]) -> float:
        lag = source["lag"]["delivered"]
        return -1.0 if lag is None else float(lag["p95"])

    return sorted(sources, key=late, reverse=True)


def _ranking(visit: Visit, origins: list[Origin], window: Window, head: str) -> Any:
    from ashiato.web.charts import ranked

    rows = [_rank(visit, o, window) for o in origins]
    return ranked(rows, head=(head, visit._("Calls")), label=head) if rows else None


def _rank(visit: Visit, origin: Origin, window: Window) -> Rank:
    """A row; its count opens the calls where one condition of the search says them all."""
    from ashiato.search.terms import written
    from ashiato.web.charts import Rank

    q = None
    if origin.address is not None:
        q = origin.address
    elif "/" in origin.name or origin.kind in ("service", "aws_internal"):
        q = origin.name
    what = origin.name
    if origin.kind == "invalid":
        what, q = visit._("not an address"), None
    elif origin.name == origin.country:
        what, q = country_name(visit, origin.name), None
    elif origin.country is not None:
        what = f"{origin.name} · {country_name(visit, origin.country)}"
    href = None
    if q is not None:
        href = _search(visit, "cloudtrail", window.start, window.end, f"sourceIPAddress:{written(q)}")
    return Rank(what, origin.records, href, visit._("new") if origin.new else None)


def country_name(visit: Visit, code: str) -> str:
    """A country's name in the visitor's language; the code for what has none."""
    from babel import Locale

    name: str = Locale.parse(visit.language).territories.get(code, code)
    return name
