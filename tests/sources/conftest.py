"""moto's real server on a loopback port, with credentials that mean nothing elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from sources.served import Bucket, Proxy


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's credentials or asks an instance's metadata."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture
def bucket(moto_port: int) -> Bucket:
    """An empty bucket of its own for each test."""
    import boto3

    endpoint = f"http://127.0.0.1:{moto_port}"
    # By chance, not by number: this file is imported more than once, into one moto.
    name = f"logs-{uuid.uuid4().hex[:16]}"
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    return Bucket(name, endpoint)


@pytest.fixture
def proxy(moto_port: int, bucket: Bucket) -> Iterator[Proxy]:
    """The bucket's endpoint is the proxy's from here on."""
    made = Proxy("127.0.0.1", moto_port)
    bucket.endpoint = made.url
    yield made
    made.close()
