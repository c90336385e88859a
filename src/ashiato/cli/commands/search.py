"""`ashiato search`: find records by fields."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    from ashiato.search.counting import Counts
    from ashiato.search.reading import Deadline, Reader
    from ashiato.search.rows import Page

Table = Literal["cloudtrail", "config_items", "vpc_flow_logs"]

_EXAMPLES = """[bold]Examples[/bold]

ashiato search "errorCode:* -eventSource:s3 sourceIPAddress:198.51.100.0/24"

ashiato search "dstport:22 action:ACCEPT" --table vpc_flow_logs --from -7d --counts

ashiato search "eventName:(PutObject, DeleteObject) user:alice" --from 2026-11-20 --to 2026-11-22 --all --format csv

ashiato search "AKIAIOSFODNN7EXAMPLE" --from all --explain

The language: docs/search.md.
"""


def register(app: typer.Typer) -> None:
    app.command(name="search", epilog=_EXAMPLES)(search)


def search(
    text: Annotated[str, typer.Argument(help="Conditions, such as eventName:PutObject; empty for all.")] = "",
    home: HomeOption = None,
    config: ConfigOption = None,
    table: Annotated[Table, typer.Option(help="Which records.")] = "cloudtrail",
    from_: Annotated[
        str,
        typer.Option("--from", help="A time, -24h (back from the newest record), now-24h, or all."),
    ] = "-24h",
    to: Annotated[str, typer.Option(help="A time; up to the newest record if not given.")] = "",
    columns: Annotated[str, typer.Option(help="Columns, parted by commas.")] = "",
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,
    limit: Annotated[int, typer.Option(help="Rows of a page.", min=1, max=500)] = 50,
    after: Annotated[str, typer.Option(help="The cursor of a page, as the page before told it.")] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Every row, written as it is read: JSON or CSV.")
    ] = False,
    counts: Annotated[
        bool, typer.Option("--counts", help="Count too: in all, by time, and the most frequent values.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the same search in SQL, for ashiato query; run nothing.")
    ] = False,
    max_seconds: Annotated[float, typer.Option(help="Limit on time.", min=0.1)] = 300.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Find records by fields, newest first."""
    told = common(home, config, format_, json)
    from ashiato.core.errors import WrongUse
    from ashiato.core.scope import EVERY_ACCOUNT
    from ashiato.lake.plans import PinnedLake
    from ashiato.search.query import Search
    from ashiato.search.reading import Deadline, Reader

    if all_ and told.format == "table":
        raise WrongUse("a table of every row is not printed", remedy="Add --json or --format csv.")
    asked = Search.from_parameters(
        {
            "table": table, "q": text, "from": from_, "to": to, "columns": columns, "after": after,
            "sort": "oldest" if oldest else "", "rows": str(limit),
        }
    )  # fmt: skip
    with (
        told.open_for_reading() as opened,
        PinnedLake(opened) as lake,
        Reader(lake, asked, EVERY_ACCOUNT) as reader,
    ):
        if explain:
            _explain(told, reader)
            return
        deadline = Deadline(max_seconds)
        if all_:
            _export(told, reader, deadline)
            return
        from ashiato.search.counting import counts as counted
        from ashiato.search.rows import page

        found = page(reader, deadline)
        _print(told, reader, found, counted(reader, deadline) if counts else None)


def _explain(told: Common, reader: Reader) -> None:
    from ashiato.cli.output import plain, to_json
    from ashiato.search.statements import statement

    sql = statement(reader)
    print(to_json({"sql": sql}) if told.format == "json" else plain(sql))


def _export(told: Common, reader: Reader, deadline: Deadline) -> None:
    from ashiato.search.exporting import export

    for part in export(reader, "json" if told.format == "json" else "csv", deadline=deadline):
        sys.stdout.write(part.decode())


def _print(told: Common, reader: Reader, page: Page, counts: Counts | None) -> None:
    from ashiato.cli.output import print_rows, to_json

    if told.format == "json":
        from ashiato.search.documents import counts_document, rows_document

        document = rows_document(reader, page)
        print(to_json(document if counts is None else {**document, "counts": counts_document(counts)}))
        return
    print_rows(told.format, list(page.columns), page.rows)
    if told.format == "table" and counts is not None:
        for facet in counts.facets:
            rows: list[dict[str, object]] = [
                {facet.field: "(none)" if v.value is None else v.value, "count": v.count}
                for v in facet.values
            ]
            if facet.distinct > len(rows):
                rows.append({facet.field: f"… {facet.distinct - len(rows):,} more", "count": None})
            print_rows("table", [facet.field, "count"], rows)
    _say(page, counts)


def _say(page: Page, counts: Counts | None) -> None:
    """How far it went, and how to go on: beside the answer, not in it."""
    shown = f"{len(page.rows):,} row{'' if len(page.rows) == 1 else 's'}"
    if counts is not None:
        shown += f" of {counts.total:,}" if counts.exact else f" of at least {counts.total:,}"
    print(shown, file=sys.stderr)
    if page.reached is not None:
        print(f"The time was over at {page.reached:%Y-%m-%d %H:%M:%S} UTC; more may follow.", file=sys.stderr)
    if page.next:
        print(f"Next page: --after {page.next}", file=sys.stderr)
