"""The program of the sandboxed child: reads one request, runs one SELECT, writes Arrow, ends.

It is started by path with an empty environment and imports nothing of Ashiato, so that it starts quickly
and holds nothing worth stealing. Everything it may touch is in the request: the planned files (`paths`), a
private folder for spilling, limits. Frames on standard output: one letter, eight bytes of length, payload.
`A` Arrow IPC stream of a part of the answer, `E` an error as JSON, `D` done as JSON.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any, BinaryIO

#: Address space beyond DuckDB's own memory limit: libraries, thread stacks, Arrow buffers.
ADDRESS_SPACE_MARGIN_MB = 2560
ROWS_A_BATCH = 8192


def main() -> None:
    """Take the request from standard input and answer it on standard output."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.path[:0] = sys.argv[1:]
    import duckdb
    import pyarrow as pa

    line = sys.stdin.buffer.read(8)
    if len(line) < 8:
        return
    request = json.loads(sys.stdin.buffer.read(struct.unpack(">Q", line)[0]))
    try:
        _answer(request, out, duckdb, pa)
    except MemoryError:
        _frame(out, b"E", json.dumps({"kind": "memory", "text": "out of memory"}).encode())
    except duckdb.Error as error:
        kind = "memory" if isinstance(error, duckdb.OutOfMemoryException) else type(error).__name__
        _frame(out, b"E", json.dumps({"kind": kind, "text": str(error)}).encode())
    out.close()
    # Spilled files and threads need no tidy end: the parent removes the folder.
    os._exit(0)


def _answer(request: dict[str, Any], out: BinaryIO, duckdb: Any, pa: Any) -> None:
    limits = request["limits"]
    connection = duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "threads": str(limits["threads"]),
            "memory_limit": f"{limits['memory_mb']}MiB",
            "temp_directory": request["temp"],
            "max_temp_directory_size": f"{limits['disk_mb']}MiB",
            "preserve_insertion_order": "true",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    for statement in request["setup"]:
        connection.execute(statement).fetchall()
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in request["paths"])
    connection.execute(f"SET allowed_paths = [{quoted}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    _confine(limits)
    statements = connection.extract_statements(request["sql"])
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise duckdb.InvalidInputException("exactly one SELECT is run")
    reader = connection.sql(request["sql"]).to_arrow_reader(ROWS_A_BATCH)
    rows = size = 0
    with pa.BufferOutputStream() as sink:
        pa.ipc.new_stream(sink, reader.schema).close()
        _frame(out, b"A", sink.getvalue())
    for batch in reader:
        rows += batch.num_rows
        size += batch.nbytes
        if rows > limits["rows"]:
            return _frame(out, b"E", b'{"kind": "rows", "text": ""}')
        if size > limits["answer_mb"] << 20:
            return _frame(out, b"E", b'{"kind": "answer_mb", "text": ""}')
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            writer.write_batch(batch)
        _frame(out, b"A", sink.getvalue())
    return _frame(out, b"D", json.dumps({"rows": rows}).encode())


def _confine(limits: dict[str, Any]) -> None:
    """Set the kernel's limits just before text that a person typed is looked at."""
    import resource

    mib = 1 << 20
    _leave_network()
    wanted = [
        (resource.RLIMIT_AS, (limits["memory_mb"] + ADDRESS_SPACE_MARGIN_MB) * mib),
        (resource.RLIMIT_CPU, int(limits["seconds"] * limits["threads"]) + 2),
        (resource.RLIMIT_FSIZE, max(limits["disk_mb"], 1) * mib),
        (resource.RLIMIT_CORE, 0),
    ]
    for which, value in wanted:
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS; the parent's clock still holds
            continue


def _leave_network() -> None:
    """On Linux: a network namespace without any interface, no new privileges, death with the parent.

    Best effort: where the kernel refuses a namespace, DuckDB still has nothing that could connect.
    """
    import ctypes

    if not sys.platform.startswith("linux"):
        return
    new_user, new_net, no_new_privileges, death_signal = 0x10000000, 0x40000000, 38, 1
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(death_signal, 9, 0, 0, 0)
    if libc.unshare(new_net):
        libc.unshare(new_user | new_net)
    libc.prctl(no_new_privileges, 1, 0, 0, 0)


def _frame(out: BinaryIO, kind: bytes, payload: Any) -> None:
    data = memoryview(payload)
    out.write(kind + struct.pack(">Q", data.nbytes))
    while data.nbytes:
        data = data[out.write(data) or 0 :]


if __name__ == "__main__":
    main()
