"""The least that a source needs: its permissions by name, as a policy to paste.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import Any, Final

from ashiato.core.settings import WatchedSource
from ashiato.sources.watched import log_group_place, queue_region

QUEUE_ACTIONS: Final = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
)


def partition_of(region: str | None) -> str:
    """The partition of ARNs in a region."""
    region = region or ""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def bucket_arn(source: WatchedSource) -> str:
    return f"arn:{partition_of(source.region)}:s3:::{source.bucket or 'BUCKET'}"


def queue_arn(source: WatchedSource, known: str | None = None) -> str:
    """As the queue says, else from its URL: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`."""
    if known:
        return known
    url = source.queue or ""
    region = queue_region(url) or source.region
    account, _, name = url.rpartition("/")
    account = account.rpartition("/")[2]
    account = account if account.isdigit() else "ACCOUNT"
    return f"arn:{partition_of(region)}:sqs:{region or 'REGION'}:{account}:{name or 'QUEUE'}"


def log_group_arn(source: WatchedSource, account: str | None) -> str:
    region, owner, name = log_group_place(source.log_group or "GROUP")
    region = region or source.region or "REGION"
    return f"arn:{partition_of(region)}:logs:{region}:{owner or account or 'ACCOUNT'}:log-group:{name}"


def policy(
    source: WatchedSource,
    *,
    account: str | None = None,
    queue: str | None = None,
    keys: tuple[str, ...] = (),
) -> dict[str, Any] | None:
    """The identity policy for reading; None where no AWS permission is needed.

    `account` is who reads, `queue` the queue's ARN, `keys` ARNs of the KMS keys that encrypt what is read.
    """
    statements: list[dict[str, Any]] = []
    if source.type == "s3":
        listing: dict[str, Any] = _allow("ListTheLogs", "s3:ListBucket", bucket_arn(source))
        if source.prefix:
            listing["Condition"] = {"StringLike": {"s3:prefix": [source.prefix + "*"]}}
        statements += [
            listing,
            _allow("ReadTheLogs", "s3:GetObject", f"{bucket_arn(source)}/{source.prefix}*"),
        ]
    if source.queue and source.type in ("s3", "sqs"):
        statements.append(_allow("TakeMessages", list(QUEUE_ACTIONS), queue_arn(source, queue)))
    if source.type == "cloudwatch_logs":
        arn = log_group_arn(source, account)
        statements.append(_allow("ReadTheLogGroup", "logs:FilterLogEvents", [arn, f"{arn}:*"]))
    if source.type == "lookup_events":
        # The action knows no resources.
        statements.append(_allow("ReadTheEventHistory", "cloudtrail:LookupEvents", "*"))
    if keys and statements:
        statements.append(_allow("Decrypt", "kms:Decrypt", list(keys)))
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def caller_policy(source: WatchedSource) -> dict[str, Any] | None:
    """What whoever runs Ashiato needs besides, where a role is assumed."""
    if not source.role_arn:
        return None
    return {
        "Version": "2012-10-17",
        "Statement": [_allow("AssumeTheReadersRole", "sts:AssumeRole", source.role_arn)],
    }


def _allow(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
