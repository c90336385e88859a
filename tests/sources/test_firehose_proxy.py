"""The proxy of docs/firehose.md, word for word: TLS before the endpoint, with a real nginx."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from ashiato.formats.firehose import MAX_BODY
from ashiato.sources.live_firehose import LiveFirehose
from conftest import missing_part
from sources.firehose_client import KEY, Firehose, succeeded
from sources.live_sink import MemorySink, running, until
from sources.test_live_firehose import trail

PAGE = Path(__file__).parents[2] / "docs" / "firehose.md"


def certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "logs.example.com")])
    at = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(at - timedelta(hours=1)).not_valid_after(at + timedelta(hours=1))
        .add_extension(names, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "fullchain.pem", folder / "privkey.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, private


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[int, Firehose]]:
    """The port that the proxy expects the endpoint on, and a sender through the proxy."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing_part("nginx")
    assert program is not None
    chain, private = certificate(tmp_path)
    outer, inner = free_port(), free_port()
    [block] = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.S)
    block = block.replace("listen 443 ssl", f"listen 127.0.0.1:{outer} ssl").replace(":8601;", f":{inner};")
    block = re.sub(r"/etc/\S+/fullchain.pem", str(chain), block)
    block = re.sub(r"/etc/\S+/privkey.pem", str(private), block)
    kinds = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in
                    ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        f"daemon off;\nuser {Path(tmp_path).owner()};\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{kinds}{block}\n}}\n"
    )
    process = subprocess.Popen([program, "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(conf)])
    try:
        tls = ssl.create_default_context(cafile=str(chain))

        def answers() -> bool:
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", outer)) == 0

        until(answers)
        yield inner, Firehose(outer, tls=tls)
    finally:
        process.terminate()
        process.wait(30)


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
