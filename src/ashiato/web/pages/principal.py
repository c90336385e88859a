"""A principal: what is normal for it and what is not, its keys and sessions, and since when it does what."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from ashiato.web.charts import Bin, histogram, steps
from ashiato.web.entities import PRINCIPALS, choice, pieces, window
from ashiato.web.page import N_, Area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from ashiato.trace.habits import Habits
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

area = Area("principal")

HABITS: Final = {
    "operation": N_("Operations"), "address": N_("Addresses"), "access_key": N_("Access keys"),
    "session": N_("Sessions"), "region": N_("Regions"), "account": N_("Accounts"), "program": N_("Programs"),
}  # fmt: skip
ONE: Final = {
    "operation": N_("operation"), "address": N_("address"), "access_key": N_("access key"),
    "session": N_("session"), "region": N_("region"), "account": N_("account"), "program": N_("program"),
}  # fmt: skip
WEEKDAYS: Final = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
#: Things of each kind where all are asked for.
_EVERY: Final = 2000
#: Of an hour of the week, shares of the busiest one at which its shade changes.
_SHADES: Final = (0.0, 0.1, 0.3, 0.6)


@area.get("/principal", title=N_("What is normal for whom?"), lake=True)
def principal(visit: Visit) -> Response:
    """`?id=` an ARN, name, access key or session; `from`, `to`; `all=yes`: every thing of each kind."""
    text = visit.one("id")
    if not text:
        return visit.render("principal/ask.html")
    from ashiato.trace.habits import MOST_OF_A_KIND, habits
    from ashiato.trace.recognising import recognise
    from ashiato.trace.subjects import Ambiguous, resolve

    try:
        subject, found = resolve(
            visit.lake, recognise(text), visit.scope, visit.settings, kind=visit.one("kind") or None
        )
    except Ambiguous as error:
        return choice(visit, error, "/principal", "id")
    asked = window(visit)
    most = MOST_OF_A_KIND if visit.one("all") != "yes" else _EVERY
    known = habits(visit.lake, subject, found, visit.scope, asked, visit.zone.key, most=most)
    visit.audit("principal", text)
    name = subject.name or subject.value
    return visit.render(
        "principal/principal.html",
        title=visit._("What is normal for %(name)s, and what is not?", name=name),
        subject=subject,
        name=name,
        known=known,
        days=_days(visit, known),
        kinds=HABITS,
        ones=ONE,
        weekdays=WEEKDAYS,
        shade=lambda n: _shade(n, known.hours),
        chip_kinds=PRINCIPALS | {"address", "account"},
        **pieces(),
    )


@area.get("/principal/{id:path}", title=N_("What is normal for whom?"))
def named(visit: Visit) -> Response:
    """An address that can be typed."""
    return visit.redirect(visit.link("/principal", id=visit.path["id"]))


def _days(visit: Visit, known: Habits) -> Chart | None:
    """Operations by UTC day, those that failed marked; days without any stay, as empty ones."""
    if not known.days:
        return None
    by_day = {day: (n, failed) for day, n, failed in known.days}
    first, last = (datetime.combine(known.days[n][0], time(), UTC) for n in (0, -1))
    bins = []
    for start, end in steps(first, last, timedelta(days=1)):
        n, failed = by_day.get(start.date(), (0, 0))
        bins.append(Bin(start, end, n, marked=failed))
    return histogram(visit, bins, label=visit._("Operations by day; those that failed are marked"))


def _shade(n: int, hours: Sequence[Sequence[int]]) -> int:
    """0 for nothing, else 1 to 4."""
    most = max((max(row) for row in hours), default=0)
    if not n or not most:
        return 0
    return sum(n / most > share for share in _SHADES)
