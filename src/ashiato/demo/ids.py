"""Identifiers and times as AWS writes them: fixed ones by hash, passing ones by a random source."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, date, datetime
from functools import lru_cache
from random import Random
from typing import Any

HOUR = 3600
DAY = 86400
EXAMPLE = "EXAMPLE"
KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@lru_cache(maxsize=65536)
def digest(*names: str) -> str:
    """Forty hexadecimal digits that depend on the names alone."""
    return hashlib.sha1("/".join(names).encode(), usedforsecurity=False).hexdigest()


def ec2_id(prefix: str, *names: str) -> str:
    """A 17-digit EC2 id such as `i-0a1b2c…`, the same on every run."""
    return f"{prefix}-0{digest(prefix, *names)[:16]}"


def fixed_uuid(*names: str) -> str:
    """A UUID that depends on the names alone."""
    h = digest("uuid", *names)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"


def random_uuid(rng: Random) -> str:
    """A version 4 UUID of the random source."""
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def random_uuids(rng: Random) -> tuple[str, str]:
    """Two version 4 UUIDs (request id, event id) for the price of one draw."""
    h = f"{rng.getrandbits(256):064x}"
    return (
        f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}",
        f"{h[32:40]}-{h[40:44]}-4{h[45:48]}-a{h[49:52]}-{h[52:]}",
    )


def principal_id(kind: str, *names: str) -> str:
    """A unique id of IAM: `AIDA…`, `AROA…`, `ANPA…`, ending in EXAMPLE as AWS's documentation has them."""
    raw = base64.b32encode(bytes.fromhex(digest(kind, *names))).decode()
    return f"{kind}{raw[:10]}{EXAMPLE}"


def access_key(kind: str, *names: str) -> str:
    """An access key id, `AKIA…` or `ASIA…`, ending in EXAMPLE."""
    raw = base64.b32encode(bytes.fromhex(digest(kind, "key", *names))).decode()
    return f"{kind}{raw[:9]}{EXAMPLE}"


def random_name(rng: Random, length: int) -> str:
    """Letters and digits, as CloudTrail puts them at the end of a file name."""
    raw = base64.b64encode(rng.randbytes(length + 8), altchars=b"Zq").decode()
    return raw[:length]


def midnight(day: date) -> int:
    """Seconds since 1970 of a day's beginning in UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def moment(second: float) -> datetime:
    """A time of the calendar in UTC."""
    return datetime.fromtimestamp(second, tz=UTC)


@lru_cache(maxsize=4096)
def minute(number: int) -> str:
    """`2026-11-19T13:02:` of a minute counted since 1970."""
    return moment(number * 60).strftime("%Y-%m-%dT%H:%M:")


def iso(second: float) -> str:
    """`2026-11-19T13:02:11Z`, as CloudTrail writes times."""
    number, rest = divmod(int(second), 60)
    return f"{minute(number)}{rest:02d}Z"


def iso_ms(millisecond: int) -> str:
    """`2026-11-19T13:02:11.250Z`, as AWS Config writes times."""
    return f"{iso(millisecond // 1000)[:-1]}.{millisecond % 1000:03d}Z"


def prose_time(second: float) -> str:
    """`Nov 19, 2026, 1:02:11 PM`, as IAM and STS put times into response elements."""
    t = moment(second)
    return f"{t:%b} {t.day}, {t.year}, {t.hour % 12 or 12}:{t:%M:%S %p}"


_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def compact(value: Any) -> str:
    """JSON without blanks, keys in the order given."""
    return _ENCODE(value)
