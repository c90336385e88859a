"""Homes that a loop runs over, and a bucket over HTTP."""

from __future__ import annotations

from sources.conftest import bucket, moto_port, no_aws, proxy

__all__ = ["bucket", "moto_port", "no_aws", "proxy"]
