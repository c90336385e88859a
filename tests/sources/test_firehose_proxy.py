"""The proxy of docs/firehose.md, word for word: TLS before the endpoint, with a real nginx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ashiato.formats.firehose import MAX_BODY
from ashiato.sources.live_firehose import LiveFirehose
from nginx import free_port
from nginx import proxied as through
from sources.firehose_client import KEY, Firehose, succeeded
from sources.live_sink import MemorySink, running, until
from sources.test_live_firehose import trail


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[int, Firehose]]:
    """The port that the proxy expects the endpoint on, and a sender through the proxy."""
    inner = free_port()
    with through("firehose.md", tmp_path, 8601, inner) as proxy:
        yield inner, Firehose(proxy.port, tls=proxy.tls)


def test_through_the_proxy_as_documented(proxied: tuple[int, Firehose], sink: MemorySink) -> None:
    port, sender = proxied
    # Ashiato is away: any failure will do, as long as it is not 413.
    assert sender.send(trail(0).encode()).status == 502
    source = LiveFirehose("push", listen=f"127.0.0.1:{port}", access_key=KEY)
    with running(source, sink):
        until(source.listening.is_set)
        assert succeeded(sender.send(trail(1).encode(), request_id="r-1"), "r-1")
        zipped = Firehose(sender.port, tls=sender.tls, zipped=True)
        assert succeeded(zipped.send(trail(2).encode(), request_id="r-2"), "r-2")
        assert Firehose(sender.port, tls=sender.tls, key="wrong").send(trail(3).encode()).status == 401
        attributes = json.dumps({"commonAttributes": {f"{n:0256}": "v" * 1024 for n in range(50)}})
        large = sender.send(trail(4).encode(), request_id="r-4", X_Amz_Firehose_Common_Attributes=attributes)
        assert succeeded(large, "r-4")
        body = b'{"requestId":"r-5","timestamp":1,"records":[{"data":""}]}'.ljust(MAX_BODY)
        assert succeeded(sender.post(body, "r-5"), "r-5")
        until(lambda: sink.rows() == {"cloudtrail": 3})
    # Stopped and started on the same port.
    assert sender.send(trail(6).encode()).status == 502
    again = LiveFirehose("push", listen=f"127.0.0.1:{port}", access_key=KEY)
    with running(again, sink):
        until(again.listening.is_set)
        assert succeeded(sender.send(trail(6).encode(), request_id="r-6"), "r-6")
