"""One signed GET for a small object, without the rest of boto3.

botocore spends 2.6 ms of processor time on a GetObject, most of it on building and parsing, and AWS
delivers millions of objects of 2 kB; this takes 1 ms. Whatever is not a plain success returns None, and
the ordinary client asks again, with its retries, redirects and errors.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ashiato.sources.objects import ObjectRef
from ashiato.sources.options import SourceOptions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_BYTES = 8 << 20
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/s3/aws4_request")
_ELSEWHERE = frozenset({301, 302, 307, 308, 400})


@dataclass(frozen=True, slots=True)
class _Way:
    """How the ordinary client reached an object: the address before the key, the region signed for."""

    begin: str
    region: str


class QuickReader:
    """Learns address and region from the ordinary client's requests; until then, and after any answer
    that says they are wrong, it returns None. Thread-safe."""

    def __init__(self, client: S3Client, options: SourceOptions) -> None:
        # Both are private to botocore: where a version lacks them, the ordinary client does all the work.
        self._http: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
        self._credentials: Any = getattr(getattr(client, "_request_signer", None), "_credentials", None)
        self._headers = {"x-amz-request-payer": "requester"} if options.request_payer else {}
        self._way: _Way | None = None
        self._last = threading.local()
        if self._http is not None and self._credentials is not None:
            client.meta.events.register("before-send.s3.GetObject", self._sent)

    def learn(self, key: str) -> None:
        """The ordinary client has just read `key` in this thread."""
        url, signed = getattr(self._last, "sent", ("", ""))
        quoted = _quoted(key)
        scope = _SCOPE.match(signed)
        if scope and url.endswith("/" + quoted):
            self._way = _Way(url[: -len(quoted)], scope.group(1))

    def read(self, key: str, ref: ObjectRef) -> bytes | None:
        """The object's bytes if it still has the reference's ETag and size; None for anything else."""
        way = self._way
        if way is None or ref.size > MOST_BYTES or ";" in ref.etag:
            return None
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError

        headers = {"If-Match": f'"{ref.etag}"', **self._headers}
        request = AWSRequest("GET", way.begin + _quoted(key), headers=headers)
        try:
            S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", way.region).add_auth(request)
            answer = self._http.send(request.prepare())
        except (BotoCoreError, ClientError, OSError):
            return None
        if answer.status_code != 200:
            if answer.status_code in _ELSEWHERE:
                self._way = None
            return None
        content: bytes = answer.content
        return content if len(content) == ref.size else None

    def _sent(self, request: Any, **_: object) -> None:
        signed = request.headers.get("Authorization", "")
        self._last.sent = (request.url, signed.decode() if isinstance(signed, bytes) else signed)


def _quoted(key: str) -> str:
    return quote(key, safe="/~")
