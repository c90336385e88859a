"""The HTTP endpoint that Firehose delivers to: what is kept, what is answered, and that nothing is ever given up."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.formats.firehose import MAX_BODY, NotARequest, read_request, unpacked
from ashiato.sources.live_firehose import LiveFirehose, host_and_port
from formats.test_notifications import CHANGE, EVENT, event, sns
from sources.firehose_client import CONTROL, KEY, Firehose, subscription, succeeded
from sources.live_sink import MemorySink, running, until

LINE = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 {} {} ACCEPT OK"


def line(n: int = 0) -> str:
    return LINE.format(1418530010 + n, 1418530070 + n)


def trail(n: int = 0) -> str:
    return json.dumps(EVENT | {"eventID": f"event-{n}"})


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


def listener(**more: Any) -> LiveFirehose:
    return LiveFirehose("push", listen="127.0.0.1:0", access_key=KEY, **more)


@pytest.fixture
def live(sink: MemorySink) -> Iterator[LiveFirehose]:
    source = listener(answer_within=2.0)
    with running(source, sink):
        until(source.listening.is_set)
        yield source


def test_everything_that_firehose_carries_arrives(live: LiveFirehose, sink: MemorySink) -> None:
    sender = Firehose(live.port)
    request = str(uuid.uuid4())
    answer = sender.send(
        subscription(trail(1), trail(2)),
        subscription(line(1), line(2), first_id=100),
        CONTROL,
        json.dumps(event("AWS API Call via CloudTrail", "aws.iam", json.loads(trail(3)))).encode(),
        json.dumps(sns(CHANGE)).encode() + b"\n",
        trail(4).encode(),
        line(3).encode() + b"\n" + line(4).encode(),
        json.dumps({"message": line(5)}).encode(),
        gzip.compress(line(6).encode()),
        b"",
        request_id=request,
    )
    assert succeeded(answer, request)
    until(lambda: len(sink.outcomes) == 2)
    assert sink.rows() == {"cloudtrail": 4, "config_items": 1, "vpc_flow_logs": 6}
    assert sink.unreadable() == []
    assert live.state.counts["dropped"] == 2
    assert live.state.counts["records"] == 8
    assert all(a.ref.name.startswith("firehose:trail-to-ashiato/") for a in sink.arrivals)


def test_the_path_is_the_users_choice_and_gzip_is_understood(live: LiveFirehose, sink: MemorySink) -> None:
    request = str(uuid.uuid4())
    assert succeeded(Firehose(live.port, zipped=True).send(trail().encode(), request_id=request), request)
    until(lambda: sink.rows() == {"cloudtrail": 1})


def test_a_health_check_alone_is_acknowledged(live: LiveFirehose, sink: MemorySink) -> None:
    request = str(uuid.uuid4())
    assert succeeded(Firehose(live.port).send(CONTROL, request_id=request), request)
    assert sink.arrivals == []


def test_flow_records_of_a_format_of_ones_own(sink: MemorySink) -> None:
    fields = "${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${start} ${end}"
    own = "123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 1418530010 1418530070"
    source = listener(flow_format=fields)
    with running(source, sink):
        until(source.listening.is_set)
        answer = Firehose(source.port).send(own.encode(), subscription(own))
        assert answer.status == 200
        until(lambda: sink.rows() == {"vpc_flow_logs": 2})


def test_nothing_is_acknowledged_before_it_is_kept(live: LiveFirehose, sink: MemorySink) -> None:
    sink.keeping = False
    sink.committing.clear()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(Firehose(live.port).send, trail().encode(), request_id="r-1")
        until(lambda: sink.arrivals)
        time.sleep(0.2)
        assert not sent.done()
        kept = sink.arrivals[0].kept
        assert kept is not None
        kept()
        assert succeeded(sent.result(), "r-1")


def test_the_same_request_again_is_taken_once(live: LiveFirehose, sink: MemorySink) -> None:
    sender = Firehose(live.port)
    records = (subscription(trail(1)), line().encode())
    assert sender.send(*records, request_id="r-1").status == 200
    # While its bytes are not committed yet, and after.
    assert succeeded(sender.send(*records, request_id="r-1"), "r-1")
    until(lambda: len(sink.outcomes) == 2)
    assert succeeded(sender.send(*records, request_id="r-1"), "r-1")
    assert len(sink.arrivals) == 2
    assert sink.rows() == {"cloudtrail": 1, "vpc_flow_logs": 1}


def test_what_is_late_is_put_off_and_found_under_way_by_the_retry(sink: MemorySink) -> None:
    source = listener(answer_within=0.3)
    sink.keeping = False
    sink.committing.clear()
    with running(source, sink):
        until(source.listening.is_set)
        sender = Firehose(source.port)
        late = sender.send(trail().encode(), request_id="r-1")
        assert late.status == 503
        assert "again" in late.json["errorMessage"]
        sink.committing.set()
        until(lambda: sink.outcomes)
        assert succeeded(sender.send(trail().encode(), request_id="r-1"), "r-1")
    assert len(sink.arrivals) == 1


def test_a_full_sink_is_503_and_room_is_found_again() -> None:
    sink = MemorySink(most=100)
    sink.committing.clear()
    source = listener(answer_within=0.3)
    with running(source, sink):
        until(source.listening.is_set)
        sender = Firehose(source.port)
        assert sender.send(trail(1).encode(), request_id="r-1").status == 200
        assert sender.send(trail(2).encode(), request_id="r-2").status == 503
        sink.committing.set()
        until(lambda: sender.send(trail(2).encode(), request_id="r-2").status == 200)
        until(lambda: sink.rows() == {"cloudtrail": 2})
    sink.close()


def test_storage_that_fails_is_503_until_it_works(live: LiveFirehose, sink: MemorySink) -> None:
    sender = Firehose(live.port)
    sink.broken = OSError(28, "No space left on device")
    refused = sender.send(trail().encode(), request_id="r-1")
    assert refused.status == 503
    assert refused.json["requestId"] == "r-1"
    assert "No space left" in str(live.state.error)
    assert "No space" not in refused.body.decode()
    sink.broken = None
    assert succeeded(sender.send(trail().encode(), request_id="r-1"), "r-1")
    assert live.state.error is None


def test_a_pipeline_that_stops_takes_nothing_over(live: LiveFirehose, sink: MemorySink) -> None:
    sink.stopping.set()
    assert Firehose(live.port).send(trail().encode()).status == 503
    assert sink.arrivals == []


@pytest.mark.parametrize("key", ["", "wrong", KEY + "x", KEY[:-1]])
def test_only_who_shows_the_key_gets_in(live: LiveFirehose, sink: MemorySink, key: str) -> None:
    answer = Firehose(live.port, key=key).send(trail().encode(), request_id="r-1")
    assert answer.status == 401
    assert answer.json["requestId"] == "r-1"
    assert sink.arrivals == []
    assert live.state.counts["refused"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no request"),
        (b"hello", "no request"),
        (b'{"requestId":"r-1"}', "no request"),
        (b'{"requestId":"r-2","timestamp":1,"records":[{"data":""}]}', "header"),
        (b'{"requestId":"r-1","timestamp":1,"records":[{"data":"%%%"}]}', "base64"),
        (b'{"requestId":"r-1","timestamp":1,"records":[' + b'{"data":""},' * 10_000 + b'{"data":""}]}', "10,001"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_400(live: LiveFirehose, sink: MemorySink, body: bytes, said: str) -> None:
    answer = Firehose(live.port).post(body, "r-1")
    assert answer.status == 400
    assert said in answer.json["errorMessage"]
    assert sink.arrivals == []


def test_413_is_never_answered(live: LiveFirehose) -> None:
    big = b" " * (MAX_BODY + 1)
    with pytest.raises(NotARequest, match="64 MiB"):
        unpacked(gzip.compress(big))
    answer = Firehose(live.port, zipped=True).post(big, "r-1")
    assert answer.status == 400
    try:
        plain = Firehose(live.port).post(big, "r-1").status
    except OSError:
        plain = 400  # the connection ends before all of it is sent: a failed delivery as well
    assert plain == 400


def test_a_request_of_64_mib_is_taken(live: LiveFirehose, sink: MemorySink) -> None:
    record = base64.b64encode(trail(10).encode().ljust(1_000_000)).decode()
    count = (MAX_BODY - 1000) // (len(record) + 15)
    held = [
        {"data": base64.b64encode(trail(10 + n).encode().ljust(1_000_000)).decode()} for n in range(count)
    ]
    body = json.dumps({"requestId": "r-1", "timestamp": 1, "records": held}).encode()
    assert MAX_BODY * 0.97 < len(body) <= MAX_BODY
    sender = Firehose(live.port)
    answer = sender.post(body, "r-1")
    assert succeeded(answer, "r-1")
    assert len(answer.body) < 200
    until(lambda: len(sink.outcomes) == len(sink.arrivals) > 4)
    assert sink.rows() == {"cloudtrail": count}
    assert sink.unreadable() == []


def test_a_payload_that_is_damaged_reaches_the_quarantine_and_hides_no_other(
    live: LiveFirehose, sink: MemorySink
) -> None:
    whole = subscription(*(trail(n) for n in range(50)))
    assert (
        Firehose(live.port)
        .send(whole[:-100], b"\x1f\x8bnot gzip", b"\xff\xfe\xfd", trail(99).encode())
        .status
        == 200
    )
    until(lambda: sink.outcomes)
    assert sink.rows()["cloudtrail"] >= 1
    assert len(sink.unreadable()) >= 2


def test_headers_as_large_as_firehose_sends_them(live: LiveFirehose) -> None:
    attributes = {f"{n:0256}": "v" * 1024 for n in range(50)}
    text = json.dumps({"commonAttributes": attributes})
    answer = Firehose(live.port).send(trail().encode(), X_Amz_Firehose_Common_Attributes=text)
    assert answer.status == 200


def test_a_get_is_no_delivery(live: LiveFirehose) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 405
    connection.close()


def test_a_port_that_is_taken_is_told_and_waited_for(sink: MemorySink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        source = LiveFirehose("push", listen=f"127.0.0.1:{port}", access_key=KEY)
        stop = threading.Event()
        thread = threading.Thread(target=source.run, args=(sink, stop), daemon=True)
        thread.start()
        until(lambda: source.state.error)
        assert str(port) in str(source.state.error)
    until(source.listening.is_set)
    assert source.state.error is None
    assert Firehose(port).send(trail().encode()).status == 200
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    # The same port again, as after a restart.
    again = LiveFirehose("push", listen=f"127.0.0.1:{port}", access_key=KEY)
    with running(again, sink):
        until(again.listening.is_set)
        assert Firehose(port).send(trail(2).encode()).status == 200


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASHIATO_TEST_KEY", "k")
    for text in ("${ASHIATO_TEST_KEY}", f"file:{tmp_path}/key"):
        (tmp_path / "key").write_text("k\n")
        source = WatchedSource(name="push", type="firehose", listen="[::1]:0", access_key=text)
        assert LiveFirehose.from_settings(source)._access_key == b"k"
    for wrong, said in ((None, "needs access_key"), ("${ASHIATO_TEST_NOT}", "ASHIATO_TEST_NOT")):
        source = WatchedSource(name="push", type="firehose", access_key=wrong)
        with pytest.raises(WrongUse, match=said):
            LiveFirehose.from_settings(source)


@pytest.mark.parametrize("listen", ["8601", "localhost", "127.0.0.1:x", "127.0.0.1:99999", ""])
def test_an_address_that_is_none(listen: str) -> None:
    with pytest.raises(WrongUse, match="no address"):
        host_and_port(listen, "push")


DATA = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.sampled_from([CONTROL, line().encode()])
)


@given(st.lists(DATA, max_size=8))
def test_every_record_is_kept_or_dropped_and_always_in_the_same_contents(records: list[bytes]) -> None:
    held = [{"data": base64.b64encode(record).decode()} for record in records]

    def body(request: str) -> bytes:
        return json.dumps({"requestId": request, "timestamp": 1, "records": held}).encode()

    first, second = read_request(body("a")), read_request(body("b"))
    assert first.contents == second.contents
    assert first.records + first.dropped == len(records)
    assert bool(first.contents) == bool(first.records)


@given(st.binary(max_size=200))
def test_a_body_never_breaks_it(body: bytes) -> None:
    try:
        read_request(body)
    except NotARequest:
        return
