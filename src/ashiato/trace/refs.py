"""References to single records, and the records behind them.

`event:<eventID>@<account>` (`event:#<record hash>@<account>` of version 1.0), `item:<account>/<region>/<type>/<id>/
<captureTime>`, `flow:<32 hex digits>` (start in microseconds, then a hash of the record). Ids stand as records have
them: what puts a reference into a URL encodes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb
from pyiceberg.expressions import And, BooleanExpression

from ashiato.core.scope import AccountScope
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import equal, within
from ashiato.lake.scan import relation
from ashiato.lake.variants import record_of as record_of_row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: What together tells a flow record from every other one.
_FLOW_FIELDS: Final = (
    "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log_status", "tgw_attachment_id", "object", "log_event_id",
)  # fmt: skip
_MOST_COPIES: Final = 50


@dataclass(frozen=True)
class Ref:
    """A parsed reference. `table`: of the lake; `parts`: as the table's columns have them."""

    table: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        if self.table == "cloudtrail":
            return f"event:{self.parts[0]}@{self.parts[1]}"
        if self.table == "config_items":
            return "item:" + "/".join(self.parts)
        return f"flow:{self.parts[0]}"


@dataclass(frozen=True)
class Record:
    """A record as AWS wrote it. `variants`: later copies that say more; `corrected_by`: whether an addendum
    replaces it. Times are UTC; `delivered_at` is when AWS delivered it, `ingested_at` when Ashiato took it in."""

    ref: str
    table: str
    record: Mapping[str, Any]
    variants: tuple[Mapping[str, Any], ...]
    account: str | None
    region: str | None
    time: datetime | None
    delivered_at: datetime | None
    ingested_at: datetime | None
    source: str | None
    object: str | None
    superseded: bool = False

    @property
    def lag(self) -> float | None:
        """Seconds from the record's time to its arrival here."""
        if self.time is None or self.ingested_at is None:
            return None
        return (self.ingested_at - self.time).total_seconds()

    @property
    def delivery_lag(self) -> float | None:
        """Seconds from the record's time to AWS's delivery."""
        if self.time is None or self.delivered_at is None:
            return None
        return (self.delivered_at - self.time).total_seconds()

    def as_json(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "table": self.table,
            "account": self.account,
            "region": self.region,
            "time": self.time,
            "delivered": self.delivered_at,
            "ingested": self.ingested_at,
            "delivery_lag": self.delivery_lag,
            "lag": self.lag,
            "source": self.source,
            "object": self.object,
            "superseded": self.superseded,
            "record": self.record,
            "variants": list(self.variants),
        }


def event_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `cloudtrail`."""
    own = row.get("eventID") or f"#{row.get('record_hash') or ''}"
    return str(Ref("cloudtrail", (own, row.get("recipientAccountId") or "")))


def item_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `config_items`."""
    time: datetime | None = row.get("configurationItemCaptureTime")
    names = ("awsAccountId", "awsRegion", "resourceType", "resourceId")
    return str(Ref("config_items", (*(row.get(n) or "" for n in names), "" if time is None else iso(time))))


