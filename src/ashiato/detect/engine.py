"""All rules at once over a table of records: one pass, shared by what arrives and by history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ashiato.detect.correlating import Correlations
from ashiato.detect.derived import Surroundings, derived_fields
from ashiato.detect.literals import Needed, needed, sql_filter
from ashiato.detect.matching import INDEXED, RuleIndex
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rule
from ashiato.formats.tables import TABLES


@dataclass(frozen=True)
class Look:
    """A table of records with the rules that match: rule id → records, ascending."""

    view: RecordView
    matches: Mapping[str, Rows]


class Engine:
    """Rules that are evaluated, and those that correlations among them count."""

    def __init__(self, rules: Mapping[str, Rule], around: Surroundings) -> None:
        self.rules = dict(rules)
        self.around = around
        self.correlations = Correlations(self.rules)
        self._indexes: dict[str, tuple[list[str], RuleIndex]] = {}
        self._derived = {name: derived_fields(name, around) for name in TABLES}

    def tables(self) -> list[str]:
        """Tables that some rule looks at."""
        return sorted({r.table for r in self.rules.values()})

    def fingerprint(self, rule: Rule) -> str:
        """Changes whenever the rule could find something else here. What the settings say of addresses, hours and
        automation bears on every operation (its level, if nothing else), and on others where a rule asks."""
        asks = rule.rate is not None or any(f.startswith("ashiato.") for f in rule.fields)
        if rule.table != "cloudtrail" and not asks:
            return rule.fingerprint
        return f"{rule.fingerprint}:{self.around.fingerprint}"

    def first_seen(self, table: str) -> list[Rule]:
        """First-seen rules of a table."""
        return [r for r in self.rules.values() if r.table == table and r.first_seen is not None]

    def only(self, ids: Iterable[str]) -> Engine:
        """The same with these rules and those that they count."""
        wanted: dict[str, Rule] = {}

        def add(id_: str) -> None:
            rule = self.rules[id_]
            wanted[id_] = rule
            if rule.correlation is not None:
                for reference in rule.correlation.references:
                    if reference not in wanted:
                        add(reference)

        for id_ in ids:
            add(id_)
        return Engine(wanted, self.around)

    def look(self, table: str, records: pa.Table) -> Look:
        """Which records of a table which rules match. First copies only: a variant is the same event."""
        view = RecordView(records, TABLES[table], self._derived[table])
        ids, index = self._index(table)
        found = index.matches(view)
        matches = {ids[number]: rows for number, rows in found.items()}
        if "variant" in records.column_names:
            variants = records["variant"].to_numpy()
            if variants.any():
                first = variants == 0
                matches = {k: rows[first[rows]] for k, rows in matches.items()}
        return Look(view, {k: rows for k, rows in matches.items() if len(rows)})

    def _index(self, table: str) -> tuple[list[str], RuleIndex]:
        if table not in self._indexes:
            chosen = {
                i: r.condition for i, r in self.rules.items() if r.table == table and r.condition is not None
            }
            self._indexes[table] = list(chosen), RuleIndex(table, list(chosen.values()))
        return self._indexes[table]

    def picked(self, table: str, columns: Mapping[str, str]) -> tuple[str, dict[str, list[str]]] | None:
        """SQL that picks the records that some rule of a table may match; None where that may be any."""
        if self.first_seen(table):
            # How long a scope is known is told by its records of any kind.
            return None
        needs: list[dict[str, Needed]] = []
        for rule in self.rules.values():
            if rule.table == table and rule.condition is not None:
                found = {f: n for f in INDEXED.get(table, ()) if (n := needed(rule.condition, f)) is not None}
                needs.append(found)
        return sql_filter(needs, dict(columns))


def within(view: RecordView, rows: Rows, first: int | None, last: int | None) -> Rows:
    """Those of the records with `first` <= time < `last`."""
    if first is None and last is None:
        return rows
    times = view.times[rows]
    kept = np.ones(len(rows), np.bool_)
    if first is not None:
        kept &= times >= first
    if last is not None:
        kept &= times < last
    found: Rows = rows[kept]
    return found
