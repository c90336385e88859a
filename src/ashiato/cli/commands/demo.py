"""`ashiato demo`: an incident, generated, taken in, told, and shown."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    import socket

    from ashiato.demo import GeneratedEstate


DEFAULT_PORT = 8602
_MARKER = "ASHIATO-DEMO"


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="An incident in AWS's own file formats: generated, taken in, and told by asking the lake.",
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="[bold]Examples[/bold]\n\nashiato demo\n\nashiato demo --no-serve\n\nashiato demo --keep --port 8601\n\n"
        "ashiato demo generate --out load --days 10 --events 1000000 --flows 5000000",
    )
    family.callback()(demo)
    family.command(name="generate")(generate)
    app.add_typer(family, name="demo")


def demo(
    context: typer.Context,
    home: HomeOption = None,
    config: ConfigOption = None,
    files: Annotated[
        Path | None, typer.Option(help="Where the generated files go; default: beside the home.")
    ] = None,
    serve: Annotated[
        bool | None,
        typer.Option(
            "--serve/--no-serve",
            help="End with the pages, on loopback and open without an account, or after the story.",
            show_default="serve, except in another format",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port of the pages; 0: any that is free.",
            show_default="8602, or another where it is taken",
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Serve what the last demo made, as it is, instead of making it anew."),
    ] = False,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Generate the sample incident, take it in, tell the story from the lake, and serve the pages with a guide."""
    if context.invoked_subcommand is not None:
        return
    told = common(home or Path("ashiato-demo/home"), config, format_, json)
    folder = files or told.home.parent / "files"
    serving = told.format == "table" if serve is None else serve
    if keep:
        _check_kept(told.home, folder)
    # Before the minute that making takes: a port that is taken is said at once.
    listening = _listen(port) if serving else None
    if not keep:
        _make(told, folder, with_pages=serving)
    if listening is not None:
        _serve(told, folder, listening)


def _listen(port: int | None) -> socket.socket:
    from ashiato.demo.pages import listen

    return listen(DEFAULT_PORT if port is None else port, or_any=port is None)


def _check_kept(home: Path, files: Path) -> None:
    from ashiato.core.errors import WrongUse

    if not (home / _MARKER).exists() or not (files / "truth.json").exists():
        raise WrongUse(
            "there is no demo to serve here", where=str(home), remedy="Leave out --keep, and one is made."
        )


def _make(told: Common, folder: Path, *, with_pages: bool) -> None:
    """Everything before the pages."""

    def say(text: str) -> None:
        if told.format == "table":
            print(text, flush=True)

    began = time.monotonic()
    _fresh(told.home, folder)
    say("Generating 35 days of three accounts, and one attack, in AWS's own file formats …")
    estate = _generate(folder, {})
    counts = estate.truth["counts"]
    say(
        f"  {counts['objects']:,} objects: {counts['event_records']:,} event records of {counts['events']:,}"
        f" events, {counts['flow_records']:,} flow records, {counts['item_records']:,} item records"
        f" ({time.monotonic() - began:.0f} s)."
    )
    from ashiato.cli.commands.collect import show, take_in

    say("Taking them in …")
    report = take_in(told, [str(folder)])
    if told.format == "table":
        show(told, report)
    if with_pages:
        say("Counting what is in each day, as maintenance does once a day is over …")
        _settle(told)
    from ashiato.demo.telling import tell

    story = tell(told.home)
    if told.format != "table":
        from ashiato.cli.output import print_rows, to_json

        if told.format == "json":
            print(to_json({"collected": report.as_json(), "story": story}))
        else:
            rows = [{**part, "rows": len(part["rows"])} for part in story]
            print_rows("csv", ["title", "answer", "sql", "rows"], rows)
        return
    _print_story(story)
    _print_alerts(told)
    if with_pages:
        print(f"\n{time.monotonic() - began:.0f} s in all.")
        return
    print(f"\n{time.monotonic() - began:.0f} s in all. Ask it yourself:")
    print(
        f'  ashiato query --home {told.home} "SELECT eventname, count(*) n FROM cloudtrail GROUP BY 1 ORDER BY n DESC"'
    )
    print(f"  ashiato alerts list --home {told.home}")
    print(f"  ashiato sources --home {told.home}")


