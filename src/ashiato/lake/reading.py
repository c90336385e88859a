"""The database in process that reads the lake for pages, traces and searches: one for all, with limits.

A database of one's own costs some 30 ms to make and as much to take down; a trace asks a dozen questions. Shared, it
also keeps the footers of files, which never change.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from threading import Lock
from typing import Any

import duckdb

_CONFIG: dict[str, Any] = {
    "threads": 2,
    "memory_limit": "1GB",
    "max_temp_directory_size": "2GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_lock = Lock()
_shared: duckdb.DuckDBPyConnection | None = None


def reading() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the shared database, in UTC, for any thread; close it, or use it in a `with`.

    What it registers and makes as temporary is its own; macros are everybody's, tables are not to be made. Memory and
    disk are shared by all who read at the moment: 1 GB, then 2 GB of a temporary folder.
    """
    global _shared
    with _lock:
        if _shared is None:
            spill = tempfile.mkdtemp(prefix="ashiato-reading-")
            atexit.register(shutil.rmtree, spill, ignore_errors=True)
            made = duckdb.connect(":memory:", config={**_CONFIG, "temp_directory": spill})
            made.execute("SET parquet_metadata_cache = true")
            _shared = made
        cursor = _shared.cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    return cursor
