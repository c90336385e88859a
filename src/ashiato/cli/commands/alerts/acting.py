"""`ashiato alerts ack`, `close`, `reopen`, `note`, `assign`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.alerts.options import IdsArgument, acting
from ashiato.cli.options import ByOption


def register(family: typer.Typer) -> None:
    family.command(
        name="ack", epilog="[bold]Examples[/bold]\n\nashiato alerts ack A-17\n\nashiato alerts ack I-3"
    )(ack)
    family.command(
        name="close",
        epilog="[bold]Examples[/bold]\n\nashiato alerts close A-17 --as benign --note 'the new deploy role'\n\n"
        "ashiato alerts close I-3 --as true",
    )(close)
    family.command(name="reopen", epilog="[bold]Example[/bold]\n\nashiato alerts reopen A-17")(reopen)
    family.command(name="note", epilog="[bold]Example[/bold]\n\nashiato alerts note A-17 'asked alice'")(note)
    family.command(
        name="assign",
        epilog="[bold]Examples[/bold]\n\nashiato alerts assign A-17 --to bob\n\nashiato alerts assign A-17 --to ''",
    )(assign)


def ack(
    ids: IdsArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Say that you look after alerts; they are yours unless somebody has them."""
    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        changed = desk.acknowledge(ids)
    _say(told, changed, "acknowledged")


def close(
    ids: IdsArgument,
    as_: Annotated[
        Literal["true", "benign", "false"],
        typer.Option("--as", help="true: it was bad; benign: it was allowed; false: the rule was wrong."),
    ],
    home: HomeOption = None,
    config: ConfigOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Close alerts as true, benign or false; from that each rule's precision is counted."""
    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        changed = desk.close(ids, as_, note)
    _say(told, changed, f"closed as {as_}")


def reopen(
    ids: IdsArgument,
    home: HomeOption = None,
    config: ConfigOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Open alerts again that were closed or acknowledged."""
    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        changed = desk.reopen(ids, note)
    _say(told, changed, "opened again")


def note(
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="An alert (A-17) or an incident (I-3: each of its alerts).")
    ],
    text: Annotated[str, typer.Argument(help="What to write down.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Write something down about an alert; `ashiato alerts show` has it."""
    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        changed = desk.note([id_], text)
    _say(told, changed, "noted")


def assign(
    ids: IdsArgument,
    to: Annotated[str, typer.Option(help="Whom to give them to; an empty text: nobody.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Give alerts to somebody."""
    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        changed = desk.assign(ids, to.strip() or None)
    _say(told, changed, f"given to {to}" if to.strip() else "given back")


def _say(told: Common, changed: list[int], what: str) -> None:
    from ashiato.alerts.ids import alert_id
    from ashiato.cli.output import plain, print_rows, to_json

    listed = [alert_id(number) for number in changed]
    if told.format == "json":
        print(to_json({"changed": listed, "what": what}))
    elif told.format == "csv":
        print_rows("csv", ["id", "what"], [{"id": number, "what": what} for number in listed])
    else:
        print(
            plain(f"{', '.join(listed)}: {what}." if listed else "Nothing to change: they were so already.")
        )
