"""Where calls came from: networks and countries by how many, and which of them are new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ashiato.core.scope import AccountScope
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.network.addresses import AddressKind, Networks, country_of, kind_of, network_of

#: Addresses that are told apart, the busiest first; the rest is counted in `Origins.others`.
MOST_ADDRESSES = 50_000


@dataclass(frozen=True)
class Origin:
    """A network (or a service, or a country): records from it in the span. `new`: nothing came from it before, as far
    as `before` reaches. `address`: its only address, where it is one."""

    name: str
    kind: AddressKind
    country: str | None
    addresses: int
    records: int
    new: bool
    address: str | None


@dataclass(frozen=True)
class Origins:
    """The busiest first. `others`: records of addresses beyond MOST_ADDRESSES."""

    networks: list[Origin]
    countries: list[Origin]
    others: int = 0


@dataclass
class _Sum:
    kind: AddressKind
    country: str | None
    records: int = 0
    old: bool = False
    addresses: list[str] = field(default_factory=list)


def origins(
    lake: PinnedLake,
    networks: Networks,
    start: datetime,
    end: datetime,
    before: datetime,
    scope: AccountScope,
    most: int = 10,
) -> Origins:
    """Of the calls with start <= time < end; `before` (earlier than `start`) is how far back "new" looks."""
    plan = lake.plan("cloudtrail", within("eventTime", before.isoformat(), end.isoformat()))
    allowed, values = scope.sql('"recipientAccountId"')
    sql = (
        'SELECT "sourceIPAddress", count(*) FILTER ("eventTime" >= $start) AS n, min("eventTime") < $start'
        f" FROM {relation(plan.files, plan.iceberg_schema)}"
        f' WHERE "eventTime" >= $before AND "eventTime" < $end AND "sourceIPAddress" IS NOT NULL'
        f" AND {default_view('cloudtrail')} AND {allowed} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    parameters: dict[str, object] = {
        "start": start, "end": end, "before": before, "superseded": list(lake.superseded), **values,
    }  # fmt: skip
    with reading() as connection:
        cursor = connection.execute(sql, parameters)
        rows = cursor.fetchmany(MOST_ADDRESSES)
        others = 0
        while more := cursor.fetchmany(MOST_ADDRESSES):
            others += sum(int(n) for _, n, _ in more)
    return _summed(((str(a), int(n), bool(old)) for a, n, old in rows), networks, most, others)


def _summed(rows: Iterable[tuple[str, int, bool]], networks: Networks, most: int, others: int) -> Origins:
    by_network: dict[str, _Sum] = {}
    by_country: dict[str, _Sum] = {}
    known = False
    for address, records, old in rows:
        known = known or old
        country = country_of(address, networks)
        kind = kind_of(address, networks)
        _add(by_network, network_of(address, networks), _Sum(kind, country), address, records, old=old)
        if country is not None:
            _add(by_country, country, _Sum(kind, country), address, records, old=old)
    return Origins(_ranked(by_network, most, known), _ranked(by_country, most, known), others)


def _add(sums: dict[str, _Sum], name: str, empty: _Sum, address: str, records: int, *, old: bool) -> None:
    found = sums.setdefault(name, empty)
    found.records += records
    found.old = found.old or old
    if records:
        found.addresses.append(address)


def _ranked(sums: dict[str, _Sum], most: int, known: bool) -> list[Origin]:
    """Where nothing at all is known of before, nothing is called new."""
    busiest = sorted(((n, s) for n, s in sums.items() if s.records), key=lambda e: (-e[1].records, e[0]))
    return [
        Origin(
            name[:300], s.kind, s.country, len(s.addresses), s.records, known and not s.old,
            s.addresses[0] if len(s.addresses) == 1 else None,
        )
        for name, s in busiest[:most]
    ]  # fmt: skip
