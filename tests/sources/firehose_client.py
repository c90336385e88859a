"""Amazon Data Firehose as an endpoint sees it: its requests, what it takes for success, and its retries."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import ssl
import uuid
from dataclasses import dataclass, field
from typing import Any

KEY = "a key of Firehose's: 秘密でない"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Firehose:
    """Delivers to `port` as the guide's pages describe; `tls` where a proxy is before it."""

    port: int
    key: str = KEY
    tls: ssl.SSLContext | None = None
    zipped: bool = False
    host: str = "127.0.0.1"
    attempts: list[Answer] = field(default_factory=list)

    def send(self, *records: bytes, request_id: str | None = None, **headers: str) -> Answer:
        request_id = request_id or str(uuid.uuid4())
        held = [{"data": base64.b64encode(record).decode()} for record in records]
        body = json.dumps({"requestId": request_id, "timestamp": 1578090901599, "records": held}).encode()
        return self.post(body, request_id, **headers)

    def post(self, body: bytes, request_id: str, **more: str) -> Answer:
        headers = {
            "X-Amz-Firehose-Protocol-Version": "1.0",
            "X-Amz-Firehose-Request-Id": request_id,
            "X-Amz-Firehose-Source-Arn": "arn:aws:firehose:us-east-1:111122223333:deliverystream/trail-to-ashiato",
            "X-Amz-Firehose-Access-Key": self.key,
            "Content-Type": "application/json",
        } | {name.replace("_", "-"): value for name, value in more.items()}
        if self.zipped:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if self.tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, self.port, timeout=60, context=self.tls
            )
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            encoded = {name: value.encode() for name, value in headers.items()}
            connection.request("POST", "/firehose", body, encoded)  # type: ignore[arg-type]
            got = connection.getresponse()
            answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()
        self.attempts.append(answer)
        return answer


def succeeded(answer: Answer, request_id: str) -> bool:
    """What Firehose takes for success, and nothing else."""
    if answer.status != 200 or answer.headers.get("content-type") != "application/json":
        return False
    if "content-encoding" in answer.headers or int(answer.headers["content-length"]) != len(answer.body):
        return False
    said = answer.json
    known = set(said) <= {"requestId", "timestamp", "errorMessage"}
    return known and said["requestId"] == request_id and type(said["timestamp"]) is int


def subscription(*messages: str, first_id: int = 1, kind: str = "DATA_MESSAGE") -> bytes:
    """A payload of CloudWatch Logs."""
    events = [
        {"id": str(31953106606966983378809025079804211143289615424298221568 + first_id + n),
         "timestamp": 1432826855000 + n, "message": message}
        for n, message in enumerate(messages)
    ]  # fmt: skip
    return gzip.compress(
        json.dumps(
            {"messageType": kind, "owner": "111122223333", "logGroup": "CloudTrail/logs",
             "logStream": "111122223333_CloudTrail_us-east-1", "subscriptionFilters": ["Destination"],
             "logEvents": events}
        ).encode(),
        6,
    )  # fmt: skip


CONTROL = gzip.compress(
    json.dumps(
        {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
         "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1600110003794,
         "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}
    ).encode()
)  # fmt: skip
