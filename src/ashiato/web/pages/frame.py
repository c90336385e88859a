"""What belongs to no one page: what a browser chose, the keys, and the news that come by themselves."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from ashiato.web.cookies import YEAR
from ashiato.web.page import N_, Area, Wrong
from ashiato.web.returning import safe_return
from ashiato.web.tongue import LANGUAGES, THEMES, known_zone

if TYPE_CHECKING:
    from ashiato.web.visit import Visit

area = Area("frame")


@area.post("/choices", title=N_("Language, zone and theme"), least="anyone", grouped=False)
def choose(visit: Visit) -> Response:
    """Kept in the browser; a user's language and zone also with the user."""
    language, zone, theme = visit.told("language"), visit.told("zone"), visit.told("theme")
    wrong = (language and language not in (*LANGUAGES, "auto")) or (theme and theme not in THEMES)
    if wrong or (zone and not known_zone(zone)):
        raise Wrong(visit._("There is no such language, time zone or theme"))
    if visit.identity is not None and visit.identity.user is not None and (language or zone):
        from ashiato.access.users import Changes, Users

        changes = Changes()
        if language:
            changes["language"] = language
        if zone:
            changes["zone"] = zone
        Users(visit.ledger, visit.settings).change(visit.identity.name, visit.identity, **changes)
    answer = visit.redirect(safe_return(visit.told("next")))
    for name, value in (("language", language), ("zone", zone), ("theme", theme)):
        if value == "auto":
            answer.delete_cookie(name)
        elif value:
            # Scripts may read these, and need not: they say nothing of anybody.
            answer.set_cookie(name, value, max_age=YEAR, samesite="lax", httponly=True)
    return answer


@area.get("/keyboard", title=N_("Keyboard"), grouped=False)
def keyboard(visit: Visit) -> Response:
    return visit.render("frame/keyboard.html")


@area.get("/events", title=N_("News, as they come"), grouped=False)
async def events(visit: Visit) -> Response:
    """One stream a browser: `news` events (see live.news). Full house: 503, and the browser asks instead."""
    live = visit.site.live
    if live.full:
        return Response(status_code=503, headers={"Retry-After": "30"})

    def still_in() -> bool:
        return visit.site.door.who(visit.request) is not None

    return StreamingResponse(
        live.stream(visit.scope, still_in),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@area.get("/news", title=N_("News"))
async def news(visit: Visit) -> Response:
    """The same as one document, for browsers that ask again and again; 304 where nothing changed."""
    found = await visit.site.live.look(visit.scope)
    tag = f'"{hashlib.sha256(found.encode()).hexdigest()[:20]}"'
    headers = {"ETag": tag}
    if visit.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    document: dict[str, Any] = json.loads(found)
    return await run_in_threadpool(_document, visit, document, headers)


def _document(visit: Visit, document: dict[str, Any], headers: dict[str, str]) -> Response:
    answer = visit.json(document)
    answer.headers.update(headers)
    return answer
