"""An S3 bucket, or part of it, as a source. Lists and reads; never writes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from ashiato.core.errors import WrongUse
from ashiato.sources.cadence import Coverage, allowance, due, flat_due
from ashiato.sources.layout import Stem
from ashiato.sources.listings import Listings
from ashiato.sources.objects import ObjectRef, Progress, utc_now
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3_discovery import Discovery, discover
from ashiato.sources.s3_errors import source_error
from ashiato.sources.s3_fetch import fetch_object
from ashiato.sources.s3_pages import Pages
from ashiato.sources.s3_quick import QuickReader
from ashiato.sources.s3_walk import Scope, Walk

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DISCOVER_EVERY = timedelta(hours=1)


class S3Source:
    """`s3://bucket/prefix`, whatever lies there: docs/sources.md has layouts, cadence and budget.

    `clock` gives the time in UTC; `client` replaces the one made of `options`. `objects()` and `confirm()`
    are for one thread, `fetch()` for any number. Nothing is connected to before one of them is called.
    """

    at_once = 8

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        name: str,
        options: SourceOptions,
        listings: Listings,
        clock: Callable[[], datetime] = utc_now,
        client: S3Client | None = None,
    ) -> None:
        self.name = name
        self.bucket = bucket
        self.prefix = prefix
        self.progress = Progress()
        self._options = options
        self._listings = listings
        self._clock = clock
        self._lock = threading.Lock()
        self._connected: tuple[S3Client, Pages, QuickReader] | None = None
        if client is not None:
            self._connected = client, Pages(client, bucket, name, options), QuickReader(client, options)
        self._known: tuple[datetime, Discovery] | None = None
        self._listed: dict[str, str] = {}

    def objects(self) -> Iterator[ObjectRef]:
        self.progress = progress = Progress()
        self._listed = {}
        now = self._clock()
        _, pages, _ = self._connect()
        before = pages.sent()
        spare = self._spare(now)

        def sent() -> Counter[str]:
            return pages.sent() - before

        def may_send() -> bool:
            counts = sent()
            return counts["again"] + counts["discovery"] < spare

        pool = ThreadPoolExecutor(self._options.workers, "ashiato-list")
        try:
            found = self._discover(pages, now, pool)
            scopes = self._scopes(found, now, spare)
            progress.prefixes = found.prefixes()
            progress.problems += found.problems
            progress.left_out.update(found.left_out)
            for key, ref in found.loose:
                if self._wants_loose(key, ref):
                    yield progress.handed_out(ref)
            walk = Walk(pages, progress, now.date(), self._options.workers)
            for ref in walk.references([scope for scope, _ in scopes], pool, may_send):
                progress.list_requests = sent().total()
                yield progress.handed_out(ref)
            progress.total = progress.objects
            self._listed = {
                scope.prefix: _after(scope, coverage, now).text()
                for scope, coverage in scopes
                if scope.complete and self._options.to is None
            }
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            counts = sent()
            progress.list_requests = counts.total()
            if counts:
                self._listings.add_requests(self.name, now.date(), dict(counts))

    def fetch(self, ref: ObjectRef) -> bytes:
        """The object as delivered, never decompressed: the content that has the reference's ETag.

        Raises ObjectUnavailable; `replacement` is set when the object was overwritten meanwhile.
        """
        client, _, quick = self._connect()
        return fetch_object(client, quick, self.bucket, ref, self._options)

    def confirm(self) -> None:
        listed, self._listed = self._listed, {}
        if listed:
            self._listings.save(self.name, listed)

    def _spare(self, now: datetime) -> int:
        """Requests that repeated listing may send now."""
        spent = self._listings.requests(self.name, now.date())
        used = spent.get("again", 0) + spent.get("discovery", 0)
        return allowance(self._options.requests_a_day, now) - used

    def _connect(self) -> tuple[S3Client, Pages, QuickReader]:
        with self._lock:
            if self._connected is None:
                from botocore.exceptions import BotoCoreError

                from ashiato.sources.aws import s3_client

                try:
                    client = s3_client(self._options)
                except BotoCoreError as error:
                    whole = source_error(error, self.bucket, role_arn=self._options.role_arn)
                    raise whole or error from error
                except ValueError as error:
                    raise WrongUse(f"{error}", remedy="Check --endpoint-url and --region.") from error
                pages = Pages(client, self.bucket, self.name, self._options)
                self._connected = client, pages, QuickReader(client, self._options)
            return self._connected

    def _discover(self, pages: Pages, now: datetime, pool: ThreadPoolExecutor) -> Discovery:
        """What lies there; the workers look again every hour, a person's run every time."""
        if self._known is not None and self._options.full is False:
            at, known = self._known
            if timedelta(0) <= now - at < _DISCOVER_EVERY:
                return known
        found = discover(pages, f"s3://{self.bucket}/{self.prefix}", self.prefix, pool)
        if found.prefixes() and not found.problems:
            self._known = now, Discovery(found.stems, found.flats, found.pieces)
        return found

    def _scopes(self, found: Discovery, now: datetime, spare: int) -> list[tuple[Scope, Coverage]]:
        """What to list in this poll and what was remembered of it."""
        options = self._options
        states = self._listings.states(self.name, self.prefix.rstrip("/"))
        everything: list[tuple[str, Stem | None, bool]] = [
            *((stem.prefix, stem, True) for stem in found.stems),
            *((folder, stem, False) for folder, stem in found.pieces),
            *((prefix, None, False) for prefix in found.flats),
        ]
        coverages = [Coverage.parse(states.get(prefix)) for prefix, _, _ in everything]
        asked = bool(options.full or options.to or (options.from_ and options.full is None))
        cost = sum(coverage.requests or 0 for coverage in coverages)
        cheap = options.full is None and cost <= min(options.whole_requests, spare)
        scopes = []
        for (prefix, stem, dated), coverage in zip(everything, coverages, strict=True):
            scope = Scope(prefix, "asked", prefix, stem, options.first_folder, options.last_folder)
            scope.since = self._since()
            if not asked:
                never = coverage.whole(options.from_) is None
                scope.kind = "first" if never else "again"
                if dated and not (never or cheap):
                    scope.first, scope.whole = due(coverage, now, options.from_), False
                    resting = coverage.listed(now.date())
                    scope.staleness = resting.timestamp() if resting else 0.0
                elif not (dated or never or cheap or flat_due(coverage, now)):
                    self.progress.resting += 1
                    continue
            scopes.append((scope, coverage))
        return scopes

    def _since(self) -> datetime | None:
        day = self._options.from_
        return None if day is None else datetime.combine(day, time(), UTC)

    def _wants_loose(self, key: str, ref: ObjectRef) -> bool:
        scope = Scope("", "", "", None, self._options.first_folder, self._options.last_folder, self._since())
        return scope.keeps(key, ref)


def _after(scope: Scope, coverage: Coverage, now: datetime) -> Coverage:
    """What is remembered after a complete listing; its cost where it is what a repetition would cost."""
    repeatable = scope.whole and not (scope.kind == "asked" and scope.first)
    return coverage.with_listing(scope.first, now, scope.requests if repeatable else None)
