"""SQL of somebody on the pages: few statements at a time, each with small limits, within a scope."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from ashiato.core.errors import QueryRefused, QueryStopped
from ashiato.core.scope import AccountScope

if TYPE_CHECKING:
    import pyarrow as pa

    from ashiato.core.settings import Settings
    from ashiato.lake.plans import PinnedLake

MOST_CHARACTERS: Final = 20_000
#: Rows of an answer that a page shows, and of one that is exported.
SHOWN_ROWS, EXPORTED_ROWS = 1000, 200_000
_SECONDS, _MEMORY_MB, _ANSWER_MB = 30.0, 1024, 64
#: Each statement is a process with its own memory.
_turns = BoundedSemaphore(2)


def ask(
    sql: str, lake: PinnedLake, scope: AccountScope, settings: Settings, *, rows: int = SHOWN_ROWS
) -> pa.Table:
    """The answer of one SELECT in Athena's dialect over the scope's rows, in at most `rows` rows, half a minute and 64
    MiB. Raises QueryRefused, and QueryStopped where a limit ended it or others are asking."""
    from ashiato import engine

    if len(sql) > MOST_CHARACTERS:
        raise QueryRefused(
            f"the statement is longer than {MOST_CHARACTERS:,} characters", remedy="Run it by ashiato query."
        )
    limits = engine.Limits(
        seconds=min(_SECONDS, settings.query.seconds),
        memory_mb=min(_MEMORY_MB, settings.query.memory_mb),
        disk_mb=min(2048, settings.query.disk_mb),
        rows=rows,
        answer_mb=_ANSWER_MB,
    )
    if not _turns.acquire(timeout=10):
        raise QueryStopped("other statements are running", remedy="Try again in a moment.")
    try:
        return engine.run(sql, lake, limits=limits, scope=scope)
    except QueryStopped as stopped:
        raise QueryStopped(
            stopped.what,
            where=stopped.where,
            remedy="Add LIMIT or conditions; ashiato query has limits that can be raised.",
        ) from stopped
    finally:
        _turns.release()
