"""A collection that a test kills: `python kill_driver.py HOME FOLDER`, small groups, one process or more."""

from __future__ import annotations

import sys
from pathlib import Path

from ashiato.intake import collect
from ashiato.lake.home import Home

if __name__ == "__main__":
    collect.GROUP_ROWS = 120
    collect.UNIT_OBJECTS = 12
    with Home.open_for_writing(Path(sys.argv[1]), "kill test", wait_seconds=30) as home:
        report = collect.Collector(home, processes=int(sys.argv[3])).run([sys.argv[2]])
        print(report.taken, report.records, report.duplicates)
