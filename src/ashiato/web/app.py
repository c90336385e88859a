"""The application: every area's routes behind one frame."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as Place
from starlette.staticfiles import StaticFiles

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.scope import AccountScope
from ashiato.web.door import own_scope
from ashiato.web.page import NotFound, Refused, Route, Wrong
from ashiato.web.rendering import STATIC
from ashiato.web.site import Site
from ashiato.web.tongue import language_of, theme_of, zone_of
from ashiato.web.visit import Visit, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("ashiato.web")


def make_app(site: Site) -> Starlette:
    """All routes of the site, its static files, and error pages."""

    async def not_found(request: Request, _: Exception) -> Response:
        return await run_in_threadpool(_error, site, request, None, 404, None)

    async def no_method(request: Request, _: Exception) -> Response:
        return await run_in_threadpool(_error, site, request, None, 405, None)

    places: list[BaseRoute] = [
        Place(r.path, _endpoint(site, r), methods=[r.method], name=r.name) for r in site.routes
    ]
    return Starlette(
        routes=[*_joined(places), Mount("/static", StaticFiles(directory=STATIC))],
        exception_handlers={404: not_found, 405: no_method},
    )


def _joined(places: list[BaseRoute]) -> list[BaseRoute]:
    """Fixed paths before those with places, so that "/alerts/new" is not an id."""
    return sorted(
        places, key=lambda p: (getattr(p, "path", "").count("{"), ":path}" in getattr(p, "path", ""))
    )


def _endpoint(site: Site, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = await _form(request) if route.method == "POST" else {}
        return await run_in_threadpool(answer, site, request, route, form)

    return endpoint


async def _form(request: Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=500) as form:
        for key, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(key, []).append(value)
    return found


def visit_of(site: Site, request: Request, route: Route | None, form: Mapping[str, list[str]]) -> Visit:
    """Who asks, from where they may look, how they want to read it."""
    identity = site.door.who(request)
    own = own_scope(identity, site.settings)
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
        theme=theme_of(request, identity),
        csrf=site.door.csrf(request, identity),
        now=now(),
        form=form,
    )


def answer(site: Site, request: Request, route: Route, form: Mapping[str, list[str]]) -> Response:
    """The handler's answer, or the page of what went wrong."""
    visit = visit_of(site, request, route, form)
    try:
        if route.least != "anyone":
            if visit.identity is None:
                return _to_login(request, route)
            if not visit.may(route.least):
                raise Refused(visit._("Your role may not do this"))
        return route.handler(visit)
    except NotFound as error:
        return _error(site, request, visit, 404, error)
    except Refused as error:
        return _error(site, request, visit, 403, error)
    except (Wrong, WrongUse) as error:
        return _error(site, request, visit, 400, error)
    except AshiatoError as error:
        return _error(site, request, visit, 503, error)
    except Exception:
        number = uuid.uuid4().hex[:12]
        _log.exception("%s: %s %s", number, request.method, route.path)
        return _error(site, request, visit, 500, None, number)
    finally:
        visit.close()


def _to_login(request: Request, route: Route) -> Response:
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quoted(back)}" if route.method == "GET" else "/login", 303)


def _error(
    site: Site,
    request: Request,
    visit: Visit | None,
    status: int,
    error: AshiatoError | None,
    number: str | None = None,
) -> Response:
    visit = visit or visit_of(site, request, None, {})
    titles = {
        400: visit._("This cannot be meant"),
        403: visit._("This is not for you"),
        404: visit._("There is nothing here"),
        405: visit._("There is nothing here"),
        503: visit._("This could not be done"),
    }
    title = titles.get(status, visit._("Something went wrong"))
    return visit.render("frame/error.html", title=title, status=status, error=error, number=number)
