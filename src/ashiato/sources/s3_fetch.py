"""One S3 object's bytes."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ashiato.sources.objects import ObjectRef, ObjectUnavailable
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3_errors import code_and_message, object_error, source_error
from ashiato.sources.s3_quick import QuickReader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READS = 4  # botocore retries a request, but not the reading of its answer's body


def fetch_object(
    client: S3Client, quick: QuickReader, bucket: str, ref: ObjectRef, options: SourceOptions
) -> bytes:
    """The bytes whose ETag (or version) is the reference's: content and identity always agree.

    A connection lost within the body is tried four times. Raises ObjectUnavailable, or SourceUnavailable
    when the failure concerns every object (credentials, bucket, endpoint).
    """
    from botocore.exceptions import BotoCoreError, ClientError

    begin = f"s3://{bucket}/"
    if not ref.name.startswith(begin):
        raise ValueError(f"{ref.name} does not lie in {begin}")
    if ref.size > options.max_object_bytes:
        raise _too_large(ref.name, ref.size, options)
    key = ref.name[len(begin) :]
    content = quick.read(key, ref)
    if content is not None:
        return content
    etag, _, version = ref.etag.partition(";")
    keys: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if options.request_payer:
        keys["RequestPayer"] = "requester"
    which: dict[str, Any] = {"VersionId": version} if version else {"IfMatch": f'"{etag}"'}
    for read in range(_READS):
        try:
            answer = client.get_object(**keys, **which)
            # Not `with body`: that would give urllib3's stream, whose errors botocore does not translate.
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > options.max_object_bytes:
                    raise _too_large(ref.name, answer["ContentLength"], options)
                content = body.read()
            if not version:
                quick.learn(key)
            return content
        except ClientError as error:
            if code_and_message(error)[0] in ("PreconditionFailed", "412"):
                raise _changed(client, keys, ref, options) from error
            raise _failure(error, bucket, ref.name, options) from error
        except (BotoCoreError, OSError) as error:
            if read + 1 == _READS:
                raise _failure(error, bucket, ref.name, options) from error
            time.sleep(0.1 * 4**read)
    raise AssertionError("unreachable")


def _changed(client: S3Client, keys: dict[str, Any], ref: ObjectRef, options: SourceOptions) -> Exception:
    """The object was overwritten after it was listed: what it is now."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        head = client.head_object(**keys)
    except (ClientError, BotoCoreError, OSError) as error:
        return object_error(error, ref.name, request_payer=options.request_payer)
    return ObjectUnavailable(
        ref.name,
        "changed",
        "The object was overwritten after it was listed",
        "Its new content is another object and is taken as such.",
        soon=True,
        replacement=ObjectRef(
            ref.source, ref.name, head["ETag"].strip('"'), head["ContentLength"], head["LastModified"]
        ),
    )


def _failure(error: Exception, bucket: str, name: str, options: SourceOptions) -> Exception:
    whole = source_error(error, bucket, role_arn=options.role_arn)
    return whole or object_error(error, name, request_payer=options.request_payer)


def _too_large(name: str, size: int, options: SourceOptions) -> ObjectUnavailable:
    return ObjectUnavailable(
        name,
        "too-large",
        f"{size:,} bytes are more than the {options.max_object_bytes:,} that are read at once",
        "AWS delivers at most 75 MB an object; this is no log file of AWS's own.",
        retry=False,
    )
