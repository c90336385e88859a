"""The same on PostgreSQL, where several processes may raise and act at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts.samples import ALICE, NOON, change, finding, partition, raise_, rows, settings
from alerts.services import webhook
from ashiato.alerts.acts import Desk
from ashiato.alerts.delivery import Deliverer
from ashiato.alerts.digest import read_digest
from ashiato.alerts.expecting import plan, plan_documents, suppress, suppression_documents
from ashiato.alerts.messages import Writer
from ashiato.alerts.precision import precision
from ashiato.alerts.story import alert_story, incident_story
from ashiato.core.settings import Channel
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import outbox
from postgres_server import Server

pytestmark = pytest.mark.needs_postgres
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(postgres: Server) -> Iterator[Ledger]:
    opened = Ledger(postgres.url(), migrate=True)
    yield opened
    opened.close()


def test_raised_acted_on_told_and_shown(ledger: Ledger) -> None:
    with webhook() as hook:
        told = settings(Channel(name="hook", url=hook.url))
        raise_(
            ledger, [change(finding(NOON)), change(finding(NOON, rule="b", principal=ALICE + "\x00b"))], told
        )
        raise_(ledger, finding(NOON + 9 * HOUR), told)
        raise_(ledger, finding(NOON + 5 * HOUR), told)
        assert Deliverer(ledger, told).deliver_due().sent == 2
    with ledger.begin() as connection:
        desk = Desk(connection, told, "ann", NOON)
        desk.acknowledge(["A-1"])
        desk.close(["A-1"], "true", "done")
        assert suppress(desk, rules=["b"], until=NOON + HOUR, reason="x") == (1, 1)
        assert plan(desk, "T", start=NOON, end=NOON + HOUR) == (1, 0)
        assert (
            len(suppression_documents(connection, NOON)) == len(plan_documents(connection, told, NOON)) == 1
        )
        assert precision(connection)[0]["precision"] == 1.0
        assert read_digest(connection, told, "day", NOON + HOUR).closed == 1
        writer = Writer(told, "ja")
        assert alert_story(connection, rows(ledger)[0], writer, NOON)["hits"] == 3
        with pytest.raises(Exception, match="I-9"):
            incident_story(connection, 9, writer)


def test_many_that_raise_at_once_make_the_same_alerts(ledger: Ledger) -> None:
    told = settings(Channel(name="hook", url="json://127.0.0.1:9/"))
    found = [finding(NOON + n * HOUR, rule=rule) for n in range(12) for rule in ("a", "b")]
    threads = [
        threading.Thread(target=lambda part=part: [raise_(ledger, f, told) for f in part])  # type: ignore[misc]
        for part in (found[::3], found[1::3], found[2::3])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert partition(ledger) == {frozenset(f.uid for f in found if f.rule == rule) for rule in ("a", "b")}
    open_ones = [row for row in rows(ledger) if row.state == "open"]
    assert len({row.incident for row in open_ones}) == 1
    assert ledger.scalar(sa.select(sa.func.count()).where(outbox.c.state == "pending")) == 2
