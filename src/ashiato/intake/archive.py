"""Delivered objects as they came, addressed by content: `archive/ab/abcdef…`."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def archive_path(archive: Path, sha256: bytes) -> Path:
    name = sha256.hex()
    return archive / name[:2] / name


def keep_object(archive: Path, sha256: bytes, content: bytes) -> Path:
    """Write `content` once, synced before it gets its name; a second copy costs nothing."""
    path = archive_path(archive, sha256)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    return path
