"""Where calls came from: networks and countries by how many, and which of them are new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ashiato.core.scope import AccountScope
from ashiato.lake.by_file import counted
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within
from ashiato.lake.reading import reading
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
    """Of the calls with start <= time < end, whole hours; `before` (earlier than `start`) is how far back "new" looks."""
    plan = lake.plan("cloudtrail", within("eventTime", before.isoformat(), end.isoformat()))
    counts_of = (
        'floor(epoch("eventTime") / 3600)::BIGINT AS hour, "recipientAccountId" AS account,'
        ' "sourceIPAddress" AS address, count(*) AS records'
    )
    where = f'"sourceIPAddress" IS NOT NULL AND {default_view("cloudtrail")}'
    allowed, of_scope = scope.sql("account")
    with reading() as connection:
        source, parameters = counted(
            connection, plan, counts_of, where, {"superseded": sorted(lake.superseded)}
        )
        for name, moment in (("start", start), ("before", before), ("end", end)):
            parameters[name] = int(moment.timestamp()) // 3600
        cursor = connection.execute(
            "SELECT address, coalesce(sum(records) FILTER (hour >= $start), 0)::BIGINT AS n, min(hour) < $start"
            f" FROM {source} WHERE hour >= $before AND hour < $end AND {allowed} GROUP BY 1 ORDER BY 2 DESC, 1",
            {**parameters, **of_scope},
        )
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
