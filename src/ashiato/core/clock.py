"""The time of day, from one place, so that tests can set it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, microseconds."""
    return datetime.now(UTC)
