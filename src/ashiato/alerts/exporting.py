"""Alerts as a file: what a list shows, for a spreadsheet or a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from ashiato.alerts.escaping import one_line
from ashiato.alerts.messages import Writer
from ashiato.alerts.reading import alert_document, event_ids
from ashiato.alerts.triage import Sort, Wanted, leading, triage
from ashiato.core.printing import csv_lines
from ashiato.core.scope import AccountScope

#: Alerts that one file holds.
MOST = 20_000
_PAGE = 200
_MOST_CELL = 2000

COLUMNS = (
    "id", "state", "closed_as", "level", "title", "text", "account", "account_name", "region", "principal",
    "first", "last", "hits", "rule", "incident", "assignee",
)  # fmt: skip


def exported(
    connection: Connection, wanted: Wanted, scope: AccountScope, writer: Writer, *, sort: Sort = "-last"
) -> Iterator[dict[str, Any]]:
    """The wanted alerts in the order of the list: what `ashiato alerts list --json` has of each, and `text`, the
    sentence that tells of it."""
    names = {a.id: a.name for a in writer.settings.accounts}
    after: str | None = None
    for _ in range(MOST // _PAGE):
        page = triage(connection, wanted, scope, sort=sort, after=after, limit=_PAGE)
        numbers = [row.id for row in page.rows]
        told = leading(connection, numbers, scope)
        ids = event_ids(connection, numbers) if not scope.limited else {}
        for row in page.rows:
            document = alert_document(row, names, ids.get(row.id, []))
            document["title"] = writer.title(row)
            document["text"] = writer.sentence(row, told.get(row.id))
            yield document
        after = page.after
        if after is None:
            return


def as_csv(documents: Iterable[dict[str, Any]], columns: Sequence[str] = COLUMNS) -> Iterator[str]:
    """CSV by RFC 4180; no cell is a formula."""
    yield csv_lines([columns])
    for document in documents:
        yield csv_lines([[_cell(document[c]) for c in columns]])


def document_json(document: Any) -> Iterator[str]:
    """One document as JSON for a file."""
    yield json.dumps(document, default=_plain, indent=1) + "\n"


def as_json(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON document: a list."""
    before = "[\n"
    for document in documents:
        yield before + json.dumps(document, default=_plain)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _cell(value: Any) -> str:
    return "" if value is None else one_line(_plain(value), _MOST_CELL)


def _plain(value: Any) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)
