"""Small MaxMind databases, as MaxMind and others lay them out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


def database(path: Path, records: Mapping[str, Mapping[str, Any]], version: int = 6) -> Path:
    """A database of network → record."""
    try:
        import maxminddb  # noqa: F401
        from mmdb_writer import MMDBWriter
        from netaddr import IPSet
    except ImportError as error:
        if os.environ.get("ASHIATO_REQUIRE_ALL"):
            raise
        pytest.skip(f"{error.name} of the extras geo and test is not installed")
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), dict(record))
    writer.to_db_file(str(path))
    return path
