"""Addresses that are one's own: by the settings, by their range, or by AWS Config."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.network.addresses import kind_of
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, newest
from ashiato.trace.telling import Telling


def ours(asked: Asked, addresses: Sequence[str], telling: Telling) -> set[str]:
    """Those that the settings or AWS Config know as one's own: a NAT gateway's, an endpoint's."""
    ours = {a for a in addresses if kind_of(a, telling.networks) in ("own", "private")}
    rest = [Key("address", a) for a in addresses if a not in ours][:200]
    if rest:
        found = footprints(asked.lake, rest, asked.scope, Window(), ["config_items"])
        found = found.filter(pc.equal(found["role"], "target"))
        ours |= _with_gateways(asked, found)
    return ours


def _with_gateways(asked: Asked, found: pa.Table) -> set[str]:
    """Addresses of NAT gateways and elastic addresses; one that a rule of a security group allows is not ours."""
    if not found.num_rows:
        return set()
    keys = [Key("address", a) for a in sorted(set(found["entity"].to_pylist()))]
    rows = newest(
        Asked(asked.lake, keys, asked.scope, Window()), "config_items", found, 200,
        where="resourceType IN ('AWS::EC2::NatGateway', 'AWS::EC2::EIP', 'AWS::EC2::NetworkInterface')",
    )  # fmt: skip
    texts = [r["configuration"] or "" for r in rows.to_pylist()] if rows.num_rows else []
    return {k.value for k in keys if any(f'"{k.value}"' in text for text in texts)}
