"""Configuration items that name something, over all of its time: read once for as long as no new item comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final

import pyarrow as pa
from cachetools import LRUCache

from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, newest

_TABLE: Final = "config_items"
_MOST_BYTES: Final = 32 << 20
_kept: Final[LRUCache[Any, pa.Table]] = LRUCache(_MOST_BYTES, getsizeof=lambda rows: int(rows.nbytes) + 1000)
_lock: Final = Lock()


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
    at = (
        lake.home.folder,
        lake.snapshot_id(_TABLE),
        asked.keys,
        scope,
        tuple(types),
        limit,
        tuple(columns),
        oldest,
    )
    with _lock:
        kept = _kept.get(at)
    if kept is not None:
        return kept
    if found is None:
        found = footprints(lake, asked.keys, scope, asked.window, [_TABLE])
    of_types = ", ".join(f"'{name}'" for name in types)
    made = newest(
        asked, _TABLE, found, limit, where=f"resourceType IN ({of_types})", columns=columns, oldest=oldest
    )
    # Too large to be kept.
    with _lock, suppress(ValueError):
        _kept[at] = made
    return made
