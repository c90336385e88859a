"""Overview: what needs a person now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.page import N_, Area, Nav

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit

area = Area("overview")


@area.get("/", title=N_("What needs you now"), nav=Nav(N_("Overview"), 10, "o"), lake=True)
def overview(visit: Visit) -> Response:
    from ashiato.alerts.reading import NEEDING
    from ashiato.alerts.standing import counts_by_level

    with visit.ledger.engine.connect() as connection:
        levels = counts_by_level(connection, visit.scope, NEEDING)
    return visit.render("overview/overview.html", levels=levels)
