"""`ashiato serve`: the pages and the watching behind them, until stopped."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.output import say

if TYPE_CHECKING:
    from ashiato.lake.home import Home

_EXAMPLES = """[bold]Examples[/bold]

ashiato serve

ashiato serve --home /var/lib/ashiato --listen 127.0.0.1:8700

The first start prints a link, good once, by which the first admin chooses a name and a password. It
watches the sources of the settings too, unless `ashiato watch` has the home already. Browsers on other machines come by a TLS proxy: docs/pages.md has one. SIGTERM and Ctrl-C end it cleanly.
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
    pages_only: Annotated[
        bool, typer.Option("--pages-only", help="Do not watch the sources of the settings beside the pages.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(help="Seconds to wait for another writer of this home, before it is left to watch."),
    ] = 0.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the pages, and watch the sources of the settings as `ashiato watch` does: everything in one process.
    Tells the pages' address, and at the first start the link for the first admin, on standard output; ends by SIGTERM
    or Ctrl-C."""
    from ashiato.access.links import Links, address
    from ashiato.watch.http import bind
    from ashiato.web.door import AccountDoor
    from ashiato.web.serving import run
    from ashiato.web.site import Site

    told = common(home, config, format_, json)
    wanted = listen or told.settings.web.listen
    socket = bind(wanted, where="web.listen")
    with ExitStack() as stack:
        opened, watches = _opened(
            told, wait, watch=not pages_only and any(o.enabled for o in told.settings.sources)
        )
        stack.enter_context(opened)
        begin = f"http://{wanted.rpartition(':')[0]}:{socket.getsockname()[1]}"
        beside = _beside(opened, told, watches=watches)
        secret = Links(opened.ledger, told.settings).first_start()
        tell(told, begin, None if secret is None else address(told.settings, secret, begin))
        stack.enter_context(beside)
        run(Site(opened, told.settings, AccountDoor.of(opened.ledger, told.settings)), socket)


def _beside(opened: Home, told: Common, *, watches: bool) -> AbstractContextManager[object]:
    """What goes on beside the pages: the loop with all that belongs to it, or long jobs alone."""
    if watches:
        from ashiato.watch.assembled import assembled, watching_beside

        return watching_beside(assembled(opened, told.settings, say))
    from ashiato.watch.job_runner import running_jobs

    return running_jobs(opened, told.settings, say)


def _opened(told: Common, wait: float, *, watch: bool) -> tuple[Home, bool]:
    """The home, and whether it is ours to watch. Pages alone write the control database only: then the home is made or
    migrated first, where nobody else has it."""
    from ashiato.core.errors import HomeBusy

    try:
        opened = told.open_for_writing("ashiato serve", wait_seconds=wait if watch else 0.0)
    except HomeBusy:
        # Whoever writes now has made and migrated it.
        if watch:
            say("Another process writes to this home; it is left to watch, and these are the pages alone.")
    else:
        if watch:
            return opened, True
        opened.close()
    return told.open_for_reading(), False


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
