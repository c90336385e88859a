"""Addresses that are one's own: by the settings, by their range, or by AWS Config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ashiato.network.addresses import kind_of
from ashiato.trace.items import items_naming
from ashiato.trace.keys import Key
from ashiato.trace.reading import Asked
from ashiato.trace.telling import Telling

#: Whose addresses hosts of a network call from.
GATEWAYS: Final = ("AWS::EC2::NatGateway",)
#: Whose addresses are of this estate.
HOLDERS: Final = (*GATEWAYS, "AWS::EC2::EIP", "AWS::EC2::NetworkInterface", "AWS::EC2::Instance")
_MOST: Final = 200


def ours(asked: Asked, addresses: Sequence[str], telling: Telling, *, gateways: bool = False) -> set[str]:
    """Those that are known as one's own. `gateways`: only networks of the settings and NAT gateways, whose address
    stands for any host behind it."""
    kinds = ("own",) if gateways else ("own", "private")
    found = {a for a in addresses if kind_of(a, telling.networks) in kinds}
    keys = [Key("address", a) for a in addresses if a not in found][:_MOST]
    if not keys:
        return found
    holders = GATEWAYS if gateways else HOLDERS
    rows = items_naming(asked.lake, keys, asked.scope, holders, _MOST, ("configuration",))
    texts = [r["configuration"] or "" for r in rows.to_pylist()] if rows.num_rows else []
    return found | {k.value for k in keys if any(f'"{k.value}"' in text for text in texts)}
