"""`ashiato maintain` at a far moment, for tests that kill it: HOME, then a limit of file sizes or 0."""

from __future__ import annotations

import resource
import sys
from datetime import timedelta
from pathlib import Path

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.writer import LakeWriter

if __name__ == "__main__":
    limit = int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with Home.open_for_writing(Path(sys.argv[1]), "maintain", wait_seconds=30) as home:
            LakeWriter(home).close()
            maintain(home, Settings(), moment=now() + timedelta(days=9), grace=timedelta(days=99))
    except AshiatoError as error:
        print(error)
        sys.exit(3)
