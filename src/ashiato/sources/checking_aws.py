"""Trying out what a source needs of AWS: each permission by the cheapest call that needs it, and changes nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from ashiato.core.errors import AshiatoError, SourceUnavailable
from ashiato.core.settings import WatchedSource
from ashiato.formats.notifications import Notification, read_notification
from ashiato.sources import grants
from ashiato.sources.addresses import open_source
from ashiato.sources.aws import client
from ashiato.sources.aws_errors import missing_grant, service_error
from ashiato.sources.checking import MOST_NAMES, Report
from ashiato.sources.live_log_group import milliseconds, moment
from ashiato.sources.live_queue import queue_options
from ashiato.sources.s3_errors import code_and_message, object_error
from ashiato.sources.watched import log_group_place, options_of

#: A queue whose messages move to a dead-letter queue after fewer receives is not looked into.
LEAST_RECEIVES: Final = 3
#: How far back the newest log event is looked for.
_BACK: Final = (timedelta(minutes=15), timedelta(hours=3), timedelta(days=2), timedelta(days=14))
_QUICK: Final[dict[str, Any]] = {"attempts": 2, "connect_timeout": 5.0, "read_timeout": 20.0}


def check_aws(source: WatchedSource, report: Report, clock: Callable[[], datetime]) -> None:
    """The part of `checking.check` that asks AWS."""
    if not _identity(source, report):
        return
    if source.type == "s3":
        _bucket(source, report, clock)
    if source.queue and source.type in ("s3", "sqs"):
        _queue(source, report)
    if source.type == "cloudwatch_logs":
        _log_group(source, report, clock)
    if source.type == "lookup_events":
        for region in dict.fromkeys(source.regions or [str(source.region)]):
            _event_history(source, region, report)


def _identity(source: WatchedSource, report: Report) -> bool:
    """Who asks; a role that cannot be assumed, or missing credentials, end the check."""
    options = options_of(source, **_QUICK)
    where = source.role_arn or "credentials"
    try:
        told = client("sts", options).get_caller_identity()
    except Exception as error:
        if missing_grant(_expected(error), "") == "sts:AssumeRole":
            code, message, _ = code_and_message(error)
            hint = (
                "The role's trust policy must name whoever runs Ashiato"
                + (f" and sts:ExternalId {source.external_id!r}" if source.external_id else "")
                + ("" if source.external_id else "; if it asks for an external id, give external_id")
                + ". AWS does not say which of these is wrong."
            )
            report.grant("sts:AssumeRole", where, False, f"{code}: {message}. {hint}")
            return False
        found = service_error(error, where, "sts:GetCallerIdentity", role_arn=source.role_arn)
        if any(word in found.what for word in ("credentials", "key", "profile", "token", "clock")):
            report.problem(found)
            return False
        # Stores that speak S3 alone have no STS.
        report.notes.append("Who asks is not known: STS does not answer there.")
        return True
    report.identity = str(told.get("Arn"))
    report.account = str(told.get("Account") or "") or None
    if source.role_arn:
        report.grant("sts:AssumeRole", source.role_arn, True)
    return True


def _tried(
    source: WatchedSource,
    report: Report,
    action: str,
    resource: str,
    call: Callable[[], Any],
    *,
    needed: bool = True,
) -> Any:
    """The answer of a call that needs one permission; None where it failed, and the report says why."""
    try:
        answer = call()
    except Exception as error:
        missing = missing_grant(_expected(error), action)
        code, message, _ = code_and_message(error)
        if missing is not None:
            on = resource if missing == action else "the key that encrypts it"
            report.grant(missing, on, False, f"{code}: {message}", needed=needed)
        else:
            report.grant(action, resource, None, needed=needed)
            report.problem(service_error(error, resource, action, role_arn=source.role_arn))
        return None
    report.grant(action, resource, True, needed=needed)
    return answer


def _bucket(source: WatchedSource, report: Report, clock: Callable[[], datetime]) -> None:
    report.reads.append(f"objects of s3://{source.bucket}/{source.prefix}")
    s3 = client("s3", options_of(source, **_QUICK))
    payer = {"RequestPayer": "requester"} if source.request_payer else {}
    arn = grants.bucket_arn(source)
    listed = _tried(
        source, report, "s3:ListBucket", arn,
        lambda: s3.list_objects_v2(Bucket=source.bucket, Prefix=source.prefix, MaxKeys=1, **payer),
    )  # fmt: skip
    objects = f"{arn}/{source.prefix}*"
    if listed is None:
        report.grant("s3:GetObject", objects, None)
        return
    _newest_object(source, report, clock)
    if report.newest is None:
        report.grant("s3:GetObject", objects, None)
        report.notes.append(
            "There is no object to try reading with: is the prefix right, does AWS deliver there?"
        )
        return
    _readable(source, report, s3, report.newest["name"].removeprefix(f"s3://{source.bucket}/"), payer)


def _newest_object(source: WatchedSource, report: Report, clock: Callable[[], datetime]) -> None:
    """Days of late first, so that years of history are not listed."""
    address = f"s3://{source.bucket}/{source.prefix}"
    requests = 0
    for days in (2, 40, None):
        first = None if days is None else (clock() - timedelta(days=days)).date()
        named = options_of(source, **_QUICK, from_=first, full=True)
        bucket = open_source(address, options=named)
        with contextlib.suppress(SourceUnavailable):
            for ref in islice(bucket.objects(), MOST_NAMES):
                report.seen(ref.name, ref.delivered_at, ref.size)
        requests += bucket.progress.list_requests
        for problem in bucket.progress.problems[:20]:
            report.problem(f"{problem.where}: {problem.what}", problem.remedy)
        if report.newest is not None:
            break
    report.notes.append(f"Looking for the newest object took about {max(requests, 1):,} list requests.")


def _readable(source: WatchedSource, report: Report, s3: Any, key: str, payer: dict[str, str]) -> None:
    """HeadObject needs s3:GetObject; reading a byte needs the key as well, where KMS encrypts."""
    object_arn = f"{grants.bucket_arn(source)}/{key}"
    head = _tried(
        source, report, "s3:GetObject", object_arn,
        lambda: s3.head_object(Bucket=source.bucket, Key=key, **payer),
    )  # fmt: skip
    if head is None:
        return
    encrypted = str(head.get("ServerSideEncryption", "")).startswith("aws:kms")
    key_arn = str(head.get("SSEKMSKeyId") or "the key that encrypts it")
    if encrypted and key_arn.startswith("arn:"):
        report.keys.append(key_arn)
    try:
        answer = s3.get_object(Bucket=source.bucket, Key=key, Range="bytes=0-0", **payer)
        answer["Body"].close()
        if encrypted:
            report.grant("kms:Decrypt", key_arn, True)
    except Exception as error:
        name = f"s3://{source.bucket}/{key}"
        found = object_error(_expected(error), name, request_payer=source.request_payer)
        if found.reason == "denied":
            # What HeadObject may, GetObject may too: it is the key.
            missing = (
                "kms:Decrypt" if encrypted or missing_grant(error, "") == "kms:Decrypt" else "s3:GetObject"
            )
            report.grant(missing, key_arn if missing == "kms:Decrypt" else object_arn, False, found.what)
        elif found.reason == "kms" and missing_grant(error, "") == "kms:Decrypt":
            report.grant("kms:Decrypt", key_arn, False, found.what)
        elif code_and_message(error)[0] != "InvalidRange":
            report.problem(found.what, found.remedy)


def _queue(source: WatchedSource, report: Report) -> None:
    url = str(source.queue)
    purpose = "notifications" if source.type == "s3" else "records"
    report.reads.append(f"{purpose} in the queue {url}; messages are deleted once they are taken in")
    sqs = client("sqs", queue_options(source))
    told = _tried(
        source, report, "sqs:GetQueueAttributes", grants.queue_arn(source),
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"], needed=False,
    )  # fmt: skip
    attributes: dict[str, str] = told or {}
    report.queue_arn = attributes.get("QueueArn")
    arn = grants.queue_arn(source, report.queue_arn)
    if attributes:
        report.notes.append(
            f"{int(attributes.get('ApproximateNumberOfMessages', 0)):,} messages wait there,"
            f" {int(attributes.get('ApproximateNumberOfMessagesNotVisible', 0)):,} are being worked on."
        )
        if attributes.get("KmsMasterKeyId", "").startswith("arn:"):
            report.keys.append(attributes["KmsMasterKeyId"])
    if _receives(attributes) < LEAST_RECEIVES:
        report.grant("sqs:ReceiveMessage", arn, None)
        report.notes.append(
            "It was not looked into: its messages go to a dead-letter queue after one or two receives."
        )
    else:
        answer = _tried(
            source, report, "sqs:ReceiveMessage", arn,
            lambda: sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=0, WaitTimeSeconds=0,
                MessageSystemAttributeNames=["SentTimestamp"],
            ),
        )  # fmt: skip
        for message in (answer or {}).get("Messages", ()):
            _message(message, report)
    # A receipt that never was: AWS looks at the permission first, and there is nothing to change.
    receipt = "ashiato-sources-check"
    for action, call in (
        (
            "sqs:ChangeMessageVisibility",
            lambda: sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0),
        ),
        ("sqs:DeleteMessage", lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)),
    ):
        _tried_in_vain(report, action, arn, call)


def _receives(attributes: dict[str, str]) -> int:
    try:
        return int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"])
    except (KeyError, ValueError, TypeError):
        return LEAST_RECEIVES


def _message(message: dict[str, Any], report: Report) -> None:
    body = message.get("Body", "").encode("utf-8", "backslashreplace")
    sent = message.get("Attributes", {}).get("SentTimestamp", "")
    kind = _described(read_notification(body))
    at = moment(int(sent)) if sent.isdigit() else datetime.now(UTC)
    report.notes.append(f"A message that waits there, sent {at:%Y-%m-%d %H:%M:%SZ}, is {kind}.")
    if report.type == "sqs":
        report.seen(f"message {message.get('MessageId')}", at, len(body))


def _described(found: Notification) -> str:
    if found.objects:
        named = found.objects[0]
        return f"a notification of s3://{named.bucket}/{named.key}"[:300]
    if found.records:
        return "a message with records"
    return found.dropped or f"nothing that can be read ({found.unknown}); it would go to quarantine"


def _tried_in_vain(report: Report, action: str, resource: str, call: Callable[[], Any]) -> None:
    """A call that cannot succeed: only a denial says something."""
    try:
        call()
    except Exception as error:
        missing = missing_grant(_expected(error), action)
        code, message, status = code_and_message(error)
        if missing is not None:
            report.grant(missing, resource, False, f"{code}: {message}")
        elif 400 <= status < 500 and "NonExistentQueue" not in code and "QueueDoesNotExist" not in code:
            report.grant(action, resource, True)
        else:
            report.grant(action, resource, None)
    else:
        report.grant(action, resource, True)


def _log_group(source: WatchedSource, report: Report, clock: Callable[[], datetime]) -> None:
    group = str(source.log_group)
    region, _, name = log_group_place(group)
    report.reads.append(f"events of the log group {name}, by FilterLogEvents")
    logs = client("logs", options_of(source, region=region or source.region, **_QUICK))
    arn = grants.log_group_arn(source, report.account)
    named = (
        {"logGroupIdentifier": group.removesuffix(":*")}
        if group.startswith("arn:")
        else {"logGroupName": group}
    )
    end = clock()
    for back in _BACK:
        asked = {**named, "startTime": milliseconds(end - back), "endTime": milliseconds(end), "limit": 1_000}
        call = partial(logs.filter_log_events, **asked)
        report.grants = [g for g in report.grants if g.action != "logs:FilterLogEvents"]
        answer = _tried(source, report, "logs:FilterLogEvents", arn, call)
        if answer is None:
            return
        for event in answer.get("events", ()):
            report.seen(
                f"{event.get('logStreamName')}", moment(event["timestamp"]), len(event.get("message", ""))
            )
        if report.newest is not None:
            return
    report.notes.append(
        "No event of the last 14 days was found: is it the right group, and does AWS deliver there?"
    )


def _event_history(source: WatchedSource, region: str, report: Report) -> None:
    report.reads.append(
        f"CloudTrail's event history (management events, 90 days) of {region}, by LookupEvents"
    )
    trail = client("cloudtrail", options_of(source, region=region, **_QUICK))
    answer = _tried(
        source, report, "cloudtrail:LookupEvents", f"* ({region})",
        lambda: trail.lookup_events(MaxResults=1),
    )  # fmt: skip
    for event in (answer or {}).get("Events", ()):
        report.seen(f"{event.get('EventName')} {event.get('EventId')}", event["EventTime"].astimezone(UTC))


def _expected(error: Exception) -> Exception:
    """The error, where AWS or the network may answer so; anything else is a defect and goes on."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, BotoCoreError | ClientError | OSError | AshiatoError | ValueError):
        return error
    raise error
