"""AWS's folder layouts, read from keys alone: what lies where, and of which day.

Forms, by https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
and https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html (any prefix before):

    AWSLogs/[o-…/]<account>/CloudTrail[-Insight|-NetworkActivity|-Aggregated|-Digest]/<region>/2026/01/05/
    AWSLogs/[o-…/]<account>/Config/<region>/2026/1/5/            month and day without zeros
    AWSLogs/[o-…/]<account>/vpcflowlogs/<region>/2026/01/05/[13/]
    AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/year=2026/month=01/day=05/[hour=13/]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

_SERVICE = re.compile(r"CloudTrail(?:-(?:Insight|NetworkActivity|Aggregated|Digest))?|Config|vpcflowlogs")
_ACCOUNT = re.compile(r"(?:aws-account-id=)?(\d{12})")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{4,32}")
_YEAR = re.compile(r"(?:year=)?((?:19|20|21)\d\d)")
_DAY = re.compile(r"(?:year=)?((?:19|20|21)\d\d)/(?:month=)?(\d\d?)/(?:day=)?(\d\d?)(?:/|$)")
_WRITE_TESTS = ("ConfigWritabilityCheckFile", "aws-logs-write-test")

Digits = Literal["two", "plain", "unknown"]


@dataclass(frozen=True, slots=True)
class Stem:
    """A folder whose children are dated: one account, service and region, or any other dated folder.

    `digits`: `two` for 01/05, `plain` for 1/5 (Config), `unknown` outside AWS's own layouts, where
    either may come.
    """

    prefix: str
    digits: Digits
    hive: bool = False
    organization: str | None = None
    account: str | None = None
    service: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What a folder is by its path: how it goes on below.

    `level` is `outside` (no AWSLogs above), `root` (AWSLogs itself), `organization`, `account`,
    `service`, `stem`, `dated` (inside a stem) or `other` (a service that Ashiato does not read).
    """

    level: Literal["outside", "root", "organization", "account", "service", "stem", "dated", "other"]
    stem: Stem | None = None


@lru_cache(maxsize=4096)
def place_of(folder: str) -> Place:
    """Classifies a folder's key (ending in `/`, or empty for the bucket's root)."""
    parts = folder.split("/")[:-1]
    if "AWSLogs" not in parts:
        return Place("outside")
    # The last AWSLogs counts: a copied bucket may lie below another one's folder.
    at = len(parts) - 1 - parts[::-1].index("AWSLogs")
    below = parts[at + 1 :]
    organization = None
    if below and _ORGANIZATION.fullmatch(below[0]):
        organization = below[0]
        below = below[1:]
    if not below:
        return Place("organization" if organization else "root")
    account = _ACCOUNT.fullmatch(below[0])
    if not account:
        return Place("other")
    if len(below) == 1:
        return Place("account")
    hive = below[0].startswith("aws-account-id=")
    service = below[1].removeprefix("aws-service=") if hive else below[1]
    if not _SERVICE.fullmatch(service):
        return Place("other")
    if len(below) == 2:
        return Place("service")
    length = len(folder) - sum(len(part) + 1 for part in below[3:])
    stem = Stem(
        folder[:length],
        "plain" if service == "Config" else "two",
        hive,
        organization,
        account.group(1),
        service,
        below[2].removeprefix("aws-region=") if hive else below[2],
    )
    return Place("stem" if len(below) == 3 else "dated", stem)


def is_year(child: str) -> bool:
    """Whether a child folder's name (with or without `/`) is a year: its parent is dated."""
    return _YEAR.fullmatch(child.rstrip("/")) is not None


def day_at(key: str, start: int = 0) -> date | None:
    """The day of the first dated folders of `key` at exactly `start`; None if there are none."""
    found = _DAY.match(key, start)
    return _date(found) if found else None


def day_in(path: str) -> date | None:
    """The day folder anywhere in a path of AWS's layouts; None outside AWSLogs.

    >>> day_in("/mnt/b/AWSLogs/123456789012/Config/us-east-1/2022/1/9/ConfigHistory/x.json.gz")
    datetime.date(2022, 1, 9)
    """
    at = path.rfind("/AWSLogs/")
    if at < 0:
        return None
    found = re.compile(r"/" + _DAY.pattern).search(path, at + 8)
    return _date(found) if found else None


def day_folder(stem: Stem, day: date) -> str:
    """The key of a day's folder, ending in `/`; for `unknown` digits the form with two."""
    month, dom = (str(day.month), str(day.day)) if stem.digits == "plain" else (f"{day:%m}", f"{day:%d}")
    if stem.hive:
        return f"{stem.prefix}year={day.year:04}/month={month}/day={dom}/"
    return f"{stem.prefix}{day.year:04}/{month}/{dom}/"


def span_of(folder: str, start: int) -> tuple[date, date] | None:
    """First and last day that a year, month or day folder below a stem can hold; None if undated."""
    numbers = []
    for part in folder[start:].rstrip("/").split("/"):
        digits = part.rpartition("=")[2]
        if not digits.isascii() or not digits.isdigit() or len(digits) > 4:
            return None
        numbers.append(int(digits))
    try:
        if len(numbers) == 1:
            return date(numbers[0], 1, 1), date(numbers[0], 12, 31)
        if len(numbers) == 2:
            first = date(numbers[0], numbers[1], 1)
            after = date(numbers[0] + numbers[1] // 12, numbers[1] % 12 + 1, 1)
            return first, date.fromordinal(after.toordinal() - 1)
        day = date(*numbers[:3])
    except ValueError:
        return None
    return day, day


def left_out(key: str, size: int) -> str | None:
    """Why an object is never handed out, or None.

    Only what AWS itself writes and that holds no record: folder markers and tests of the bucket.
    """
    if size == 0 and key.endswith("/"):
        return "folder marker"
    if key.rpartition("/")[2] in _WRITE_TESTS:
        return "write test"
    return None


def _date(found: re.Match[str]) -> date | None:
    try:
        return date(int(found.group(1)), int(found.group(2)), int(found.group(3)))
    except ValueError:
        return None
