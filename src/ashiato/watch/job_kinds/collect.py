"""Take in a folder, file or s3:// prefix now, as `ashiato collect` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.watch.job_kinds import JobKind, Work, day_of

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.sources.options import SourceOptions


def check(asked: Mapping[str, Any], settings: Settings, home: Home) -> dict[str, Any]:
    """`address`; `from` and `to`: first and last day delivered (UTC); `full`: list everything again."""
    from pathlib import Path

    from ashiato.sources.addresses import open_source

    address = str(asked.get("address") or "").strip()
    if address == "-" or not address or len(address) > 2_000:
        raise WrongUse("what is to be taken in?", remedy="Give a folder, a file or s3://bucket/prefix.")
    first, last = (day_of(asked, name) for name in ("from", "to"))
    open_source(address, options=_options(address, first, last, bool(asked.get("full")), settings))
    if not address.lower().startswith("s3://"):
        path = Path(address.removeprefix("file://")).expanduser()
        inside = path.absolute().resolve()
        if not path.is_absolute():
            raise WrongUse(
                "a folder is named from the root", where=address, remedy="Write /var/log/aws, say."
            )
        if not (path.is_file() or path.is_dir()):
            raise WrongUse("there is no such file or folder on the server", where=address)
        if inside == home.folder or home.folder in inside.parents:
            raise WrongUse("this is Ashiato's own home", where=address)
    return {
        "address": address,
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
        "full": bool(asked.get("full")),
    }


def run(work: Work) -> dict[str, Any]:
    taking = work.taking
    assert taking is not None
    asked = work.parameters
    first, last = (day_of(asked, name) for name in ("from", "to"))
    work.progress("listing", None, None, None)
    result = taking.take_in(
        asked["address"], _options(asked["address"], first, last, bool(asked["full"]), work.settings)
    )
    result["evaluated"] = taking.evaluate()
    return result


def _options(
    address: str, first: date | None, last: date | None, full: bool, settings: Settings
) -> SourceOptions:
    """How a bucket is reached says the source of the settings that has it, if one does."""
    from ashiato.sources.options import SourceOptions

    bucket = address.removeprefix("s3://").partition("/")[0] if address.startswith("s3://") else None
    known = next((s for s in settings.sources if bucket is not None and s.bucket == bucket), None)
    reach: dict[str, Any] = {}
    if known is not None:
        names = ("region", "profile", "role_arn", "external_id", "endpoint_url", "request_payer")
        reach = {name: getattr(known, name) for name in names}
    return SourceOptions(from_=first, to=last, full=True if full else None, **reach)


KIND = JobKind("collect", whole=True, writes=True, apart=False, check=check, run=run)
