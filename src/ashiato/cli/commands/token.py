"""`ashiato token`: API tokens, for programs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.user.options import say_list
from ashiato.cli.options import ByOption, actor
from ashiato.cli.output import print_said

_COLUMNS = [
    "number", "name", "user", "start", "scopes", "state", "created", "created_by", "expires", "last_used",
]  # fmt: skip


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="API tokens: a user's, with some of what the user may do, until a day.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    family.command(name="list", epilog="[bold]Example[/bold]\n\nashiato token list --user bob")(list_tokens)
    family.command(
        name="create",
        epilog="[bold]Examples[/bold]\n\nashiato token create bob 'nightly export' --scope read\n\n"
        "ashiato token create bob ticketing --scope read --scope triage --lasts '30 days'",
    )(create)
    family.command(name="revoke", epilog="[bold]Example[/bold]\n\nashiato token revoke 3")(revoke)
    app.add_typer(family, name="token")


def list_tokens(
    user: Annotated[str | None, typer.Option(help="One user's.", show_default="everybody's")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List tokens, newest first, also those that are over; what they let in by is not kept and not shown."""
    from ashiato.access.tokens import Tokens

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        found = Tokens(ledger, told.settings).all(actor(None), user_name=user)
    say_list(told, _COLUMNS, [token.as_json() for token in found])


def create(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose it is.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it may do: read, sql, triage … or a role's name; repeatable (docs/access.md)."
        ),
    ],
    lasts: Annotated[
        str | None,
        typer.Option(help='For how long, such as "30 days".', show_default="access.token_lifetime"),
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token and print it, this once. It sees the accounts that its user sees, and does no more than it may."""
    from ashiato.access.tokens import Tokens
    from ashiato.core.errors import WrongUse
    from ashiato.core.spans import parse_span

    told = common(home, config, format_, json)
    lifetime = None
    if lasts is not None:
        with suppress(ValueError):
            lifetime = parse_span(lasts)
        if lifetime is None:
            raise WrongUse(
                "a token lasts for a span of time", where="--lasts", remedy='Write it like "30 days".'
            )
    with told.open_ledger() as ledger:
        text, token = Tokens(ledger, told.settings).create(user, name, scope, actor(by), lifetime=lifetime)
    said = (
        f"Token {token.number} of {token.user}, until {token.expires_at:%Y-%m-%d %H:%M} UTC. It is shown this once:\n"
        f"  {text}"
    )
    print_said(told.format, {**token.as_json(), "token": text}, said)


def revoke(
    number: Annotated[int, typer.Argument(help="The token's number, from `ashiato token list`.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token useless, at once."""
    from ashiato.access.tokens import Tokens

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        token = Tokens(ledger, told.settings).revoke(number, actor(by))
    print_said(told.format, token.as_json(), f"Token {token.number} of {token.user} is of no use any more.")
