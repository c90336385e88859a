"""Objects that messages announce: the references that listing would give them, and their bytes.

An object that was listed and announced must be one object, so a reference is named by bucket, key and ETag alone;
what a message leaves out is asked of S3 (HeadObject).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ashiato.core.clock import now
from ashiato.core.errors import SourceUnavailable
from ashiato.formats.notifications import NamedObject
from ashiato.sources.layout import left_out, place_of
from ashiato.sources.listings import MemoryListings
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3 import S3Source
from ashiato.sources.s3_errors import object_error, source_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: An object that may become readable without anybody's doing: no reason to give its message up.
PASSING = ("throttled", "unreachable", "changed")
MOST_REASONS = 10_000
MOST_BUCKETS = 100


class AnnouncedObjects:
    """A `Source` of objects that a queue's messages announce; `fetch` from any thread.

    `bucket` and `prefix` are those of the source itself, `bucket_source` the name by which it lists them.
    Objects of other buckets are taken too, under their own `s3://bucket`, if the same identity may read them:
    whoever sends a bucket's notifications to the queue means it. Outside the prefix nothing is.
    """

    at_once = 8

    def __init__(
        self,
        name: str,
        options: SourceOptions,
        *,
        bucket: str | None = None,
        prefix: str = "",
        bucket_source: str | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.progress = Progress()
        self._options = options
        self._bucket = bucket
        self._prefix = prefix
        self._bucket_source = bucket_source
        self._clock = clock
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._buckets: OrderedDict[str, S3Source] = OrderedDict()
        self._reasons: OrderedDict[str, ObjectUnavailable | SourceUnavailable] = OrderedDict()

    def objects(self) -> Iterator[ObjectRef]:
        """Nothing: only messages tell."""
        return iter(())

    def confirm(self) -> None:
        """Nothing was listed."""

    def elsewhere(self, named: NamedObject) -> str | None:
        """Why an object is not one of ours, or None."""
        if named.bucket == self._bucket and not named.key.startswith(self._prefix):
            return "outside the prefix"
        why = left_out(named.key, 0 if named.size is None else named.size)
        if why is None and named.size == 0:
            # CloudTrail and others write an empty object to try a bucket.
            return "an empty object"
        if why is None and place_of(named.key[: named.key.rfind("/") + 1]).level == "other":
            own = named.bucket == self._bucket and place_of(self._prefix).level == "other"
            return None if own else "of a service that is not read"
        return why

    def reference(self, named: NamedObject) -> ObjectRef:
        """The object as listing names it. Raises ObjectUnavailable, or SourceUnavailable when all would fail."""
        if named.etag is not None and named.size is not None and named.decoded is None:
            at = named.at or self._clock()
            return self._ref(named.bucket, named.key, named.etag, named.size, at)
        try:
            return self._head(named.bucket, named.key)
        except ObjectUnavailable as error:
            if named.decoded is None or error.reason not in ("gone", "denied"):
                raise
            return self._head(named.bucket, named.decoded)

    def fetch(self, ref: ObjectRef) -> bytes:
        """The bytes; why not, is remembered for `why`."""
        bucket = ref.name.removeprefix("s3://").partition("/")[0]
        try:
            try:
                content = self._source(bucket).fetch(ref)
            except SourceUnavailable as error:
                if bucket == self._bucket or "no such bucket" not in error.what:
                    raise
                raise ObjectUnavailable(ref.name, "gone", error.what, str(error.remedy)) from error
        except (ObjectUnavailable, SourceUnavailable) as error:
            with self._lock:
                self._reasons[ref.name] = error
                while len(self._reasons) > MOST_REASONS:
                    self._reasons.popitem(last=False)
            raise
        with self._lock:
            self._reasons.pop(ref.name, None)
        return content

    def why(self, ref: ObjectRef) -> ObjectUnavailable | SourceUnavailable | None:
        """Why the last fetch of it failed; told once."""
        with self._lock:
            return self._reasons.pop(ref.name, None)

    def _ref(self, bucket: str, key: str, etag: str, size: int, at: datetime) -> ObjectRef:
        own = bucket == self._bucket and self._bucket_source is not None
        source = self._bucket_source if own else f"s3://{bucket}"
        assert source is not None
        return ObjectRef(source, f"s3://{bucket}/{key}", etag, size, at)

    def _head(self, bucket: str, key: str) -> ObjectRef:
        from botocore.exceptions import BotoCoreError, ClientError

        keys: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if self._options.request_payer:
            keys["RequestPayer"] = "requester"
        name = f"s3://{bucket}/{key}"
        try:
            head = self._connect().head_object(**keys)
        except (ClientError, BotoCoreError, OSError) as error:
            whole = source_error(error, bucket, role_arn=self._options.role_arn)
            if whole is not None:
                raise whole from error
            raise object_error(error, name, request_payer=self._options.request_payer) from error
        at: datetime = head["LastModified"]
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return self._ref(bucket, key, head["ETag"].strip('"'), head["ContentLength"], at)

    def _source(self, bucket: str) -> S3Source:
        client = self._connect()
        with self._lock:
            source = self._buckets.pop(bucket, None) or S3Source(
                bucket,
                "",
                name=f"s3://{bucket}",
                options=self._options,
                listings=MemoryListings(),
                client=client,
            )
            self._buckets[bucket] = source
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
            return source

    def _connect(self) -> S3Client:
        with self._lock:
            if self._client is None:
                from ashiato.sources.aws import s3_client

                self._client = s3_client(self._options)
            return self._client
