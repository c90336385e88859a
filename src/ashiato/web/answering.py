"""From a request to an answer: who asks, whether they may, the handler, and what goes wrong."""

from __future__ import annotations

import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ashiato.access.roles import Forbidden
from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.scope import AccountScope
from ashiato.web.cookies import set_cookie
from ashiato.web.door import FORM, address_of
from ashiato.web.forgery import forged
from ashiato.web.page import NotFound, Refused, Route, Wrong
from ashiato.web.tongue import language_of, theme_of, zone_of
from ashiato.web.visit import Visit, quoted

if TYPE_CHECKING:
    from ashiato.web.site import Site

_log = logging.getLogger("ashiato.web")

MOST_FIELDS = 500


def endpoint_of(
    site: Site, route: Route, reading: AbstractAsyncContextManager[None]
) -> Callable[[Request], Awaitable[Response]]:
    """The route as Starlette calls it. Handlers are plain functions, in a thread; streams of events are not. Those that
    read the lake wait for `reading` first."""
    streams = inspect.iscoroutinefunction(route.handler)
    turn = reading if route.lake else nullcontext()

    async def endpoint(request: Request) -> Response:
        form: Mapping[str, list[str]] = {}
        if route.method == "POST":
            try:
                form = await _form(request)
            except (HTTPException, ClientDisconnect):
                return PlainTextResponse("This form cannot be read.\n", 400)
        if streams:
            visit = await run_in_threadpool(_entered, site, request, route, form)
            if isinstance(visit, Response):
                return visit
            found = route.handler(visit)
            assert not isinstance(found, Response)
            return await found
        async with turn:
            return await run_in_threadpool(answer, site, request, route, form)

    return endpoint


async def _form(request: Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        for key, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(key, []).append(value)
    return found


def visit_of(site: Site, request: Request, route: Route | None, form: Mapping[str, list[str]]) -> Visit:
    """Who asks, from where they may look, how they want to read it."""
    identity = site.door.who(request)
    own = AccountScope(frozenset()) if identity is None else identity.scope(site.settings)
    groups = tuple(dict.fromkeys(g for a in site.settings.accounts if own.allows(a.id) for g in a.groups))
    wanted = request.query_params.get("group") or None
    group = wanted if wanted in groups else None
    scope = own
    if route is not None and route.grouped and wanted is not None:
        # A group that the visitor may not see shows nothing, rather than everything.
        scope = own & (
            AccountScope.of_groups([wanted], site.settings) if group else AccountScope(frozenset())
        )
    return Visit(
        site=site,
        request=request,
        route=route,
        identity=identity,
        scope=scope,
        group=group,
        groups=groups,
        language=language_of(request, identity, site.settings),
        zone=ZoneInfo(zone_of(request, identity, site.settings)),
        theme=theme_of(request),
        token=site.door.token(request),
        now=now(),
        form=form,
    )


def _entered(site: Site, request: Request, route: Route, form: Mapping[str, list[str]]) -> Visit | Response:
    """The visit, where this visitor may make it; else the page that says why not."""
    visit = visit_of(site, request, route, form)
    wait = site.turns.over(visit.identity, address_of(request))
    if wait:
        found = error_answer(site, request, visit, 429)
        found.headers["retry-after"] = str(wait)
        return found
    by_token = visit.identity is not None and visit.identity.via == "token"
    if route.method == "POST" and not by_token and forged(request, visit.told("csrf"), visit.token):
        return error_answer(
            site, request, visit, 403, Refused(
                visit._("This form did not come from these pages, or is too old"),
                remedy=visit._("Go back, reload the page and try again."),
            ),
        )  # fmt: skip
    if route.least != "anyone":
        if visit.identity is None:
            return _to_login(request, route)
        if not visit.may(route.ability or route.least):
            return error_answer(site, request, visit, 403, Refused(visit._("Your role may not do this")))
    return visit


def answer(site: Site, request: Request, route: Route, form: Mapping[str, list[str]]) -> Response:
    """The handler's answer, or the page of what went wrong."""
    visit = None
    try:
        entered = _entered(site, request, route, form)
        if isinstance(entered, Response):
            return entered
        visit = entered
        if visit.identity is not None:
            site.standing.visited.set()
        found = route.handler(visit)
        assert isinstance(found, Response)
    except NotFound as error:
        found = error_answer(site, request, visit, 404, error)
    except (Refused, Forbidden) as error:
        found = error_answer(site, request, visit, 403, error)
    except (Wrong, WrongUse) as error:
        found = error_answer(site, request, visit, 400, error)
    except AshiatoError as error:
        found = error_answer(site, request, visit, 503, error)
    except Exception:
        number = uuid.uuid4().hex[:12]
        _log.exception("%s: %s %s", number, request.method, route.path)
        found = _defect(site, request, visit, number)
    finally:
        if visit is not None:
            visit.close()
    if visit is not None and visit.form_secret is not None:
        set_cookie(request, found, FORM, visit.form_secret)
    return found


def _to_login(request: Request, route: Route) -> Response:
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quoted(back)}" if route.method == "GET" else "/login", 303)


def _defect(site: Site, request: Request, visit: Visit | None, number: str) -> Response:
    """The page of a defect; in plain words where not even that can be made."""
    try:
        return error_answer(site, request, visit, 500, number=number)
    except Exception:
        _log.exception("%s: the page of the error failed as well", number)
        return PlainTextResponse(f"Something went wrong; the log has it under {number}.\n", 500)


def error_answer(
    site: Site,
    request: Request,
    visit: Visit | None,
    status: int,
    error: AshiatoError | None = None,
    number: str | None = None,
) -> Response:
    """What, why, what next; JSON for those that asked for JSON."""
    visit = visit or visit_of(site, request, None, {})
    titles = {
        400: visit._("This cannot be meant"),
        403: visit._("This is not for you"),
        404: visit._("There is nothing here"),
        405: visit._("There is nothing here"),
        429: visit._("Too many requests"),
        503: visit._("This could not be done"),
    }
    title = titles.get(status, visit._("Something went wrong"))
    if request.headers.get("accept", "").startswith("application/json"):
        document = {
            "error": error.what if error else title, "where": error.where if error else None,
            "remedy": error.remedy if error else None, "number": number,
        }  # fmt: skip
        return visit.json(document, status=status)
    return visit.render("frame/error.html", title=title, status=status, error=error, number=number)
