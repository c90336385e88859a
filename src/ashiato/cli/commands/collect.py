"""`ashiato collect`: take in files, folders or buckets now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    from ashiato.intake.collect import CollectReport
    from ashiato.lake.home import Home


def register(app: typer.Typer) -> None:
    app.command(name="collect", epilog=_EXAMPLES)(collect)


_EXAMPLES = """[bold]Examples[/bold]

ashiato collect ./logs s3://corp-cloudtrail/AWSLogs/

ashiato collect s3://corp-trail --profile audit --from 2026-10-01

aws cloudtrail lookup-events | ashiato collect -

ashiato collect s3://logs --role-arn arn:aws:iam::111122223333:role/ashiato-read --external-id …
"""


def collect(
    source: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, s3://bucket/prefix, or - for standard input."),
    ],
    home: HomeOption = None,
    config: ConfigOption = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day delivered (UTC).")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day delivered (UTC).")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="List everything again, not only what is due.")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="List only what is due by the cadence: for timers, which run often.")
    ] = False,
    endpoint_url: Annotated[str | None, typer.Option(help="S3 endpoint, for example of MinIO.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the bucket.")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Role to assume for reading.")] = None,
    external_id: Annotated[str | None, typer.Option(help="External id of that role.")] = None,
    request_payer: Annotated[bool, typer.Option(help="Agree to pay for requester-pays buckets.")] = False,
    flow_format: Annotated[
        str | None, typer.Option(help="Fields of headerless flow records, as in AWS's log format.")
    ] = None,
    archive: Annotated[
        Literal["none", "copy"] | None, typer.Option(help="copy: keep the delivered objects too.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Reading processes, or threads where there is little to read; default: one a core."
        ),
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate/--no-evaluate",
            help="Evaluate the rules over what was taken in; or leave it to the next run.",
        ),
    ] = True,
    notify: Annotated[
        bool, typer.Option("--notify", help="Deliver the alerts that this raises; else they are only listed.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer of this home.")] = 0.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Take in everything that SOURCE has and the lake has not. Running it again takes in what is new."""
    from ashiato.core.errors import WrongUse
    from ashiato.sources.options import SourceOptions

    told = common(home, config, format_, json)
    if full and due:
        raise WrongUse("--full and --due contradict each other", remedy="Give one of them.")
    options = SourceOptions(
        endpoint_url=endpoint_url,
        profile=profile,
        region=region,
        role_arn=role_arn,
        external_id=external_id,
        request_payer=request_payer,
        from_=from_.date() if from_ else None,
        to=to.date() if to else None,
        full=True if full else (False if due else None),
    )
    keep = (archive or told.settings.archive) == "copy"
    report = take_in(
        told, source, options, keep=keep, processes=processes, wait=wait,
        flow_format=flow_format or told.settings.flow_format, evaluate=evaluate, notify=notify,
    )  # fmt: skip
    show(told, report)
    if report.interrupted:
        raise typer.Exit(130)
    if report.needs_a_person:
        raise typer.Exit(1)


def take_in(
    told: Common,
    addresses: list[str],
    options: object = None,
    *,
    keep: bool = False,
    processes: int | None = None,
    wait: float = 0.0,
    flow_format: str | None = None,
    evaluate: bool = True,
    notify: bool = False,
) -> CollectReport:
    """Run a collection, and the rules over it, with a progress display on a terminal."""
    from ashiato.cli.progress import collect_progress
    from ashiato.intake.collect import Collector, stop_on_interrupt

    with (
        told.open_for_writing("ashiato collect", wait_seconds=wait) as opened,
        collect_progress() as show_progress,
    ):
        collector = Collector(
            opened,
            keep_objects=keep,
            processes=processes,
            flow_format=flow_format,
            on_progress=show_progress,
        )
        if evaluate:
            from ashiato.watch.evaluating import evaluate_left

            evaluate_left(opened, told.settings)
        with stop_on_interrupt(collector.stop, lambda text: print(text, file=sys.stderr)):
            report = collector.run(addresses, options)  # type: ignore[arg-type]
        if not report.interrupted:
            if evaluate:
                report.evaluated = _evaluate(opened, told, notify=notify)
            _maintain_when_due(opened, told)
        return report


def _evaluate(home: Home, told: Common, *, notify: bool) -> dict[str, Any]:
    """The rules over what was committed and is not evaluated yet."""
    from ashiato.cli.progress import fraction_progress
    from ashiato.watch.evaluating import evaluate

    with fraction_progress("Evaluating") as show_progress:
        return evaluate(home, told.settings, notify=notify, on_progress=show_progress).as_json()


def _maintain_when_due(home: Home, told: Common) -> None:
    """Merging, footprints and tidying by themselves, when enough has gathered or enough time has passed."""
    from ashiato.cli.progress import step_progress
    from ashiato.lake.maintain import due, maintain

    steps = due(home, told.settings)
    if steps:
        with step_progress("Maintaining") as show:
            maintain(home, told.settings, only=steps, progress=show)


def show(told: Common, report: CollectReport) -> None:
    """Print what a collection did; what went wrong with objects goes to standard error in every format."""
    from ashiato.cli.output import amount, plain, print_rows, to_json

    if told.format == "json":
        print(to_json(report.as_json()))
    elif told.format == "csv":
        flat = {
            "objects seen": report.seen,
            "taken": report.taken,
            "already": report.already,
            "skipped": report.skipped,
            "quarantined": report.quarantined,
            **{f"{name} rows": n for name, n in report.records.items()},
            "duplicates": report.duplicates,
            "variants": report.variants,
            "records in quarantine": report.quarantined_records,
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
        }
        print_rows("csv", list(flat), [flat])
    else:
        rate = report.bytes / report.seconds / 1e6 if report.seconds else 0
        print(
            f"Took {report.taken:,} of {report.seen:,} objects ({report.already:,} already in the lake,"
            f" {report.skipped:,} of another kind, {report.quarantined:,} unreadable),"
            f" {amount(report.bytes)} in {report.seconds:.1f} s ({rate:.1f} MB/s)."
        )
        for name, count in report.records.items():
            print(f"  {name:<14} {count:>12,} records")
        print(
            f"  {'second copies':<14} {report.duplicates:>12,}   variants {report.variants:,}"
            f"   in quarantine {report.quarantined_records:,}"
        )
        _tell_evaluated(report)
    _complain(report, plain)


def _tell_evaluated(report: CollectReport) -> None:
    done = report.evaluated
    if done is None:
        return
    findings = sum(done["findings"].get(k, 0) for k in ("new", "amended"))
    print(
        f"Evaluated {done['rules']:,} rules over {done['records']:,} records in {done['seconds']:.1f} s:"
        f" {findings:,} findings, {done['alerts']:,} new alerts"
        + (f", {done['messages']:,} messages." if done["messages"] else ".")
        + (" See `ashiato alerts list`." if done["alerts"] else "")
    )


def _complain(report: CollectReport, plain: Callable[[str], str]) -> None:
    sys.stdout.flush()
    if report.quarantined_records:
        print("See `ashiato quarantine` for what could not be read, and why.", file=sys.stderr)
    for failure in report.failures[:20]:
        text = f"Not read: {failure.ref.name}: {failure.reason}. {failure.remedy}"
        print(plain(text), file=sys.stderr)
    if len(report.failures) > 20:
        print(
            f"… and {len(report.failures) - 20:,} more objects; `ashiato sources` lists them.",
            file=sys.stderr,
        )
    for problem in report.problems:
        print(plain(problem), file=sys.stderr)
    if report.interrupted:
        print("Stopped before the end; run the same command again to go on.", file=sys.stderr)
