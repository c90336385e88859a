"""`ashiato sources`: what comes from where, how late, what is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common


def register(app: typer.Typer) -> None:
    family = typer.Typer(invoke_without_command=True, rich_markup_mode="rich")
    family.callback()(sources)
    app.add_typer(family, name="sources")


def sources(
    context: typer.Context,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show each source, account and region: newest record, lag, objects, gaps, and a forecast of the disk."""
    if context.invoked_subcommand is not None:
        return
    from ashiato.cli.output import amount, plain, print_rows, to_json
    from ashiato.intake.coverage import coverage

    told = common(home, config, format_, json)
    with told.open_for_reading() as opened:
        report = coverage(opened)
    names = {a.id: a.name for a in told.settings.accounts}
    for source in report["sources"]:
        source["account_name"] = names.get(source["account"] or "")
    if told.format == "json":
        print(to_json(report))
    else:
        rows = [_row(s) for s in report["sources"]]
        columns = list(rows[0]) if rows else ["source"]
        print_rows(told.format, columns, rows)
    if told.format == "table":
        for gap in report["gaps"]:
            when = f"{_time(gap['from'])} to {_time(gap['to'])}"
            place = " ".join(plain(str(p)) for p in (gap["account"], gap["region"]) if p)
            print(f"Gap in {gap['log']}, {place}, {when}: {plain(gap['why'])}")
        for failed in report["failed"]:
            print(f"Not read: {plain(failed['object'])}: {plain(failed['reason'] or '')}")
        for listed in report["list_requests"][:7]:
            print(f"List requests on {listed['day']} for {plain(listed['source'])}: {listed['requests']:,}")
        disk = report["disk"]
        print(
            f"Disk: {amount(disk['home_bytes'])} now; about {amount(disk['bytes_a_day'])} a day,"
            f" {amount(disk['in_30_days'])} in 30 days, {amount(disk['in_365_days'])} in a year."
        )
    if report["gaps"] or report["failed"]:
        raise typer.Exit(1)


def _row(source: dict[str, Any]) -> dict[str, Any]:
    delivered, taken = source["lag"]["delivered"], source["lag"]["taken"]
    return {
        "source": source["source"],
        "log": source["log"],
        "account": source["account_name"] or source["account"],
        "region": source["region"],
        "newest": _time(source["newest"]),
        "delivered after p50/p95/max": _lag(delivered),
        "taken after p50/p95/max": _lag(taken),
        "objects": source["objects"],
        "records": source["records"],
        "objects/day": source["objects_a_day"],
    }


def _time(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%SZ")


def _lag(lag: dict[str, float] | None) -> str:
    return "" if lag is None else " / ".join(_span(lag[k]) for k in ("p50", "p95", "max"))


def _span(seconds: float) -> str:
    """Seconds for people: 42s, 12m, 3h, 5d."""
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if abs(seconds) < limit:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"
