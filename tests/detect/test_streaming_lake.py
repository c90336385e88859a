"""Through a real lake: files taken in shuffled, doubled, merged and late leave the findings that a backtest finds."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

import ashiato as package
from ashiato.core.settings import Settings
from ashiato.detect.engine import Engine
from ashiato.detect.evaluation import Evaluation
from ashiato.detect.history import LakeHistory
from ashiato.detect.rule import Rule
from ashiato.detect.sigma_rules import Document, parse
from ashiato.intake.collect import Collector
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.plans import PinnedLake
from ashiato.ledger import tables as t
from detect.evaluating import AROUND, UUID, event, plain
from detect.sqlite_oracle import Record
from detect.streaming import Key, backtested, standing
from detect.test_correlations import correlation
from intake.taking_in import write_events

LATER = datetime(2027, 6, 1, tzinfo=UTC)
WHO = {"group-by": ["userIdentity.arn"]}
#: One of every kind, over records of any sort.
EVERY_KIND = [
    plain({"errorCode|exists": True}, 1, name="failed", level="high"),
    plain({"eventName|startswith": ["Get", "List", "Describe"]}, 2, name="reading"),
    plain({"readOnly": False}, 3, name="writing"),
    correlation(11, "event_count", ["failed"], {"gte": 3}, **WHO, generate=True),
    correlation(12, "value_count", ["reading"], {"gte": 3, "field": "eventName"}, **WHO, timespan="10m"),
    correlation(13, "event_count", ["c12"], {"gte": 2}, **WHO, timespan="1h"),
    correlation(14, "temporal_ordered", ["reading", "writing"], None, **WHO, timespan="2m"),
    correlation(15, "temporal", [], "failed and not writing", **WHO, timespan="2m"),
    correlation(16, "event_count", ["c15"], {"gte": 2}, timespan="3h", generate=True),
    plain({"readOnly": False}, 20, level="high", ashiato={"new_terms": {
        "fields": ["ashiato.principal", "eventSource", "eventName"], "history": "30d", "learning": "0d",
        "peers": ["eventSource", "eventName"]}}),
    plain({"eventSource|exists": True}, 21, ashiato={"rate": {
        "group_by": ["eventSource"], "weeks": 2, "at_least": 2, "factor": 1}}),
]  # fmt: skip


def made_rules(*more: Document) -> dict[str, Rule]:
    own = [Document(f"{n}.yml", d) for n, d in enumerate(EVERY_KIND)]
    parsed = parse([*own, *more], {"break_glass": ["*:user/break-glass*"], "log_buckets": ["x"]})
    assert parsed.problems == []
    return parsed.rules


class Taking:
    """A home that files are taken into, one batch after the other."""

    def __init__(self, home: Home, folder: Path, rules: dict[str, Rule], rng: random.Random) -> None:
        self.home = home
        self.folder = folder
        self.rules = rules
        self.rng = rng
        self.files = 0
        self.begin()

    def begin(self) -> None:
        """As a new process does."""
        live = self.rng.random() < 0.7
        self.evaluation = Evaluation(self.home, Engine(self.rules, AROUND), live=live, news_since=None)
        self.evaluation.settle_rules()

    def take(self, records: list[Record]) -> None:
        """Files with these records, some of them in two."""
        rng = self.rng
        cut = rng.randrange(len(records) + 1)
        doubled = rng.sample(records, rng.randrange(len(records) + 1)) if rng.random() < 0.5 else []
        for part in (records[:cut], records[cut:], doubled):
            if part:
                self.files += 1
                write_events(self.folder / f"{self.files}.json.gz", part)
        Collector(self.home, processes=1).run([str(self.folder)])

    def go_on(self) -> None:
        """Something happens before the next batch, or nothing."""
        match self.rng.choice(["evaluate", "evaluate", "reconcile", "merge", "restart", "nothing"]):
            case "evaluate":
                self.evaluation.pending()
            case "reconcile":
                self.evaluation.pending()
                self.evaluation.reconcile()
            case "merge":
                # Files of batches that are not evaluated yet become others.
                maintain(self.home, Settings(), moment=LATER, grace=0, only={"compact", "sweep"})
            case "restart":
                self.begin()

    def end(self) -> set[Key]:
        """What stands when everything is evaluated; it is what the past holds."""
        self.evaluation.pending()
        self.evaluation.reconcile()
        waiting = sa.select(sa.func.count()).select_from(t.batches).where(t.batches.c.evaluated_at.is_(None))
        assert self.home.ledger.scalar(waiting) == 0
        found = standing(self.home.ledger)
        with PinnedLake(self.home) as lake:
            expected = backtested(self.rules, LakeHistory(lake))
        assert expected - found == set()
        assert found - expected == set()
        return found


def streamed(
    folder: Path, rules: dict[str, Rule], records: list[Record], seed: int, sizes: list[int]
) -> set[Key]:
    """Take the records in, in an order and in batches of the seed's choice; what stands in the end."""
    rng = random.Random(seed)
    left = list(records)
    rng.shuffle(left)
    if seed % 3 == 0:
        left.sort(key=lambda r: str(r["eventTime"]))
    (folder / "files").mkdir(parents=True)
    with Home.open_for_writing(folder / "home", "test") as home:
        taking = Taking(home, folder / "files", rules, rng)
        while left:
            size = rng.choice(sizes)
            taking.take(left[:size])
            left = left[size:]
            taking.go_on()
        return taking.end()


