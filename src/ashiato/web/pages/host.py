"""A host: with whom it talks, the services it offers and uses, its volumes by hour, and what it was when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ashiato.web.charts import Bin, histogram, steps
from ashiato.web.entities import HOSTS, pieces, telling, window
from ashiato.web.filters import size
from ashiato.web.page import N_, Area, Wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from ashiato.trace.peers import Hour
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

area = Area("host")

#: Beyond so many hours the bars are days: narrower ones cannot be told apart.
_MOST_HOURS: Final = 24 * 15


@area.get("/host", title=N_("With whom does a host talk?"), lake=True)
def host(visit: Visit) -> Response:
    """`?id=` an address, instance or interface; `from`, `to`."""
    text = visit.one("id")
    if not text:
        return visit.render("host/ask.html")
    from ashiato.trace.peers import traffic
    from ashiato.trace.recognising import recognise
    from ashiato.trace.subjects import resolve

    pasted = recognise(text)
    if pasted.form not in HOSTS and pasted.form != "arn":
        raise _none(visit, text)
    subject, found = resolve(visit.lake, pasted, visit.scope, visit.settings)
    if subject.kind not in HOSTS:
        raise _none(visit, text)
    told = telling(visit)
    known = traffic(visit.lake, subject, found, visit.scope, window(visit), told)
    visit.audit("host", text)
    latest = known.host.latest
    name = (latest.name if latest else None) or told.networks.name_of(subject.value) or subject.value
    return visit.render(
        "host/host.html",
        title=visit._("With whom does %(name)s talk?", name=name),
        subject=subject,
        name=name,
        known=known,
        latest=latest,
        spells=sorted(known.host.spells, key=lambda s: s.start.timestamp() if s.start else 0.0, reverse=True),
        sent=sum(h.sent for h in known.hours),
        received=sum(h.received for h in known.hours),
        volumes=_volumes(visit, known.hours),
        **pieces(),
    )


@area.get("/host/{id:path}", title=N_("With whom does a host talk?"))
def named(visit: Visit) -> Response:
    """An address that can be typed."""
    return visit.redirect(visit.link("/host", id=visit.path["id"]))


def _none(visit: Visit, text: str) -> Wrong:
    return Wrong(
        visit._("%(name)s is no host", name=text[:200]),
        remedy=visit._("Give an address, an instance (i-…) or a network interface (eni-…)."),
    )


def _volumes(visit: Visit, hours: Sequence[Hour]) -> Chart | None:
    """Bytes by hour, what the host sent marked in the bar; by day where the hours are many."""
    if not hours:
        return None
    step = timedelta(hours=1)
    first, last = hours[0].start, hours[-1].start
    if (last - first) / step > _MOST_HOURS:
        step = timedelta(days=1)
        first = first.replace(hour=0)
    sums: dict[datetime, list[int]] = {}
    for hour in hours:
        place = first + (hour.start - first) // step * step
        sum_ = sums.setdefault(place, [0, 0])
        sum_[0] += hour.sent
        sum_[1] += hour.received
    bins = []
    for start, end in steps(first, last, step):
        sent, received = sums.get(start, [0, 0])
        bins.append(Bin(start, end, sent + received, marked=sent))
    most = size(max(b.count for b in bins))
    label = (
        visit._("Bytes by day, at most %(most)s; what it sent is marked", most=most)
        if step.days
        else visit._("Bytes by hour, at most %(most)s; what it sent is marked", most=most)
    )
    return histogram(visit, bins, label=label)
