"""Configuration items that name something, over all of its time: read once for as long as no new item comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from ashiato.core.scope import AccountScope
from ashiato.lake.by_snapshot import BySnapshot
from ashiato.lake.plans import PinnedLake
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, newest

_TABLE: Final = "config_items"
_kept: Final[BySnapshot[pa.Table]] = BySnapshot(
    _TABLE, most=32 << 20, size=lambda rows: int(rows.nbytes) + 1000
)


def items_naming(
    lake: PinnedLake,
    keys: Sequence[Key],
    scope: AccountScope,
    types: Sequence[str],
    limit: int,
    columns: Sequence[str],
    *,
    found: pa.Table | None = None,
    oldest: bool = False,
) -> pa.Table:
    """At most `limit` items of resources of some types that name one of the keys, newest (or oldest) first: these columns.

    What an item is follows from the snapshot of the items alone. `found`: the keys' footprints, where they are at hand.
    """
    asked = Asked(lake, tuple(keys), scope, Window())

    def read() -> pa.Table:
        of_types = ", ".join(f"'{name}'" for name in types)
        named = footprints(lake, asked.keys, scope, asked.window, [_TABLE]) if found is None else found
        return newest(
            asked, _TABLE, named, limit, where=f"resourceType IN ({of_types})", columns=columns, oldest=oldest
        )

    return _kept.of(lake, (asked.keys, scope, tuple(types), limit, tuple(columns), oldest), read)
