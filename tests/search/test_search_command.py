"""`ashiato search` for people and programs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator

import pytest

from cli.command import Command
from docs.repository import tool
from search.conftest import Lake


@pytest.fixture
def ashiato() -> Iterator[Command]:
    with pytest.MonkeyPatch.context() as patched:
        for name in [n for n in os.environ if n.startswith("ASHIATO_") and not n.startswith("ASHIATO_TEST")]:
            patched.delenv(name)
        patched.setenv("COLUMNS", "200")
        patched.setenv("NO_COLOR", "1")
        yield Command(patched)


def test_json_holds_rows_references_counts_and_the_next_page(lake: Lake, ashiato: Command) -> None:
    asked = ("search", "errorCode:*", "--from", "all", "--home", lake.home, "--limit", 5)
    first = ashiato(*asked, "--counts", "--json")
    assert first.status == 0, first.err
    document = first.json
    assert len(document["rows"]) == 5
    total = len(lake.found("errorCode:*"))
    assert document["counts"]["total"] == total
    assert sum(b["count"] for b in document["counts"]["histogram"]) == total
    second = ashiato(*asked, "--after", document["next"], "--json").json
    assert not {r["ref"] for r in first.json["rows"]} & {r["ref"] for r in second["rows"]}


def test_a_table_says_how_to_go_on(lake: Lake, ashiato: Command) -> None:
    found = ashiato("search", "service:s3", "--from", "all", "--home", lake.home, "--limit", 2, "--counts")
    assert found.status == 0, found.err
    assert "s3.amazonaws.com" in found.out
    assert f"2 rows of {len(lake.found('service:s3')):,}" in found.err
    assert "--after" in found.err


def test_every_row_as_csv(lake: Lake, ashiato: Command) -> None:
    found = ashiato("search", "--all", "--format", "csv", "--from", "all", "--home", lake.home)
    assert len(list(csv.reader(io.StringIO(found.raw.decode(), newline="")))) == len(lake.events) + 1
    refused = ashiato("search", "--all", "--home", lake.home)
    assert refused.status == 2
    assert "--json" in refused.err


def test_its_sql_runs_in_query_with_the_same_answer(lake: Lake, ashiato: Command) -> None:
    sql = ashiato("search", "user:alice", "--from", "all", "--home", lake.home, "--explain").out
    answer = ashiato("query", sql, "--home", lake.home, "--json").json
    assert len(answer) == len(lake.found("user:alice")) > 0


def test_a_search_that_means_nothing_is_wrong_use_with_its_place(lake: Lake, ashiato: Command) -> None:
    found = ashiato("search", "eventNam:x", "--home", lake.home)
    assert found.status == 2
    assert "character 1" in found.err
    assert "eventName" in found.err


def test_every_key_of_its_documents_is_documented(lake: Lake, ashiato: Command) -> None:
    documents = tool("json_documents").DOCUMENTS["ashiato search"]
    asked = ("search", "--from", "all", "--home", lake.home, "--json")
    for document, option in zip(documents, ("--counts", "--all", "--explain"), strict=True):
        found = ashiato(*asked, option).json
        named = {key.split(".")[-1].partition("[")[0] for key in document.keys if "counts." not in key}
        assert set(found) == named
    counts = ashiato(*asked, "--counts").json["counts"]
    told = {k for k in documents[0].keys if k.startswith("counts.")}
    facet = counts["facets"][0]
    assert told == {
        *(f"counts.{k}" for k in counts),
        *(f"counts.histogram[].{k}" for k in counts["histogram"][0]),
        *(f"counts.facets[].{k}" for k in facet),
        *(f"counts.facets[].values[].{k}" for k in facet["values"][0]),
    }
