"""Traces of a few items and events that a test writes: what the sample estate has no example of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.refs import record_of
from ashiato.trace.tracing import Wanted, trace
from config.writing import ACCOUNT, GROUP, call, group, item, rule, taken
from intake.taking_in import collect, write

Written = Callable[..., dict[str, Any]]
BEFORE = item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
OPENED = item("2026-11-20T10:02:00.500Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0"), rule(22, "0.0.0.0/0")))


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """The document of a trace among these items and events."""
    with ExitStack() as stack:

        def ask(entity: str, items: list[Any], events: list[Any], **wanted: Any) -> dict[str, Any]:
            home = stack.enter_context(Home.open_for_reading(taken(tmp_path, items, events)))
            lake = stack.enter_context(PinnedLake(home))
            return trace(lake, entity, EVERY_ACCOUNT, Settings(), Wanted(**wanted)).as_json()

        yield ask


def test_a_gap_behind_a_change_is_told_in_the_language_asked_for(written: Written) -> None:
    document = written("sg-1", [BEFORE, OPENED], [], language="ja")
    assert "このアカウントの CloudTrail イベントは一件も届いていない" in document["changes"][0]["gap"]["why"]


def test_names_of_a_host_are_bounded(written: Written) -> None:
    long = "x" * 100_000
    instance = item(
        "2026-11-20T08:00:00.000Z", "AWS::EC2::Instance", "i-0a1b2c3d4e5f60718",
        {"state": {"name": long}, "securityGroups": [{"groupId": long}]},
    )  # fmt: skip
    [host] = written("i-0a1b2c3d4e5f60718", [instance], [])["entity"]["hosts"]
    assert len(host["state"]) <= 60
    assert all(len(g) <= 1100 for g in host["groups"])


def test_a_role_that_only_its_sessions_name_is_of_their_partition(written: Written) -> None:
    session = f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/deployer/build-7"
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:build-7",
        "arn": session,
        "accountId": ACCOUNT,
    }
    event = call("2026-11-20T10:00:00Z", "s3", "CreateBucket", {"bucketName": "b"}, userIdentity=identity)
    tagged = call("2026-11-20T10:00:00Z", "iam", "TagRole", {"roleName": "deployer"}, userIdentity=identity)
    document = written("deployer", [BEFORE], [event, tagged])
    assert document["entity"]["arn"] == f"arn:aws-cn:iam::{ACCOUNT}:role/deployer"


def test_a_flow_record_is_found_among_thousands_of_its_second(tmp_path: Path) -> None:
    lines = [
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    ]
    lines += [
        f"2 {ACCOUNT} eni-0a1b2c3d4e5f60718 198.18.{n // 256}.{n % 256} 10.0.0.5 40000 443 6 1 40 1795168800 1795168850 ACCEPT OK"
        for n in range(6000)
    ]
    name = f"{ACCOUNT}_vpcflowlogs_us-east-1_fl-0a1b2c3d4e5f60718_20261120T1000Z_0a1b2c3d.log.gz"
    write(tmp_path / "files" / name, "\n".join(lines).encode())
    collect(tmp_path / "home", tmp_path / "files")
    with Home.open_for_reading(tmp_path / "home") as home, PinnedLake(home) as lake:
        for address in ("198.18.0.0", "198.18.10.1", "198.18.23.111"):
            found = trace(lake, address, EVERY_ACCOUNT, Settings(), Wanted(parts=frozenset())).as_json()
            record = record_of(lake, found["connections"][0]["ref"], EVERY_ACCOUNT)
            assert record is not None
            assert record.record["srcaddr"] == address
