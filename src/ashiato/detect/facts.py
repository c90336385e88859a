"""What a record says about itself, by table: who, where, from where, on what. For groups, incidents and examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ashiato.detect.record_view import RecordView
from ashiato.ledger.findings import Actor

#: Bytes of JSON of an example that a finding keeps; larger fields are left out, the largest first.
MOST_EXAMPLE = 6_000

ACCOUNT_FIELD = {
    "cloudtrail": "recipientAccountId",
    "config_items": "awsAccountId",
    "vpc_flow_logs": "account_id",
}
REGION_FIELD = {"cloudtrail": "awsRegion", "config_items": "awsRegion", "vpc_flow_logs": "region"}
_FLOW = ("interface_id", "srcaddr", "srcport", "dstaddr", "dstport")
_ADDRESS_FIELDS = {
    "cloudtrail": ("sourceIPAddress",),
    "config_items": (),
    "vpc_flow_logs": ("srcaddr", "dstaddr"),
}


@dataclass(frozen=True)
class Facts:
    """Of one record; what it does not say is None or empty."""

    account: str | None
    region: str | None
    principal: str | None
    actor: Actor
    addresses: tuple[str, ...]
    access_key: str | None
    resources: tuple[str, ...]


def event_id(view: RecordView, row: int) -> str:
    """What names a record: CloudTrail's event id; of an item its resource and capture time; of a flow record
    interface, addresses, ports and time."""
    match view.description.name:
        case "cloudtrail":
            found = view.listed("eventID")[row]
            if found:
                return str(found)
            hashed = (
                view.table["record_hash"][row].as_py() if "record_hash" in view.table.column_names else None
            )
            return str(hashed or f"{int(view.times[row])}")
        case "config_items":
            item = view.record(row)
            name = (
                item.get("ARN") or item.get("arn") or f"{item.get('resourceType')}/{item.get('resourceId')}"
            )
            return f"{name}@{item.get('configurationItemCaptureTime')}"
        case _:
            interface, source, port, target, target_port = (view.listed(n)[row] for n in _FLOW)
            return f"{interface}/{source}:{port}>{target}:{target_port}@{int(view.times[row]) // 1_000_000}"


def _first(view: RecordView, name: str, row: int) -> Any:
    found = view.values_of(name, row)
    return found[0] if found else None


def actor_of(view: RecordView, row: int) -> Actor:
    """Who acted in a record."""
    if "ashiato.actor" not in view.derived:
        return "unknown"
    column = view.coded("ashiato.actor")
    if column is None or column.codes[row] < 0:
        return "unknown"
    found: Actor = cast("Actor", column.distinct[column.codes[row]])
    return found


def facts(view: RecordView, row: int, *, closely: bool = True) -> Facts:
    """Facts of one record; `closely`: its resources too, for which the whole record is looked at."""
    table = view.description.name

    def text(name: str) -> str | None:
        value = _first(view, name, row)
        return None if value is None else str(value)

    if table == "cloudtrail":
        principal, actor = text("ashiato.principal"), text("ashiato.actor") or "unknown"
        key = text("userIdentity.accessKeyId") or None
    else:
        principal, actor, key = None, "unknown", None
    return Facts(
        account=text(ACCOUNT_FIELD[table]),
        region=text(REGION_FIELD[table]),
        principal=principal,
        actor=actor,  # type: ignore[arg-type]
        addresses=tuple(a for f in _ADDRESS_FIELDS[table] if (a := text(f))),
        access_key=key,
        resources=_resources(view, row) if closely else (),
    )


def _resources(view: RecordView, row: int) -> tuple[str, ...]:
    from ashiato.words import resources

    return tuple(r[:500] for r in resources(view.record(row))[:10])


def example(view: RecordView, row: int) -> dict[str, Any]:
    """The record as AWS writes it, without fields that are too large to keep beside a finding."""
    record = dict(view.record(row))
    record.pop("extra", None)
    sizes = {k: len(json.dumps(v, default=str)) for k, v in record.items()}
    left_out = []
    while sum(sizes.values()) > MOST_EXAMPLE and sizes:
        largest = max(sizes, key=lambda k: sizes[k])
        if sizes[largest] < 500:
            break
        left_out.append(largest)
        del sizes[largest], record[largest]
    if left_out:
        record["ashiato.leftOut"] = sorted(left_out)
    return record


def order_of(example_: Mapping[str, Any], table: str) -> tuple[str, str]:
    """What examples are sorted by: time, then id."""
    match table:
        case "cloudtrail":
            return str(example_.get("eventTime")), str(example_.get("eventID"))
        case "config_items":
            return str(example_.get("configurationItemCaptureTime")), str(example_.get("resourceId"))
        case _:
            return str(example_.get("start")), json.dumps(example_, sort_keys=True, default=str)
