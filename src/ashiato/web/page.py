"""What a page is: an area of one module in `web/pages/`, found by registration, with its routes.

A module makes one `Area` named `area` and declares each route with its method, path, least role, title and, where it
belongs there, its entry in the navigation. docs/pages.md tells how to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ashiato.core.errors import AshiatoError

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit

#: Who may come: `anyone` needs no account (sign-in pages); each later role may do what the earlier one may.
Least = Literal["anyone", "viewer", "analyst", "admin"]
LEAST: tuple[Least, ...] = ("anyone", "viewer", "analyst", "admin")
Method = Literal["GET", "POST"]
Handler = Callable[["Visit"], "Response | Awaitable[Response]"]


def N_(message: str) -> str:  # noqa: N802
    """Marks a message for the catalogues where it cannot be translated yet: at import."""
    return message


@dataclass(frozen=True)
class Nav:
    """An entry of the navigation. `label`: a message (N_); `key`: the letter after `g` that goes there."""

    label: str
    position: int
    key: str | None = None


@dataclass(frozen=True)
class Route:
    """One method of one path. `name` is `area.function`, unique; `title` a message (N_), a question where it fits.

    `ability`: one of access.roles.ABILITIES that is asked for instead of the role, where the role alone says too little.
    `lake`: the page reads the lake, and waits its turn where many do (web.app.most_readers). `grouped`: the filter by account group applies and is offered.
    """

    area: str
    name: str
    path: str
    handler: Handler
    method: Method
    least: Least
    title: str
    nav: Nav | None = None
    lake: bool = False
    grouped: bool = True
    ability: str | None = None


@dataclass
class Area:
    """The pages of one module. Templates lie in `templates/<name>/`, messages in `locale/ja/<name>.po`, styles in
    `static/<name>.css` (linked by itself where it exists)."""

    name: str
    routes: list[Route] = field(default_factory=list)

    def get(
        self,
        path: str,
        *,
        title: str,
        least: Least = "viewer",
        nav: Nav | None = None,
        lake: bool = False,
        grouped: bool = True,
        ability: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """A page, an export or a piece of one. `path` as Starlette writes it: "/alerts/{id}", "/trace/{what:path}"."""
        return self._route(path, "GET", title, least, nav, lake, grouped, ability)

    def post(
        self,
        path: str,
        *,
        title: str,
        least: Least = "analyst",
        lake: bool = False,
        grouped: bool = True,
        ability: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """An act: checked against forgery by the frame, answered by `visit.redirect(…)`."""
        return self._route(path, "POST", title, least, None, lake, grouped, ability)

    def _route(
        self,
        path: str,
        method: Method,
        title: str,
        least: Least,
        nav: Nav | None,
        lake: bool,
        grouped: bool,
        ability: str | None,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            name = f"{self.name}.{getattr(handler, '__name__', 'page')}"
            if any(r.name == name for r in self.routes):
                raise ValueError(f"two routes are named {name}")
            self.routes.append(
                Route(self.name, name, path, handler, method, least, title, nav, lake, grouped, ability)
            )
            return handler

        return register


def areas() -> list[Area]:
    """Every area: modules and packages in `web/pages/`, sorted by name."""
    from ashiato.web import pages

    found: list[Area] = []
    for info in sorted(pkgutil.iter_modules(pages.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"ashiato.web.pages.{info.name}")
        area = module.area
        if not isinstance(area, Area):
            raise TypeError(f"{module.__name__}.area is no Area")
        found.append(area)
    return found


class NotFound(AshiatoError):
    """Answered with 404; also for what a scope hides, so that nobody learns that it exists."""


class Refused(AshiatoError):
    """Answered with 403."""


class Wrong(AshiatoError):
    """Answered with 400: an argument that cannot be meant. `core.errors.WrongUse` is answered so as well."""
