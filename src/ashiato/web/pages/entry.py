"""Signing in and out, and the links by which somebody sets a password: the first admin, who is new, who forgot it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.access.limiting import LockedOut
from ashiato.access.links import Link, LinkOver, Links
from ashiato.access.passwords import TooManySignIns
from ashiato.access.sessions import NotEntered, Sessions
from ashiato.access.signing_in import SignInRefused
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.web.cookies import drop_cookie, may_sign_in, read_cookie, set_cookie
from ashiato.web.door import FORM, SESSION, address_of
from ashiato.web.page import N_, Area, NotFound
from ashiato.web.passwords import password_trouble
from ashiato.web.returning import safe_return

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.access.users import User
    from ashiato.web.visit import Visit

area = Area("entry")


@area.get("/login", title=N_("Sign in"), least="anyone", grouped=False)
def login(visit: Visit) -> Response:
    if visit.identity is not None:
        return visit.redirect(safe_return(visit.one("next")))
    return _login_page(visit, visit.one("next"))


@area.post("/login", title=N_("Sign in"), least="anyone", grouped=False)
def enter(visit: Visit) -> Response:
    back = visit.told("next")
    if not may_sign_in(visit.request):
        return _login_page(visit, back, status=400)
    credentials = {"name": visit.told("name"), "password": visit.form.get("password", [""])[-1]}
    try:
        user = visit.site.authenticator.authenticate(credentials, address=address_of(visit.request))
        return _let_in(visit, user, back)
    except (SignInRefused, NotEntered):
        trouble, status = visit._("The name or the password is wrong."), 403
    except LockedOut as error:
        minutes = max(1, round(error.seconds / 60))
        trouble, status = visit.ngettext(
            "There were too many tries. Try again in %(num)s minute, or ask an admin for a link.",
            "There were too many tries. Try again in %(num)s minutes, or ask an admin for a link.",
            minutes,
        ), 429  # fmt: skip
    except TooManySignIns:
        trouble, status = visit._("Too many people sign in at this moment. Try again in a minute."), 503
    return _login_page(visit, back, trouble=trouble, status=status)


@area.post("/logout", title=N_("Sign out"), least="viewer", grouped=False)
def leave(visit: Visit) -> Response:
    secret = read_cookie(visit.request, SESSION)
    if secret:
        Sessions(visit.ledger, visit.settings).end(secret, visit.who)
    answer = visit.redirect("/login")
    drop_cookie(visit.request, answer, SESSION)
    # What browsers may still hold of pages goes too.
    answer.headers["clear-site-data"] = '"cache"'
    return answer


@area.get("/link/{secret}", title=N_("Choose a password"), least="anyone", grouped=False)
def link(visit: Visit) -> Response:
    return _link_page(visit, _found(visit))


@area.post("/link/{secret}", title=N_("Choose a password"), least="anyone", grouped=False)
def redeem(visit: Visit) -> Response:
    found = _found(visit)
    if not may_sign_in(visit.request):
        return _link_page(visit, found, status=400)
    password = visit.form.get("password", [""])[-1]
    if password != visit.form.get("again", [""])[-1]:
        return _link_page(visit, found, trouble=visit._("The two passwords differ."), status=400)
    try:
        user = Links(visit.ledger, visit.settings).redeem(
            visit.path["secret"],
            password,
            address=address_of(visit.request),
            name=visit.told("name"),
            display=visit.told("display"),
            language=visit.language if found.purpose == "setup" else "auto",
            zone=visit.zone.key,
        )
        return _let_in(visit, user, "/")
    except LinkOver as error:
        raise _over(visit) from error
    except WrongUse as error:
        return _link_page(visit, found, trouble=password_trouble(visit, error), status=400)


def _let_in(visit: Visit, user: User, back: str) -> Response:
    """A session begins: under a new id, whatever the browser had."""
    sessions = Sessions(visit.ledger, visit.settings)
    old = read_cookie(visit.request, SESSION)
    secret, _ = sessions.begin(
        user, user_agent=visit.request.headers.get("user-agent", ""), address=address_of(visit.request)
    )
    if old and visit.identity is not None:
        sessions.end(old, visit.identity)
    answer = visit.redirect(safe_return(back))
    seconds = int(visit.settings.access.session_lifetime.total_seconds())
    set_cookie(visit.request, answer, SESSION, secret, seconds=seconds)
    drop_cookie(visit.request, answer, FORM)
    return answer


def _login_page(visit: Visit, back: str, *, trouble: str = "", status: int = 200) -> Response:
    return visit.render(
        "entry/login.html",
        status=status,
        back=safe_return(back),
        trouble=trouble,
        name=visit.told("name"),
        safe=may_sign_in(visit.request),
    )


def _found(visit: Visit) -> Link:
    try:
        return Links(visit.ledger, visit.settings).find(visit.path["secret"])
    except LinkOver as error:
        raise _over(visit) from error


def _over(visit: Visit) -> AshiatoError:
    return NotFound(
        visit._("This link was used, is too old, or never was"),
        remedy=visit._("Ask an admin for another (`ashiato user link NAME`)."),
    )


def _link_page(visit: Visit, found: Link, *, trouble: str = "", status: int = 200) -> Response:
    first = found.purpose == "setup"
    return visit.render(
        "entry/link.html",
        title=visit._("The first user") if first else None,
        status=status,
        found=found,
        first=first,
        trouble=trouble,
        name=visit.told("name"),
        display=visit.told("display"),
        least=visit.settings.access.password_length,
        safe=may_sign_in(visit.request),
    )
