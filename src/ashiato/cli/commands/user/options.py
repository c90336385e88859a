"""What commands of `ashiato user`, `token` and `audit` share: names, who acts, how users and links are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ashiato.cli.commands.alerts.options import system_user

if TYPE_CHECKING:
    from ashiato.access.identity import Identity
    from ashiato.access.users import User
    from ashiato.cli.app import Common
    from ashiato.core.settings import Settings

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]

USER_COLUMNS = [
    "name", "display", "role", "groups", "language", "zone", "state", "created", "created_by", "last_entered",
]  # fmt: skip


def actor(by: str | None) -> Identity:
    """Whoever runs the command: with the control database in hand it is an admin."""
    from ashiato.access.identity import Identity

    return Identity.local(by or system_user())


def address_of_link(settings: Settings, secret: str) -> str:
    """The address that somebody opens to choose a password."""
    from ashiato.access.links import PATH

    base = settings.alerts.link or f"http://{settings.web.listen}"
    return base.rstrip("/") + PATH + secret


def link_document(settings: Settings, secret: str) -> dict[str, Any]:
    from ashiato.core import clock

    return {
        "link": address_of_link(settings, secret),
        "link_expires": clock.now() + settings.access.link_lifetime,
    }


def say_user(told: Common, user: User, said: str) -> None:
    """A user that was changed: the document, or a sentence."""
    say(told, user.as_json(), said)


def say(told: Common, document: Mapping[str, Any], said: str) -> None:
    """One document; for people a sentence."""
    from ashiato.cli.output import plain, print_rows, to_json

    if told.format == "json":
        print(to_json(document))
    elif told.format == "csv":
        print_rows("csv", list(document), [document])
    else:
        print(plain(said))


def say_link(told: Common, document: Mapping[str, Any], said: str) -> None:
    """What was done, and the link in a line of its own."""
    hours = told.settings.access.link_lifetime.total_seconds() / 3600
    say(told, document, f"{said} Good once, for {hours:g} hours:\n  {document['link']}")


def say_list(told: Common, columns: list[str], documents: Sequence[Mapping[str, Any]]) -> None:
    """Rows; in a table lists are words."""
    from ashiato.cli.output import print_rows

    rows = documents
    if told.format == "table":
        rows = [{k: ", ".join(v) if isinstance(v, list) else v for k, v in d.items()} for d in documents]
    print_rows(told.format, columns, rows)
