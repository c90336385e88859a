"""What may be written next in the search box: fields, members of JSON, values that the newest records have."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from ashiato.core.errors import QueryStopped
from ashiato.core.scope import AccountScope
from ashiato.engine.views import quote
from ashiato.formats.tables import TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.search import fields
from ashiato.search.conditions import expression
from ashiato.search.dialects import Bound, paths
from ashiato.search.fields import Field
from ashiato.search.query import Search
from ashiato.search.reading import Deadline, Reader
from ashiato.search.refusals import SearchRefused
from ashiato.search.slices import portions
from ashiato.search.terms import MOST_CHARACTERS, written

SECONDS: Final = 0.7
MOST: Final = 12
#: Records that are looked at for values, newest first; and those whose JSON is looked into.
_ROWS, _OPENED = 1_000_000, 20_000
_LONGEST: Final = 200
_SPLIT: Final = re.compile(r"(?s)(-?)([A-Za-z_@][\w@$/-]*(?:\.[\w@$/-]*)*)(!=|>=|<=|[:=<>])(.*)")


@dataclass(frozen=True)
class Completion:
    """A field or value. `insert`: what to write for it; `count`: of the newest records that have it (values)."""

    text: str
    insert: str
    kind: Literal["field", "value"]
    count: int | None = None


@dataclass(frozen=True)
class Completions:
    """What may stand in place of the text's characters `start` to `end`."""

    start: int
    end: int
    items: tuple[Completion, ...]


def complete(
    lake: PinnedLake,
    search: Search,
    at: int,
    scope: AccountScope,
    *,
    moment: datetime | None = None,
    deadline: Deadline | None = None,
) -> Completions:
    """What may be written at the character `at` of the search's text. Values are of records in the scope and the
    search's time where its other conditions hold; as many records are looked at as the time allows."""
    text = search.q[:MOST_CHARACTERS]
    at = min(max(at, 0), len(text))
    start = _word_start(text, at)
    rest = re.compile(r"[^\s,()\"]*").match(text, at)
    end = rest.end() if rest else at
    word = text[start:at]
    others = replace(search, q=(text[:start] + " " + text[end:]).strip(), after="")
    deadline = deadline or Deadline(SECONDS)
    split = _SPLIT.fullmatch(word)
    if split is None:
        minus = len(word) - len(word.lstrip("-"))
        return Completions(start + minus, end, _fields(lake, others, word[minus:], scope, moment, deadline))
    field = fields.find(search.table, split[2])
    if field is None or field.kind == "time":
        return Completions(at, at, ())
    value, quoted = _last_value(split[4])
    begin = at - len(value) - quoted
    items = _values(lake, others, field, value, scope, moment, deadline)
    return Completions(begin, end + (quoted and text[end : end + 1] == '"'), items)


def _word_start(text: str, at: int) -> int:
    """Where the condition begins in which a place lies: after white space outside quotes and parentheses."""
    start, quoted, depth, place = 0, False, 0, 0
    while place < at:
        character = text[place]
        if quoted and character == "\\":
            place += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "()":
            depth = max(depth + (1 if character == "(" else -1), 0)
        elif not quoted and not depth and character.isspace():
            start = place + 1
        place += 1
    return min(start, at)


def _last_value(text: str) -> tuple[str, int]:
    """The value that is being written, and 1 where it began with a quotation mark."""
    found, quoted, place = 0, False, 0
    while place < len(text):
        character = text[place]
        if quoted and character == "\\":
            place += 1
        elif character == '"':
            quoted = not quoted
            found = place if quoted else found
        elif not quoted and character in ",( \t":
            found = place + 1
        place += 1
    value = text[found:]
    return (value[1:], 1) if value.startswith('"') else (value, 0)


def _fields(
    lake: PinnedLake,
    search: Search,
    word: str,
    scope: AccountScope,
    moment: datetime | None,
    deadline: Deadline,
) -> tuple[Completion, ...]:
    table, lowered = search.table, word.lower()
    column, dot, rest = word.partition(".")
    described = next((c for c in TABLES[table].columns if c.name.lower() == column.lower()), None)
    if dot and described is not None and described.json:
        found = _members(lake, search, described.name, rest, scope, moment, deadline)
        return tuple(Completion(name, f"{name}:", "field") for name in found[:MOST])
    usual = (*fields.short_names(table), *fields.FACETS[table])
    names = list(dict.fromkeys((*usual, *fields.fields(table))))
    known = names if word else list(dict.fromkeys(usual))
    ranked = sorted(
        ((_rank(name.lower(), lowered), names.index(name), name) for name in known),
        key=lambda entry: entry[:2],
    )
    return tuple(Completion(n, f"{n}:", "field") for rank, _, n in ranked if rank < 3)[:MOST]


