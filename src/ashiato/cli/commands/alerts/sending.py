"""`ashiato alerts test`, `undelivered`, `retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.alerts.options import acting
from ashiato.cli.options import ByOption


def register(family: typer.Typer) -> None:
    family.command(name="test", epilog="[bold]Example[/bold]\n\nashiato alerts test on-call")(try_channel)
    family.command(name="undelivered", epilog="[bold]Example[/bold]\n\nashiato alerts undelivered")(
        undelivered
    )
    family.command(
        name="retry", epilog="[bold]Examples[/bold]\n\nashiato alerts retry\n\nashiato alerts retry 12 13"
    )(retry)


def try_channel(
    channel: Annotated[str, typer.Argument(help="A channel of the settings, by its name.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Send a test message to a channel, now; say what the service answered if it did not take it."""
    from ashiato.alerts.sending import send_test
    from ashiato.cli.output import print_said

    told = common(home, config, format_, json)
    send_test(told.settings, channel)
    document = {"channel": channel, "sent": True}
    print_said(told.format, document, f"The channel {channel} took a test message.")


def undelivered(
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List messages that were given up, and those that failed and will be tried again; status 1 if there are any."""
    from ashiato.alerts.delivery import undelivered as read
    from ashiato.alerts.reading import delivery_document
    from ashiato.cli.output import print_rows, to_json

    told = common(home, config, format_, json)
    with told.open_ledger() as ledger:
        documents = [delivery_document(row) for row in read(ledger)]
    if told.format == "json":
        print(to_json(documents))
    elif not documents and told.format == "table":
        print("Everything was delivered.")
    else:
        columns = ["message", "alert", "channel", "state", "level", "attempts", "created", "due", "error"]
        print_rows(told.format, columns, documents)
    if documents:
        raise typer.Exit(1)


def retry(
    messages: Annotated[
        list[int] | None,
        typer.Argument(metavar="[MESSAGE]…", help="Numbers of messages; none: every one given up."),
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Send again what was given up, and everything else that is due; status 1 if something failed again."""
    from ashiato.alerts.delivery import Deliverer
    from ashiato.alerts.expecting import retry as run
    from ashiato.cli.output import print_said

    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        revived = run(desk, messages)
    with told.open_ledger() as ledger:
        report = Deliverer(ledger, told.settings).deliver_due()
    document = {"again": revived, **vars(report)}
    print_said(
        told.format,
        document,
        f"{revived} to send again; {report.sent} sent, {report.failed} failed, {report.dead} given up.",
    )
    if report.failed or report.dead:
        raise typer.Exit(1)
