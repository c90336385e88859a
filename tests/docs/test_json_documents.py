"""docs/commands.md names every key of the JSON documents, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from docs.repository import ashiato, tool

DOCUMENTS = tool("json_documents").DOCUMENTS
#: Objects whose keys are data: names of tables, of columns, of shapes.
OPEN = {
    "policy",
    "caller_policy",
    "story[].rows",
    "disk.table_bytes",
    "counts.flow_files",
    "counts.flow_records_by_shape",
    "rows",
    "steps[].counts",
    "steps[].details",
    "watched[].counts",
    "evaluated.findings",
    "next",
    "condition",
    "correlation",
    "new_terms",
    "rate",
    "[].days",
    "[].suggestion",
    "[].examples",
}


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The paths of a document's keys."""
    if at.rstrip(".") in OPEN:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}{key}"
            yield from paths(inner, f"{at}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at.rstrip('.')}[].")


def documented(command: str, number: int = 0) -> set[str]:
    return {key for key in DOCUMENTS[command][number].keys if key != "[]"}


def printed(*arguments: str) -> Any:
    status, text = ashiato(*arguments)
    assert status in (0, 1), text
    return json.loads(text)


def test_collect(logs: Path, home: Path) -> None:
    again = printed("collect", str(logs), "--home", str(home), "--json")
    assert set(paths(again)) == documented("ashiato collect")
    counts = again["objects"]
    assert counts["seen"] == counts["already"] == sum(counts.values()) - counts["seen"] > 60


def test_query(home: Path) -> None:
    statement = "SELECT count(*) AS n FROM cloudtrail"
    [row] = printed("query", "--home", str(home), "--json", statement)
    assert list(row) == ["n"]
    assert row["n"] > 100
    explained = printed("query", "--home", str(home), "--json", "--explain", statement)
    assert set(paths(explained)) == documented("ashiato query", 1)


def test_tables_and_schema() -> None:
    assert set(paths(printed("tables", "--json"))) == documented("ashiato tables")
    assert set(paths(printed("schema", "vpc_flow_logs", "--json"))) == documented("ashiato schema")


def test_quarantine(home: Path) -> None:
    found = printed("quarantine", "--home", str(home), "--json")
    assert set(paths(found)) == documented("ashiato quarantine")


def test_sources(home: Path, tmp_path: Path) -> None:
    from ashiato.lake.home import Home
    from ashiato.ledger import tables as t

    with Home.open_for_writing(home, "test") as opened, opened.ledger.begin() as connection:
        connection.execute(
            sa.insert(t.objects).values(
                source="s3://corp", name="s3://corp/k", file_name="k", etag="1", size=1, records=0,
                state="failed", reason="denied: no s3:GetObject",
                delivered_at=datetime(2026, 10, 1, tzinfo=UTC),
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(t.requests).values(source="s3://corp", day="2026-10-01", kind="again", count=2)
        )
    config = _watch_one_round(home, tmp_path)
    status, text = ashiato("sources", "--config", str(config), "--home", str(home), "--json")
    found = json.loads(text)
    assert status == 1
    assert set(paths(found)) == documented("ashiato sources")
    assert "SKIPDATA" in found["gaps"][0]["why"]
    assert set(found["disk"]["table_bytes"]) > {"cloudtrail", "config_items", "vpc_flow_logs"}


def _watch_one_round(home: Path, tmp_path: Path) -> Path:
    """A folder that is watched and a source that fell silent."""
    (tmp_path / "drop").mkdir()
    config = tmp_path / "ashiato.toml"
    config.write_text(
        f'[[sources]]\nname = "drop"\ntype = "files"\npath = "{tmp_path}/drop"\nsilent_after = "1 second"\n'
        '[[sources]]\nname = "lost"\ntype = "files"\npath = "/nonexistent/folder"\n'
    )
    found = printed("watch", "--once", "--config", str(config), "--home", str(home), "--json")
    assert set(paths(found)) == documented("ashiato watch")
    return config


def test_demo(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ashiato.demo import telling

    made = tmp_path / "files"
    found = printed(
        "demo", "generate", "--out", str(made), "--days", "1", "--events", "0", "--flows", "0", "--json"
    )
    assert set(paths(found)) == documented("ashiato demo generate")
    monkeypatch.setattr(telling, "QUESTIONS", telling.QUESTIONS[:1])
    story = [{**part, "rows": []} for part in telling.tell(home)]
    document = {"collected": {}, "story": story}
    assert set(paths(document)) == documented("ashiato demo")


def test_maintain_backup_restore(home: Path, tmp_path: Path) -> None:
    found = printed("maintain", "--home", str(home), "--dry-run", "--json")
    assert set(paths(found)) == documented("ashiato maintain")
    saved = printed("backup", str(tmp_path / "backup"), "--home", str(home), "--json")
    assert set(paths(saved)) == documented("ashiato backup")
    restored = printed("restore", str(tmp_path / "backup"), "--home", str(tmp_path / "restored"), "--json")
    assert set(paths(restored)) == documented("ashiato restore")
    assert restored["rows"] == saved["rows"]
    assert restored["rows"]["cloudtrail"] > 100


def test_serve(capsys: pytest.CaptureFixture[str]) -> None:
    from ashiato.cli.app import Common
    from ashiato.cli.commands.serve import tell
    from ashiato.core.settings import Settings

    tell(Common(Settings(), "json"), "http://127.0.0.1:8602", None)
    assert set(paths(json.loads(capsys.readouterr().out))) == documented("ashiato serve")


def test_every_command_that_prints_json_is_described() -> None:
    assert set(DOCUMENTS) == {page.words for page in tool("command_pages").commands()}


def test_sources_check(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_text("{}")
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[[sources]]\nname = "a"\ntype = "files"\npath = "{tmp_path}/logs"\n'
        '[[sources]]\nname = "b"\ntype = "s3"\nbucket = "x"\nprofile = "nobody"\n'
    )
    found = [printed("sources", "check", name, "--config", str(settings), "--json") for name in ("a", "b")]
    told = {path for document in found for path in paths(document)}
    # Those of permissions need AWS: tests/sources/test_checking.py compares them.
    assert told | {k for k in documented("ashiato sources check") if k.startswith("grants[]")} == documented(
        "ashiato sources check"
    )


def test_detections(home: Path, tmp_path: Path) -> None:
    rule = tmp_path / "rules" / "own.yml"
    rule.parent.mkdir()
    rule.write_text(
        "title: Anything\nid: 5f0f2a9e-3a43-4c3e-9c19-0c5a3a2b1d00\nlogsource: {product: aws, service: cloudtrail}\n"
        "detection: {s: {eventVersion: '*'}, condition: s}\n---\ntitle: Wrong\nlogsource: {product: okta}\n"
        "detection: {s: {a: b}, condition: s}\n"
    )
    at = ("--home", str(home), "--json")
    for words, arguments in (
        ("import", [str(rule.parent)]),
        ("list", []),
        ("show", ["Anything"]),
        ("disable", ["Anything"]),
        ("enable", ["Anything"]),
        ("check", [str(rule.parent)]),
        ("test", ["root_api_call"]),
        ("backtest", ["Anything"]),
        ("coverage", []),
    ):
        found = set(paths(printed("detections", words, *arguments, *at)))
        assert found - {"[]"} == documented(f"ashiato detections {words}"), words
