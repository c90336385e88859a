"""The record behind a reference (formats/refs.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, BooleanExpression

from ashiato.core.scope import AccountScope
from ashiato.formats.refs import FLOW_DIGEST, Ref, parse_ref
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import equal
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.variants import record_of as record_of_row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_COPIES: Final = 50


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


def record_of(lake: PinnedLake, ref: Ref | str, scope: AccountScope) -> Record | None:
    """The record behind a reference: raw, with its copies that say more, where it came from and when.

    None where there is none, or where `scope` does not allow its account.
    """
    parsed = parse_ref(ref) if isinstance(ref, str) else ref
    if parsed is None:
        return None
    rows = rows_of(lake, parsed, scope)
    return record_in(lake, parsed, rows) if rows.num_rows else None


def record_in(lake: PinnedLake, parsed: Ref, copies: pa.Table) -> Record:
    """The record of a reference out of its copies (`rows_of`), of which there is one at least."""
    rows = copies.to_pylist()
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


def rows_of(lake: PinnedLake, ref: Ref, scope: AccountScope) -> pa.Table:
    """The copies of a record, the first one first; none where there is none, or where `scope` does not allow it."""
    return _read(lake, ref.table, *_condition(ref), scope)


def rows_of_event(lake: PinnedLake, event_id: str, scope: AccountScope) -> pa.Table:
    """The copies of an event by its id alone, of each account that has it, the first ones first."""
    return _read(lake, "cloudtrail", equal("eventID", event_id), "eventID = $own", {"own": event_id}, scope)


def first_copies(rows: pa.Table) -> pa.Table:
    """Of the copies of records the first of each; flow records have but one."""
    return rows.filter(pc.equal(rows["variant"], 0)) if "variant" in rows.column_names else rows


def _read(
    lake: PinnedLake,
    table: str,
    planned: BooleanExpression,
    where: str,
    values: Mapping[str, Any],
    scope: AccountScope,
) -> pa.Table:
    plan = lake.plan(table, planned)
    if not plan.files:
        return TABLES[table].schema.empty_table()
    allowed, more = scope.sql(f'"{ACCOUNT_REGION[table][0]}"')
    # Two equal flow records cannot be told apart: either is the one that is meant.
    last = "LIMIT 1" if table == "vpc_flow_logs" else f"ORDER BY variant LIMIT {_MOST_COPIES}"
    sql = f"SELECT * FROM {relation(plan.files, plan.iceberg_schema)} WHERE {where} AND {allowed} {last}"
    with reading() as connection:
        return connection.sql(sql, params={**values, **more}).to_arrow_table()


def _condition(ref: Ref) -> tuple[BooleanExpression, str, dict[str, Any]]:
    """Filter of the plan, and the same as SQL with its values."""
    if ref.table == "cloudtrail":
        own, account = ref.parts
        column = "record_hash" if own.startswith("#") else "eventID"
        where = f"\"{column}\" = $own AND coalesce(recipientAccountId, '') = $account"
        return equal(column, own.removeprefix("#")), where, {"own": own.removeprefix("#"), "account": account}
    if ref.table == "config_items":
        account, region, kind, own, captured = ref.parts
        time = _time(captured)
        planned: BooleanExpression = And(
            equal("configurationItemCaptureTime", time.isoformat()),
            equal("resourceId", own),
        )
        where = (
            "configurationItemCaptureTime = $time AND resourceId = $own AND resourceType = $kind"
            " AND coalesce(awsAccountId, '') = $account AND coalesce(awsRegion, '') = $region"
        )
        values = {"time": time, "own": own, "kind": kind, "account": account, "region": region}
        return planned, where, values
    start = _EPOCH + int(ref.parts[0][:16], 16) * _MICROSECOND
    planned = equal("start_time", start.isoformat())
    return (
        planned,
        f"start_time = $time AND {FLOW_DIGEST} = $digest",
        {"time": start, "digest": ref.parts[0][16:]},
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
