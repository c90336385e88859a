"""`ashiato user setup`, `link`, `password`, `sessions`, `sign-out`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.user.options import (
    NameArgument,
    link_document,
    say_link,
    say_list,
)
from ashiato.cli.options import ByOption, actor
from ashiato.cli.output import print_said


def register(family: typer.Typer) -> None:
    family.command(name="setup", epilog="[bold]Example[/bold]\n\nashiato user setup")(setup)
    family.command(name="link", epilog="[bold]Example[/bold]\n\nashiato user link bob")(link)
    family.command(
        name="password",
        epilog="[bold]Examples[/bold]\n\nashiato user password bob\n\nashiato user password bob < secret.txt",
    )(password)
    family.command(
        name="sessions", epilog="[bold]Examples[/bold]\n\nashiato user sessions\n\nashiato user sessions bob"
    )(sessions)
    family.command(
        name="sign-out",
        epilog="[bold]Examples[/bold]\n\nashiato user sign-out bob\n\nashiato user sign-out bob --session 12",
    )(sign_out)


def setup(
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Print a link that makes the first admin, in place of the one that the first start printed."""
    from ashiato.access.links import Links
    from ashiato.core.errors import WrongUse

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        secret = Links(ledger, told.settings).first_start()
    if secret is None:
        raise WrongUse(
            "there are users already: the first start is over",
            remedy="`ashiato user add NAME --role admin` adds an admin, `ashiato user link NAME` lets one in again.",
        )
    say_link(told, link_document(told.settings, secret), "The first admin is made by this link.")


def link(
    name: NameArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Print a link by which a user chooses a password: for somebody new, or who forgot it or is locked out."""
    from ashiato.access.links import Links
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).get(name)
        secret = Links(ledger, told.settings).issue(name, actor(by))
    document = {"name": user.name, **link_document(told.settings, secret)}
    say_link(told, document, f"{user.name} chooses a password by this link.")


def password(
    name: NameArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Set a user's password, typed unseen or a line of standard input; ends the user's sessions."""
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        users = Users(ledger, told.settings)
        user = users.get(name)
        user = users.set_password(user.name, _typed(user.name), actor(by))
    print_said(told.format, user.as_json(), f"{user.name} has a new password; sessions ended.")


def _typed(name: str) -> str:
    from ashiato.core.errors import WrongUse

    if not sys.stdin.isatty():
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise WrongUse("the password is no text", remedy="Give a line of UTF-8.") from None
    from getpass import getpass

    typed = getpass(f"New password of {name}: ")
    if getpass("Once more: ") != typed:
        raise WrongUse("the two are not the same; nothing was changed", remedy="Run the command again.")
    return typed


def sessions(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One user's; default: everybody's.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List who is signed in, from where, until when; the last used first."""
    from ashiato.access.sessions import Sessions

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        kept = Sessions(ledger, told.settings)
        found = kept.all(actor(None)) if name is None else kept.of(name, actor(None))
    columns = ["number", "user", "created", "last_seen", "expires", "address", "user_agent"]
    say_list(told, columns, [session.as_json() for session in found])


def sign_out(
    name: NameArgument,
    session: Annotated[
        int | None, typer.Option(help="End this one alone, by its number.", show_default="all")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """End sessions of a user, at once."""
    from ashiato.access.sessions import Sessions
    from ashiato.access.users import Users
    from ashiato.core.errors import WrongUse

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).get(name)
        kept = Sessions(ledger, told.settings)
        if session is None:
            count = kept.revoke_all(user.name, actor(by))
        else:
            if session not in {s.number for s in kept.of(user.name, actor(by))}:
                raise WrongUse(
                    f"{user.name} has no session {session}", remedy="`ashiato user sessions` lists them."
                )
            kept.revoke(session, actor(by))
            count = 1
    said = f"{count} session{'' if count == 1 else 's'} of {user.name} ended."
    print_said(told.format, {"name": user.name, "ended": count}, said)
