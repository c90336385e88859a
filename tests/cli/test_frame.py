"""Exit statuses, messages, settings, start-up: what all commands share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ashiato.core.locks import WriterLock
from ashiato.ledger import Ledger
from ashiato.ledger.database import REVISIONS
from cli.command import Command, Result, finished, start
from intake.taking_in import write_events
from intake.test_variants import an_event

COMMANDS = (
    "collect",
    "query",
    "tables",
    "schema",
    "sources",
    "quarantine",
    "demo",
    "maintain",
    "backup",
    "restore",
)
READERS = (("query", "SELECT 1"), ("sources",), ("quarantine",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_events(tmp_path / "logs" / "a.json", [an_event(1)])


def told(result: Result, status: int, *words: str) -> None:
    """The status, and a message that says what, where and what to do."""
    assert result.status == status, result.err
    assert result.out == ""
    for word in words:
        assert word in result.err, result.err


def test_every_command_is_listed_and_explains_itself(ashiato: Command) -> None:
    whole = ashiato("--help")
    assert whole.status == 0
    for name in COMMANDS:
        assert name in whole.out
        shown = ashiato(name, "--help")
        assert shown.status == 0
        assert "Usage: ashiato" in shown.out
        assert "--home" in shown.out or name == "demo generate"
    for name in ("collect", "query", "schema", "quarantine", "demo"):
        assert f"ashiato {name} " in ashiato(name, "--help").out.partition("Example")[2], name


def test_no_command_at_all_shows_the_help(ashiato: Command) -> None:
    shown = ashiato()
    assert shown.status in (0, 2)
    assert "Usage: ashiato" in shown.out + shown.err


def test_version(ashiato: Command) -> None:
    from ashiato import __version__

    assert ashiato("--version").out == f"ashiato {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("colect", "x"), ("No such command 'colect'", "collect")),
        (("collect", "x", "--hom", "y"), ("No such option: --hom", "--home")),
        (("collect",), ("Missing argument 'source'",)),
        (("collect", "x", "--processes", "0"), ("--processes",)),
        (("sources", "--format", "xml"), ("table", "json", "csv")),
        (("collect", "gopher://x"), ("gopher:// is no kind of source", "s3://bucket/prefix")),
        (("collect", "x", "--external-id", "1"), ("--external-id belongs to a role", "--role-arn")),
        (("schema", "cloudtrial"), ("cloudtrial", "cloudtrail")),
    ],
)
def test_wrong_use_is_status_2_with_the_correction(
    ashiato: Command, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    told(ashiato(*arguments), 2, *words)


@pytest.mark.parametrize("arguments", READERS)
def test_no_home_yet(ashiato: Command, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = ashiato(*arguments, "--home", tmp_path / "none")
    told(done, 3, "there is no home yet", f"where: {tmp_path / 'none'}", "ashiato collect FOLDER")
    assert not (tmp_path / "none").exists()
    file = tmp_path / "file"
    file.write_text("x")
    told(ashiato(*arguments, "--home", file), 3, "there is no home yet")


def test_an_entry_that_is_not_in_quarantine(ashiato: Command, tmp_path: Path, file: Path) -> None:
    ashiato("collect", file, "--home", tmp_path / "home")
    told(
        ashiato("quarantine", "deadbeef", "--home", tmp_path / "home"),
        2,
        "deadbeef",
        "`ashiato quarantine` lists",
    )


def test_a_second_writer_hears_who_holds_the_home_and_may_wait(
    ashiato: Command, tmp_path: Path, file: Path
) -> None:
    home = tmp_path / "home"
    assert ashiato("collect", file, "--home", home).status == 0
    with WriterLock(home / "lock", "ashiato watch"):
        busy = ashiato("collect", file, "--home", home)
        told(busy, 3, "`ashiato watch`", f"pid {os.getpid()}", f"where: {home}", "--wait SECONDS")
        # Readers are not kept out.
        assert ashiato("sources", "--home", home).status == 0
        waiting = start("collect", file, "--home", home, "--json", "--wait", "60")
        deadline = time.monotonic() + 60
        while not any(str(home / "lock") in target for target in open_files(waiting.pid)):
            assert waiting.poll() is None, waiting.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert waiting.poll() is None
    assert finished(waiting).status == 0


def open_files(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(link.readlink()))
    return found


def bound_by_modes() -> list[str]:
    """What goes before a command so that modes of files bind it; root is bound by none."""
    if os.getuid() != 0:
        return []
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("root is bound by no mode, and there is no setpriv to change that")
    return [program, "--bounding-set", "-dac_override,-dac_read_search", "--"]


def bound(*arguments: object) -> Result:
    """Run the command as a user whom the modes of files bind."""
    command = [*bound_by_modes(), sys.executable, "-m", "ashiato", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Result(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def unwritable(ashiato: Command, tmp_path: Path, file: Path) -> Iterator[Path]:
    """A home that may be read and not written."""
    home = tmp_path / "folder" / "home"
    assert ashiato("collect", file, "--home", home).status == 0
    below = [home.parent, home, *home.rglob("*")]
    for path in below:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield home
    for path in below:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_home_that_may_only_be_read_is_read_and_not_written(unwritable: Path, file: Path) -> None:
    refused = bound("collect", file, "--home", unwritable)
    told(refused, 3, "Permission denied", f"where: {unwritable}", "write permission")
    asked = bound("query", "SELECT count(*) n FROM cloudtrail", "--json", "--home", unwritable)
    assert asked.status == 0, asked.err
    assert asked.json == [{"n": 1}]


def test_a_home_that_may_not_even_be_looked_at(unwritable: Path, file: Path) -> None:
    unwritable.parent.chmod(0o000)
    for arguments in (("sources",), ("collect", file)):
        told(bound(*arguments, "--home", unwritable), 3, "Permission denied", f"where: {unwritable}")


def test_a_home_made_by_a_newer_version_is_refused_and_left_alone(
    ashiato: Command, tmp_path: Path, file: Path
) -> None:
    import sqlalchemy as sa

    home = tmp_path / "home"
    ashiato("collect", file, "--home", home)
    ledger = Ledger.at(home, migrate=False)
    with ledger.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    for arguments in (("collect", file), *READERS):
        told(ashiato(*arguments, "--home", home), 3, "newer Ashiato", "schema 9999", REVISIONS[-1], "Install")


def test_a_home_made_by_an_older_version_opens_after_migration(
    ashiato: Command, tmp_path: Path, file: Path
) -> None:
    from lake.homes import back_to_revision

    home = tmp_path / "home"
    ashiato("collect", file, "--home", home)
    back_to_revision(home, "0001")
    (home / "id").unlink()
    told(ashiato("sources", "--home", home), 3, "must be migrated", "ashiato maintain")
    again = ashiato("collect", file, "--home", home, "--json")
    assert again.json["objects"]["already"] == 1
    assert ashiato("sources", "--home", home).status == 0


def test_a_control_database_of_another_home_is_refused(ashiato: Command, tmp_path: Path, file: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for home in (one, two):
        ashiato("collect", file, "--home", home)
    (two / "ledger.db").write_bytes((one / "ledger.db").read_bytes())
    told(ashiato("collect", file, "--home", two), 3, "belongs to another home")
    (two / "ledger.db").unlink()
    told(ashiato("collect", file, "--home", two), 3, "control database is empty", "restore")


# -- settings -----------------------------------------------------------------------------------------


def test_settings_come_from_the_file_the_environment_and_the_command_each_over_the_one_before(
    ashiato: Command, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [tmp_path / name for name in ("by-file", "by-environment", "by-option")]
    Path("ashiato.toml").write_text(f'home = "{homes[0]}"\narchive = "copy"\n')
    ashiato("collect", file)
    assert [h.exists() for h in homes] == [True, False, False]
    assert any(p.is_file() for p in (homes[0] / "archive").rglob("*"))
    monkeypatch.setenv("ASHIATO_HOME", str(homes[1]))
    monkeypatch.setenv("ASHIATO_ARCHIVE", "none")
    ashiato("collect", file)
    assert [h.exists() for h in homes] == [True, True, False]
    assert not any(p.is_file() for p in (homes[1] / "archive").rglob("*"))
    ashiato("collect", file, "--home", homes[2])
    assert all(h.exists() for h in homes)


def test_a_named_settings_file_and_accounts_by_name(ashiato: Command, tmp_path: Path, file: Path) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text(
        f'home = "{tmp_path / "home"}"\n[[accounts]]\nid = "111122223333"\nname = "shop-prod"\n'
    )
    ashiato("collect", file, "--config", settings)
    [source] = ashiato("sources", "--config", settings, "--json").json["sources"]
    assert (source["account"], source["account_name"]) == ("111122223333", "shop-prod")
    assert "shop-prod" in ashiato("sources", "--config", settings).out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hoem = 'x'", ("hoem", "Did you mean home?", "Known keys: home, ")),
        ("home = = 1", ("not TOML", "line 1")),
        ("[retention]\ncloudtrail = 'soon'", ("retention.cloudtrail", "400 days")),
        ("[[accounts]]\nid = '12'\nname = 'x'", ("accounts.0.id",)),
        ("language = 'fr'", ("language", "'en' or 'ja'")),
    ],
)
def test_a_wrong_settings_file_is_told_by_key_and_place(
    ashiato: Command, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    settings = tmp_path / "ashiato.toml"
    settings.write_text(text)
    told(ashiato("sources", "--config", settings), 2, f"where: {settings}", *words)


def test_a_settings_file_that_cannot_be_read(ashiato: Command, tmp_path: Path) -> None:
    told(
        ashiato("sources", "--config", tmp_path / "no.toml"),
        2,
        "there is no settings file",
        str(tmp_path / "no.toml"),
    )
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    told(ashiato("sources", "--config", tmp_path / "binary.toml"), 2, "binary.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ASHIATO_LANGUAGE", "fr"), ("ASHIATO_QUERY__ROWS", "0"), ("ASHIATO_ACCOUNTS", "nonsense")],
)
def test_a_wrong_variable_is_told_by_its_name(
    ashiato: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = ashiato("sources")
    told(result, 2, "where: environment")
    assert name.removeprefix("ASHIATO_").lower().replace("__", ".") in result.err.lower().replace("__", ".")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://x@y/z", ()),
        ("nonsense", ("no address of a control database", "postgresql+psycopg://")),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/x", ("cannot be opened", "127.0.0.1")),
    ],
)
def test_a_control_database_that_cannot_be_used(
    ashiato: Command,
    tmp_path: Path,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("ASHIATO_LEDGER_URL", url)
    result = ashiato("collect", file, "--home", tmp_path / "home")
    assert result.status in (2, 3)
    assert "secret" not in result.err
    for word in words:
        assert word in result.err


# -- the process --------------------------------------------------------------------------------------


def test_help_and_version_start_without_anything_heavy() -> None:
    heavy = (
        "pyarrow",
        "duckdb",
        "pyiceberg",
        "boto3",
        "botocore",
        "sqlalchemy",
        "pydantic",
        "alembic",
        "numpy",
    )
    for argument in ("--help", "--version"):
        done = finished(start(argument, python=["-X", "importtime"]))
        assert done.status == 0
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.err.splitlines()}
        assert "typer" in imported
        assert imported.isdisjoint(heavy), imported.intersection(heavy)


@pytest.mark.parametrize(
    "arguments", [("tables",), ("schema", "cloudtrail", "--json"), ("tables", "--format", "csv")]
)
def test_a_closed_pipe_is_no_error(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, stdout=writing)
    os.close(writing)
    done = finished(process)
    assert (done.status, done.err) == (141, "")


def test_what_logs_hold_is_shown_and_never_obeyed(ashiato: Command, tmp_path: Path) -> None:
    evil = "\x1b[31m\x9b2J\u202egnp\u2066\u061c\x07\rX\nfaked row\x7f"
    formula = '=HYPERLINK("http://x")'
    home = tmp_path / "home"
    records = [an_event(1, userAgent=evil), an_event(2, userAgent=formula), an_event(3, userAgent="＝1+1")]
    ashiato("collect", write_events(tmp_path / "a.json", records), "--home", home)
    sql = "SELECT userAgent FROM cloudtrail ORDER BY eventID"
    table = ashiato("query", sql, "--home", home)
    csv = ashiato("query", sql, "--home", home, "--format", "csv")
    as_json = ashiato("query", sql, "--home", home, "--json")
    for shown in (table.out, csv.out, as_json.out):
        for character in "\x1b\x9b\u202e\u2066\u061c\x07\x7f":
            assert character not in shown
        assert "\rX" not in shown
    assert {row["userAgent"] for row in as_json.json} == {evil, formula, "＝1+1"}
    assert "\\x1b[31m" in table.out
    assert not any(line.strip().startswith("faked row") for line in table.out.splitlines())
    assert "\"'=HYPERLINK(" in csv.out
    assert "'＝1+1" in csv.out


def test_names_of_objects_are_shown_and_never_obeyed(ashiato: Command, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "\x1b]0;owned\x07.json").write_bytes(b"<html>")
    for format_ in ("table", "json", "csv"):
        for arguments in (("collect", logs), ("quarantine",), ("sources",)):
            done = ashiato(*arguments, "--home", tmp_path / "home", "--format", format_)
            assert "\x1b]" not in done.out + done.err
    listed = ashiato("quarantine", "--home", tmp_path / "home", "--json").json
    assert listed[0]["object"].endswith("\x1b]0;owned\x07.json")


def test_quarantine_gives_the_bytes_to_standard_output(ashiato: Command, tmp_path: Path) -> None:
    content = b"\x01\xff\x00" * 1000
    (tmp_path / "object").write_bytes(content)
    home = tmp_path / "home"
    assert ashiato("collect", tmp_path / "object", "--home", home).status == 1
    [entry] = ashiato("quarantine", "--home", home, "--json").json
    assert set(entry) == {"id", "object", "offset", "reason", "size", "quarantined_at"}
    given = ashiato("quarantine", entry["id"], "--home", home)
    assert (given.status, given.raw) == (0, content)


def test_sources_is_status_1_while_something_is_missing(ashiato: Command, tmp_path: Path, file: Path) -> None:
    from intake.test_coverage import log_key, put_digest

    home = tmp_path / "home"
    assert ashiato("collect", file, "--home", home).status == 0
    assert ashiato("sources", "--home", home).status == 0
    put_digest(tmp_path / "digests", 0, [log_key(0)])
    ashiato("collect", tmp_path / "digests", "--home", home)
    shown = ashiato("sources", "--home", home)
    assert shown.status == 1
    assert "which never came" in shown.out
    assert json.loads(ashiato("sources", "--home", home, "--json").out)["gaps"]
