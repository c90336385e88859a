"""A rule's own tests: records that it has to match, and records that it must not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ashiato.detect.engine import Engine
from ashiato.detect.examples import GivenCountries, whole_records
from ashiato.detect.history import TablesHistory
from ashiato.detect.past import PastSearch
from ashiato.detect.rule import Rule
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows
from ashiato.formats.tables import TABLES


@dataclass(frozen=True)
class RuleTestResult:
    """One test of one rule. `why`: what was found instead, where it failed."""

    rule: Rule
    name: str
    passed: bool
    why: str = ""


def run_tests(engine: Engine, rule: Rule) -> list[RuleTestResult]:
    """Every test of a rule, each with a history of its own. First-seen rules are not held up by their learning
    where a test gives a `history`."""
    return [_run(engine, rule, number, test) for number, test in enumerate(rule.tests, 1)]


def _run(engine: Engine, rule: Rule, number: int, test: Mapping[str, Any]) -> RuleTestResult:
    name = str(test.get("name") or f"test {number}")
    expected = test.get("expect", "match")
    if expected not in ("match", "none"):
        return RuleTestResult(rule, name, passed=False, why=f"`expect` is match or none, not {expected!r}")
    try:
        before = list(whole_records(test.get("history") or ()))
        now = list(whole_records(test.get("events") or ()))
        history, events = records(rule.table, _plain(before)), records(rule.table, _plain(now))
    except ValueError as error:
        return RuleTestResult(rule, name, passed=False, why=str(error))
    except (TypeError, KeyError, AttributeError, OverflowError) as error:
        return RuleTestResult(
            rule, name, passed=False, why=f"it cannot be read: {type(error).__name__}: {error}"
        )
    if events is None:
        return RuleTestResult(rule, name, passed=False, why="it has no events")
    tables = [t for t in (history, events) if t is not None]
    networks = GivenCountries(engine.around.networks, (*before, *now))
    chosen = Engine(engine.only([rule.id]).rules, replace(engine.around, networks=networks))
    times = events[TABLES[rule.table].time_column].cast(pa.int64()).to_pylist()
    begin = min(times)
    past = PastSearch(chosen, TablesHistory({rule.table: tables})).run()
    found = [d for d in past.drafts.get(rule.id, {}).values() if (d.last or 0) >= begin]
    hit = bool(found)
    if hit == (expected == "match"):
        return RuleTestResult(rule, name, passed=True)
    return RuleTestResult(rule, name, passed=False, why="it matches" if hit else "it does not match")


def _plain(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records without what examples say beside them."""
    return [{k: v for k, v in r.items() if k != "ashiato"} for r in told]


def records(table: str, told: Sequence[Mapping[str, Any]]) -> pa.Table | None:
    """Records as a table, read as if AWS had delivered them. Raises ValueError naming what cannot be read."""
    if not told:
        return None
    if table == "vpc_flow_logs":
        return _flow_records(told)
    key = "Records" if table == "cloudtrail" else "configurationItems"
    document = {key: [dict(r) for r in told]}
    if table == "config_items":
        document["fileVersion"] = "1.0"  # type: ignore[assignment]
    content = json.dumps(document, default=str).encode()
    reader = LogReader()
    origin = ObjectOrigin("test", "test.json", datetime.now(UTC))
    parts = list(reader.read(content, origin))
    parts += [g.part for g in reader.settle() if g.part is not None]
    flushed = reader.flush()
    if flushed is not None:
        parts.append(flushed)
    found: list[pa.Table] = []
    for part in parts:
        if not isinstance(part, Rows):
            raise ValueError(f"a record cannot be read: {getattr(part, 'reason', part)}")
        if part.table == table:
            found.append(_whole(part.rows, table))
    if sum(t.num_rows for t in found) != len(told):
        raise ValueError(f"{len(told)} records were given and {sum(t.num_rows for t in found)} were read")
    return pa.concat_tables(found)


def _flow_records(told: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES["vpc_flow_logs"].schema
    unknown = {k.replace("-", "_") for r in told for k in r} - set(schema.names)
    if unknown:
        raise ValueError(f"no field of a flow record: {', '.join(sorted(unknown))}")
    rows: list[dict[str, Any]] = []
    for record in told:
        row = {k.replace("-", "_"): v for k, v in record.items()}
        if "start_time" not in row:
            if not isinstance(row.get("start"), int):
                raise ValueError("a flow record needs `start`, in seconds since 1970")
            row["start_time"] = datetime.fromtimestamp(row["start"], UTC)
        elif isinstance(row["start_time"], str):
            row["start_time"] = datetime.fromisoformat(row["start_time"])
        rows.append(row)
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"a flow record does not fit the table: {error}") from error


def _whole(rows: pa.Table, table: str) -> pa.Table:
    schema = TABLES[table].schema
    columns: list[Any] = [
        rows[f.name].cast(f.type) if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)
