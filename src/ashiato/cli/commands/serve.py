"""`ashiato serve`: the pages, until stopped."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    from ashiato.lake.home import Home

_EXAMPLES = """[bold]Examples[/bold]

ashiato serve

ashiato serve --home /var/lib/ashiato --listen 127.0.0.1:8700

The first start prints a link, good once, by which the first admin chooses a name and a password. `ashiato watch` may run
beside it. Browsers on other machines come by a TLS proxy: docs/pages.md has one. SIGTERM and Ctrl-C end it cleanly.
"""


def register(app: typer.Typer) -> None:
    app.command(name="serve", epilog=_EXAMPLES)(serve)


def serve(
    home: HomeOption = None,
    config: ConfigOption = None,
    listen: Annotated[
        str | None,
        typer.Option(help="Address of the pages, instead of the setting.", show_default="127.0.0.1:8602"),
    ] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the pages. Tells their address, and at the first start the link for the first admin, on standard output;
    ends by SIGTERM or Ctrl-C."""
    from ashiato.access.links import PATH, Links
    from ashiato.watch.http import bind
    from ashiato.watch.job_runner import running_jobs
    from ashiato.web.door import AccountDoor
    from ashiato.web.serving import run
    from ashiato.web.site import Site

    told = common(home, config, format_, json)
    address = listen or told.settings.web.listen
    socket = bind(address, where="web.listen")
    with _opened(told) as opened:
        begin = f"http://{address.rpartition(':')[0]}:{socket.getsockname()[1]}"
        secret = Links(opened.ledger, told.settings).first_start()
        tell(told, begin, None if secret is None else begin + PATH + secret)
        with running_jobs(opened, told.settings, _say):
            run(Site(opened, told.settings, AccountDoor.of(opened.ledger, told.settings)), socket)


def _say(text: str) -> None:
    from ashiato.cli.output import plain

    print(plain(text), file=sys.stderr, flush=True)


def _opened(told: Common) -> Home:
    """The home, made or migrated first where nobody else has it: pages themselves write the control database alone."""
    from ashiato.core.errors import HomeBusy

    # Whoever writes now has made and migrated it.
    with suppress(HomeBusy):
        told.open_for_writing("ashiato serve").close()
    return told.open_for_reading()


def tell(told: Common, address: str, link: str | None) -> None:
    """Where the pages are, and the link for the first admin, if there is one."""
    from ashiato.cli.output import to_json

    if told.format == "json":
        print(to_json({"address": address, "link": link}), flush=True)
        return
    print(f"The pages are at {address}/", flush=True)
    if link is not None:
        hours = told.settings.access.link_lifetime.total_seconds() / 3600
        print(
            f"Nobody can sign in yet. Open this link, good once and for {hours:g} hours:\n  {link}",
            flush=True,
        )
    host = address.removeprefix("http://").rpartition(":")[0]
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        print(
            "This address is not loopback: passwords are taken over HTTPS only. Put a TLS proxy before it and name it in"
            " web.proxies, and the pages' names in web.hosts (docs/pages.md).",
            file=sys.stderr,
        )
