"""Times in the reader's zone, with UTC beside them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ashiato.words import when


@pytest.mark.parametrize(
    ("time", "zone", "text"),
    [
        ("2026-11-19T13:05:00Z", "Asia/Tokyo", "2026-11-19 22:05 JST (13:05 UTC)"),
        ("2026-11-19T22:05:59Z", "Asia/Tokyo", "2026-11-20 07:05 JST (2026-11-19 22:05 UTC)"),
        ("2026-11-19T13:05:00Z", "UTC", "2026-11-19 13:05 UTC"),
        ("2026-07-01T13:05:00+09:00", "Europe/London", "2026-07-01 05:05 BST (04:05 UTC)"),
        ("2026-11-19T13:05:00Z", "Asia/Singapore", "2026-11-19 21:05 UTC+0800 (13:05 UTC)"),
    ],
)
def test_when(time: str, zone: str, text: str) -> None:
    assert when(datetime.fromisoformat(time), zone) == text


def test_when_in_japanese() -> None:
    time = datetime(2026, 11, 19, 13, 5, tzinfo=UTC)
    assert when(time, "Asia/Tokyo", "ja") == "2026-11-19 22:05 JST(13:05 UTC)"
