"""`ashiato sources`: what comes from where, how late, what is missing, and how watching fares."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

#: Further commands of the family are files of this folder: their `register` calls `family.command(…)`.
family = typer.Typer(
    help="What comes from where, how late, what is missing, and how `ashiato watch` fares.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="[bold]Examples[/bold]\n\nashiato sources\n\nashiato sources --json",
)


def register(app: typer.Typer) -> None:
    family.callback()(sources)
    app.add_typer(family, name="sources")


def sources(
    context: typer.Context,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show each source, account and region: newest record, lags, objects; gaps and silence; how each watched
    source fares; and a forecast of the disk."""
    if context.invoked_subcommand is not None:
        return
    from ashiato.cli.output import print_rows, to_json

    told = common(home, config, format_, json)
    report = _report(told)
    if told.format == "json":
        print(to_json(report))
    else:
        rows = [_row(s) for s in report["sources"]]
        columns = list(rows[0]) if rows else ["source"]
        print_rows(told.format, columns, rows)
    if told.format == "table":
        _tell_watching(report)
        _tell_missing(report)
    errors = any(s["error"] for s in report["watched"])
    if report["gaps"] or report["failed"] or report["silent"] or errors:
        raise typer.Exit(1)


def _report(told: Common) -> dict[str, Any]:
    from ashiato.core.clock import now
    from ashiato.intake.coverage import coverage
    from ashiato.watch.silence import silent

    with told.open_for_reading() as opened:
        report = coverage(opened)
        findings = silent(opened, told.settings, now())
    names = {a.id: a.name for a in told.settings.accounts}
    for source in report["sources"]:
        source["account_name"] = names.get(source["account"] or "")
    report["silent"] = [
        {
            "source": f.group["source"],
            "log": f.table,
            "account": f.account,
            "account_name": names.get(f.account or ""),
            "region": f.region,
            "since": f.first,
            "rests_on": f.explanation["rests_on"],
            "usual_gap": f.explanation["usual_gap"],
        }
        for f in findings
    ]
    return report


def _tell_watching(report: dict[str, Any]) -> None:
    """How the process that watches fares, and each of its sources."""
    from ashiato.cli.output import amount, plain, print_rows

    process = report["watch"]
    if process is None:
        return
    if process["running"]:
        waiting = f"{process['waiting_objects']:,} objects ({amount(process['waiting_bytes'])}) wait"
        print(
            f"`ashiato watch` runs since {_time(process['since'])}; last commit"
            f" {_time(process['last_commit']) or 'none yet'}; {waiting}."
        )
    else:
        print(f"`ashiato watch` does not run; it was last seen {_time(process['updated_at'])}.")
    if process["commit_error"]:
        print(
            f"Committing fails since {_time(process['commit_error_since'])}: {plain(process['commit_error'])}"
        )
    rows = [
        {
            "watched": s["name"],
            "type": s["type"],
            "last look": _time(s["last_poll"]),
            "last arrival": _time(s["last_arrival"]),
            "to come": s["backlog"],
            "state": _state(s),
        }
        for s in report["watched"]
    ]
    if rows:
        print_rows("table", list(rows[0]), rows)


def _state(source: dict[str, Any]) -> str:
    if source["error"]:
        again = f"; next try {_time(source['retry_at'])}" if source["retry_at"] else ""
        return f"error since {_time(source['error_since'])}: {source['error']}{again}"
    return source["forecast"] or "well"


def _tell_missing(report: dict[str, Any]) -> None:
    from ashiato.cli.output import amount, plain

    for gap in report["gaps"]:
        when = f"{_time(gap['from'])} to {_time(gap['to'])}"
        place = " ".join(plain(str(p)) for p in (gap["account"], gap["region"]) if p)
        print(f"Gap in {gap['log']}, {place}, {when}: {plain(gap['why'])}")
    for silence in report["silent"]:
        account = silence["account_name"] or silence["account"]
        place = ", ".join(plain(str(p)) for p in (silence["source"], account, silence["region"]) if p)
        usual = "" if silence["usual_gap"] is None else f", usual gap {_span(silence['usual_gap'])}"
        print(
            f"Silent: {silence['log']} of {place} since {_time(silence['since'])}"
            f" (known by {silence['rests_on']}{usual})"
        )
    for failed in report["failed"]:
        print(f"Not read: {plain(failed['object'])}: {plain(failed['reason'] or '')}")
    for listed in report["list_requests"][:7]:
        print(f"List requests on {listed['day']} for {plain(listed['source'])}: {listed['requests']:,}")
    disk = report["disk"]
    print(
        f"Disk: {amount(disk['home_bytes'])} now; about {amount(disk['bytes_a_day'])} a day,"
        f" {amount(disk['in_30_days'])} in 30 days, {amount(disk['in_365_days'])} in a year."
    )


def _row(source: dict[str, Any]) -> dict[str, Any]:
    lag = source["lag"]
    row = {
        "source": source["source"],
        "log": source["log"],
        "account": source["account_name"] or source["account"],
        "region": source["region"],
        "newest": _time(source["newest"]),
        "delivered after p50/p95/max": _lag(lag["delivered"]),
        "taken after p50/p95/max": _lag(lag["taken"]),
    }
    row |= {f"{stage} after p50/p95/max": _lag(lag[stage]) for stage in ("evaluated", "alerted")}
    return row | {
        "quiet until": _time(source["quiet_until"]),
        "objects": source["objects"],
        "records": source["records"],
        "objects/day": source["objects_a_day"],
    }


def _time(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%SZ")


def _lag(lag: dict[str, float] | None) -> str:
    return "" if lag is None else " / ".join(_span(lag[k]) for k in ("p50", "p95", "max"))


def _span(seconds: float) -> str:
    """Seconds for people: 0.4s, 42s, 12m, 3h, 5d."""
    if 0 < seconds < 3:
        return f"{seconds:.1f}s"
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if abs(seconds) < limit:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"
