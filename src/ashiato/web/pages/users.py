"""Users: who may enter as what; links, sessions and tokens of each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ashiato.access.links import PATH, Links
from ashiato.access.roles import ABILITIES, ROLES
from ashiato.access.sessions import Sessions
from ashiato.access.tokens import Tokens
from ashiato.access.users import Changes, Users
from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, Area, NotFound, Wrong
from ashiato.web.passwords import password_trouble
from ashiato.web.visit import quoted

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.access.users import User
    from ashiato.web.visit import Visit

area = Area("users")


@area.get("/users", title=N_("Who may enter?"), least="admin", ability="users", grouped=False)
def users(visit: Visit) -> Response:
    return _list(visit)


@area.post("/users", title=N_("Add a user"), least="admin", ability="users", grouped=False)
def add(visit: Visit) -> Response:
    """Answers with the link by which the new user sets a password: it is shown this once."""
    try:
        user = Users(visit.ledger, visit.settings).add(
            visit.told("name"),
            visit.told("role"),
            visit.who,
            groups=_groups(visit),
            display=visit.told("display"),
        )
    except WrongUse as error:
        return _list(visit, trouble=password_trouble(visit, error), status=400)
    return _one(visit, user, link=Links(visit.ledger, visit.settings).issue(user.name, visit.who))


@area.get("/users/{name}", title=N_("A user"), least="admin", ability="users", grouped=False)
def user(visit: Visit) -> Response:
    return _one(visit, _named(visit))


@area.post("/users/{name}", title=N_("Change a user"), least="admin", ability="users", grouped=False)
def change(visit: Visit) -> Response:
    before = _named(visit)
    changes = Changes(display=visit.told("display"))
    # What is the same is left out: a change of role or groups ends the user's sessions.
    if visit.told("role") != before.role:
        changes["role"] = visit.told("role")
    groups = _groups(visit)
    if (None if groups is None else tuple(sorted(groups))) != before.groups:
        changes["groups"] = groups
    try:
        Users(visit.ledger, visit.settings).change(before.name, visit.who, **changes)
    except WrongUse as error:
        return _one(visit, before, trouble=password_trouble(visit, error), status=400)
    return _back(visit, before, "changed")


@area.post(
    "/users/{name}/link",
    title=N_("A link to choose a password"),
    least="admin",
    ability="users",
    grouped=False,
)
def link(visit: Visit) -> Response:
    found = _named(visit)
    try:
        secret = Links(visit.ledger, visit.settings).issue(found.name, visit.who)
    except WrongUse as error:
        return _one(visit, found, trouble=str(error), status=400)
    return _one(visit, found, link=secret)


@area.post(
    "/users/{name}/state", title=N_("Disable or enable a user"), least="admin", ability="users", grouped=False
)
def state(visit: Visit) -> Response:
    found, store = _named(visit), Users(visit.ledger, visit.settings)
    try:
        (store.disable if visit.told("to") == "disabled" else store.enable)(found.name, visit.who)
    except WrongUse as error:
        return _one(visit, found, trouble=_last_admin(visit, error), status=400)
    return _back(visit, found, "changed")


@area.post("/users/{name}/remove", title=N_("Remove a user"), least="admin", ability="users", grouped=False)
def remove(visit: Visit) -> Response:
    found = _named(visit)
    try:
        Users(visit.ledger, visit.settings).remove(found.name, visit.who)
    except WrongUse as error:
        return _one(visit, found, trouble=_last_admin(visit, error), status=400)
    return visit.redirect(visit.link("/users", done="removed"))


@area.post(
    "/users/{name}/sessions/end", title=N_("End sessions"), least="admin", ability="users", grouped=False
)
def end_sessions(visit: Visit) -> Response:
    """One by its number, or all of them (but this one)."""
    found, sessions = _named(visit), Sessions(visit.ledger, visit.settings)
    number = visit.told("number")
    if number:
        sessions.revoke(_whole(visit, number), visit.who)
    else:
        sessions.revoke_all(found.name, visit.who, keep=visit.who.session)
    return _back(visit, found, "sessions")


@area.post("/users/{name}/tokens", title=N_("A new API token"), least="admin", ability="users", grouped=False)
def make_token(visit: Visit) -> Response:
    """Answers with the token: it is shown this once."""
    found = _named(visit)
    days = visit.told("days")
    lifetime = timedelta(days=min(_whole(visit, days), 100_000)) if days else None
    try:
        text, _ = Tokens(visit.ledger, visit.settings).create(
            found.name, visit.told("label"), visit.form.get("scope", []), visit.who, lifetime=lifetime
        )
    except WrongUse as error:
        return _one(visit, found, trouble=_token_trouble(visit, error), status=400)
    return _one(visit, found, token=text)


@area.post(
    "/users/{name}/tokens/revoke",
    title=N_("Revoke an API token"),
    least="admin",
    ability="users",
    grouped=False,
)
def revoke_token(visit: Visit) -> Response:
    found = _named(visit)
    Tokens(visit.ledger, visit.settings).revoke(_whole(visit, visit.told("number")), visit.who)
    return _back(visit, found, "tokens")


def _named(visit: Visit) -> User:
    try:
        return Users(visit.ledger, visit.settings).get(visit.path["name"])
    except WrongUse as error:
        raise NotFound(visit._("There is no user of this name")) from error


def _groups(visit: Visit) -> list[str] | None:
    """None: all accounts."""
    return visit.form.get("groups", []) if visit.told("limit") else None


def _whole(visit: Visit, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Wrong(visit._("This is no whole number"))
    return int(text)


def _last_admin(visit: Visit, error: WrongUse) -> str:
    if "last admin" in error.what:
        return visit._("This is the last admin. Add or enable another one first.")
    return str(error)


def _token_trouble(visit: Visit, error: WrongUse) -> str:
    told = {
        "scope": visit._("Choose at least one right, and only such as the user has."),
        "expiry": visit._(
            "A token lasts at most %(days)s days.", days=visit.settings.access.token_longest.days
        ),
        "name": visit._("Name the token, with at most 100 characters, none of them invisible."),
    }
    return told.get(error.where or "", str(error))


def _back(visit: Visit, found: User, done: str) -> Response:
    return visit.redirect(visit.link(f"/users/{quoted(found.name)}", done=done))


def _list(visit: Visit, *, trouble: str = "", status: int = 200) -> Response:
    return visit.render(
        "users/users.html",
        status=status,
        users=Users(visit.ledger, visit.settings).all(),
        roles=ROLES,
        groups=_all_groups(visit),
        chosen=visit.form.get("groups", []),
        trouble=trouble,
        done=visit.one("done"),
    )


def _one(
    visit: Visit,
    found: User,
    *,
    trouble: str = "",
    status: int = 200,
    link: str | None = None,
    token: str | None = None,
) -> Response:
    base = f"{visit.request.url.scheme}://{visit.request.headers.get('host', '')}"
    able = [a for a in ABILITIES.values() if not (a.whole and found.groups is not None)]
    return visit.render(
        "users/user.html",
        title=found.display or found.name,
        status=status,
        found=found,
        roles=ROLES,
        groups=_all_groups(visit),
        sessions=Sessions(visit.ledger, visit.settings).of(found.name, visit.who),
        tokens=[
            t.as_json() for t in Tokens(visit.ledger, visit.settings).all(visit.who, user_name=found.name)
        ],
        abilities=[a for a in able if ROLES.index(found.role) >= ROLES.index(a.role)],
        longest=visit.settings.access.token_longest.days,
        usual=visit.settings.access.token_lifetime.days,
        link=None if link is None else base + PATH + link,
        link_hours=visit.settings.access.link_lifetime.total_seconds() / 3600,
        token_text=token,
        trouble=trouble,
        done=visit.one("done"),
    )


def _all_groups(visit: Visit) -> list[str]:
    return sorted({g for a in visit.settings.accounts for g in a.groups})
