"""A bucket over HTTP, as the tests of sources have it."""

from sources.conftest import bucket, moto_port, no_aws, proxy

__all__ = ["bucket", "moto_port", "no_aws", "proxy"]
