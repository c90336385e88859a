"""`ashiato user list`, `add`, `change`, `disable`, `enable`, `remove`."""

from __future__ import annotations

from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.user.options import (
    USER_COLUMNS,
    NameArgument,
    link_document,
    say_link,
    say_list,
)
from ashiato.cli.options import ByOption, actor
from ashiato.cli.output import print_said

GroupsOption = Annotated[
    list[str] | None,
    typer.Option("--group", help="Limit to the accounts of this group of the settings; repeatable."),
]
DisplayOption = Annotated[str | None, typer.Option(help="How pages call the user.")]
LanguageOption = Annotated[str | None, typer.Option(help="en, ja, or auto: as the browser asks.")]
ZoneOption = Annotated[str | None, typer.Option(help="Time zone, such as Asia/Tokyo.")]


def register(family: typer.Typer) -> None:
    family.command(name="list", epilog="[bold]Example[/bold]\n\nashiato user list")(list_users)
    family.command(
        name="add",
        epilog="[bold]Examples[/bold]\n\nashiato user add ann --role admin\n\n"
        "ashiato user add cy --role viewer --group customer-a --language ja --zone Asia/Tokyo",
    )(add)
    family.command(
        name="change",
        epilog="[bold]Examples[/bold]\n\nashiato user change bob --role analyst\n\n"
        "ashiato user change cy --group customer-a --group customer-b\n\nashiato user change cy --every-account",
    )(change)
    family.command(name="disable", epilog="[bold]Example[/bold]\n\nashiato user disable bob")(disable)
    family.command(name="enable", epilog="[bold]Example[/bold]\n\nashiato user enable bob")(enable)
    family.command(name="remove", epilog="[bold]Example[/bold]\n\nashiato user remove bob")(remove)


def list_users(
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List users: role, account groups that limit them, whether they can enter, when they last did."""
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        documents = [user.as_json() for user in Users(ledger, told.settings).all()]
    say_list(told, USER_COLUMNS, documents)


def add(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="viewer, analyst or admin.")],
    group: GroupsOption = None,
    display: DisplayOption = None,
    language: LanguageOption = None,
    zone: ZoneOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Add a user, and print the link by which the user chooses a password. Without a group every account is seen."""
    from ashiato.access.links import Links
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).add(
            name,
            role,
            actor(by),
            groups=group or None,
            display=display or "",
            language=language or "auto",
            zone=zone or "UTC",
        )
        secret = Links(ledger, told.settings).issue(user.name, actor(by))
    document = {**user.as_json(), **link_document(told.settings, secret)}
    say_link(told, document, f"{user.name} is {_a(user.role)}, and chooses a password by this link.")


def change(
    name: NameArgument,
    role: Annotated[str | None, typer.Option(help="viewer, analyst or admin.")] = None,
    group: GroupsOption = None,
    every_account: Annotated[
        bool, typer.Option("--every-account", help="Lift the limit to account groups.")
    ] = False,
    display: DisplayOption = None,
    language: LanguageOption = None,
    zone: ZoneOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given. Another role, or other groups, end the user's sessions."""
    from ashiato.access.users import Changes, Users
    from ashiato.core.errors import WrongUse

    told = common(home, config, format_, json)
    changes = Changes()
    if role is not None:
        changes["role"] = role
    if group and every_account:
        raise WrongUse("--group and --every-account exclude each other", remedy="Give one of them.")
    if group or every_account:
        changes["groups"] = None if every_account else group
    if display is not None:
        changes["display"] = display
    if language is not None:
        changes["language"] = language
    if zone is not None:
        changes["zone"] = zone
    if not changes:
        raise WrongUse("nothing was given to change", remedy="`ashiato user change --help` has examples.")
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).change(name, actor(by), **changes)
    print_said(
        told.format, user.as_json(), f"{user.name} was changed: {_a(user.role)}, {_sees(user.groups)}."
    )


def disable(
    name: NameArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Let a user enter no more: sessions end at once, tokens and links are of no use."""
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).disable(name, actor(by))
    print_said(told.format, user.as_json(), f"{user.name} can enter no more.")


def enable(
    name: NameArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Let a disabled user enter again, with the password and the tokens that it has."""
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        user = Users(ledger, told.settings).enable(name, actor(by))
    print_said(told.format, user.as_json(), f"{user.name} can enter again.")


def remove(
    name: NameArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Remove a user with sessions, tokens and links; the audit log keeps what it did."""
    from ashiato.access.users import Users

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        users = Users(ledger, told.settings)
        user = users.get(name)
        users.remove(name, actor(by))
    print_said(told.format, {"removed": user.name}, f"{user.name} was removed.")


def _a(role: str) -> str:
    return f"an {role}" if role[0] == "a" else f"a {role}"


def _sees(groups: tuple[str, ...] | None) -> str:
    return "sees every account" if groups is None else "sees accounts of " + ", ".join(groups)
