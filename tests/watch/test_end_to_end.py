"""From AWS's wires to a person's: every road and every channel at once, killed and cut off on the way."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.services import Mailbox, Webhook, mailbox, webhook
from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import alerts, outbox
from ashiato.ledger.detection_tables import findings, open_spans
from watch.estate import ACCESS_KEY, RULES, Estate, Producer, happened
from watch.watch_process import WatchProcess, free_ports, run
from watch.watching import until

KEY = re.compile(r"alert\.\d+\.\d+\.[a-z]+")
CHANNELS = ("mail", "hook", "topic")


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


@pytest.fixture
def estate(tmp_path: Path, moto_port: int, mail: Mailbox, hook: Webhook) -> Iterator[Estate]:
    made = Estate(tmp_path, moto_port, mail, hook, free_ports(1)[0])
    yield made
    made.close()


class Told:
    """What arrived at the channels: texts by key."""

    def __init__(self, estate: Estate) -> None:
        self.texts: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in CHANNELS}
        for message in list(estate.mailbox.mails):
            part = message.get_body(("plain", "html"))
            assert part is not None
            self.texts["mail"][str(message["X-Ashiato-Key"])].append(part.get_content())
        for body, key in list(zip(estate.webhook.got, estate.webhook.keys, strict=False)):
            self.texts["hook"][key].append(body["title"] + "\n" + body["message"])
        for envelope in estate.told.bodies():
            key = envelope["MessageAttributes"]["key"]["Value"]
            self.texts["topic"][key].append(envelope["Message"])


def name_of(record: dict[str, Any]) -> str:
    """What a message calls who did it."""
    identity = record["userIdentity"]
    return str(identity["accountId"] if identity["type"] == "Root" else identity["userName"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_road_every_channel_killed_and_cut_off_on_the_way(tmp_path: Path, estate: Estate) -> None:
    rng = random.Random(int(os.environ.get("ASHIATO_TEST_SEED", "4")))
    home, config, [port] = tmp_path / "home", tmp_path / "ashiato.toml", free_ports(1)
    config.write_text(estate.settings(home, port))
    watch = WatchProcess(config, tmp_path / "watch.log", port, E2E_FIREHOSE_KEY=ACCESS_KEY)
    try:
        watch.start()
        time.sleep(1.1)
        producer = Producer(estate, rng, datetime.now(UTC))
        for cut in ["", *rng.sample(sorted(estate.wires), len(estate.wires))]:
            if cut:
                estate.wires[cut].cut()
            producer.go(12)
            if cut in ("webhook", "smtp") or rng.random() < 0.6:
                time.sleep(rng.random())
                watch.kill()
                producer.go(4)
                estate.two_minutes_later()
                watch.start(well=rng.random() < 0.8)
                if rng.random() < 0.2:
                    # In the midst of the start.
                    time.sleep(rng.random() * 3)
                    watch.kill()
                    estate.two_minutes_later()
                    watch.start()
                producer.go(4)
            if cut:
                estate.wires[cut].mend()
                # Answers that the outage swallowed.
                estate.two_minutes_later()
        producer.rest()
        print(f"{len(producer.made)} events, {producer.deliveries} deliveries, {watch.kills} kills")
        until(lambda: watch.healthz()[0] == 200, "it runs", 60)
        with Home.open_for_reading(home) as opened:
            read = opened.ledger

            def settled() -> bool:
                return (
                    not estate.unacknowledged
                    and estate.notifications.held() == estate.records.held() == 0
                    and not list((home / "spool").iterdir())
                    and count(home) >= len(producer.made)
                    and not read.scalar(sa.select(sa.func.count()).select_from(open_spans))
                    and not read.scalar(
                        sa.select(sa.func.count()).where(outbox.c.state.in_(["pending", "sending"]))
                    )
                )

            began = time.monotonic()
            try:
                until(settled, "all is taken in and told", 240)
            except AssertionError:
                print(watch.said[-6000:])
                print(
                    estate.unacknowledged, estate.notifications.held(), estate.records.held(), count(home),
                    len(producer.made), list((home / "spool").iterdir()),
                )  # fmt: skip
                raise
            print(f"settled within {time.monotonic() - began:.1f} s")
            seconds = told_within(estate, watch, producer)
            print(f"an event was told {seconds:.1f} s after it was sent")
            assert seconds <= 20
            until(settled, "the last ones are told", 60)
        status, said = watch.healthz()
        assert status == 200, said
        watch.end()
    finally:
        watch.close()
    assert "Traceback" not in watch.said, watch.said

    assert_each_once(home, config, producer)
    assert_findings_equal_backtest(home, config)
    assert_all_told(home, estate, producer)


def count(home: Path) -> int:
    from intake.lake_counts import count as rows

    return rows(home, "cloudtrail")


def told_within(estate: Estate, watch: WatchProcess, producer: Producer) -> float:
    """Seconds from AWS's fastest road to the webhook, when nothing else goes on."""
    record = happened(4 * len(producer.made), datetime.now(UTC))
    producer.made[record["eventID"]] = record
    began = time.monotonic()
    estate.deliver("sqs", [record])
    until(lambda: any(name_of(record) in b["message"] for b in list(estate.webhook.got)), "told", 60)
    return time.monotonic() - began


