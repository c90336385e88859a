"""What an entry of `[[sources]]` must say for its type, and what follows from it."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources.options import SourceOptions

_NEEDS: Final = {
    "files": ("path",),
    "s3": ("bucket",),
    "sqs": ("queue",),
    "firehose": ("access_key",),
    "cloudwatch_logs": ("log_group",),
    "lookup_events": (),
}
_MEANING: Final = {
    "path": 'Give the folder: path = "/var/log/aws"',
    "bucket": 'Give the bucket: bucket = "corp-cloudtrail"',
    "queue": 'Give the queue\'s URL: queue = "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"',
    "access_key": 'Give the key that senders must show: access_key = "${ASHIATO_FIREHOSE_KEY}" or "file:/path"',
    "log_group": 'Give its name or ARN: log_group = "CloudTrail/logs"',
}
_QUEUE = re.compile(r"(?:^|\.)([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:queue|vpce|amazonaws|api)\.")
_GROUP = re.compile(r"arn:[a-z-]+:logs:([a-z0-9-]+):(\d{12}):log-group:(.+?)(?::\*)?")


def faults(source: WatchedSource) -> list[WrongUse]:
    """What is wrong with an entry, by the entry alone: each with the correction."""
    where = f"sources, {source.name}"
    found = [
        WrongUse(f"a source of type {source.type} needs {key}", where=where, remedy=_MEANING[key] + ".")
        for key in _NEEDS[source.type]
        if not getattr(source, key)
    ]
    if source.type == "lookup_events" and not (source.regions or source.region):
        remedy = 'Give the regions to ask: regions = ["us-east-1", "ap-northeast-1"] (IAM and the like: us-east-1).'
        found.append(WrongUse("a source of type lookup_events needs regions", where=where, remedy=remedy))
    if source.external_id and not source.role_arn:
        found.append(
            WrongUse("external_id belongs to a role", where=where, remedy="Give the role with role_arn.")
        )
    if source.role_arn and not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/.+", source.role_arn):
        found.append(
            WrongUse(
                f"{source.role_arn!r} is no ARN of a role",
                where=where,
                remedy="It is written arn:aws:iam::ACCOUNT:role/NAME.",
            )
        )
    if source.queue and not _is_url(source.queue):
        found.append(
            WrongUse(f"{source.queue!r} is no URL of a queue", where=where, remedy=_MEANING["queue"] + ".")
        )
    return found


def require(source: WatchedSource, key: str) -> str:
    """The value of a key that the type needs. Raises WrongUse with the correction."""
    for fault in faults(source):
        raise fault
    value = getattr(source, key)
    if not value:
        raise WrongUse(
            f"a source of type {source.type} needs {key}",
            where=f"sources, {source.name}",
            remedy=_MEANING[key] + ".",
        )
    return str(value)


def options_of(source: WatchedSource, **changed: Any) -> SourceOptions:
    """How to reach it: its role, profile, region and endpoint."""
    named: dict[str, Any] = {
        "endpoint_url": source.endpoint_url,
        "profile": source.profile,
        "region": source.region,
        "role_arn": source.role_arn,
        "external_id": source.external_id,
        "request_payer": source.request_payer,
    }
    return SourceOptions(**(named | changed))


def queue_region(url: str) -> str | None:
    """The region in a queue's URL.

    >>> queue_region("https://sqs.ap-northeast-1.amazonaws.com/111122223333/ashiato")
    'ap-northeast-1'
    """
    found = _QUEUE.search(urlsplit(url).hostname or "")
    return found[1] if found else None


def log_group_place(log_group: str) -> tuple[str | None, str | None, str]:
    """Region, account and name of a log group given by ARN or name.

    >>> log_group_place("arn:aws:logs:eu-west-1:111122223333:log-group:CloudTrail/logs:*")
    ('eu-west-1', '111122223333', 'CloudTrail/logs')
    """
    found = _GROUP.fullmatch(log_group)
    return (found[1], found[2], found[3]) if found else (None, None, log_group)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path.count("/") >= 2
