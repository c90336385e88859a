"""From what a person writes after `ashiato collect` to a source."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from ashiato.core.errors import WrongUse
from ashiato.sources.files import FilesSource
from ashiato.sources.listings import Listings, MemoryListings
from ashiato.sources.objects import Source
from ashiato.sources.options import SourceOptions
from ashiato.sources.stream import StreamSource

__all__ = ["SourceOptions", "open_source"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]|[A-Za-z0-9._\-]{3,255}")
_ACCESS_POINT = re.compile(r"(arn:aws[a-z-]*:s3:[a-z0-9-]*:\d{12}:accesspoint[/:][^/]+)/?(.*)")


def open_source(
    address: str,
    *,
    name: str | None = None,
    options: SourceOptions | None = None,
    listings: Listings | None = None,
) -> Source:
    """The source at `address`: `-`, a file, folder, named pipe or glob, or `s3://bucket[/prefix]`.

    Nothing is read or connected to yet. The default name is `stdin`, `files` or `s3://bucket`, so that
    an object is the same one by whatever address it is reached. Raises WrongUse for what cannot be meant.
    """
    options = options or SourceOptions()
    if options.from_ and options.to and options.from_ > options.to:
        raise WrongUse(
            f"--from {options.from_} is after --to {options.to}", remedy="Give the earlier day with --from."
        )
    if options.external_id and not options.role_arn:
        raise WrongUse("--external-id belongs to a role", remedy="Give the role with --role-arn.")
    if address == "-":
        return StreamSource(None, name=name or "stdin", options=options)
    scheme, separator, rest = address.partition("://")
    if separator and scheme.lower() == "s3":
        from ashiato.sources.s3 import S3Source

        bucket, prefix = _bucket_and_prefix(address, rest)
        listings = listings or MemoryListings()
        return S3Source(bucket, prefix, name=name or f"s3://{bucket}", options=options, listings=listings)
    if separator and scheme.lower() == "file":
        address = rest
    elif separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise WrongUse(
            f"{scheme}:// is no kind of source", where=address, remedy="Write s3://bucket/prefix or a path."
        )
    elif address.lower().startswith(("s3:", "arn:")):
        raise WrongUse("This is no address of a bucket", where=address, remedy="Write s3://bucket/prefix.")
    if not address or "\0" in address:
        raise WrongUse("An empty address", remedy="Give a file, folder, pattern, s3://bucket/prefix or -.")
    if _is_pipe(address):
        return StreamSource(address, name=name or "stdin", options=options)
    return FilesSource(address, name=name or "files", options=options)


def _bucket_and_prefix(address: str, rest: str) -> tuple[str, str]:
    access_point = _ACCESS_POINT.fullmatch(rest)
    if access_point:
        return access_point.group(1), access_point.group(2)
    bucket, _, prefix = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise WrongUse(
            f"{bucket!r} cannot be the name of a bucket", where=address, remedy="Write s3://bucket/prefix."
        )
    return bucket, prefix


def _is_pipe(address: str) -> bool:
    try:
        mode = Path(address).expanduser().stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
