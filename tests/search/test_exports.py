"""Exports hold every row that the search finds, harmlessly, and say where they do not."""

from __future__ import annotations

import csv
import io
import json

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.search.exporting import Kind, export
from ashiato.search.reading import Deadline
from search.conftest import Lake


def _exported(
    lake: Lake, kind: Kind, scope: AccountScope = EVERY_ACCOUNT, rows: int = 10**6, **given: str
) -> str:
    with lake.reader(scope, **given) as reader:
        return b"".join(export(reader, kind, rows=rows)).decode()


def test_csv_holds_the_rows_in_the_order_of_the_page_with_formulas_defused(lake: Lake) -> None:
    text = _exported(lake, "csv", columns="eventTime,eventID,userIdentity.userName,resources.ARN")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["eventTime", "eventID", "userIdentity.userName", "resources.ARN"]
    rows = lake.rows(columns="eventTime,eventID")
    assert [line[1] for line in lines[1:]] == [r["eventID"] for r in rows]
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t") for line in lines for cell in line)
    assert any(line[2].startswith("'=cmd") for line in lines)
    assert "\u202e" not in text


def test_json_holds_the_same_and_says_that_it_is_complete(lake: Lake) -> None:
    document = json.loads(_exported(lake, "json", q="errorCode:*", sort="oldest"))
    assert document["complete"] is True
    assert document["reached"] is None
    assert document["count"] == len(document["rows"]) == len(lake.found("errorCode:*"))
    assert document["rows"][0]["ref"].startswith("event:")
    assert document["rows"][0]["eventTime"] <= document["rows"][-1]["eventTime"]
    assert json.loads(_exported(lake, "json", q="eventName:none"))["rows"] == []


def test_beyond_the_limit_both_say_so(lake: Lake) -> None:
    document = json.loads(_exported(lake, "json", rows=10))
    assert (document["count"], document["complete"]) == (10, False)
    assert document["reached"] == document["rows"][-1]["eventTime"]
    assert "not complete: stopped after 10 rows" in _exported(lake, "csv", rows=10).splitlines()[-1]
    over = Deadline(60)
    with lake.reader() as reader:
        over.cancel()
        text = b"".join(export(reader, "csv", deadline=over)).decode()
    assert "not complete" in text


def test_exports_obey_the_scope(lake: Lake) -> None:
    text = _exported(lake, "csv", AccountScope.of(["222222222222"]), columns="recipientAccountId")
    assert set(text.split()[1:]) == {"222222222222"}
