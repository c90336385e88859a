"""`ashiato quarantine`: what could not be read, why, and its bytes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common


def register(app: typer.Typer) -> None:
    app.command(name="quarantine", epilog="[bold]Example[/bold]\n\nashiato quarantine 3f9a0c1b > record.bin")(
        quarantine
    )


def quarantine(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Write this entry's bytes to standard output.")
    ] = None,
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
