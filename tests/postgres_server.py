"""A real PostgreSQL server for tests: initialised in a temporary folder, reached by a socket in it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

_NUMBERS = count(1)

#: Runs a server until standard input ends: it does when the tests end, even by kill -9.
FOLLOWING = 'exec 3<&0; "$@" </dev/null 3<&- & cat <&3 >/dev/null; kill -INT $!; wait $!'


@dataclass(frozen=True)
class Server:
    """Where the server listens; each `url` is a new, empty database."""

    socket_folder: Path

    def url(self) -> str:
        import psycopg

        name = f"ashiato_{next(_NUMBERS)}"
        with psycopg.connect(
            host=str(self.socket_folder), user="ashiato", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://ashiato@/{name}?host={self.socket_folder}"


def find_programs() -> Path | None:
    """The folder that holds initdb and postgres: a distribution's, newest version first, or one on PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _ordinary_user() -> dict[str, object]:
    """Root may not run PostgreSQL: another user does."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


@contextmanager
def start_server(programs: Path, factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Initialise, start, wait until it answers; at the end stop it."""
    del factory  # its folders may be too deep for a socket's name, and are closed to other users
    folder = Path(tempfile.mkdtemp(prefix="ashiato-pg-"))
    who = _ordinary_user()
    if who:
        os.chown(folder, int(str(who["user"])), int(str(who["group"])))
    data = folder / "data"
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(folder)}
    try:
        made = subprocess.run(
            [str(programs / "initdb"), "-D", str(data), "-U", "ashiato", "-A", "trust", "-E", "UTF8", "--no-sync"],
            capture_output=True, text=True, env=environment, cwd=folder, **who,
        )  # type: ignore[call-overload]  # fmt: skip
        assert made.returncode == 0, made.stderr
        # The server's own time zone is far from UTC: nothing may depend on it.
        options = [
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "timezone=Asia/Tokyo",
            "-k",
            str(folder),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["sh", "-c", FOLLOWING, "sh", str(programs / "postgres"), "-D", str(data), *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
                **who,
            )  # type: ignore[call-overload]
        try:
            _wait(folder, process)
            yield Server(folder)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host=str(folder), user="ashiato", dbname="postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((folder / "log").read_text()) from None
            time.sleep(0.05)
