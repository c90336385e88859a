"""Lags of later stages: counted in buckets, kept by day, shown with the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.clock import now
from ashiato.intake.coverage import coverage
from ashiato.intake.lags import LagBook, Lags, Place, kept_lags
from ashiato.lake.home import Home
from intake.taking_in import collect
from intake.test_coverage import ACCOUNT, HOUR, put_log


@given(st.lists(st.floats(0.02, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_right_to_within_a_factor_of_the_square_root_of_two(
    values: list[float], share: float
) -> None:
    lags = Lags()
    for value in values:
        lags.add(value)
    ordered = sorted(values)
    exact = next(v for v in ordered if sum(x <= v for x in values) >= share * len(values))
    assert exact / 1.0001 <= lags.quantile(share) <= exact * 1.4143
    assert lags.quantile(1.0) <= lags.longest == max(values)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1e5)), max_size=50), st.integers(0, 50))
def test_observed_at_once_or_in_parts_is_the_same(seen: list[tuple[str, float]], cut: int) -> None:
    whole, parts = Lags(), [Lags(), Lags()]
    for number, (_, value) in enumerate(seen):
        whole.add(value)
        parts[number >= cut].add(value)
    parts[0].merge(parts[1])
    assert parts[0] == whole


def test_lags_are_added_up_in_the_ledger_and_old_days_forgotten(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    place = Place("s3://corp", "cloudtrail", ACCOUNT, "us-east-1")
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        book = LagBook()
        with pytest.raises(ValueError, match="delivered"):
            book.observe(place, "delivered", 1.0, moment)
        book.observe(place, "evaluated", 0.4, moment - timedelta(days=9))
        for minute in range(3):
            book.observe(place, "evaluated", 1.0 + minute, moment + timedelta(minutes=minute), count=10)
            book.flush(home.ledger, moment + timedelta(minutes=minute))
        book.observe(place, "alerted", 30.0, moment)
        book.observe(Place("s3://corp", "cloudtrail", "x" * 999, "y" * 999), "alerted", 1.0, moment)
        book.flush(home.ledger, moment)
        found = kept_lags(home.ledger, moment)
        assert found[place]["evaluated"] is not None
        assert found[place]["evaluated"]["max"] == 3.0
        assert found[place]["alerted"] == {"p50": 30.0, "p95": 30.0, "max": 30.0}
        assert 1.0 <= found[place]["evaluated"]["p50"] <= 2.9


def test_sources_show_them_beside_the_lags_of_the_lake(tmp_path: Path) -> None:
    hour = int((now() - HOUR).total_seconds() // 3600) - 2
    put_log(tmp_path / "logs", hour, later=60)
    collect(tmp_path / "home", tmp_path / "logs")
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        book = LagBook()
        book.observe(Place("files", "cloudtrail", ACCOUNT, "us-east-1"), "evaluated", 0.5, now())
        book.flush(home.ledger, now())
        [source] = coverage(home)["sources"]
    json.dumps(source, default=str)
    assert source["lag"]["delivered"]["max"] == 60.0
    assert source["lag"]["evaluated"] == {"p50": 0.5, "p95": 0.5, "max": 0.5}
    assert source["lag"]["alerted"] is None
    assert source["quiet_until"] is None
