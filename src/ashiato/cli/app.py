"""The command line's frame: options that every command has, errors, exit status.

A command is one file in `cli/commands/` with a function `register(app)`; heavy imports wait inside it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ashiato.cli import commands

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.ledger import Ledger

Format = Literal["table", "json", "csv"]

app = typer.Typer(
    name="ashiato",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps, watches and traces the footprints in AWS accounts: CloudTrail, AWS Config, VPC Flow Logs.",
    epilog="Begin with [bold]ashiato demo[/bold], or [bold]ashiato collect FOLDER[/bold]"
    " and [bold]ashiato query 'SELECT …'[/bold]. Exit status: 0 done; 1 done, and something needs a person;"
    " 2 wrong use; 3 could not be done.",
)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The home folder.", envvar="ASHIATO_HOME", show_envvar=True),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="The settings file, ashiato.toml.")]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How to print: table, json or csv.", show_default="table")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


@dataclass(frozen=True)
class Common:
    """What every command was told."""

    settings: Settings
    format: Format

    @property
    def home(self) -> Path:
        return self.settings.home.expanduser()

    def open_for_reading(self) -> Home:
        """The home as it is. Raises AshiatoError where there is none."""
        from ashiato.lake.home import Home

        return Home.open_for_reading(self.home, ledger_url=self.settings.ledger_url)

    @contextmanager
    def open_ledger(self) -> Iterator[Ledger]:
        """The control database alone, to read and to write; needs no writer's lock, so that `ashiato watch` may run
        meanwhile. Raises AshiatoError where there is no home, or where it cannot be written."""
        from sqlalchemy.exc import OperationalError

        from ashiato.core.errors import AshiatoError

        with self.open_for_reading() as home:
            try:
                yield home.ledger
            except OperationalError as error:
                raise AshiatoError(
                    f"the control database cannot be written: {error.orig}",
                    where=home.ledger.place,
                    remedy="Give this user write permission there; if it was locked, run the command again.",
                ) from error

    def open_for_writing(self, purpose: str, *, wait_seconds: float = 0.0) -> Home:
        """The home, made or migrated, with the writer's lock. Raises HomeBusy, HomeNewer, AshiatoError."""
        import logging

        from ashiato.lake.home import Home

        # A commit that meets another's is tried again at once, which PyIceberg tells as a warning.
        logging.getLogger("pyiceberg").setLevel(logging.ERROR)
        return Home.open_for_writing(
            self.home, purpose, wait_seconds=wait_seconds, ledger_url=self.settings.ledger_url
        )


def common(home: Path | None, config: Path | None, format_: Format | None, json: bool) -> Common:
    """Settings and output format of this call."""
    from ashiato.core.settings import load_settings

    return Common(load_settings(config, home=home), "json" if json else (format_ or "table"))


def _version(show: bool) -> None:
    if show:
        from ashiato import __version__

        typer.echo(f"ashiato {__version__}")
        raise typer.Exit


@app.callback()
def _frame(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


for module in sorted(m.name for m in pkgutil.iter_modules(commands.__path__)):
    importlib.import_module(f"ashiato.cli.commands.{module}").register(app)


def run() -> None:
    """Entry: AshiatoError becomes a message and its exit status; a broken pipe is no error."""
    from ashiato.core.errors import AshiatoError

    output = sys.stdout
    try:
        try:
            app(prog_name="ashiato")
        finally:
            if sys.stdout is not output:
                # Typer ends on a closed pipe with status 1, which is ours for "needs a person".
                raise BrokenPipeError
            # What is still in the buffer meets a closed pipe here and not at the interpreter's end.
            output.flush()
    except AshiatoError as error:
        from ashiato.cli.output import plain

        typer.echo(f"ashiato: {plain(error.what)}", err=True)
        if error.where:
            typer.echo(f"  where: {plain(error.where)}", err=True)
        if error.remedy:
            typer.echo(f"  what to do: {plain(error.remedy)}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("ashiato: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        sys.exit(141)
