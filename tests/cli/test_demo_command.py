"""`ashiato demo`: what it refuses before it makes anything."""

from __future__ import annotations

import socket
from pathlib import Path

from cli.command import Command


def test_keep_needs_a_demo_that_was_made(ashiato: Command, tmp_path: Path) -> None:
    result = ashiato("demo", "--keep", "--home", tmp_path / "home")
    assert result.status == 2
    assert "there is no demo to serve here" in result.err
    assert not (tmp_path / "home").exists()


def test_it_replaces_no_folder_that_it_did_not_make(ashiato: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine").write_text("x")
    result = ashiato("demo", "--no-serve", "--home", home)
    assert result.status == 2
    assert (home / "mine").read_text() == "x"


def test_a_port_that_is_taken_is_said_before_anything_is_made(ashiato: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = ashiato("demo", "--port", port, "--home", tmp_path / "home")
    assert (result.status, f"cannot listen at 127.0.0.1:{port}" in result.err) == (2, True)
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "files").exists()
