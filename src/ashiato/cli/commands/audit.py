"""`ashiato audit`: who did what in Ashiato, when."""

from __future__ import annotations

from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common

_EXAMPLES = """[bold]Examples[/bold]

ashiato audit

ashiato audit --who bob --from "7 days"

ashiato audit --what "sign-in refused" --json

ashiato audit --target A-17
"""


def register(app: typer.Typer) -> None:
    app.command(name="audit", epilog=_EXAMPLES)(audit)


def audit(
    who: Annotated[str | None, typer.Option(help="What this person did.")] = None,
    what: Annotated[str | None, typer.Option(help='This act alone, such as "signed in".')] = None,
    target: Annotated[str | None, typer.Option(help='What was done to this: A-17, "user bob", S-2.')] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="About this account alone, by id or name; repeatable.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help='Since then: 2026-12-31, or a span such as "7 days".')
    ] = None,
    to: Annotated[str | None, typer.Option(help="Before then.")] = None,
    before: Annotated[
        int | None, typer.Option(help="Entries with a number below this: the next page.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 100,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Read the audit log, newest first: sign-ins, searches, what people did with alerts, rules and users."""
    from ashiato.access import audit as log
    from ashiato.cli.commands.user.options import say_list
    from ashiato.cli.options import before_now, scope_of

    told = common(home, config, format_, json)
    about = scope_of(told.settings, account)
    since, until = before_now(from_, "--from"), before_now(to, "--to")
    with told.open_ledger() as ledger, ledger.engine.connect() as connection:
        found = log.entries(
            connection,
            who=who,
            what=what,
            target=target,
            since=since,
            until=until,
            before=before,
            limit=limit,
            scope=about,
        )
    columns = ["number", "at", "who", "what", "target", "account", "detail"]
    say_list(told, columns, [entry.as_json() for entry in found])
