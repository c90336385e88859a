"""The maintenance child: `python -m ashiato.lake.compaction_child PARENT`, jobs on standard input as JSON lines.

It reads planned data files and writes new ones. It ends when its standard input closes or its parent dies.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from ashiato.core.memory import peak_rss

#: What DuckDB may hold; larger sorts spill to the workspace. The process stays below 1.2 GiB with it.
MEMORY_LIMIT = "512MB"
#: Maintenance can wait; who takes in and tells cannot.
NICE = 10


def jobs() -> dict[str, Callable[..., dict[str, Any]]]:
    """What the child can do, by the name of the job."""
    from ashiato.lake.footprint_build import build_footprints
    from ashiato.lake.merging import merge_files

    return {"merge": merge_files, "footprints": build_footprints}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs one by one until the input ends."""
    import duckdb
    import pyarrow as pa

    known = jobs()
    for line in iter(requests.readline, b""):
        request = json.loads(line)
        began = time.monotonic()
        try:
            answer = known[request.pop("kind")](**request)
            answer["seconds"] = round(time.monotonic() - began, 3)
        except (OSError, pa.ArrowException, duckdb.Error) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["peak_rss"] = peak_rss()
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def main() -> None:
    parent = int(sys.argv[1])
    os.nice(NICE)

    def follow_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
