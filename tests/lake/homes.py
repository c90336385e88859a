"""Small homes for the lake's tests, filled by the road that users take: files, then `collect`."""

from __future__ import annotations

import gzip
import json
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from pyiceberg.expressions import AlwaysTrue

from ashiato.core.settings import Settings
from ashiato.intake.collect import Collector, CollectReport
from ashiato.lake.home import Home
from ashiato.lake.maintain import MaintainReport, maintain
from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation
from ashiato.ledger import database

ACCOUNT = "111122223333"
OTHER = "444455556666"
#: A day long over, and the moment at which tests run maintenance.
DAY = datetime(2026, 9, 14, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
FLOW_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status"
)


def event(random: Random, at: datetime, **fields: Any) -> dict[str, Any]:
    """An event with some optional fields, chosen by chance."""
    name = random.choice(["ListBuckets", "RunInstances", "AssumeRole", "PutObject"])
    actor = random.choice(["alice", "bob", "ci"])
    made: dict[str, Any] = {
        "eventVersion": "1.11",
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": random.choice(["eu-west-1", "ap-northeast-1"]),
        "sourceIPAddress": f"203.0.113.{random.randrange(40)}",
        "userAgent": "aws-cli/2",
        "eventID": str(uuid.UUID(int=random.getrandbits(128))),
        "recipientAccountId": random.choice([ACCOUNT, OTHER]),
        "readOnly": random.random() < 0.5,
        "requestParameters": {
            "instanceId": f"i-{random.randrange(30):017x}",
            "note": random.choice(["足跡", 'a"b']),
        },
        "responseElements": None if random.random() < 0.5 else {"ok": True},
    }
    if random.random() < 0.9:
        made["userIdentity"] = {
            "type": "IAMUser",
            "principalId": f"AIDA{actor.upper():0<17}",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/{actor}",
            "accountId": ACCOUNT,
            "userName": actor,
        }
    if random.random() < 0.2:
        made["resources"] = [{"ARN": f"arn:aws:s3:::bucket-{random.randrange(5)}", "type": "AWS::S3::Bucket"}]
    if random.random() < 0.1:
        made["errorCode"] = "AccessDenied"
    return {**made, **fields}


def events(random: Random, count: int, *, days: int = 1, start: datetime = DAY) -> list[dict[str, Any]]:
    """Events spread over some days."""
    return [event(random, start + timedelta(seconds=random.randrange(days * 86_400))) for _ in range(count)]


def item(random: Random, at: datetime, **fields: Any) -> dict[str, Any]:
    """A configuration item of an instance."""
    number = random.randrange(20)
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "configurationStateId": random.getrandbits(40),
        "awsAccountId": ACCOUNT,
        "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::Instance",
        "resourceId": f"i-{number:017x}",
        "ARN": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-{number:017x}",
        "awsRegion": "eu-west-1",
        "tags": {"Name": f"n{number}"},
        "relatedEvents": [],
        "relationships": [
            {"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-0123456789abcdef0", "name": "in"}
        ],
        "configuration": {"instanceId": f"i-{number:017x}", "privateIpAddress": f"10.0.0.{number}"},
        "supplementaryConfiguration": {},
        **fields,
    }


def flow_lines(random: Random, count: int, *, start: datetime = DAY, days: int = 1) -> list[str]:
    """Flow records of the default format."""
    lines = []
    for _ in range(count):
        at = int(start.timestamp()) + random.randrange(days * 86_400)
        lines.append(
            f"2 {ACCOUNT} eni-{random.randrange(8):017x} 10.0.0.{random.randrange(50)} 198.51.100.{random.randrange(90)}"
            f" {random.randrange(1024, 65535)} 443 6 {random.randrange(1, 99)} {random.randrange(40, 90_000)} {at}"
            f" {at + 59} {random.choice(['ACCEPT', 'REJECT'])} OK"
        )
    return lines


def write_events(folder: Path, records: Sequence[dict[str, Any]], *, name: str | None = None) -> Path:
    """One delivered CloudTrail file."""
    return _write(folder, name, "json.gz", json.dumps({"Records": list(records)}))


def write_items(folder: Path, records: Sequence[dict[str, Any]], *, name: str | None = None) -> Path:
    """One delivered history file of AWS Config."""
    document = {"fileVersion": "1.0", "configurationItems": list(records)}
    return _write(folder, name, "json.gz", json.dumps(document))


def write_flows(folder: Path, lines: Iterable[str], *, name: str | None = None) -> Path:
    """One delivered flow log file."""
    return _write(folder, name, "log.gz", "\n".join([FLOW_FIELDS, *lines]) + "\n")


def _write(folder: Path, name: str | None, ending: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or uuid.uuid4().hex}.{ending}"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def take_in(home: Path, *places: Path) -> CollectReport:
    """`ashiato collect` of these places, in this process."""
    with Home.open_for_writing(home, "test") as opened:
        return Collector(opened, processes=1).run([str(p) for p in places])


def mend(home: Path, settings: Settings | None = None, **options: Any) -> MaintainReport:
    """`ashiato maintain` at LATER."""
    with Home.open_for_writing(home, "test") as opened:
        return maintain(opened, settings or Settings(), **{"moment": LATER, **options})


def ask(home: Path, table: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of `sql`, in which `{}` stands for the table, as a reader of the home sees them."""
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        plan = lake.plan(table, AlwaysTrue())
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql.replace("{}", relation(plan.files, plan.iceberg_schema))).fetchall()


def content(home: Path, table: str) -> Counter[str]:
    """Every row of a table, all columns, however the rows lie."""
    return Counter(row for (row,) in ask(home, table, "SELECT to_json(r)::VARCHAR FROM {} r"))


def data_files(home: Path, table: str) -> dict[str, int]:
    """Live data files and their rows."""
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        iceberg = lake.table(table)
        if iceberg.current_snapshot() is None:
            return {}
        return {
            task.file.file_path.removeprefix("file://"): task.file.record_count
            for task in iceberg.scan().plan_files()
        }


def files_on_disk(home: Path, table: str) -> set[str]:
    """Data files that lie in the table's folder, whether a snapshot names them or not."""
    return {str(p) for p in (home / "lake" / "warehouse" / "ashiato" / table).rglob("*.parquet")}


def back_to_revision(home: Path, revision: str) -> None:
    """The control database with the same rows, as the version of that revision would have it."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    old = home / "old.db"
    engine = sa.create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(old)) as ledger:
        ledger.execute("ATTACH ? AS newer", (str(home / "ledger.db"),))
        for (table,) in ledger.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table == "alembic_version":
                continue
            columns = ", ".join(f'"{c[1]}"' for c in ledger.execute(f"PRAGMA main.table_info({table})"))
            ledger.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        ledger.commit()
    for leftover in home.glob("ledger.db*"):
        leftover.unlink()
    old.rename(home / "ledger.db")
