"""`ashiato quarantine`: what could not be read, why, and its bytes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common


def register(app: typer.Typer) -> None:
    app.command(
        name="quarantine",
        epilog="[bold]Examples[/bold]\n\nashiato quarantine 3f9a0c1b > record.bin\n\n"
        "ashiato quarantine 3f9a0c1b --retry",
    )(quarantine)


def quarantine(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Write this entry's bytes to standard output.")
    ] = None,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Have the entry's object read once more by the next collect or watch."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many entries to list, newest first.")] = 100,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List what could not be read, with object, place and reason; with ID, give its bytes."""
    from ashiato.cli.output import print_rows
    from ashiato.core.errors import WrongUse
    from ashiato.intake.quarantine import entries, entry_bytes

    told = common(home, config, format_, json)
    if retry:
        _retry(told, id_)
        return
    with told.open_for_reading() as opened:
        if id_ is not None:
            content = entry_bytes(opened, id_)
            if content is None:
                raise WrongUse(
                    f"there is no entry {id_} in quarantine", remedy="`ashiato quarantine` lists them."
                )
            sys.stdout.buffer.write(content)
            return
        rows = entries(opened, limit)
    columns = ["id", "object", "offset", "reason", "size", "quarantined_at"]
    print_rows(told.format, columns, rows)


def _retry(told: Common, id_: str | None) -> None:
    from ashiato.access.identity import Identity
    from ashiato.cli.commands.alerts.options import system_user
    from ashiato.core.clock import now
    from ashiato.core.errors import AshiatoError, WrongUse
    from ashiato.intake.quarantine import try_again

    if id_ is None:
        raise WrongUse("--retry needs the ID of an entry", remedy="`ashiato quarantine` lists them.")
    with told.open_for_reading() as opened:
        if not try_again(opened, id_, Identity.local(system_user()), now()):
            raise AshiatoError(
                "there is nothing to read again: the rest of this object was taken, or it waits already",
                where=id_,
            )
    typer.echo(
        "It is read once more by the next `ashiato collect` of its place, or look of `ashiato watch`.",
        err=True,
    )
