"""`ashiato alerts`: what needs somebody, and what people do about it."""

from __future__ import annotations

import typer

from ashiato.cli.commands.alerts import acting, expecting, reading, sending


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="What needs somebody: alerts and incidents, suppressions, planned work, deliveries.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for part in (reading, acting, expecting, sending):
        part.register(family)
    app.add_typer(family, name="alerts")
