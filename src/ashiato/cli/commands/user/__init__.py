"""`ashiato user`: who may enter, as what, and to which accounts."""

from __future__ import annotations

import typer

from ashiato.cli.commands.user import entering, managing


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="Who may enter the pages: users, their roles, links, passwords, sessions.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for part in (managing, entering):
        part.register(family)
    app.add_typer(family, name="user")
