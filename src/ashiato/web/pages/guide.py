"""The guide of the demo: follow the incident, from the alarm to the leaked key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.guiding import COOKIE, STEPS, Incident, page_of, right, step_of
from ashiato.web.page import N_, Area, NotFound

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit

area = Area("guide")


@area.get("/guide", title=N_("Follow the incident"), grouped=False)
def start(visit: Visit) -> Response:
    _incident(visit)
    return visit.render("guide/start.html", count=len(STEPS), at=step_of(visit))


@area.get("/guide/leave", title=N_("Leave the guide"), grouped=False)
def leave(visit: Visit) -> Response:
    _incident(visit)
    answer = visit.redirect(visit.link("/"))
    answer.delete_cookie(COOKIE)
    return answer


@area.get("/guide/done", title=N_("You followed it to its beginning"), grouped=False)
def done(visit: Visit) -> Response:
    incident = _incident(visit)
    chain = [
        (visit._(step.title), visit._(step.found, **incident.words()), page_of(visit, step, incident))
        for step in STEPS
    ]
    return _at(len(STEPS) + 1, visit.render("guide/done.html", chain=chain, key=incident.key))


@area.get("/guide/{number:int}", title=N_("Follow the incident"), grouped=False)
def step(visit: Visit) -> Response:
    """`answer`: what the visitor found; it is told whether it is right, and nothing is kept but the step."""
    incident = _incident(visit)
    number = int(visit.path["number"])
    if not 1 <= number <= len(STEPS):
        raise NotFound(visit._("The guide has %(count)s steps", count=len(STEPS)))
    asked = STEPS[number - 1]
    words = incident.words()
    answer = visit.one("answer")
    page = visit.render(
        "guide/step.html",
        title=visit._(asked.title),
        number=number,
        count=len(STEPS),
        story=visit._(asked.story, **words),
        question=visit._(asked.question, **words),
        hint=visit._(asked.hint, **words),
        found=visit._(asked.found, **words),
        address=page_of(visit, asked, incident),
        answer=answer,
        right=bool(answer) and right(answer, asked, incident),
        following=f"/guide/{number + 1}" if number < len(STEPS) else "/guide/done",
    )
    return _at(number, page)


def _incident(visit: Visit) -> Incident:
    if visit.site.incident is None:
        raise NotFound(
            visit._("Only the demo has a guide"),
            remedy=visit._("Start it with `ashiato demo`, beside this one."),
        )
    return visit.site.incident


def _at(number: int, page: Response) -> Response:
    """The browser keeps where it is, so that the other pages can show the question."""
    page.set_cookie(COOKIE, str(number), samesite="lax", httponly=True)
    return page