def _settle(told: Common) -> None:
    """The footprints of every day: pages find by them what was long ago."""
    from ashiato.lake.maintain import maintain

    with told.open_for_writing("ashiato demo") as opened:
        maintain(opened, told.settings, only={"footprints"})


def _serve(told: Common, files: Path, listening: socket.socket) -> None:
    """The pages, until stopped; their address is the last line."""
    from ashiato.demo.pages import read_truth, serve

    truth = read_truth(files)
    address = f"http://{listening.getsockname()[0]}:{listening.getsockname()[1]}"
    # After --json the document stands alone on standard output.
    out = sys.stdout if told.format == "table" else sys.stderr
    print(f"\nThe pages are open at {address}/ — Ctrl-C ends them.", file=out)
    print(f"Begin here, six steps to the leaked key: {address}/guide", file=out, flush=True)
    told.open_for_writing("ashiato demo").close()
    with told.open_for_reading() as home:
        serve(home, told.settings, truth, listening)


def _print_alerts(told: Common) -> None:
    """What the rules raised by themselves: the alerts of the incident's day, and how to go on from there."""
    from ashiato.cli.commands.alerts.reading import list_

    print("\nAnd what Ashiato raised by itself, from high up:")
    list_(home=told.home, config=None, state=None, level="high", since=None, limit=20)


def _fresh(home: Path, files: Path) -> None:
    """The demo starts anew each time; it removes only folders that it made itself."""
    from ashiato.core.errors import WrongUse

    for folder in (home, files):
        if folder.exists() and any(folder.iterdir()):
            if not (folder / _MARKER).exists():
                raise WrongUse(
                    "this folder holds something that the demo did not make",
                    where=str(folder),
                    remedy="Choose another with --home and --files.",
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARKER).write_text("Made by `ashiato demo`, which replaces it at its next run.\n")


def _generate(out: Path, options: dict[str, Any]) -> GeneratedEstate:
    from ashiato.cli.progress import fraction_progress
    from ashiato.demo import generate as make_estate

    with fraction_progress("Generating") as show:
        return make_estate(out, progress=show, **options)


def generate(
    out: Annotated[Path, typer.Option("--out", help="An empty or new folder.")],
    days: Annotated[int, typer.Option(min=1, help="Days before the end.")] = 35,
    accounts: Annotated[int, typer.Option(min=1, help="Accounts; the first three are named.")] = 3,
    events: Annotated[int, typer.Option(min=0, help="Distinct CloudTrail events, at least.")] = 200_000,
    flows: Annotated[int, typer.Option(min=0, help="Flow records, at least.")] = 500_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    format_: FormatOption = None,
    events_per_object: Annotated[
        int | None, typer.Option(min=1, help="Events a CloudTrail object holds; default: as AWS delivers.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Only write the files, for load or for trying other tools."""
    from ashiato.cli.output import to_json
    from ashiato.core.errors import WrongUse

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongUse("the folder is not empty", where=str(out), remedy="Choose a new one with --out.")
    options: dict[str, Any] = {
        "days": days, "accounts": accounts, "events": events, "flows": flows, "seed": seed,
        "events_per_object": events_per_object,
    }  # fmt: skip
    if end is not None:
        options["end"] = end.date()
    began = time.monotonic()
    estate = _generate(out, options)
    counts = estate.truth["counts"]
    if json or format_ == "json":
        print(to_json({"out": str(out), "counts": counts, "seconds": round(time.monotonic() - began, 3)}))
        return
    print(
        f"{counts['objects']:,} objects in {out} ({time.monotonic() - began:.1f} s); truth.json says what happened."
    )
    print(f"Take them in with: ashiato collect {out}", file=sys.stderr)


def _print_story(story: list[dict[str, object]]) -> None:
    from ashiato.cli.output import plain, print_table

    for number, part in enumerate(story, 1):
        print(f"\n{number}. {plain(str(part['title']))}\n   {plain(str(part['answer']))}")
        rows = part["rows"]
        assert isinstance(rows, list)
        if rows:
            print_table(list(rows[0]), rows)
