"""One request, as a page's handler sees it: who asks, what they may see, in which language and zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from ashiato.access.identity import Identity
from ashiato.access.roles import ABILITIES, role_named
from ashiato.core.scope import AccountScope

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.lake.plans import PinnedLake
    from ashiato.ledger import Ledger
    from ashiato.web.page import Route
    from ashiato.web.site import Site

Language = Literal["en", "ja"]
Theme = Literal["auto", "light", "dark"]


@dataclass
class Visit:
    """A request. `identity`: who asks (`access.identity.Identity`), None before signing in. `scope` is the user's own
    scope and the page's filter by account group together: hand it to every engine call. `form` holds the fields of a
    POST. `now` is one moment for the whole page."""

    site: Site
    request: Request
    route: Route | None
    identity: Identity | None
    scope: AccountScope
    group: str | None
    groups: tuple[str, ...]
    language: Language
    zone: ZoneInfo
    theme: Theme
    token: str
    now: datetime
    form: Mapping[str, list[str]] = field(default_factory=dict)
    form_secret: str | None = None
    _lake: PinnedLake | None = None
    _kept: bool = False

    @property
    def settings(self) -> Settings:
        return self.site.settings

    @property
    def home(self) -> Home:
        return self.site.home

    @property
    def ledger(self) -> Ledger:
        return self.site.home.ledger

    @property
    def lake(self) -> PinnedLake:
        """The lake at one snapshot for the whole page; the frame closes it after the answer."""
        if self._lake is None:
            from ashiato.lake.plans import PinnedLake

            self._lake = PinnedLake(self.site.home)
        return self._lake

    # -- what was asked ------------------------------------------------------------------------------------------

    @property
    def path(self) -> Mapping[str, str]:
        """Values of the path's places, decoded."""
        found: dict[str, str] = self.request.path_params
        return found

    def one(self, name: str, default: str = "") -> str:
        """An argument of the query, stripped; the last where there are several."""
        values = self.request.query_params.getlist(name)
        return values[-1].strip() if values and values[-1].strip() else default

    def many(self, name: str) -> list[str]:
        """All values of an argument of the query, in order, without empty ones."""
        return [v.strip() for v in self.request.query_params.getlist(name) if v.strip()]

    def number(self, name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
        """A whole number of the query within bounds. Raises Wrong."""
        from ashiato.web.page import Wrong

        text = self.one(name)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise Wrong(self._("%(name)s must be a whole number from %(least)s to %(most)s",
                               name=name, least=least, most=most))  # fmt: skip
        return value

    def told(self, name: str, default: str = "") -> str:
        """A field of the form of a POST, stripped."""
        values = self.form.get(name, [])
        return values[-1].strip() if values and values[-1].strip() else default

    def may(self, what: str) -> bool:
        """Whether the visitor has this ability (access.roles.ABILITIES), or this role or one above."""
        if self.identity is None:
            return False
        return self.identity.may(what) if what in ABILITIES else self.identity.at_least(role_named(what))

    @property
    def who(self) -> Identity:
        """Who asks, on routes that are not for anyone."""
        assert self.identity is not None
        return self.identity

    @property
    def csrf(self) -> str:
        """The field `csrf` of a form, new each time; a browser without a session gets a cookie for it."""
        from ashiato.access.digests import form_token, new_secret
        from ashiato.web.forgery import masked

        if not self.token:
            self.form_secret = new_secret()
            self.token = form_token(self.form_secret)
        return masked(self.token)

    # -- addresses -----------------------------------------------------------------------------------------------

    def link(self, path: str, /, **query: object) -> str:
        """A path of ours with a query; keeps the filter by account group. None and empty values are left out; a list
        gives an argument several times. Parts of the path that come from data: `quoted`."""
        if self.group and "group" not in query:
            query["group"] = self.group
        return _address(path, query)

    def here(self, **changes: object) -> str:
        """The address of this page with some arguments changed; None leaves one out."""
        query: dict[str, object] = {}
        for key in self.request.query_params:
            query[key] = self.request.query_params.getlist(key)
        query.update(changes)
        return _address(self.request.url.path, query)

    # -- words ---------------------------------------------------------------------------------------------------

    def _(self, message: str, /, **values: object) -> str:
        """The message in the visitor's language; `%(name)s` takes values."""
        text = self.site.words[self.language].gettext(message)
        return text % values if values else text

    def ngettext(self, one: str, more: str, count: int, /, **values: object) -> str:
        """The message for so many; `%(num)s` is the count."""
        text = self.site.words[self.language].ngettext(one, more, count)
        return text % {"num": count, **values}

    # -- answers -------------------------------------------------------------------------------------------------

    def render(
        self, template: str, /, *, title: str | None = None, status: int = 200, **values: Any
    ) -> Response:
        """The page of a template. `title`: instead of the route's, translated already."""
        from starlette.responses import HTMLResponse

        text = self.site.rendering.page(self, template, title, {"status": status, **values})
        return HTMLResponse(text, status)

    def json(self, document: Any, *, status: int = 200) -> Response:
        """A JSON document; times as ISO 8601 in UTC; what a terminal or an editor would obey is escaped."""
        import msgspec
        from starlette.responses import Response as Plain

        from ashiato.core.printing import to_json

        text = to_json(msgspec.to_builtins(document), indent=None)
        return Plain(text, status, media_type="application/json")

    def redirect(self, address: str) -> Response:
        """303 to an address of ours (`link`, `here`)."""
        from starlette.responses import RedirectResponse

        return RedirectResponse(address, 303)

    def stream(
        self, parts: Iterable[bytes] | Iterable[str], *, media_type: str, filename: str | None = None
    ) -> Response:
        """An export, written as it is made; the lake stays open until its end. `filename`: saved, not shown."""
        from ashiato.web.exports import Export

        self._kept = True
        answer = Export(parts, media_type, lambda: self.close(kept=True))
        if filename is not None:
            answer.headers["Content-Disposition"] = f"attachment; filename*=utf-8''{quoted(filename)}"
        return answer

    def audit(
        self,
        what: str,
        target: str = "",
        detail: Mapping[str, Any] | None = None,
        *,
        connection: Connection | None = None,
    ) -> None:
        """Note an act in Ashiato's own audit log, with who and when; within `connection`'s transaction if given."""
        self.site.audit(self, what, target, dict(detail or {}), connection)

    def close(self, *, kept: bool = False) -> None:
        """Let go of the lake; the frame's to call."""
        if self._lake is not None and (kept or not self._kept):
            self._lake.close()
            self._lake = None


def quoted(part: str) -> str:
    """Data as one part of a path.

    >>> quoted("arn:aws:iam::111111111111:user/é")
    'arn%3Aaws%3Aiam%3A%3A111111111111%3Auser%2F%C3%A9'
    """
    return quote(part, safe="")


def _address(path: str, query: Mapping[str, object]) -> str:
    pairs: list[tuple[str, str]] = []
    for key, value in query.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(key, str(v)) for v in values if v is not None and v != ""]
    return f"{path}?{urlencode(pairs)}" if pairs else path
