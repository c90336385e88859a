"""`ashiato maintain`, `backup`, `restore`: keeping a home in order for years."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common


def register(app: typer.Typer) -> None:
    app.command(
        name="maintain",
        epilog="[bold]Examples[/bold]\n\nashiato maintain\n\nashiato maintain --dry-run\n\n"
        "ashiato maintain --only compact --only footprints",
    )(maintain)
    app.command(
        name="backup",
        epilog="[bold]Examples[/bold]\n\nashiato backup /mnt/backup/ashiato\n\nashiato backup ashiato.tar",
    )(backup)
    app.command(
        name="restore",
        epilog="[bold]Example[/bold]\n\nashiato restore /mnt/backup/ashiato --home /var/lib/ashiato",
    )(restore)


def maintain(
    home: HomeOption = None,
    config: ConfigOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only this step: retention, compact, footprints, expire or sweep. May be given again."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer of this home.")] = 0.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Do what is due: drop what is older than its retention, merge files, count footprints, tidy up."""
    from ashiato.cli.output import amount, plain, print_rows, to_json
    from ashiato.cli.progress import step_progress
    from ashiato.lake.maintain import maintain as run
    from ashiato.lake.writer import LakeWriter

    told = common(home, config, format_, json)
    opened = (
        told.open_for_reading() if dry_run else told.open_for_writing("ashiato maintain", wait_seconds=wait)
    )
    with opened, step_progress("Maintaining") as show:
        if not dry_run:
            LakeWriter(opened).close()
        report = run(opened, told.settings, only=set(only) if only else None, dry_run=dry_run, progress=show)
    if told.format == "json":
        print(to_json(report.as_json()))
        return
    rows = [
        {
            "step": step.name,
            "seconds": round(step.seconds, 1),
            "done": ", ".join(f"{name} {count:,}" for name, count in step.counts.items() if count)
            or "nothing to do",
        }
        for step in report.steps
    ]
    print_rows(told.format, ["step", "seconds", "done"], rows)
    if told.format == "table":
        for step in report.steps:
            for note in step.notes:
                print(f"{step.name}: {plain(note)}")
        if report.peak_rss:
            print(f"Largest memory of the merging process: {amount(report.peak_rss)}")


def backup(
    target: Annotated[
        Path, typer.Argument(help="A folder (brought up to date each time), or a new .tar file.")
    ],
    home: HomeOption = None,
    config: ConfigOption = None,
    link: Annotated[
        bool, typer.Option("--link", help="Hard links instead of copies, on the same file system.")
    ] = False,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Write a consistent whole of the home to TARGET while taking in goes on."""
    from ashiato.cli.output import amount, print_said
    from ashiato.cli.progress import step_progress
    from ashiato.lake.backup import backup as run

    told = common(home, config, format_, json)
    with told.open_for_reading() as opened, step_progress("Backing up") as show:
        report = run(opened, target, link=link, progress=show)
    document = report.as_json()
    print_said(
        told.format,
        document,
        f"{report.files:,} files, {amount(report.bytes)} in {report.target};"
        f" {report.copied_files:,} of them ({amount(report.copied_bytes)}) copied now.",
    )


def restore(
    place: Annotated[Path, typer.Argument(help="A backup: its folder or .tar file.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Make a home from a backup, at the same place or another; every file is checked."""
    from ashiato.cli.output import print_said
    from ashiato.cli.progress import step_progress
    from ashiato.lake.restoring import restore as run

    told = common(home, config, format_, json)
    with step_progress("Restoring") as show:
        report = run(place, told.home, progress=show)
    document = report.as_json()
    rows = ", ".join(f"{count:,} in {name}" for name, count in document["rows"].items() if count)
    print_said(told.format, document, f"Restored to {told.home}: {rows or 'no records'}.")
