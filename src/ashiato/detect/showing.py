"""One rule for people: what it says and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ashiato.detect.conditions import describe
from ashiato.detect.history import PICKED_BY
from ashiato.detect.literals import needed, sql_filter
from ashiato.detect.matching import INDEXED
from ashiato.detect.rule import Rule


def shown(rule: Rule, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """A rule as `ashiato detections show --json` prints it."""
    details: dict[str, Any] = {
        "id": rule.id,
        "title": rule.title,
        "title_ja": rule.texts.get("title_ja"),
        "level": rule.level,
        "kind": rule.kind,
        "table": rule.table,
        "description": rule.description,
        "next": rule.texts.get("next"),
        "group_by": list(rule.grouping),
        "actors": sorted(rule.actors),
        "alone": rule.alone,
        "tags": list(rule.tags),
        "falsepositives": list(rule.falsepositives),
        "references": list(rule.references),
        "filters": list(rule.filters),
        "condition": None if rule.condition is None else describe(rule.condition),
        "picked_by": picked_by(rule),
        "correlation": None,
        "new_terms": None if rule.first_seen is None else asdict(rule.first_seen),
        "rate": None if rule.rate is None else asdict(rule.rate),
        "tests": len(rule.tests),
        "pack": rule.pack,
        "file": rule.file,
    }
    if rule.correlation is not None:
        told = rule.correlation
        details["correlation"] = {
            "type": told.type,
            "rules": [{"id": r, "title": rules[r].title} for r in told.references],
            "timespan_seconds": told.span // 1_000_000,
            "condition": None if told.expression is not None else f"{told.operator} {told.count:g}",
            "fields": list(told.fields),
            "aliases": {k: dict(v) for k, v in told.aliases.items()},
        }
    return details


def picked_by(rule: Rule) -> str | None:
    """SQL by which records of history are picked before the condition is evaluated; None where all are looked at."""
    if rule.condition is None:
        return None
    need = {f: n for f in INDEXED.get(rule.table, ()) if (n := needed(rule.condition, f)) is not None}
    found = sql_filter([need], PICKED_BY.get(rule.table, {}))
    if found is None:
        return None
    sql, parameters = found
    for name, values in parameters.items():
        listed = ", ".join("'" + v.replace("'", "''") + "'" for v in values)
        sql = sql.replace(f"(SELECT unnest(${name}))", f"({listed})")
    return f"SELECT * FROM {rule.table} WHERE {sql}"


def source_of(rule: Rule, most: int = 60_000) -> str | None:
    """The text of the file that the rule was read from, at most so many characters; None where it is gone, or lies in
    an archive."""
    try:
        with Path(rule.file).open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(most)
    except (OSError, ValueError):
        return None
