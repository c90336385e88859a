"""AWS's Athena statements over VPC Flow Logs, against answers computed from the same records in Python."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from engine.conftest import published
from engine.expect import Ask, check, check_ids, rows_of
from engine.records import FLOWS, MAIN, Record

Test = Callable[[Record], bool]


def day(record: Record) -> str:
    return str(record["start_time"].strftime("%Y/%m/%d"))


def between(first: str, last_excluded: str) -> list[Record]:
    return [f for f in FLOWS if first <= day(f) < last_excluded]


def july() -> list[Record]:
    regions = ("us-east-1", "us-east-2", "us-west-2")
    return [
        f for f in between("2020/07/01", "2020/08/01") if f["account_id"] == MAIN and f["region"] in regions
    ]


def touches(f: Record, address: str) -> bool:
    return address in (f["srcaddr"], f["dstaddr"])


def private(address: str | None, *, mask: bool = False) -> bool:
    """Inside the ranges of the sample, whose comparisons leave out the first and last address."""
    if address is None or ":" in address:
        return False
    parsed = ipaddress.ip_address(address)
    ranges = (
        ("10.0.0.0", "10.255.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.168.0.0", "192.168.255.255"),
    )
    if mask:
        return parsed in ipaddress.ip_network("172.16.0.0/12")
    return any(int(ipaddress.ip_address(a)) < int(parsed) < int(ipaddress.ip_address(b)) for a, b in ranges)


def logged(f: Record) -> bool:
    return bool(f["log_status"] == "OK")


WHOLE_ROWS: dict[str, tuple[Callable[[], list[Record]], int | None]] = {
    "athena-flow/001": (lambda: between("2020/05/04", "2020/05/05"), 100),
    "athena-flow/004": (lambda: between("2021/02/01", "2021/02/28"), 100),
    "athena-flow/007": (
        lambda: [f for f in between("2021/02/01", "2021/02/28") if f["srcaddr"] == "10.117.1.22"], None
    ),
    "athena-flow/009": (lambda: [f for f in FLOWS if (f["srcaddr"] or "").startswith("10.117.")], None),
    "athena-flow/010": (
        lambda: [f for f in between("2021/01/01", "2021/01/31") if f["dstaddr"] == "10.0.1.14"], None
    ),
    "athena-flow/013": (lambda: FLOWS, 10),
    "athena-flow/014": (lambda: [f for f in FLOWS if f["account_id"] == MAIN], 10),
    "athena-flow/015": (lambda: [f for f in FLOWS if f["account_id"] == MAIN], 10),
    "athena-flow/016": (lambda: [f for f in FLOWS if f["region"] == "us-east-1"], 10),
    "athena-flow/017": (lambda: [f for f in FLOWS if f["region"] in ("us-east-1", "us-west-2")], 10),
    "athena-flow/018": (lambda: between("2020/07/01", "2020/08/01"), 10),
    "athena-flow/019": (lambda: [f for f in FLOWS if day(f) >= "2026/10/21"], 10),
    "athena-flow/020": (july, 10),
    "athena-flow/029": (
        lambda: [f for f in july() if logged(f) and private(f["srcaddr"]) != private(f["dstaddr"])], None
    ),
    "athena-flow/030": (
        lambda: [f for f in july() if private(f["srcaddr"], mask=True) and private(f["dstaddr"],
            mask=True)], None
    ),
    "athena-flow/031": (
        lambda: [
            f
            for f in july()
            if logged(f) and not (private(f["srcaddr"], mask=True) and private(f["dstaddr"], mask=True))
        ],
        None,
    ),
    "athena-flow/033": (lambda: FLOWS, 1000),
}  # fmt: skip


@pytest.mark.parametrize("statement", WHOLE_ROWS)
def test_whole_rows(ask: Ask, statement: str) -> None:
    records, limit = WHOLE_ROWS[statement]
    check_ids(ask, statement, records(), "log_event_id", limit)


def _sums(records: list[Record], figure: str, *names: str) -> list[tuple[Any, ...]]:
    sums: dict[tuple[Any, ...], int] = defaultdict(int)
    for f in records:
        sums[tuple(f[n] for n in names)] += f[figure]
    return [(*k, v) for k, v in sums.items()]


def _swapped(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(row[-1], *row[:-1]) for row in rows]


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


QUAD = ("srcaddr", "dstaddr", "srcport", "dstport")


def _of_one_address() -> list[tuple[Any, ...]]:
    return _sums([f for f in july() if touches(f, "192.0.2.1")], "bytes", *QUAD)


def _seen() -> list[tuple[Any, ...]]:
    return [
        (f["start_time"], f["start_time"].fromtimestamp(f["end"], f["start_time"].tzinfo), f["interface_id"],
         f["srcaddr"], f["dstaddr"], f["srcport"], f["dstport"], f["packets"], f["bytes"],
             f["flow_direction"],
         f["action"])
        for f in FLOWS if {f["srcaddr"], f["dstaddr"]} == {"192.0.2.1", "192.0.2.254"}
    ]  # fmt: skip


def _top_talkers() -> list[tuple[Any, ...]]:
    """The sample joins every row with each of the ten biggest groups of its source."""
    groups = _sums([f for f in july() if (f["srcaddr"] or "").startswith("192.0.2.")], "bytes",
                   "region", "instance_id", "srcaddr", "dstaddr", "dstport")  # fmt: skip
    assert len(groups) <= 10
    times = Counter(g[2] for g in groups)
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for f in july():
        if times[f["srcaddr"]]:
            sums[day(f).replace("/", "-"), f["srcaddr"], f["dstaddr"]] += f["bytes"] * times[f["srcaddr"]]
    return sorted((*k, v) for k, v in sums.items())


EXPECTED: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
    "athena-flow/002": lambda: [
        (f["start_time"].isoweekday(), f["start_time"].date(), f["interface_id"], f["srcaddr"], "REJECT", 6)
        for f in FLOWS
        if f["action"] == "REJECT" and f["protocol"] == 6
    ],
    "athena-flow/003": lambda: _swapped(
        _sums([f for f in FLOWS if f["dstport"] == 443 and day(f) > "2026/11/13"], "packets", "dstaddr")
    ),
    "athena-flow/005": lambda: _swapped(
        _sums([f for f in between("2021/03/01", "2021/03/31") if f["dstport"] == 443], "packets", "dstaddr")
    ),
    "athena-flow/006": lambda: [
        (f["interface_id"], f["srcaddr"], f["action"], f["protocol"], _iso(f["start"]), _iso(f["end"]))
        for f in between("2021/04/01", "2021/04/30")
    ],
    "athena-flow/008": lambda: [
        (day(f), f["interface_id"], f["srcaddr"], "REJECT", 6)
        for f in between("2021/02/01", "2021/02/28")
        if f["action"] == "REJECT" and f["protocol"] == 6
    ],
    "athena-flow/021": lambda: [
        (*k, n)
        for k, n in Counter(tuple(f[x] for x in ("region", "instance_id", "srcaddr",
            "dstaddr")) for f in july()).items()
    ],
    "athena-flow/022": lambda: _sums(
        [f for f in july() if touches(f, "192.0.2.1") and touches(f, "203.0.113.2")],
        "bytes", "region", "instance_id", "srcaddr", "dstaddr",
    ),
    "athena-flow/023": lambda: _sums(
        [f for f in july() if f["instance_id"] and f["srcport"] == 443],
        "bytes", "region", "instance_id", "srcaddr", "srcport", "dstaddr",
    ),
    "athena-flow/024": lambda: _sums(
        [f for f in july() if f["instance_id"] and f["dstport"] == 443],
        "bytes", "region", "instance_id", "srcaddr", "dstaddr", "dstport",
    ),
    "athena-flow/025": _of_one_address,
    "athena-flow/026": _seen,
    "athena-flow/028": _top_talkers,
    "athena-flow/032": lambda: [(len(FLOWS),)],
    "athena-flow/035": _of_one_address,
    "athena-flow/036": _of_one_address,
    "athena-flow/037": _of_one_address,
}  # fmt: skip


@pytest.mark.parametrize("statement", EXPECTED)
def test_answers(ask: Ask, statement: str) -> None:
    check(ask, statement, EXPECTED[statement](), ordered=statement == "athena-flow/028")


def test_orders(ask: Ask) -> None:
    counts = [row[-1] for row in rows_of(ask(published()["athena-flow/021"]))]
    assert counts == sorted(counts, reverse=True)
    starts = [row[0] for row in rows_of(ask(published()["athena-flow/026"]))]
    assert starts == sorted(starts)


def test_sources_of_inbound_connections(ask: Ask) -> None:
    groups: dict[Any, list[Record]] = defaultdict(list)
    for f in july():
        if f["dstport"] is not None and f["dstport"] < 32768:
            groups[f["srcaddr"]].append(f)
    got = {row[0]: row[1:] for row in rows_of(ask(published()["athena-flow/027"]))}
    assert got.keys() == groups.keys()
    for source, records in groups.items():
        first, last, *lists = got[source]
        assert (first, last) == (min(f["start"] for f in records), max(f["end"] for f in records))
        for values, name in zip(lists, ("dstaddr", "instance_id", "dstport"), strict=True):
            assert Counter(values) == Counter({f[name] for f in records})
