"""What a user chooses for oneself: language, zone, theme, password; and where one is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.access.sessions import Session, Sessions
from ashiato.access.signing_in import SignInRefused
from ashiato.access.tokens import Tokens
from ashiato.access.users import Users
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.web.door import address_of
from ashiato.web.page import N_, Area, Refused
from ashiato.web.passwords import password_trouble
from ashiato.web.tokens import made_token, token_values, whole

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


@area.post("/me/sessions/{number}/end", title=N_("Sign out there"), least="viewer", grouped=False)
def end_one(visit: Visit) -> Response:
    _own(visit)
    Sessions(visit.ledger, visit.settings).revoke(whole(visit, visit.path["number"]), visit.who)
    return visit.redirect(visit.link("/me", done="sessions"))


@area.post("/me/tokens", title=N_("A new API token"), least="viewer", grouped=False)
def make_token(visit: Visit) -> Response:
    """Answers with the token: it is shown this once."""
    _own(visit)
    text, trouble = made_token(visit, visit.who.name)
    return _page(visit, trouble=trouble, status=400 if trouble else 200, token=text)


@area.post("/me/tokens/revoke", title=N_("Revoke an API token"), least="viewer", grouped=False)
def revoke_token(visit: Visit) -> Response:
    _own(visit)
    Tokens(visit.ledger, visit.settings).revoke(whole(visit, visit.told("number")), visit.who)
    return visit.redirect(visit.link("/me", done="token"))


def _own(visit: Visit) -> None:
    if visit.who.via == "token":
        # What reads for its owner neither ends the owner's sessions nor other tokens.
        raise Refused(visit._("Your role may not do this"))
    if visit.who.user is None:
        raise Refused(visit._("There is no user here whose settings could be kept: this is the demo"))


def _page(visit: Visit, *, trouble: str = "", status: int = 200, token: str = "") -> Response:
    sessions: list[Session] = []
    tokens: dict[str, Any] = {}
    if visit.who.user is not None and visit.who.via == "session" and visit.who.session is not None:
        sessions = Sessions(visit.ledger, visit.settings).of(visit.who.name, visit.who)
        user = Users(visit.ledger, visit.settings).get(visit.who.name)
        tokens = {**token_values(visit, user), "may_make": True}
    done = {"password": visit._("The password is changed; other sessions have ended."),
            "sessions": visit._("Signed out there."),
            "token": visit._("The token is of no use any more.")}.get(visit.one("done"), "")  # fmt: skip
    return visit.render(
        "me/me.html",
        title=visit.who.display or visit.who.name,
        status=status,
        sessions=sessions,
        trouble=trouble,
        done=done,
        token_text=token,
        shows_tokens=bool(tokens),
        **tokens,
        least=visit.settings.access.password_length,
    )
