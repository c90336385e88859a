"""What commands of `ashiato user`, `token` and `audit` share: names, and how links and lists are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ashiato.cli.app import Common
    from ashiato.core.settings import Settings

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]

USER_COLUMNS = [
    "name", "display", "role", "groups", "language", "zone", "state", "created", "created_by", "last_entered",
]  # fmt: skip


def link_document(settings: Settings, secret: str) -> dict[str, Any]:
    from ashiato.access.links import address
    from ashiato.core import clock

    return {
        "link": address(settings, secret),
        "link_expires": clock.now() + settings.access.link_lifetime,
    }


def say_link(told: Common, document: Mapping[str, Any], said: str) -> None:
    """What was done, and the link in a line of its own."""
    from ashiato.cli.output import print_said

    hours = told.settings.access.link_lifetime.total_seconds() / 3600
    print_said(told.format, document, f"{said} Good once, for {hours:g} hours:\n  {document['link']}")


def say_list(told: Common, columns: list[str], documents: Sequence[Mapping[str, Any]]) -> None:
    """Rows; in a table lists are words."""
    from ashiato.cli.output import print_rows

    rows = documents
    if told.format == "table":
        rows = [{k: ", ".join(v) if isinstance(v, list) else v for k, v in d.items()} for d in documents]
    print_rows(told.format, columns, rows)
