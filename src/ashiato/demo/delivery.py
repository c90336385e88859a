"""Puts objects where AWS would put them: a folder a bucket, the delivery time as modification time."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from isal import igzip

# The ten bytes of a gzip header without name and time, then deflate; igzip writes both the same everywhere.
LEVEL = 1


class Delivery:
    """Writes objects under one root and counts them.

    `root/<bucket>/<key>`; contents gzip with time 0, so that a run gives the same bytes anywhere.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = 0
        self.bytes = 0
        self.by_bucket: Counter[str] = Counter()
        self._folders: set[str] = set()

    def put(self, bucket: str, key: str, content: bytes, delivered: float, *, packed: bool = False) -> None:
        """Writes one object: gzip of `content` unless `packed`; `delivered` in seconds since 1970."""
        body = content if packed else igzip.compress(content, compresslevel=LEVEL, mtime=0)
        folder = f"{self.root}/{bucket}/{key[: key.rindex('/')]}" if "/" in key else f"{self.root}/{bucket}"
        if folder not in self._folders:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        path = f"{self.root}/{bucket}/{key}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(handle, body)
        finally:
            os.close(handle)
        os.utime(path, (delivered, delivered))
        self.objects += 1
        self.bytes += len(body)
        self.by_bucket[bucket] += 1
