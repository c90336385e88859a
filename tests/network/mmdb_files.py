"""Small MaxMind databases, as MaxMind and others lay them out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet


def database(path: Path, records: Mapping[str, Mapping[str, Any]], version: int = 6) -> Path:
    """A database of network → record."""
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), dict(record))
    writer.to_db_file(str(path))
    return path
