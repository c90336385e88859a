"""`ashiato watch`: take in what AWS delivers, as it arrives, until stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.output import say

if TYPE_CHECKING:
    from ashiato.watch.loop import Watch

_EXAMPLES = """[bold]Examples[/bold]

ashiato watch

ashiato watch --once --json

ashiato watch --config /etc/ashiato/ashiato.toml --home /var/lib/ashiato

What to watch stands in ashiato.toml under "sources"; docs/watching.md has an example of every type. SIGTERM and Ctrl-C
end it cleanly: what was read is committed.
"""


def register(app: typer.Typer) -> None:
    app.command(name="watch", epilog=_EXAMPLES)(watch)


def watch(
    home: HomeOption = None,
    config: ConfigOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="One round of everything that is due, then end: for timers.")
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            help="Address of /healthz and /metrics, instead of the setting; empty: none.",
            show_default="127.0.0.1:8600",
        ),
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer of this home.")] = 0.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Watch the sources of the settings: what arrives is committed within seconds. Says on standard error what
    came and what is wrong; ends by SIGTERM or Ctrl-C."""
    from ashiato.watch.assembled import assembled, deliver_rest

    told = common(home, config, format_, json)
    with told.open_for_writing("ashiato watch", wait_seconds=wait) as opened:
        watching = assembled(opened, told.settings, say, once=once, listen=listen)
        with _stopping(watching):
            if once:
                watching.once()
                deliver_rest(watching)
            else:
                watching.run()
        document = _document(watching)
    _print(told, document)
    if once and watching.stopped_early:
        raise typer.Exit(130)
    if once and (document["errors"] or document["objects"]["failed"] or document["objects"]["quarantined"]):
        raise typer.Exit(1)


@contextmanager
def _stopping(watching: Watch) -> Iterator[None]:
    """SIGTERM or SIGINT once: a clean end; twice: at once, and nothing is lost by that either."""

    def stop(number: int, _frame: object) -> None:
        if watching.stop.is_set():
            raise KeyboardInterrupt
        watching.stop.set()
        name = signal.Signals(number).name
        say(f"Stopping ({name}): what was read is being committed. Once more stops at once; nothing is lost.")

    before: dict[signal.Signals, Any] = {}
    handler: Callable[[int, object], None] = stop
    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _document(watching: Watch) -> dict[str, Any]:
    state = watching.pipeline.state
    return {
        "objects": {o: state.outcomes[o] for o in ("committed", "quarantined", "failed")},
        "records": {log: state.records[log] for log in ("cloudtrail", "config_items", "vpc_flow_logs")},
        "commits": state.commits,
        "errors": [
            {"source": r.live.state.name, "type": r.live.state.type, "error": r.live.state.error}
            for r in watching.runners
            if r.live.state.error
        ],
        "silent": len(watching.silences),
        "seconds": round((watching.clock() - watching.since).total_seconds(), 3),
    }


def _print(told: Common, document: dict[str, Any]) -> None:
    from ashiato.cli.output import print_rows, to_json

    if told.format == "json":
        print(to_json(document))
        return
    flat = {
        **{f"objects {k}": v for k, v in document["objects"].items()},
        **{f"{k} rows": v for k, v in document["records"].items()},
        "commits": document["commits"],
        "sources in error": len(document["errors"]),
        "silent": document["silent"],
        "seconds": document["seconds"],
    }
    print_rows(told.format, list(flat), [flat])
