"""From an entry of `[[sources]]` to the live sources that read it.

A kind of source is one module `live_*.py` in this folder; importing it registers a factory:

    @live_kind("sqs")
    def _sqs(source: WatchedSource, context: LiveContext) -> LiveSource: ...

A type may have several roads: `@live_kind("s3", needs="queue")` is used, besides the listing, where the
setting `queue` is given. Modules must be light to import: boto3 and the like wait inside functions.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import ashiato.sources
from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.ledger import Ledger
from ashiato.sources.cursors import Cursors, MemoryCursors
from ashiato.sources.listings import Listings
from ashiato.sources.live import LiveSource
from ashiato.sources.objects import ObjectRef, utc_now
from ashiato.sources.options import SourceOptions
from ashiato.sources.watched import options_of as reached_by


@dataclass(frozen=True)
class LiveContext:
    """What a live source gets besides its settings.

    `failed(source, begin)`: objects of a ledger source whose names begin so and that could not be fetched
    earlier. `cursors`: how far sources got that have no listing. `poll_seconds`: the setting `watch.poll_seconds`. `ledger`: for what a source remembers besides
    listings. `clock` gives the time in UTC.
    """

    listings: Listings
    ledger: Ledger | None = None
    cursors: Cursors = field(default_factory=MemoryCursors)
    poll_seconds: float = 60.0
    failed: Callable[[str, str], list[ObjectRef]] = lambda _source, _begin: []
    clock: Callable[[], datetime] = utc_now


Factory = Callable[[WatchedSource, LiveContext], LiveSource]


@dataclass(frozen=True)
class _Road:
    make: Factory
    needs: str | None


@dataclass
class _Kinds:
    by_type: dict[str, list[_Road]] = field(default_factory=dict)


_kinds = _Kinds()


def live_kind(type_: str, *, needs: str | None = None) -> Callable[[Factory], Factory]:
    """Register a factory for sources of a type; `needs`: only where this setting is given."""

    def register(make: Factory) -> Factory:
        _kinds.by_type.setdefault(type_, []).append(_Road(make, needs))
        return make

    return register


@cache
def _load() -> None:
    for module in sorted(m.name for m in pkgutil.iter_modules(ashiato.sources.__path__)):
        if module.startswith("live_") and module != "live_kinds":
            importlib.import_module(f"ashiato.sources.{module}")


def kinds() -> Sequence[str]:
    """Types that this installation can watch."""
    _load()
    return sorted(t for t, roads in _kinds.by_type.items() if any(r.needs is None for r in roads))


def make_live(source: WatchedSource, context: LiveContext) -> list[LiveSource]:
    """The live sources of an entry, one for each road, all under its name; nothing is connected to yet.

    Raises WrongUse naming the setting that is missing, or the type or road that this installation has not.
    """
    _load()
    where = f"sources.{source.name}"
    roads = _kinds.by_type.get(source.type, [])
    if not any(road.needs is None for road in roads):
        raise WrongUse(
            f"this installation cannot watch sources of type {source.type}",
            where=where,
            remedy=f"It can watch: {', '.join(kinds())}. Is the installation complete (pip install --force-reinstall)?",
        )
    if source.type == "s3" and source.queue and not any(road.needs == "queue" for road in roads):
        raise WrongUse(
            "this installation cannot read notifications of a bucket from a queue",
            where=f"{where}.queue",
            remedy="Take the queue out of the settings: the bucket is then listed, which finds everything, later.",
        )
    return [road.make(source, context) for road in roads if road.needs is None or getattr(source, road.needs)]


def needed(source: WatchedSource, key: str) -> str:
    """The value of a setting that sources of this type must have. Raises WrongUse."""
    value = getattr(source, key)
    if value is None or value == "":
        raise WrongUse(
            f"a source of type {source.type} needs `{key}`",
            where=f"sources.{source.name}",
            remedy=f"Add it to the entry of {source.name} in the settings; docs/watching.md has an example.",
        )
    return str(value)


def options_of(source: WatchedSource) -> SourceOptions:
    """How a bucket or folder is reached and listed for this source, by its settings."""
    return reached_by(
        source, from_=source.from_, full=False, attempts=4, requests_a_day=source.requests_a_day
    )
