"""An activity: who calls, when and how often; and short forms for the calls of its table."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ashiato.demo import identities as who
from ashiato.demo.events import Call

# The middle of a record, its request id, and the object key for its resources.
Maker = Callable[[Random], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Weighted:
    """A call and its share among the calls of an activity."""

    weight: float
    call: Call
    make: Maker | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """One kind of caller: when it is active, how much, who exactly, and what it calls."""

    rhythm: str
    weight: float
    run: int
    seconds_per_call: float
    session: Callable[[Random, int], who.Session]
    calls: tuple[Weighted, ...]
    until: int = 1 << 40  # seconds since 1970: this caller is heard no more from then on


def ec2(name: str, **request: object) -> Call:
    """An EC2 call with its request parameters."""
    return Call("ec2.amazonaws.com", name, request or None)


def describe(*names: str) -> list[Weighted]:
    empty = {"maxResults": 100, "filterSet": {}}
    return [Weighted(1, Call("ec2.amazonaws.com", n, empty)) for n in names]


def object_data(region: str, bucket: str, folders: tuple[str, ...], *, write: bool) -> tuple[Call, Maker]:
    """An S3 data event and the part of it that differs each time: key, size, S3's ids."""
    name = "PutObject" if write else "GetObject"
    host = f"{bucket}.s3.{region}.amazonaws.com"
    arn = f"arn:aws:s3:::{bucket}"
    call = Call(
        "s3.amazonaws.com",
        name,
        category="Data",
        host=host,
        read_only=not write,
        resources=(("AWS::S3::Object", f"{arn}/(KEY)"), ("AWS::S3::Bucket", arn)),
    )

    def make(rng: Random) -> tuple[str, str, str]:
        bits = rng.getrandbits(64)
        folder = folders[bits % len(folders)]
        key = f"{folder}/{bits >> 8 & 0xFFF:04d}/{bits >> 20 & 0xFFFFFFFF:08x}.json"
        raw = rng.randbytes(58)
        x_id = b64encode(raw[10:]).decode()
        request_id = b64encode(raw[:10], altchars=b"Q7").decode().upper()
        size = 200 + (bits >> 40) % 90000
        into, out = (size, 0) if write else (0, size)
        extra = ',"x-amz-server-side-encryption":"aws:kms"' if write else ""
        response = '{"x-amz-server-side-encryption":"aws:kms"}' if write else "null"
        middle = (
            f'"requestParameters":{{"bucketName":"{bucket}","Host":"{host}"{extra},"key":"{key}"}},'
            f'"responseElements":{response},"additionalEventData":{{"SignatureVersion":"SigV4",'
            f'"CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{into},"SSEApplied":"SSE_KMS",'
            f'"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{x_id}","bytesTransferredOut":{out}}}'
        )
        return middle, request_id, key

    return call, make


def failed(
    weight: float, source: str, name: str, error: str, message: str, request: object = None
) -> Weighted:
    return Weighted(weight, Call(source, name, request, error=error, message=message))


Ends = dict[str, int]  # users and instances that stop calling, and when (seconds since 1970)
