"""Long work as pages: how far it is, what came of it, found again after a reload, cancelled."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.lake.home import Home
from ashiato.ledger.job_tables import jobs
from ashiato.watch.job_runner import JobRunner
from web.conftest import Estate, Visiting

RULES = re.compile(r"/detections/[0-9a-f]{8}-[0-9a-f-]{27}")
RULE = "9e04eb86-70c1-4091-9ca0-e9b2be3682f7"
HOSTILE = '"><script>alert(1)</script>'


@contextmanager
def runner(estate: Estate) -> Iterator[None]:
    """A process that runs what readers may."""
    stop = threading.Event()
    with Home.open_for_reading(estate.home) as home:
        thread = threading.Thread(target=JobRunner(home, estate.settings).run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def kept(estate: Estate, **values: Any) -> None:
    """A job as it stands in the control database."""
    row = {
        "kind": "backtest", "state": "running", "parameters": json.dumps({"rules": [RULE], "all": False}), "by": "erin",
        "created_at": now(), "started_at": now() - timedelta(seconds=20), **values,
    }  # fmt: skip
    with Home.open_for_reading(estate.home) as home, home.ledger.begin() as connection:
        connection.execute(sa.insert(jobs).values(row))


def test_progress_is_there_after_a_reload_and_as_json(visit: Visiting, own_estate: Estate) -> None:
    kept(own_estate, step="looking back", fraction=0.25, counted=5000, unit="records", beat_at=now())
    for _ in range(2):
        answer = visit("/jobs/J-1", of=own_estate)
        assert "25 % looking back 5,000 records" in answer.words
        assert "left" in answer.words
        assert 'http-equiv="refresh"' in answer.text
    told = visit("/jobs/J-1/progress", of=own_estate).json()
    assert (told["state"], told["fraction"], told["counted"]) == ("running", 0.25, 5000)
    assert visit("/jobs/J-1/cancel", form={}, of=own_estate).headers["location"] == "/jobs/J-1"
    assert "erin cancelled it" in visit("/jobs/J-1", of=own_estate).words
    assert visit("/jobs/J-1/again", form={}, of=own_estate).status == 400


def test_a_backtest_runs_and_shows_its_chart(visit: Visiting, own_estate: Estate) -> None:
    listed = visit("/detections?state=hit&level=high&sort=title").links
    rule = next(link for link in listed if RULES.fullmatch(link))
    asked = {"rule": rule.removeprefix("/detections/")}
    answer = visit("/detections/backtest", role="analyst", form=asked, of=own_estate)
    assert answer.status == 303, answer.words
    address = answer.headers["location"]
    with runner(own_estate):
        deadline = time.monotonic() + 120
        while visit(f"{address}/progress", of=own_estate).json()["state"] in ("queued", "running"):
            assert time.monotonic() < deadline
            threading.Event().wait(0.5)
    answer = visit(address, of=own_estate)
    assert "1 rule was tried" in answer.words, answer.words
    assert 'class="histogram"' in answer.text
    assert any(link.startswith("/record?ref=") for link in answer.links)
    assert "http-equiv" not in answer.text
    shown = visit(rule, of=own_estate)
    assert "The last backtest" in shown.words
    assert shown.text.count('class="histogram"') == 2


def test_what_came_of_it_is_text(visit: Visiting, own_estate: Estate) -> None:
    failed = {"what": HOSTILE, "where": HOSTILE, "remedy": HOSTILE}
    kept(own_estate, state="failed", by=HOSTILE, error=json.dumps(failed), ended_at=now())
    collected = {"objects": {"seen": 2, HOSTILE: 1}, "records": {HOSTILE: 3}, "problems": [HOSTILE]}
    asked = json.dumps({"address": HOSTILE})
    kept(
        own_estate,
        kind="collect",
        state="done",
        parameters=asked,
        result=json.dumps(collected),
        ended_at=now(),
    )
    imported = {
        "pack": HOSTILE, "files": 1, "rules": 0, "correlations": 0, "problem_count": 1,
        "problems": [{"file": HOSTILE, "rule": None, "title": HOSTILE, "reason": HOSTILE}],
    }  # fmt: skip
    kept(own_estate, kind="rule_import", state="done", result=json.dumps(imported), ended_at=now())
    retried = {
        "tried": 1, "taken": 0, "unreadable": 1, "gone": 0, "records": {},
        "reasons": [{"id": "x", "object": HOSTILE, "reason": HOSTILE}],
    }  # fmt: skip
    kept(own_estate, kind="quarantine_retry", state="done", result=json.dumps(retried), ended_at=now())
    for path in ("/jobs", "/jobs/J-1", "/jobs/J-2", "/jobs/J-3", "/jobs/J-4"):
        answer = visit(path, of=own_estate)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "alert(1)" in answer.words


def test_who_sees_some_accounts_sees_no_job_of_all(visit: Visiting, own_estate: Estate) -> None:
    kept(own_estate, state="done", ended_at=now())
    assert visit("/jobs/J-1", role="analyst", of=own_estate).status == 200
    assert visit("/jobs/J-1", role="analyst", groups=("customer-a",), of=own_estate).status == 404
    assert "J-1" not in visit("/jobs", role="analyst", groups=("customer-a",), of=own_estate).words
    assert visit("/jobs", role="viewer", of=own_estate).status == 403


def test_a_collection_is_for_admins_and_never_of_the_home(visit: Visiting, own_estate: Estate) -> None:
    form = {"address": str(own_estate.files)}
    assert visit("/jobs/collect", role="analyst", form=form, of=own_estate).status == 403
    assert visit("/jobs/collect", form={"address": str(own_estate.home)}, of=own_estate).status == 400
    assert visit("/jobs/collect", form={"address": "relative/folder"}, of=own_estate).status == 400
    assert visit("/jobs/collect", form=form, of=own_estate).headers["location"] == "/jobs/J-1"
    assert str(own_estate.files)[:40] in visit("/jobs", of=own_estate).words
    assert visit("/jobs/quarantine", form={}, of=own_estate).headers["location"] == "/jobs/J-2"


@pytest.mark.parametrize("path", ["/jobs?kind=x", "/jobs?state=unfinished", "/jobs?kind=backtest"])
def test_the_list_narrows(visit: Visiting, path: str) -> None:
    assert visit(path).status == 200


def test_one_that_waits_long_says_who_would_run_it(visit: Visiting, own_estate: Estate) -> None:
    kept(own_estate, state="queued", created_at=now() - timedelta(minutes=1), started_at=None)
    assert "Nothing has taken it up yet." in visit("/jobs/J-1", of=own_estate).words
