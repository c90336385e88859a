"""Users: who may enter as what; links, sessions and tokens of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.access.links import PATH, Links
from ashiato.access.roles import ROLES
from ashiato.access.sessions import Sessions
from ashiato.access.tokens import Tokens
from ashiato.access.users import Changes, Users
from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, Area, NotFound
from ashiato.web.passwords import password_trouble
from ashiato.web.tokens import made_token, token_values, whole
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
        sessions.revoke(whole(visit, number), visit.who)
    else:
        sessions.revoke_all(found.name, visit.who, keep=visit.who.session)
    return _back(visit, found, "sessions")


@area.post("/users/{name}/tokens", title=N_("A new API token"), least="admin", ability="users", grouped=False)
def make_token(visit: Visit) -> Response:
    """Answers with the token: it is shown this once."""
    found = _named(visit)
    text, trouble = made_token(visit, found.name)
    if trouble:
        return _one(visit, found, trouble=trouble, status=400)
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
    Tokens(visit.ledger, visit.settings).revoke(whole(visit, visit.told("number")), visit.who)
    return _back(visit, found, "tokens")


def _named(visit: Visit) -> User:
    try:
        return Users(visit.ledger, visit.settings).get(visit.path["name"])
    except WrongUse as error:
        raise NotFound(visit._("There is no user of this name")) from error


def _groups(visit: Visit) -> list[str] | None:
    """None: all accounts."""
    return visit.form.get("groups", []) if visit.told("limit") else None


def _last_admin(visit: Visit, error: WrongUse) -> str:
    if "last admin" in error.what:
        return visit._("This is the last admin. Add or enable another one first.")
    return str(error)


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
    return visit.render(
        "users/user.html",
        title=found.display or found.name,
        status=status,
        found=found,
        roles=ROLES,
        groups=_all_groups(visit),
        sessions=Sessions(visit.ledger, visit.settings).of(found.name, visit.who),
        **token_values(visit, found),
        may_make=not found.disabled,
        link=None if link is None else base + PATH + link,
        link_hours=visit.settings.access.link_lifetime.total_seconds() / 3600,
        token_text=token,
        trouble=trouble,
        done=visit.one("done"),
    )


def _all_groups(visit: Visit) -> list[str]:
    return sorted({g for a in visit.settings.accounts for g in a.groups})
