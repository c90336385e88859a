"""What is told of a statement that cannot be read, or that the database refuses: what, where, and what to do."""

from __future__ import annotations

import re

from sqlglot.errors import SqlglotError

from ashiato.core.errors import QueryRefused
from ashiato.engine import functions, placeholders

_KEYWORD = r"(?:(?:ORDER|GROUP)(?=\s+BY\b)|(?<=DESC)LIMIT(?=\s+\d)|(?<=ASC)LIMIT(?=\s+\d))"
_GLUED = re.compile(rf"\b(\w+?)({_KEYWORD})", re.IGNORECASE)
_HINTS = (
    (r"^(?!\s*\(?\s*(SELECT|WITH|VALUES|TABLE)\b)", "A statement starts with SELECT or WITH"),
    (r"`", 'Names are quoted like "this"'),
    (r"[<>!]\s+=", "Write >=, <= and != without a blank"),
    (r",\s*(FROM|WHERE|ORDER|GROUP|\))(?!\w)", "A comma stands before {1}"),
    (r"\b(WHERE|AND|OR|BY|ON|FROM)\s*$", "Something is missing after {1}"),
)


def unreadable(sql: str, error: SqlglotError) -> QueryRefused:
    """The refusal of text that is no statement, with its place and the likeliest correction."""
    return QueryRefused("the statement cannot be read", where=_place(sql, error), remedy=_hint(sql))


def _place(sql: str, error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    line, column, near = (details[0].get(k) for k in ("line", "col", "highlight"))
    if line:
        return f"line {line}, column {column}, near {near!r}"
    open_at = _open_quote(sql)
    if open_at is None:
        return str(error)[:200]
    before = sql[:open_at]
    return f"line {before.count(chr(10)) + 1}, column {open_at - before.rfind(chr(10))}"


def _open_quote(sql: str) -> int | None:
    """Where a quote opens that nothing closes."""
    rest = re.sub(
        r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", lambda m: " " * len(m[0]), sql, flags=re.DOTALL
    )
    found = re.search(r"['\"]", rest)
    return found.start() if found else None


def _hint(sql: str) -> str:
    plain = placeholders.without_texts(sql)
    if _open_quote(sql) is not None:
        return "A quote is opened and not closed"
    glued = _GLUED.search(plain)
    if glued:
        return f"A blank is missing between {glued[1]} and {glued[2]}"
    if re.search(r"\bWHERE\b", plain, re.IGNORECASE) and not re.search(r"\bFROM\b", plain, re.IGNORECASE):
        return "AWS Config's advanced query language is not read yet; name a table: FROM config_items"
    if plain.count("(") != plain.count(")"):
        return f"{plain.count('(')} parentheses are opened, {plain.count(')')} closed"
    for pattern, words in _HINTS:
        found = re.search(pattern, plain, re.IGNORECASE)
        if found:
            return words.replace("{1}", str(found[1] if "{1}" in words else ""))
    return "Athena's SELECT is read; `--dialect duckdb` reads DuckDB's"


def refused(message: str) -> QueryRefused:
    """The refusal for the database's own message, in the words of the statement that was typed."""
    message = re.sub(r"\bax_(\w+)", r"\1", message)
    unknown = re.search(r"Function with name \"?(\w+)\"? does not exist", message)
    if unknown:
        return functions.unknown(unknown[1])
    ungrouped = re.search(r'column "([^"]+)" must appear in the GROUP BY', message)
    if ungrouped:
        return QueryRefused(
            f"{ungrouped[1]}, or a field of it, is neither in GROUP BY nor inside an aggregate",
            remedy="Add what is selected to GROUP BY, or take any_value(…) of it",
        )
    arguments = re.search(r"Macro (\w+)\(\) does not support the supplied arguments", message)
    if arguments:
        return QueryRefused(
            f"{arguments[1]} does not take these arguments",
            remedy="See https://trino.io/docs/current/functions.html",
        )
    return QueryRefused(f"the statement cannot be run: {message[:400]}", remedy="See docs/queries.md")