def few_records() -> list[Record]:
    rng = random.Random(5)
    names = ["GetObject", "ListUsers", "DescribeInstances", "CreateUser", "PutUserPolicy"]
    found = []
    for number in range(240):
        day = rng.choice([0, 0, 0, 1, 7, 14, 15, 21])
        user = rng.choice(["ann", "bob"])
        name = rng.choice(names)
        more: dict[str, Any] = {"errorCode": "AccessDenied"} if rng.random() < 0.3 else {}
        found.append(
            event(
                number,
                seconds=day * 86400 + rng.choice([0, 3500, 7200]) + rng.randrange(300),
                eventName=name,
                eventSource=rng.choice(["iam.amazonaws.com", "s3.amazonaws.com"]),
                readOnly=not name.startswith(("Create", "Put")),
                userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::1:user/{user}", "accountId": "1"},
                **more,
            )
        )
    return found


@pytest.mark.slow
def test_every_kind_of_rule_through_a_lake(tmp_path: Path) -> None:
    rules = made_rules()
    records = few_records()
    found = [streamed(tmp_path / str(seed), rules, records, seed, [20, 60, 90]) for seed in range(3)]
    assert found[0] == found[1] == found[2]
    kinds = {rules[k[0]].kind for k in found[0]}
    assert kinds == {"correlation", "first_seen", "rate"}
    alone = {i for i, r in rules.items() if r.alone}
    assert alone - {k[0] for k in found[0]} <= {UUID.format(11)}


@pytest.mark.slow
def test_all_rules_over_the_corpora(tmp_path: Path, corpora: Path, raw: list[Record]) -> None:
    """SigmaHQ's rules, our own pack and one of every kind, for several orders of arrival."""
    own = Path(package.__file__).parent / "detect" / "rules"
    paths = [*sorted((corpora / "sigma-rules-aws").rglob("*.yml")), *sorted(own.rglob("*.yml"))]
    named = [d for p in paths for d in yaml.safe_load_all(p.read_text())]
    rules = made_rules(*(Document(str(p), p.read_text(), "x") for p in paths))
    assert len(rules) == len(named) + len(EVERY_KIND)
    found = [streamed(tmp_path / str(seed), rules, raw, seed, [50, 300, 800]) for seed in range(4)]
    assert all(f == found[0] for f in found)
    assert len(found[0]) > 300