def _rank(name: str, word: str) -> int:
    """0: begins so; 1: a part of it does; 2: holds it; 3: does not."""
    if name.startswith(word):
        return 0
    return 1 if f".{word}" in name else 2 if len(word) > 1 and word in name else 3


def _members(
    lake: PinnedLake,
    search: Search,
    column: str,
    typed: str,
    scope: AccountScope,
    moment: datetime | None,
    deadline: Deadline,
) -> list[str]:
    """Members of a JSON column that begin as typed, the most frequent first."""
    before, _, last = typed.rpartition(".")
    keys = tuple(k for k in before.split(".") if k)
    if len(keys) > 10:
        return []
    dialect = Bound("own")
    inner = quote(column) if not keys else f"ax_json_extract({quote(column)}, {dialect.text(paths(keys)[0])})"
    value = f"CASE WHEN json_valid({inner}) THEN json_keys({inner}) END"
    counted = _counted(lake, search, f"unnest({value})", last, dialect, scope, moment, deadline, _OPENED)
    plain = re.compile(r"[\w@$/-]+")
    path = ".".join((column, *keys))
    return [f"{path}.{name}" for name, _ in counted if plain.fullmatch(name)]


def _values(
    lake: PinnedLake,
    search: Search,
    field: Field,
    typed: str,
    scope: AccountScope,
    moment: datetime | None,
    deadline: Deadline,
) -> tuple[Completion, ...]:
    if field.kind == "boolean":
        kept = [v for v in ("true", "false") if v.startswith(typed.lower())]
        return tuple(Completion(v, v, "value") for v in kept)
    dialect = Bound("own")
    if field.first or len(field.places) == 1:
        value = expression(field, dialect)
        value = f"unnest({value})" if field.listed else value
    else:
        alone = (expression(Field(field.name, field.kind, (p,)), dialect) for p in field.places)
        value = f"unnest([{', '.join(f'{one}::VARCHAR' for one in alone)}])"
    rows = _OPENED * 5 if field.open else _ROWS
    counted = _counted(lake, search, value, typed.strip("*"), dialect, scope, moment, deadline, rows)
    return tuple(Completion(v, written(v), "value", n) for v, n in counted)


def _counted(
    lake: PinnedLake,
    search: Search,
    value: str,
    typed: str,
    dialect: Bound,
    scope: AccountScope,
    moment: datetime | None,
    deadline: Deadline,
    most: int,
) -> list[tuple[str, int]]:
    """The most frequent values that hold what was typed, those that begin with it first."""
    counts: Counter[str] = Counter()
    seen = 0
    with _reader(lake, search, scope, moment) as reader:
        where, values = reader.found.sql, dict(reader.found.values)
        values |= {**dialect.values, "typed": typed.lower()}
        for portion in portions(reader.slices):
            looked_at = f"SELECT * FROM {reader.relation(portion)} WHERE {where} LIMIT {most}"
            texts = (
                f"SELECT left(v::VARCHAR, {_LONGEST + 1}) AS v FROM (SELECT {value} AS v FROM ({looked_at}))"
            )
            sql = (
                f"SELECT v, count(*) AS n FROM ({texts})"
                f" WHERE v <> '' AND len(v) <= {_LONGEST} AND contains(lower(v), $typed::VARCHAR)"
                " GROUP BY v ORDER BY starts_with(lower(v), $typed::VARCHAR) DESC, n DESC, v LIMIT 100"
            )
            try:
                rows: list[tuple[Any, ...]] = reader.run(sql, values, deadline)
            except QueryStopped:
                break
            for found, count in rows:
                counts[str(found)] += count
            seen += portion.rows
            if seen >= most or deadline.over:
                break
    start = typed.lower()
    return sorted(counts.items(), key=lambda e: (not e[0].lower().startswith(start), -e[1], e[0]))[:MOST]


def _reader(lake: PinnedLake, search: Search, scope: AccountScope, moment: datetime | None) -> Reader:
    """A reader of the other conditions; without them where they are not finished yet."""
    try:
        return Reader(lake, search, scope, moment=moment)
    except SearchRefused:
        return Reader(lake, replace(search, q=""), scope, moment=moment)
