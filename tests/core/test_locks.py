"""The lock of a home."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ashiato.core.errors import AshiatoError, HomeBusy
from ashiato.core.locks import WriterLock


def test_the_second_is_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with WriterLock(path, "ashiato collect"):
        with pytest.raises(HomeBusy) as caught:
            WriterLock(path, "other").acquire()
        assert "`ashiato collect`" in str(caught.value)
        assert f"pid {os.getpid()}" in str(caught.value)
        assert caught.value.exit_status == 3
    with WriterLock(path, "other"):
        pass


def test_steps_are_readable_while_the_lock_is_held_and_a_long_one_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with WriterLock(path, "x") as lock:
        for step in ("open", "a" * 200, "b"):
            lock.step(step)
            assert json.loads(path.read_text())["step"] == step


def test_the_kernel_lets_go_of_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from ashiato.core.locks import WriterLock;"
        f"WriterLock(Path({str(path)!r}), 'dying').acquire(); print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(HomeBusy, match="dying"):
        WriterLock(path, "next").acquire()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    began = time.monotonic()
    WriterLock(path, "next").acquire(wait_seconds=30)
    assert time.monotonic() - began < 20


def test_a_holder_without_a_name_is_said_to_have_none(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(HomeBusy, match="did not leave its name"):
        WriterLock(path, "x").acquire()
    os.close(descriptor)


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(AshiatoError, match="cannot be locked: No locks available"):
        WriterLock(tmp_path / "lock", "x").acquire()
