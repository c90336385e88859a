"""An independent evaluation of Sigma rules: pySigma's SQLite backend over flattened records.

Records are raw JSON as AWS delivered it; nothing of Ashiato's reading, lake or engine takes part.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation

Record = dict[str, Any]


@dataclass(frozen=True)
class OracleWindow:
    """A matched window. Times in whole microseconds."""

    start: int
    end: int
    group: tuple[tuple[str, str], ...]
    metric: float
    events: frozenset[str]


def corpus(folder: Path) -> list[Record]:
    """Every distinct CloudTrail record of the corpora, as a file or an EventBridge envelope brings it."""
    found: list[Record] = []
    for name in ("cloudtrail-invictus", "cloudtrail-stratus"):
        for path in sorted((folder / name).glob("*.json")):
            document = json.loads(path.read_text())
            found += document["Records"] if isinstance(document, dict) else document
    for path in sorted((folder / "eventbridge").glob("*.json")):
        document = json.loads(path.read_text())
        record = document.get("detail", document)
        if isinstance(record, dict) and {"eventVersion", "eventTime"} <= record.keys():
            found.append(record)
    return distinct(found)


def distinct(records: Iterable[Record]) -> list[Record]:
    """Each event once: as AWS names them, by event id and receiving account."""
    known = {(r["eventID"], r.get("recipientAccountId")): r for r in reversed(list(records))}
    return list(reversed(known.values()))


def flat_value(record: Record, path: str) -> Any:
    """The value at a dotted path as SQLite keeps it; objects and lists as JSON text, None where there is none."""
    value: Any = record
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value


def through_lists(record: Record, path: str) -> bool:
    """Whether the path leads into a list, where a table has no column."""
    value: Any = record
    for step in path.split("."):
        if isinstance(value, list):
            return True
        if not isinstance(value, dict):
            return False
        value = value.get(step)
    return False


def _regexp(pattern: str, value: Any) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


class Oracle:
    """Rules (Sigma documents as text) over records; `lists`: values of placeholders."""

    def __init__(
        self,
        records: Sequence[Record],
        documents: Iterable[str],
        lists: Mapping[str, Sequence[str]] | None = None,
        *,
        time_field: str = "eventTime",
        id_field: str = "eventID",
    ) -> None:
        self.records = records
        self.collection = SigmaCollection.from_yaml("\n---\n".join(documents))
        values = {k: list(v) for k, v in (lists or {}).items()}
        pipeline = ProcessingPipeline(
            items=[ProcessingItem(ValueListPlaceholderTransformation())], vars=dict(values)
        )
        self.backend = sqliteBackend(
            processing_pipeline=pipeline if lists else None,
            collate_nocase=True,
            timestamp_field=time_field,
            event_id_field=id_field,
        )
        self.backend.convert(self.collection)
        self.columns = sorted({time_field, id_field, *self._fields()})
        folded = [c.lower() for c in self.columns]
        assert len(set(folded)) == len(folded), "SQLite does not tell names by their case"
        self.database = sqlite3.connect(":memory:")
        self.database.create_function("regexp", 2, _regexp, deterministic=True)
        self.database.execute(f"CREATE TABLE logs ({', '.join(f'`{c}`' for c in self.columns)})")
        self.database.executemany(
            f"INSERT INTO logs VALUES ({', '.join('?' * len(self.columns))})",
            [[flat_value(r, c) for c in self.columns] for r in records],
        )

    def _fields(self) -> set[str]:
        found: set[str] = set()
        for rule in self.collection.rules:
            if not isinstance(rule, SigmaCorrelationRule):
                found |= set(self.backend.required_fields(rule))
                continue
            found |= set(rule.group_by or ())
            field = getattr(rule.condition, "fieldref", None)
            found |= {field} if isinstance(field, str) else set(field or ())
            found |= {f for a in rule.aliases for f in a.mapping.values()}
        return found

    def beyond(self) -> set[str]:
        """Plain rules (by id or name) that look into lists of some record: SQLite cannot say what they match."""
        return {
            str(rule.id or rule.name)
            for rule in self.collection.rules
            if not isinstance(rule, SigmaCorrelationRule)
            and any(through_lists(r, f) for f in self.backend.required_fields(rule) for r in self.records)
        }

    def events(self) -> dict[str, set[str]]:
        """Ids of the events that each plain rule matches, by the rule's id (or name)."""
        found: dict[str, set[str]] = {}
        for rule in self.collection.rules:
            if isinstance(rule, SigmaCorrelationRule):
                continue
            hits = found.setdefault(str(rule.id or rule.name), set())
            for query in self._queries(rule):
                hits |= {str(row[0]) for row in self.database.execute(query)}
        return found

    def _queries(self, rule: Any) -> list[str]:
        identity = self.backend.event_id_field
        # Of a rule that a correlation counts, the backend keeps the bare predicate.
        return [
            f"SELECT `{identity}` FROM logs WHERE {told.removeprefix('SELECT * FROM logs WHERE ')}"
            for told in rule.get_conversion_result()
        ]

    def windows(self) -> dict[str, list[OracleWindow]]:
        """Matched windows of each correlation, by the rule's id (or name)."""
        found: dict[str, list[OracleWindow]] = {}
        for rule in self.collection.rules:
            if isinstance(rule, SigmaCorrelationRule):
                [query] = rule.get_conversion_result()
                found[str(rule.id or rule.name)] = list(map(_window, self.database.execute(query)))
        return found


def _window(row: Sequence[Any]) -> OracleWindow:
    _, group, _, start, end, _, metric, _, events, _ = row
    told = json.loads(group)
    return OracleWindow(
        start=round(start * 1_000_000),
        end=round(end * 1_000_000),
        group=tuple(sorted((k, str(v).lower()) for k, v in told.items())),
        metric=float(metric),
        events=frozenset(e.partition(":")[2] for e in json.loads(events)),
    )
