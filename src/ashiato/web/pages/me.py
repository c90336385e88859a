"""What a user chooses for oneself: language, zone, theme, password; and where one is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.access.sessions import Session, Sessions
from ashiato.access.signing_in import SignInRefused
from ashiato.access.users import Users
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.web.door import address_of
from ashiato.web.page import N_, Area, Refused
from ashiato.web.passwords import password_trouble

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit

area = Area("me")


@area.get("/me", title=N_("You"), grouped=False)
def me(visit: Visit) -> Response:
    return _page(visit)


@area.post("/me/password", title=N_("New password"), least="viewer", grouped=False)
def password(visit: Visit) -> Response:
    """The old one is asked for, so that whoever finds an open screen cannot lock its owner out."""
    _own(visit)
    old, new = (visit.form.get(name, [""])[-1] for name in ("old", "password"))
    if new != visit.form.get("again", [""])[-1]:
        return _page(visit, trouble=visit._("The two passwords differ."), status=400)
    try:
        visit.site.authenticator.authenticate(
            {"name": visit.who.name, "password": old}, address=address_of(visit.request)
        )
        Users(visit.ledger, visit.settings).set_password(
            visit.who.name, new, visit.who, keep=visit.who.session
        )
    except WrongUse as error:
        return _page(visit, trouble=password_trouble(visit, error), status=400)
    except SignInRefused:
        return _page(visit, trouble=visit._("The old password is wrong."), status=403)
    except AshiatoError as error:
        return _page(visit, trouble=str(error), status=429)
    return visit.redirect(visit.link("/me", done="password"))


@area.post("/me/sessions/end", title=N_("Sign out elsewhere"), least="viewer", grouped=False)
def end_others(visit: Visit) -> Response:
    _own(visit)
    Sessions(visit.ledger, visit.settings).revoke_all(visit.who.name, visit.who, keep=visit.who.session)
    return visit.redirect(visit.link("/me", done="sessions"))


@area.post("/me/sessions/{number:int}/end", title=N_("Sign out there"), least="viewer", grouped=False)
def end_one(visit: Visit) -> Response:
    _own(visit)
    Sessions(visit.ledger, visit.settings).revoke(int(visit.path["number"]), visit.who)
    return visit.redirect(visit.link("/me", done="sessions"))


def _own(visit: Visit) -> None:
    if visit.who.user is None:
        raise Refused(visit._("There is no user here whose settings could be kept: this is the demo"))


def _page(visit: Visit, *, trouble: str = "", status: int = 200) -> Response:
    sessions: list[Session] = []
    if visit.who.user is not None and visit.who.via == "session" and visit.who.session is not None:
        sessions = Sessions(visit.ledger, visit.settings).of(visit.who.name, visit.who)
    done = {"password": visit._("The password is changed; other sessions have ended."),
            "sessions": visit._("Signed out there.")}.get(visit.one("done"), "")  # fmt: skip
    return visit.render(
        "me/me.html",
        title=visit.who.display or visit.who.name,
        status=status,
        sessions=sessions,
        trouble=trouble,
        done=done,
        least=visit.settings.access.password_length,
    )
