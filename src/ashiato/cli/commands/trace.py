"""`ashiato trace`: everything that one thing did and had done to it, over the three logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ashiato.cli.app import ConfigOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    from ashiato.words.messages import Language

TraceFormat = Literal["table", "json", "csv", "html"]

_EXAMPLES = """[bold]Examples[/bold]

ashiato trace AKIAI44QH8DHBEXAMPLE

ashiato trace 203.0.113.99 --from 2026-11-19 --to 2026-11-20

ashiato trace deploy-bot --format html > deploy-bot.html

ashiato trace arn:aws:iam::111122223333:role/ops --json --limit 200
"""


def register(app: typer.Typer) -> None:
    app.command(name="trace", epilog=_EXAMPLES)(trace)


def trace(
    entity: Annotated[
        str,
        typer.Argument(
            metavar="ENTITY",
            help="An ARN, access key, address, id (i-…, eni-…, sg-…), event id, account, or the name of a user, role,"
            " bucket, session.",
        ),
    ],
    home: HomeOption = None,
    config: ConfigOption = None,
    from_: Annotated[
        str | None, typer.Option("--from", help='From then on: a time, or a span such as "7 days".')
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Before then.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows of each lane, the newest.")] = 50,
    all_: Annotated[bool, typer.Option("--all", help="Every row and every related thing.")] = False,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on after this cursor (`next` in the JSON).")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="As what it is looked for, where a name is ambiguous.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Only in this account, by id or name.")
    ] = None,
    language: Annotated[
        Literal["en", "ja"] | None,
        typer.Option(help="Language of the words.", show_default="as in the settings"),
    ] = None,
    format_: Annotated[
        TraceFormat | None,
        typer.Option(
            "--format",
            help="How to print: table, json, csv, or html (one file to attach to a ticket).",
            show_default="table",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Trace one thing: operations, changes and connections, alerts, what it is related to, and what is missing."""
    from ashiato.cli.options import accounts_by_name, before_now
    from ashiato.core.scope import EVERY_ACCOUNT
    from ashiato.lake.plans import PinnedLake
    from ashiato.trace.keys import Window
    from ashiato.trace.subjects import Ambiguous
    from ashiato.trace.tracing import Wanted
    from ashiato.trace.tracing import trace as traced

    told = common(home, config, None if format_ == "html" else format_, json)
    shape: TraceFormat = "html" if format_ == "html" and not json else told.format
    window = Window(before_now(from_, "--from"), before_now(to, "--to"))
    wanted = Wanted(
        window,
        None if all_ else limit,
        after,
        kind,
        None if account is None else accounts_by_name(told.settings, [account])[0],
        language,
        # For people noise is folded; programs get each record.
        fold=shape in ("table", "html") and not all_,
        records=shape == "html",
    )
    with told.open_for_reading() as opened, PinnedLake(opened) as lake:
        try:
            found = traced(lake, entity, EVERY_ACCOUNT, told.settings, wanted)
        except Ambiguous as ambiguous:
            if shape == "json":
                from ashiato.cli.output import to_json

                print(to_json(ambiguous.as_json()))
            raise
    _print(found.as_json(), shape, found.telling.language)


def _print(document: dict[str, Any], shape: TraceFormat, language: Language) -> None:
    if shape == "json":
        from ashiato.cli.output import to_json

        print(to_json(document))
    elif shape == "html":
        from ashiato.trace.as_html import page

        sys.stdout.write(page(document, language))
    elif shape == "csv":
        from ashiato.cli.output import to_csv
        from ashiato.trace.as_rows import COLUMNS, rows

        sys.stdout.write(to_csv(COLUMNS, rows(document)))
    else:
        _print_text(document, language)


def _print_text(document: dict[str, Any], language: Language) -> None:
    from rich.text import Text

    from ashiato.cli.output import console, one_line
    from ashiato.trace.as_text import lines

    to = console()
    for tone, indent, text in lines(document, language):
        to.print(Text(" " * 2 * indent + one_line(text), style=_STYLES[tone]), soft_wrap=True)


_STYLES = {
    "title": "bold",
    "heading": "bold",
    "plain": "",
    "dim": "dim",
    "operation": "cyan",
    "change": "yellow",
    "connection": "magenta",
    "warning": "red",
}
