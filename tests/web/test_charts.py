"""Charts are whole without a script, the same each time, and nothing in them is taken for markup."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ashiato.web.charts import (
    Bin,
    Chart,
    Edge,
    Effect,
    Gap,
    Mark,
    Node,
    Rank,
    around,
    graph,
    histogram,
    ranked,
    sparkline,
    steps,
    timeline,
)
from ashiato.web.charts.chart import MOST_BINS, TimeAxis

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = "\"><script>alert(1)</script>' onload=x {{7*7}} \u202e"


class Reader:
    """What a chart asks of a visit."""

    zone = ZoneInfo("Asia/Tokyo")

    def _(self, message: str, **values: object) -> str:
        return message % values if values else message

    def here(self, **changes: object) -> str:
        return "/?" + "&".join(f"{k}={v}" for k, v in changes.items() if v is not None)


def charts(text: str = "x") -> dict[str, Chart]:
    visit: Any = Reader()
    hours = [BEGIN + timedelta(hours=i) for i in range(25)]
    bins = [
        Bin(a, b, i * 3, habit=float(i), marked=i % 2) for i, (a, b) in enumerate(itertools.pairwise(hours))
    ]
    marks = [Mark(f"m{i}", lane, h, text, f"#{i}") for i, h in enumerate(hours) for lane in ("operations",)]
    marks += [
        Mark("c", "changes", hours[3], text, "#c"),
        Mark("f", "connections", hours[4], text, None, hours[6]),
    ]
    marks += [Mark("a", "alerts", hours[5], text, "#a", grave=True)]
    gap = Gap(hours[8], hours[10], text)
    nodes = [Node(f"n{i}", "user", text, "/", i, focus=i == 0) for i in range(20)]
    edges = [Edge("n0", f"n{i}", text, i) for i in range(1, 20)]
    return {
        "histogram": histogram(visit, bins, label=text, gaps=[gap]),
        "timeline": timeline(
            visit, marks, start=hours[0], end=hours[-1], label=text, gaps=[gap], effects=[Effect("m2", "c")]
        ),
        "graph": graph(visit, nodes, edges, label=text),
    }


@pytest.mark.parametrize("name", ["histogram", "timeline", "graph"])
def test_hostile_text_stays_text(name: str) -> None:
    svg = ET.fromstring(str(charts(HOSTILE)[name].svg))
    assert not [e for e in svg.iter() if e.tag.endswith("script")]
    assert not [k for e in svg.iter() for k in e.attrib if k.startswith("on") or k == "style"]
    # What turns text round is shown and not obeyed.
    assert svg.attrib["aria-label"] == HOSTILE.replace("\u202e", "\\u202e")


def test_hostile_names_in_a_ranking_and_a_sparkline() -> None:
    for made in (
        ranked([Rank(HOSTILE, 3)], head=("a", "b"), label=HOSTILE),
        sparkline([1, None, 2], label=HOSTILE),
    ):
        assert "<script" not in made


@pytest.mark.parametrize("name", ["histogram", "timeline", "graph"])
def test_the_same_input_gives_the_same_picture_and_a_table(name: str) -> None:
    one, other = charts()[name], charts()[name]
    assert one.svg == other.svg
    assert one.rows
    assert len(one.head) == len(one.rows[0])
    # Links inside: a group, for an image may hold none.
    assert 'role="group"' in one.svg


def test_a_bar_leads_to_its_span_and_the_brush_knows_the_axis() -> None:
    svg = ET.fromstring(str(charts()["histogram"].svg))
    links = [e.attrib["href"] for e in svg.iter() if e.tag == "a"]
    assert links[0] == "/?from=2026-03-01T01:00:00Z&to=2026-03-01T02:00:00Z"
    assert svg.attrib["data-start"] == "2026-03-01T00:00:00Z"
    assert svg.attrib["data-end"] == "2026-03-02T00:00:00Z"


def test_a_gap_is_hatched_and_says_why() -> None:
    svg = str(charts("no digest came")["timeline"].svg)
    assert svg.count('class="gap"') == 3 + 1  # each lane, and the alerts' one


def test_marks_at_one_moment_are_counted_together() -> None:
    visit: Any = Reader()
    marks = [Mark(f"m{i}", "operations", BEGIN, "x", "#") for i in range(50)]
    made = timeline(visit, marks, start=BEGIN, end=BEGIN + timedelta(days=1), label="x")
    svg = ET.fromstring(str(made.svg))
    assert len([e for e in svg.iter() if e.tag == "circle"]) == 4
    assert len(made.rows) == 50


def test_ticks_are_round_on_the_wall_also_where_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    axis = TimeAxis(datetime(2026, 3, 27, tzinfo=zone), datetime(2026, 4, 1, tzinfo=zone), zone)
    assert [text for _, text in axis.ticks()] == ["03-27", "03-28", "03-29", "03-30", "03-31"]
    assert all(moment.hour == 0 for moment, _ in axis.ticks())


def test_no_bins_no_picture() -> None:
    visit: Any = Reader()
    assert histogram(visit, [], label="x").svg == ""


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Tokyo"])
def test_records_of_any_time_are_drawn(zone: str) -> None:
    visit: Any = Reader()
    visit.zone = ZoneInfo(zone)
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    start, end = around(first, last, timedelta(seconds=5))
    marks = [Mark(f"m{n}", "operations", at, "x") for n, at in enumerate((first, last))]
    for chart in (
        timeline(visit, marks, start=start, end=end, label="x"),
        histogram(visit, [Bin(a, b, 1) for a, b in steps(first, last, timedelta(days=1))], label="x"),
        histogram(visit, [Bin(a, b, 1) for a, b in steps(first, first, timedelta(days=1))], label="x"),
    ):
        ET.fromstring(str(chart.svg))


def test_a_record_of_long_ago_takes_not_the_room_of_all_others() -> None:
    day = timedelta(days=1)
    found = steps(BEGIN, BEGIN + 4000 * day + timedelta(hours=3), day)
    assert len(found) == MOST_BINS
    assert found[-1] == (BEGIN + 4000 * day, BEGIN + 4001 * day)
