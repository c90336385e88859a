"""`ashiato query`, `tables`, `schema`: ask the lake in SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    import pyarrow as pa

QueryFormat = Literal["table", "json", "csv", "parquet"]

_EXAMPLES = """[bold]Examples[/bold]

ashiato query "SELECT eventname, count(*) n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC LIMIT 10"

ashiato query "SELECT * FROM vpc_flow_logs WHERE dstport = 22 AND action = 'ACCEPT'" --format csv --out ssh.csv

ashiato query - < statement.sql

AWS's published Athena and CloudTrail Lake samples run unchanged: see docs/queries.md.
"""


def register(app: typer.Typer) -> None:
    app.command(name="query", epilog=_EXAMPLES)(query)
    app.command(name="tables")(tables)
    app.command(name="schema", epilog="[bold]Example[/bold]\n\nashiato schema cloudtrail")(schema)


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT statement, or - to read it from standard input.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    dialect: Annotated[
        Literal["athena", "duckdb"], typer.Option(help="Whose SQL it is written in.")
    ] = "athena",
    format_: Annotated[
        QueryFormat | None, typer.Option("--format", help="How to print the answer.", show_default="table")
    ] = None,
    json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Write the answer to this file.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be read; run nothing.")] = False,
    max_seconds: Annotated[float | None, typer.Option(help="Limit on time.")] = None,
    max_memory: Annotated[int | None, typer.Option(help="Limit on memory, MiB; beyond it, disk.")] = None,
    max_disk: Annotated[int | None, typer.Option(help="Limit on temporary disk space, MiB.")] = None,
    max_rows: Annotated[int | None, typer.Option(help="Limit on rows of the answer.")] = None,
    max_answer: Annotated[int | None, typer.Option(help="Limit on the answer's size, MiB.")] = None,
) -> None:
    """Ask in SQL: Athena's dialect, over cloudtrail, config_items, vpc_flow_logs, footprints, quarantine."""
    from ashiato.core.errors import WrongUse
    from ashiato.engine.sandbox import Sandbox

    # The child starts while the catalogue is being opened.
    child = None if explain else Sandbox()
    try:
        from ashiato import engine
        from ashiato.lake.plans import PinnedLake

        told = common(home, config, None if format_ == "parquet" else format_, json)
        wanted: QueryFormat = "parquet" if format_ == "parquet" else told.format
        if wanted == "parquet" and out is None:
            raise WrongUse("Parquet needs a file", remedy="Name it with --out FILE.")
        statement = sys.stdin.read() if sql == "-" else sql
        defaults = told.settings.query
        limits = engine.Limits(
            seconds=max_seconds or defaults.seconds,
            memory_mb=max_memory or defaults.memory_mb,
            disk_mb=max_disk if max_disk is not None else defaults.disk_mb,
            rows=max_rows or defaults.rows,
            answer_mb=max_answer or engine.Limits().answer_mb,
        )
        with told.open_for_reading() as opened, PinnedLake(opened) as lake:
            if explain:
                _explain(told, engine.explain(statement, lake, dialect=dialect))
                return
            answer = engine.run(statement, lake, dialect=dialect, limits=limits, sandbox=child)
    finally:
        if child is not None:
            child.close()
    _write(answer, wanted, out)


def _explain(told: Common, explained: object) -> None:
    from ashiato.cli.output import amount, plain, print_rows, to_json
    from ashiato.engine import ExplainedQuery

    assert isinstance(explained, ExplainedQuery)
    rows = [
        {
            "table": x.table,
            "files": len(x.files),
            "bytes": x.bytes,
            "rows": x.rows,
            "narrowed by": x.row_filter,
        }
        for x in explained.tables
    ]
    if told.format == "json":
        print(to_json({"sql": explained.sql, "tables": rows}))
        return
    if told.format == "table":
        print(plain(explained.sql))
        rows = [{**r, "bytes": amount(float(str(r["bytes"])))} for r in rows]
    print_rows(told.format, ["table", "files", "bytes", "rows", "narrowed by"], rows)


def _write(answer: pa.Table, wanted: QueryFormat, out: Path | None) -> None:
    from ashiato.cli.output import print_table, to_csv, to_json
    from ashiato.core.errors import AshiatoError

    rows = [] if wanted == "parquet" else answer.to_pylist()
    try:
        if wanted == "parquet":
            import pyarrow.parquet as pq

            assert out is not None
            pq.write_table(answer, out, compression="zstd")
        elif wanted == "json":
            text = to_json(rows)
            if out is None:
                print(text)
            else:
                out.write_text(text + "\n", encoding="utf-8")
        elif wanted == "csv":
            text = to_csv(answer.column_names, rows)
            if out is None:
                sys.stdout.write(text)
            else:
                out.write_text(text, encoding="utf-8", newline="")
        elif out is None:
            print_table(answer.column_names, rows)
        else:
            from rich.console import Console

            with out.open("w", encoding="utf-8") as file:
                print_table(answer.column_names, rows, to=Console(file=file, width=240, highlight=False))
    except OSError as error:
        raise AshiatoError(
            f"the answer cannot be written: {error.strerror}", where=str(out), remedy="Choose another file."
        ) from error
    if out is not None:
        print(f"{answer.num_rows:,} rows written to {out}", file=sys.stderr)
    elif wanted == "table":
        print(f"{answer.num_rows:,} row{'' if answer.num_rows == 1 else 's'}", file=sys.stderr)


def tables(
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the tables that may be asked, with what one row of each is."""
    from ashiato import engine
    from ashiato.cli.output import print_rows

    told = common(home, config, format_, json)
    rows = [
        {"table": x.name, "one row is": x.row, "time": x.time_column, "columns": x.columns, "note": x.note}
        for x in engine.tables()
    ]
    print_rows(told.format, ["table", "one row is", "time", "columns", "note"], rows)


def schema(
    table: Annotated[str, typer.Argument(help="A table, by our name or AWS's.")],
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Describe every column of TABLE: type, meaning, and AWS's page."""
    from ashiato import engine
    from ashiato.cli.output import print_rows

    told = common(home, config, format_, json)
    rows = [
        {"column": x.name, "type": x.type, "meaning": x.meaning, "source": x.source}
        for x in engine.schema(table)
    ]
    print_rows(told.format, ["column", "type", "meaning", "source"], rows)
