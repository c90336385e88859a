"""The application: every area's routes behind one frame."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as Place
from starlette.staticfiles import StaticFiles

from ashiato.web.answering import endpoint_of, error_answer
from ashiato.web.rendering import STATIC
from ashiato.web.shield import Shield
from ashiato.web.site import Site

if TYPE_CHECKING:
    from starlette.types import Scope

    from ashiato.web.page import Route


def make_app(site: Site) -> Starlette:
    """All routes of the site, its static files, a sign of life at /healthz, and error pages. How the watching fares is
    told at `watch.listen`, which is not for everybody who reaches the pages."""

    async def not_found(request: Request, _: Exception) -> Response:
        return await run_in_threadpool(error_answer, site, request, None, 404)

    async def no_method(request: Request, _: Exception) -> Response:
        return await run_in_threadpool(error_answer, site, request, None, 405)

    reading = asyncio.Semaphore(most_readers())
    routes: list[BaseRoute] = [
        Place(r.path, endpoint_of(site, r, reading), methods=[r.method], name=r.name)
        for r in sorted(site.routes, key=_fixed_first)
    ]
    routes.append(Mount("/static", _Static(directory=STATIC)))
    routes.append(Place("/healthz", _alive))
    return Starlette(
        routes=routes,
        exception_handlers={404: not_found, 405: no_method},
        middleware=[
            Middleware(Shield, hosts=site.settings.web.hosts, most_bytes=site.settings.web.body_mb << 20),
            # Level 4 takes a third of the time of 9 for a few percent more; streams of events are left alone.
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4),
        ],
    )


def most_readers() -> int:
    """Pages that read the lake at the same time. More of them only share the processors, each waits for all, and pages
    that need no lake wait among them: so these come in their order, and the others pass by."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) + 1


def _fixed_first(route: Route) -> tuple[int, bool, str]:
    """Fixed paths before those with places, so that "/alerts/new" is not an id."""
    return route.path.count("{"), ":path}" in route.path, route.path


async def _alive(_: Request) -> Response:
    """Nobody has signed in: nothing is told but that the pages are there."""
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


class _Static(StaticFiles):
    """Files of ours: kept for ever under the address that names their content, asked again under any other."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        from ashiato.web.rendering import version_of

        answer = await super().get_response(path, scope)
        named = scope["query_string"].decode("latin-1")
        known = answer.status_code in (200, 304) and named == version_of(path)
        answer.headers["cache-control"] = "public, max-age=31536000, immutable" if known else "no-cache"
        return answer