def assert_each_once(home: Path, config: Path, producer: Producer) -> None:
    said = run("query", "SELECT eventID, count(*) AS n FROM cloudtrail GROUP BY eventID", "--config", config)
    rows = said if isinstance(said, list) else said["rows"]
    counts = {
        (r["eventID"] if isinstance(r, dict) else r[0]): (r["n"] if isinstance(r, dict) else r[1])
        for r in rows
    }
    assert counts == dict.fromkeys(producer.made, 1)


def assert_findings_equal_backtest(home: Path, config: Path) -> None:
    looked = run("detections", "backtest", "--all", "--findings", "--config", config)
    back = {
        f["uid"]: (r["id"], f["hits"], sorted(f["event_ids"]), f["level"])
        for r in looked
        if r["alone"]
        for f in r["findings"]
    }
    with Home.open_for_reading(home) as opened:
        rows = opened.ledger.rows(
            sa.select(findings).where(findings.c.standing == 1, findings.c.kind != "silence")
        )
    assert {r.uid: (r.rule, r.hits, sorted(json.loads(r.event_ids)), r.level) for r in rows} == back
    assert back


def assert_all_told(home: Path, estate: Estate, producer: Producer) -> None:
    with Home.open_for_reading(home) as opened:
        rows = opened.ledger.rows(sa.select(alerts).where(alerts.c.level >= 2, alerts.c.state == "open"))
        dead = opened.ledger.rows(sa.select(outbox).where(outbox.c.state == "dead"))
    assert dead == []
    told = Told(estate)
    for channel, texts in told.texts.items():
        # What stands in the control database was told, and nothing else, each alert under one key.
        wanted = {f"alert.{r.id}.{v}.{channel}" for r in rows for v in range(1, r.told_version + 1)}
        assert set(texts) == wanted, channel
        assert all(r.told_version == 1 for r in rows)
        doubled = sum(len(t) - 1 for t in texts.values())
        print(f"{channel}: {len(texts)} alerts, {doubled} told twice by a kill")
        for key, several in texts.items():
            assert all(set(KEY.findall(t)) == {key} for t in several)
        # And what happened was told, whatever the control database says.
        first_lines = {key: several[0] for key, several in texts.items()}
        for record in producer.made.values():
            title = next((t for k, t in RULES.items() if kind_of(record) == k), None)
            if title is not None:
                name = name_of(record)
                found = [k for k, t in first_lines.items() if title in t and name in t]
                assert len(found) == 1, (channel, title, name, found)


def kind_of(record: dict[str, Any]) -> int:
    names = {"StopLogging": 0, "ConsoleLogin": 1, "CreatePolicy": 2}
    return names.get(record["eventName"], 3)
