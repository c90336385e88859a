"""`ashiato watch` as a person runs it: from a settings file, ended by SIGTERM, or one round."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cli.command import Command, finished, start
from intake.lake_counts import count
from watch.watching import content, events, until


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


def settings_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ashiato.toml"
    path.write_text(text)
    return path


def folder_settings(tmp_path: Path, drop: Path, more: str = "") -> Path:
    text = f'[[sources]]\nname = "drop"\ntype = "files"\npath = "{drop}"\n{more}'
    return settings_file(tmp_path, text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def health(port: int) -> Any:
    """The document of /healthz; None while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def test_sigterm_commits_what_was_read_and_ends_in_order(tmp_path: Path, drop: Path) -> None:
    """Commits are a minute apart: what waits at SIGTERM is committed by the end, not by the clock."""
    port = free_port()
    config = folder_settings(
        tmp_path, drop, f'[watch]\nlisten = "127.0.0.1:{port}"\npoll_seconds = 0.5\ncommit_seconds = 60\n'
    )
    home = tmp_path / "home"
    (drop / "a.json.gz").write_bytes(content(events(8, 1)))
    process = start("watch", "--config", config, "--home", home, "--json")
    try:
        until(lambda: (health(port) or {}).get("commits") == 1, "the first commit", 60)
        for number in range(2, 7):
            (drop / f"{number}.json.gz").write_bytes(content(events(8, number)))

        until(lambda: health(port)["waiting"]["objects"] == 5, "five wait")
        assert count(home, "cloudtrail") == 8
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        result = finished(process, 60)
    finally:
        process.kill()
    assert time.monotonic() - began < 15
    assert result.status == 0, result.err
    assert "Stopping (SIGTERM)" in result.err
    assert count(home, "cloudtrail") == 48
    assert result.json["records"]["cloudtrail"] == 48
    assert result.json["objects"] == {"committed": 6, "quarantined": 0, "failed": 0}
    assert "drop (files): watching" in result.err


def test_one_round_takes_what_is_due_and_ends(ashiato: Command, tmp_path: Path, drop: Path) -> None:
    config = folder_settings(tmp_path, drop)
    (drop / "a.json.gz").write_bytes(content(events(8, 1)))
    time.sleep(0.6)
    result = ashiato("watch", "--once", "--config", config, "--home", tmp_path / "home", "--json")
    assert result.status == 0, result.err
    assert result.json["records"]["cloudtrail"] == 8
    assert result.json["errors"] == []
    again = ashiato("watch", "--once", "--config", config, "--home", tmp_path / "home", "--json")
    assert (again.status, again.json["objects"]["committed"]) == (0, 0)


def test_one_round_with_a_source_in_error_says_which_and_takes_the_rest(
    ashiato: Command, tmp_path: Path, drop: Path
) -> None:
    more = f'[[sources]]\nname = "lost"\ntype = "files"\npath = "{tmp_path}/nowhere"\n'
    config = folder_settings(tmp_path, drop, more)
    (drop / "a.json.gz").write_bytes(content(events(8, 1)))
    time.sleep(0.6)
    result = ashiato("watch", "--once", "--config", config, "--home", tmp_path / "home")
    assert result.status == 1
    assert "lost (files): There is no file or folder" in result.err
    assert "drop: 1 objects: 8 cloudtrail" in result.err
    shown = ashiato("sources", "--config", config, "--home", tmp_path / "home")
    assert shown.status == 1
    assert "`ashiato watch` does not run; it was last seen" in shown.out
    assert "There is no file or folder" in shown.out
    document = ashiato("sources", "--config", config, "--home", tmp_path / "home", "--json").json
    assert [(s["name"], bool(s["error"])) for s in document["watched"]] == [("drop", False), ("lost", True)]
    assert document["watch"]["running"] is False
    assert document["silent"] == []


def test_wrong_settings_are_wrong_use_before_anything_runs(
    ashiato: Command, tmp_path: Path, drop: Path
) -> None:
    home = tmp_path / "home"
    none = settings_file(tmp_path, "")
    result = ashiato("watch", "--config", none, "--home", home)
    assert (result.status, "there is no source to watch" in result.err) == (2, True)
    config = folder_settings(tmp_path, drop)
    result = ashiato("watch", "--config", config, "--home", home, "--listen", "nowhere")
    assert (result.status, "no address to listen at" in result.err) == (2, True)
    config = folder_settings(tmp_path, drop, '[watch]\nheartbeat_url = "${NO_SUCH_VARIABLE}"\n')
    result = ashiato("watch", "--config", config, "--home", home, "--listen", "")
    assert (result.status, "NO_SUCH_VARIABLE is not set" in result.err) == (2, True)


def test_a_second_writer_is_told_who_watches(ashiato: Command, tmp_path: Path, drop: Path) -> None:
    config = folder_settings(tmp_path, drop)
    home = tmp_path / "home"
    port = free_port()
    process = start("watch", "--config", config, "--home", home, "--listen", f"127.0.0.1:{port}")
    try:
        until(lambda: health(port), "it runs", 60)
        result = ashiato("collect", drop, "--home", home)
        assert (result.status, "`ashiato watch`" in result.err) == (3, True)
    finally:
        process.send_signal(signal.SIGINT)
        assert finished(process, 60).status == 0
