"""Homes of other versions, other writers, folders that cannot be written: clear errors, the lake as before."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ashiato.core.errors import AshiatoError, HomeBusy, HomeNewer
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from lake.homes import back_to_revision, content, events, flow_lines, take_in, write_events, write_flows

HOLDER = """
import sys
from pathlib import Path
from ashiato.lake.home import Home
with Home.open_for_writing(Path(sys.argv[1]), "ashiato collect"):
    print("holding", flush=True)
    sys.stdin.read()
"""

#: Takes in FOLDER as a user who may not write HOME, having loaded all code as one who may.
OTHER_USER = """
import os, sys
from pathlib import Path
from ashiato.core.errors import AshiatoError
from lake.homes import ask, take_in
home, folder, warm = map(Path, sys.argv[1:4])
take_in(warm, folder)
ask(warm, "cloudtrail", "SELECT 1 FROM {}")
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(ask(home, "cloudtrail", "SELECT count(*) FROM {}")[0][0])
try:
    take_in(home, folder)
except AshiatoError as error:
    print(error)
    sys.exit(error.exit_status)
"""

#: Takes in FOLDER while no file may become larger than LIMIT bytes.
SMALL_FILES = """
import resource, sys
from pathlib import Path
from ashiato.core.errors import AshiatoError
from lake.homes import take_in
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    take_in(Path(sys.argv[1]), Path(sys.argv[2]))
except AshiatoError as error:
    print(error)
    sys.exit(error.exit_status)
"""


def _python(code: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    tests = str(Path(__file__).parents[1])
    path = os.pathsep.join((tests, os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}, timeout=300,
    )  # fmt: skip


def _filled(home: Path, logs: Path) -> None:
    write_events(logs, events(Random(1), 50))
    take_in(home, logs)


def _set_revision(home: Path, revision: str) -> None:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        ledger.commit()


def test_a_home_of_an_older_version_opens_after_migration(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    _filled(home, logs)
    before = content(home, "cloudtrail")
    # As the version before the home had an id, and before hashes stood in a column of their own, left it.
    back_to_revision(home, "0002")
    (home / "id").unlink()
    with open_table(open_catalog(home / "lake"), "cloudtrail").update_schema() as update:
        update.delete_column("record_hash")

    with pytest.raises(AshiatoError, match="must be migrated") as refused:
        Home.open_for_reading(home)
    assert "ashiato maintain" in str(refused.value)

    write_events(logs, events(Random(2), 5))
    assert take_in(home, logs).records["cloudtrail"] == 5
    after = content(home, "cloudtrail")
    assert sum((after - before).values()) == 5
    assert not before - after


def test_a_newer_home_is_refused_and_left_alone(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    _filled(home, logs)
    _set_revision(home, "9999")
    for attempt in (Home.open_for_reading, lambda folder: Home.open_for_writing(folder, "test")):
        with pytest.raises(HomeNewer, match="newer Ashiato") as refused:
            attempt(home)
        assert "9999" in str(refused.value)
        assert refused.value.exit_status == 3
    _set_revision(home, _newest())
    assert sum(content(home, "cloudtrail").values()) == 50


def _newest() -> str:
    from ashiato.ledger.database import REVISIONS

    return REVISIONS[-1]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    home = tmp_path / "home"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield home, process
    process.kill()
    process.communicate()


def test_a_second_writer_is_told_who_holds_the_home(holder: tuple[Path, subprocess.Popen[str]]) -> None:
    home, process = holder
    with pytest.raises(HomeBusy) as refused:
        Home.open_for_writing(home, "test")
    assert f"`ashiato collect` (pid {process.pid} on " in str(refused.value)
    assert "--wait" in str(refused.value)
    # Readers are not kept out.
    assert content(home, "cloudtrail").total() == 0


def test_a_second_writer_that_waits_gets_the_home_when_the_first_is_killed(
    holder: tuple[Path, subprocess.Popen[str]],
) -> None:
    home, process = holder
    threading.Timer(0.3, lambda: os.kill(process.pid, signal.SIGKILL)).start()
    with Home.open_for_writing(home, "test", wait_seconds=60) as opened:
        assert opened.writer is not None


def test_a_folder_that_may_not_be_written_can_be_read(tmp_path: Path) -> None:
    # Not under tmp_path, which other users cannot reach.
    shared = Path(tempfile.mkdtemp(prefix="ashiato-"))
    try:
        shared.chmod(0o755)
        home, logs = shared / "home", shared / "logs"
        _filled(home, logs)
        before = content(home, "cloudtrail")
        if os.getuid():
            for path in (home, *home.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)
        found = _python(OTHER_USER, home, logs, tmp_path / "warm")
        assert found.returncode == 3, found.stderr
        count, _, said = found.stdout.partition("\n")
        assert count == "50"
        assert "Permission denied" in said
        assert str(home) in said
        assert "Give this user write permission" in said
        assert "Traceback" not in found.stderr
        assert content(home, "cloudtrail") == before
    finally:
        for path in shared.rglob("*"):
            path.chmod(0o755)
        shutil.rmtree(shared)


@pytest.mark.parametrize("limit", [1_000, 5_000, 40_000, 150_000, 400_000])
def test_a_full_disk_is_a_clear_error_and_the_lake_as_before(tmp_path: Path, limit: int) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    _filled(home, logs)
    before = {t: content(home, t) for t in ("cloudtrail", "vpc_flow_logs")}
    more = tmp_path / "more"
    write_events(more, events(Random(3), 3_000))
    write_flows(more, flow_lines(Random(3), 30_000))
    found = _python(SMALL_FILES, home, more, limit)
    assert found.returncode == 3, (found.stdout, found.stderr[-2000:])
    assert "disk space" in found.stdout
    assert "Traceback" not in found.stderr
    assert {t: content(home, t) for t in before} == before
    # With space again, the same command takes in everything, once.
    report = take_in(home, more)
    assert report.records == {"cloudtrail": 3_000, "config_items": 0, "vpc_flow_logs": 30_000}
    assert sum(content(home, "cloudtrail").values()) == 3_050
    assert sum(content(home, "vpc_flow_logs").values()) == 30_000
