"""Folder layouts, read from keys."""

from __future__ import annotations

from datetime import date

import pytest

from ashiato.sources.layout import Stem, day_at, day_folder, day_in, is_year, left_out, place_of, span_of

ORG = "o-3h3h3h3h3h"


@pytest.mark.parametrize(
    ("folder", "level"),
    [
        ("", "outside"), ("corp/", "outside"), (f"{ORG}/", "outside"),
        ("AWSLogs/", "root"), ("corp/x/AWSLogs/", "root"), (f"{ORG}/AWSLogs/{ORG}/", "organization"),
        ("AWSLogs/123456789012/", "account"), (f"AWSLogs/{ORG}/123456789012/", "account"),
        ("AWSLogs/aws-account-id=123456789012/", "account"), ("AWSLogs/12345/", "other"),
        ("AWSLogs/123456789012/CloudTrail/", "service"), ("AWSLogs/123456789012/CloudTrail-Lake/", "other"),
        ("AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/", "service"),
        ("AWSLogs/123456789012/elasticloadbalancing/", "other"),
        ("AWSLogs/123456789012/CloudTrail-Digest/us-east-1/", "stem"),
        ("AWSLogs/123456789012/Config/us-east-1/2022/", "dated"),
        ("old/AWSLogs/123456789012/copied/AWSLogs/", "root"),
    ],
)  # fmt: skip
def test_levels(folder: str, level: str) -> None:
    assert place_of(folder).level == level


def test_stems() -> None:
    stem = place_of(f"{ORG}/AWSLogs/{ORG}/123456789012/CloudTrail-Insight/eu-west-1/2026/01/").stem
    prefix = f"{ORG}/AWSLogs/{ORG}/123456789012/CloudTrail-Insight/eu-west-1/"
    assert stem == Stem(prefix, "two", False, ORG, "123456789012", "CloudTrail-Insight", "eu-west-1")
    hive = "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/"
    stem = place_of(hive).stem
    assert stem == Stem(hive, "two", True, None, "123456789012", "vpcflowlogs", "eu-west-1")
    assert day_folder(stem, date(2026, 1, 5)) == hive + "year=2026/month=01/day=05/"
    stem = place_of("AWSLogs/123456789012/Config/us-east-1/").stem
    assert stem is not None
    assert day_folder(stem, date(2026, 1, 5)) == "AWSLogs/123456789012/Config/us-east-1/2026/1/5/"


def test_days() -> None:
    assert day_at("2026/01/05/x") == date(2026, 1, 5)
    assert day_at("a/2026/1/5/x", 2) == date(2026, 1, 5)
    assert day_at("year=2026/month=01/day=05/hour=07/x") == date(2026, 1, 5)
    assert day_at("2026/13/05/x") is None
    assert day_at("2026/01/x") is None
    assert day_in("/data/2020/01/01/AWSLogs/123456789012/CloudTrail/r/2026/01/05/x") == date(2026, 1, 5)
    assert day_in("/data/2020/01/01/x") is None


def test_spans() -> None:
    assert span_of("s/2026/", 2) == (date(2026, 1, 1), date(2026, 12, 31))
    assert span_of("s/2024/2/", 2) == (date(2024, 2, 1), date(2024, 2, 29))
    assert span_of("s/2026/12/", 2) == (date(2026, 12, 1), date(2026, 12, 31))
    assert span_of("s/year=2026/month=01/day=05/", 2) == (date(2026, 1, 5), date(2026, 1, 5))
    assert span_of("s/2026/01/05/13/", 2) == (date(2026, 1, 5), date(2026, 1, 5))
    for undated in ("s/ConfigHistory/", "s/2026/13/", "s/0/", "s/20260105/", "s/２０２６/"):
        assert span_of(undated, 2) is None


def test_what_is_left_out() -> None:
    assert left_out("AWSLogs/1/Config/ConfigWritabilityCheckFile", 0) == "write test"
    assert left_out("exported/aws-logs-write-test", 27) == "write test"
    assert left_out("AWSLogs/", 0) == "folder marker"
    assert left_out("empty.json.gz", 0) is None
    assert left_out("odd/", 5) is None


def test_years() -> None:
    assert is_year("2026/")
    assert is_year("year=2026/")
    assert not is_year("3026/")
    assert not is_year("20260/")
