"""moto's S3 over HTTP, and a reverse proxy before it that fails where a test says so."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import ashiato.sources.addresses
from ashiato.sources.listings import Listings
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3 import S3Source

ACCOUNT = "111122223333"
ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message><RequestId>1</RequestId></Error>'


@dataclass
class Asked:
    """One request as it reached the proxy."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def listing(self) -> bool:
        return self.query.get("list-type") == "2"

    @property
    def key(self) -> str:
        return self.path.removeprefix("/").partition("/")[2]


@dataclass
class Fault:
    """What the proxy answers instead: an S3 error, or a connection dropped after `cut` body bytes."""

    status: int = 503
    code: str = "SlowDown"
    message: str = "Please reduce your request rate."
    cut: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


Rule = Callable[[Asked], Fault | None]


class Proxy:
    """Listens on a loopback port; `rule` decides on each request, None forwards it."""

    def __init__(self, host: str, port: int) -> None:
        self.asked: list[Asked] = []
        self.rule: Rule = lambda asked: None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                query = {
                    name: held[0] for name, held in parse_qs(parts.query, keep_blank_values=True).items()
                }
                asked = Asked(self.command, unquote(parts.path), query, dict(self.headers), body)
                proxy.asked.append(asked)
                fault = proxy.rule(asked)
                if fault is not None and fault.cut is None:
                    said = fault.body or ERROR.format(fault.code, fault.message)
                    self.send(fault.status, fault.headers, said.encode())
                    return
                upstream = http.client.HTTPConnection(host, port, timeout=30)
                upstream.request(self.command, self.path, body, dict(self.headers))
                got = upstream.getresponse()
                content = got.read()
                upstream.close()
                hop = {"connection", "transfer-encoding", "content-length", "date", "server"}
                headers = {name: held for name, held in got.getheaders() if name.lower() not in hop}
                if self.command == "HEAD" and got.getheader("content-length"):
                    headers["Content-Length"] = str(got.getheader("content-length"))
                self.send(got.status, headers, content, None if fault is None else fault.cut)

            def send(self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None) -> None:
                self.send_response(status)
                for name, held in headers.items():
                    self.send_header(name, held)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body if cut is None else body[:cut])
                if cut is not None:
                    self.wfile.flush()
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def lists(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.listing]

    def gets(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "GET" and not asked.listing]


@dataclass
class Bucket:
    """A bucket of moto's, filled past HTTP because thousands of PUTs would take minutes."""

    name: str
    endpoint: str

    def put(self, keys: Iterable[str] | dict[str, bytes], body: bytes = b"x") -> None:
        from moto.s3.models import s3_backends

        backend = s3_backends["123456789012"]["aws"]
        held = keys if isinstance(keys, dict) else dict.fromkeys(keys, body)
        for key, content in held.items():
            backend.put_object(self.name, key, content)

    def delete(self, key: str) -> None:
        from moto.s3.models import s3_backends

        s3_backends["123456789012"]["aws"].delete_object(self.name, key)

    def source(self, prefix: str = "", *, listings: Listings | None = None, **options: object) -> S3Source:
        options.setdefault("endpoint_url", self.endpoint)
        options.setdefault("attempts", 3)
        source = ashiato.sources.addresses.open_source(
            f"s3://{self.name}/{prefix}",
            options=SourceOptions(**options),  # type: ignore[arg-type]
            listings=listings,
        )
        assert isinstance(source, S3Source)
        return source


def trail(
    day: date, number: int = 0, *, account: str = ACCOUNT, region: str = "us-east-1",
    service: str = "CloudTrail", base: str = "AWSLogs", minute: str = "0905",
) -> str:  # fmt: skip
    """A CloudTrail key as AWS names it."""
    return (
        f"{base}/{account}/{service}/{region}/{day:%Y/%m/%d}/"
        f"{account}_{service}_{region}_{day:%Y%m%d}T{minute}Z_{number:016d}.json.gz"
    )


def config(day: date, number: int = 0, *, account: str = ACCOUNT, base: str = "AWSLogs") -> str:
    """A Config key: month and day without zeros."""
    folder = f"{day.year}/{day.month}/{day.day}"
    hour = f"{day:%Y%m%d}T{number % 24:02}"
    return (
        f"{base}/{account}/Config/us-east-1/{folder}/ConfigHistory/{account}_Config_us-east-1_ConfigHistory_"
        f"AWS::EC2::Instance_{hour}0000Z_{hour}5959Z_{number}.json.gz"
    )


def flow(day: date, number: int = 0, *, hour: int | None = None, hive: bool = False) -> str:
    """A VPC Flow Logs key: plain, hourly, or hive."""
    name = f"{ACCOUNT}_vpcflowlogs_us-east-1_fl-1234abcd_{day:%Y%m%d}T0000Z_{number:08x}.log.gz"
    if hive:
        at = "" if hour is None else f"hour={hour:02}/"
        return (
            f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region=us-east-1/"
            f"year={day.year}/month={day.month:02}/day={day.day:02}/{at}{name}"
        )
    at = "" if hour is None else f"{hour:02}/"
    return f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/{day:%Y/%m/%d}/{at}{name}"