def iso(moment: datetime) -> str:
    """A time as AWS writes it, with as many digits of the second as it has."""
    moment = moment.astimezone(UTC)
    digits = (
        "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    )
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def flow_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `vpc_flow_logs`."""
    start: datetime = row["start_time"]
    text = "\0".join("" if row.get(name) is None else str(row[name]) for name in _FLOW_FIELDS)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"flow:{(start - _EPOCH) // _MICROSECOND:016x}{digest}"


def parse_ref(text: str) -> Ref | None:
    """The reference that a text is; None for any other text.

    >>> parse_ref("event:0c98e0c8-7a5c-4ae9-a58f-3543abd1d978@111122223333").parts[1]
    '111122223333'
    >>> parse_ref("i-0a1b2c3d") is None
    True
    """
    head, colon, rest = text.partition(":")
    if not colon or len(text) > 4000:
        return None
    if head == "event":
        own, at, account = rest.rpartition("@")
        return Ref("cloudtrail", (own, account)) if at and own else None
    if head == "item":
        parts = rest.split("/")
        if len(parts) < 5 or _time(parts[-1]) is None:
            return None
        return Ref("config_items", (*parts[:3], "/".join(parts[3:-1]), parts[-1]))
    digits = set("0123456789abcdef")
    if head == "flow" and len(rest) == 32 and set(rest) <= digits and int(rest[:16], 16) < 1 << 57:
        return Ref("vpc_flow_logs", (rest,))
    return None


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def record_of(lake: PinnedLake, ref: Ref | str, scope: AccountScope) -> Record | None:
    """The record behind a reference: raw, with its copies that say more, where it came from and when.

    None where there is none, or where `scope` does not allow its account.
    """
    parsed = parse_ref(ref) if isinstance(ref, str) else ref
    if parsed is None:
        return None
    rows = _rows(lake, parsed, scope)
    if not rows:
        return None
    table = TABLES[parsed.table]
    first = rows[0]
    account, region = ACCOUNT_REGION[parsed.table]
    superseded = parsed.table == "cloudtrail" and first.get("eventID") in set(lake.superseded)
    return Record(
        str(parsed),
        parsed.table,
        record_of_row(first, table),
        tuple(record_of_row(row, table) for row in rows[1:]),
        first.get(account),
        first.get(region),
        first.get(table.time_column),
        first.get("delivered_at"),
        first.get("ingested_at"),
        first.get("source"),
        first.get("object"),
        superseded,
    )


def _rows(lake: PinnedLake, ref: Ref, scope: AccountScope) -> list[dict[str, Any]]:
    planned, where, values = _condition(ref)
    plan = lake.plan(ref.table, planned)
    if not plan.files:
        return []
    allowed, more = scope.sql(f'"{ACCOUNT_REGION[ref.table][0]}"')
    order = "ORDER BY variant" if ref.table != "vpc_flow_logs" else ""
    sql = (
        f"SELECT * FROM {relation(plan.files, plan.iceberg_schema)} WHERE {where} AND {allowed}"
        f" {order} LIMIT {_MOST_COPIES if order else 5000}"
    )
    with duckdb.connect(config={"threads": 2, "memory_limit": "512MB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql(sql, params=values | more).to_arrow_table().to_pylist()
    if ref.table == "vpc_flow_logs":
        rows = [row for row in rows if flow_ref(row) == str(ref)][:1]
    return rows


def _condition(ref: Ref) -> tuple[BooleanExpression, str, dict[str, Any]]:
    """Filter of the plan, and the same as SQL with its values."""
    if ref.table == "cloudtrail":
        own, account = ref.parts
        column = "record_hash" if own.startswith("#") else "eventID"
        where = f"\"{column}\" = $own AND coalesce(recipientAccountId, '') = $account"
        return equal(column, own.removeprefix("#")), where, {"own": own.removeprefix("#"), "account": account}
    if ref.table == "config_items":
        account, region, kind, own, captured = ref.parts
        time = _time(captured) or _EPOCH
        until = time + _MICROSECOND
        planned = And(
            within("configurationItemCaptureTime", time.isoformat(), until.isoformat()),
            equal("resourceId", own),
        )
        where = (
            "configurationItemCaptureTime = $time AND resourceId = $own AND resourceType = $kind"
            " AND coalesce(awsAccountId, '') = $account AND coalesce(awsRegion, '') = $region"
        )
        values = {"time": time, "own": own, "kind": kind, "account": account, "region": region}
        return planned, where, values
    start = _EPOCH + int(ref.parts[0][:16], 16) * _MICROSECOND
    planned = within("start_time", start.isoformat(), (start + _MICROSECOND).isoformat())
    return planned, "start_time = $time", {"time": start}
