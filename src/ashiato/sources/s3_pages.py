"""ListObjectsV2, page by page: what a listing sees, and how many requests it sent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ashiato.sources.layout import left_out
from ashiato.sources.objects import ObjectRef
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3_errors import listing_error, source_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(slots=True)
class Page:
    """Keys with their references in key order; `after` is where the next page starts, None at the end."""

    refs: list[tuple[str, ObjectRef]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    after: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    requests: int = 1

    @property
    def empty(self) -> bool:
        return not self.refs and not self.folders and not self.left_out


class Pages:
    """Lists one bucket. Thread-safe; counts every request sent, retries included, by kind."""

    def __init__(self, client: S3Client, bucket: str, source: str, options: SourceOptions) -> None:
        self._client = client
        self._bucket = bucket
        self._source = source
        self._options = options
        self._lock = threading.Lock()
        self._kind = threading.local()
        self._sent: Counter[str] = Counter()
        self._keys: dict[str, Any] = {"Bucket": bucket, "MaxKeys": options.page_size}
        if options.request_payer:
            self._keys["RequestPayer"] = "requester"
        client.meta.events.register("before-send.s3.ListObjectsV2", self._count)

    def sent(self) -> Counter[str]:
        with self._lock:
            return Counter(self._sent)

    @contextmanager
    def counted_as(self, kind: str) -> Iterator[None]:
        """Requests of this thread count as `kind` meanwhile."""
        self._kind.name = kind
        try:
            yield
        finally:
            self._kind.name = None

    def page(self, prefix: str, after: str | None = None) -> Page:
        """The first page of the keys below `prefix` that sort after `after`."""
        keys = {"StartAfter": after} if after else {}
        answer = self._list(prefix, keys)
        page = Page()
        last = self._add(page, answer)
        # StartAfter needs no token that could expire while the caller works; the last key is enough.
        page.after = last if answer.get("IsTruncated") and last else None
        return page

    def folder(self, prefix: str, most: int | None = None) -> Page:
        """The folders and objects directly in `prefix`; `after` is set when `most` entries were exceeded."""
        page = Page()
        keys: dict[str, Any] = {"Delimiter": "/"}
        while True:
            answer = self._list(prefix, keys)
            last = self._add(page, answer)
            page.folders += [folder["Prefix"] for folder in answer.get("CommonPrefixes", ())]
            token = answer.get("NextContinuationToken")
            if not answer.get("IsTruncated") or not token:
                return page
            if most is not None and len(page.folders) + len(page.refs) >= most:
                page.after = last or prefix
                return page
            keys = {"Delimiter": "/", "ContinuationToken": token}
            page.requests += 1

    def _list(self, prefix: str, keys: dict[str, Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client.list_objects_v2(Prefix=prefix, **self._keys, **keys)
        except (ClientError, BotoCoreError, OSError) as error:
            whole = source_error(error, self._bucket, role_arn=self._options.role_arn)
            if whole is not None:
                raise whole from error
            where = f"s3://{self._bucket}/{prefix}"
            raise listing_error(error, where, request_payer=self._options.request_payer) from error

    def _add(self, page: Page, answer: Any) -> str | None:
        key: str | None = None
        begin = f"s3://{self._bucket}/"
        for held in answer.get("Contents", ()):
            key = held["Key"]
            size = held["Size"]
            why = left_out(key, size)
            if why:
                page.left_out[why] += 1
                continue
            at: datetime = held["LastModified"]
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            ref = ObjectRef(self._source, begin + key, held["ETag"].strip('"'), size, at)
            page.refs.append((key, ref))
        return key

    def _count(self, **_: object) -> None:
        with self._lock:
            self._sent[getattr(self._kind, "name", None) or "again"] += 1
