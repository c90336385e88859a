"""Records may say any time that can be counted: traces, maintenance and the next collection bear them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ashiato.config.causes import causes
from ashiato.config.history import changes
from ashiato.config.resources import the_one
from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.tracing import trace
from config.writing import GROUP, asked, call, group, item, rule, taken
from intake.taking_in import collect
from lake.homes import mend

TIMES = ("0001-01-01T00:00:00Z", "1965-03-02T01:00:00Z", "2026-11-20T10:00:00Z", "9999-12-31T23:59:59Z")


@pytest.mark.parametrize("maintained", [False, True])
def test_any_time_is_told(tmp_path: Path, maintained: bool) -> None:
    events = [
        call(at, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0"))
        for at in TIMES
    ]
    items = [
        item(at[:-1] + ".000Z", GROUP, "sg-1", group(rule(n, "0.0.0.0/0"))) for n, at in enumerate(TIMES)
    ]
    home = taken(tmp_path, items, events)
    collect(home, tmp_path / "files")
    if maintained:
        mend(home)
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        document = trace(lake, "sg-1", EVERY_ACCOUNT, Settings()).as_json()
        assert [o["time"].year for o in document["operations"]] == [9999, 2026, 1965, 1]
        assert [c["time"].year for c in document["changes"]] == [9999, 2026, 1965, 1]
        assert document["entity"]["count"] == 8
        key = the_one(lake, "sg-1", EVERY_ACCOUNT)
        assert len(causes(lake, changes(lake, key, EVERY_ACCOUNT), EVERY_ACCOUNT)) == 4
