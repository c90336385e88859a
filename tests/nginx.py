"""A real nginx before a server of ours, with the block that a page of the docs gives, word for word."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from conftest import missing_part

DOCS = Path(__file__).parents[1] / "docs"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Proxy:
    """`port`: where it listens on loopback; `tls`: trusts its certificate, which is for 127.0.0.1."""

    port: int
    tls: ssl.SSLContext


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def proxied(page: str, folder: Path, documented: int, inner: int) -> Iterator[Proxy]:
    """nginx as docs/`page` has it, running in `folder`, before the port `inner` in the place of the documented one."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing_part("nginx")
    assert program is not None
    certificate, key = _certificate(folder)
    outer = free_port()
    [block] = re.findall(r"```nginx\n(.*?)```", (DOCS / page).read_text(), re.S)
    assert f":{documented};" in block
    block = block.replace("listen 443 ssl", f"listen 127.0.0.1:{outer} ssl")
    block = block.replace(f":{documented};", f":{inner};")
    block = re.sub(r"(ssl_certificate\s+)[^;]+;", rf"\g<1>{certificate};", block)
    block = re.sub(r"(ssl_certificate_key\s+)[^;]+;", rf"\g<1>{key};", block)
    kinds = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in _TEMPORARY)
    conf, log = folder / "nginx.conf", folder / "error.log"
    conf.write_text(
        f"daemon off;\nuser {folder.owner()};\npid {folder}/pid;\nerror_log {log};\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{kinds}{block}\n}}\n"
    )
    process = subprocess.Popen([program, "-p", str(folder), "-e", str(log), "-c", str(conf)])
    try:
        deadline = time.monotonic() + 30
        while not _answers(outer):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Proxy(outer, ssl.create_default_context(cafile=str(certificate)))
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ashiato.example.com")])
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
