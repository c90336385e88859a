"""What an address is: one of ours, whose it is, in which country.

CloudTrail's sourceIPAddress holds an address, a service's DNS name, or `AWS Internal`:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
Countries and owners come from a MaxMind DB that the user has (https://maxmind.github.io/MaxMind-DB/); nothing is
asked over the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ashiato.core.errors import WrongUse
from ashiato.core.settings import NamedNetwork, Settings
from ashiato.formats.principals import is_service_address
from ashiato.words.texts import shown

if TYPE_CHECKING:
    from maxminddb import Reader

AddressKind = Literal["own", "private", "public", "service", "aws_internal", "invalid"]
Address = IPv4Address | IPv6Address

#: Addresses that are remembered with what was found of them.
REMEMBERED: Final = 1 << 16
_MOST_OWNER: Final = 80
#: Longer text is no address, and is not remembered either.
_LONGEST: Final = 100

#: Not ipaddress.is_private: that holds the documentation ranges too, which stand for public addresses in examples.
_PRIVATE: Final = tuple(
    ip_network(cidr)
    for cidr in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "0.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128", "::/128",
    )
)  # fmt: skip


def parsed(address: str) -> Address | None:
    """The address; an IPv4 address that is written as IPv6 (::ffff:…) as IPv4; None for anything else."""
    return _parsed(address) if len(address) <= _LONGEST else None


@lru_cache(maxsize=REMEMBERED)
def _parsed(address: str) -> Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


class Networks:
    """Networks of one's own by name, and the user's MaxMind database, if there is one.

    Raises WrongUse for a network that is none, for a database that cannot be read, and where a database is
    configured but the extra `geo` is not installed.
    """

    def __init__(self, own: Iterable[NamedNetwork] = (), database: Path | None = None) -> None:
        self._own = sorted(
            ((_network(cidr, named.name), named.name) for named in own for cidr in named.cidrs),
            # Of networks within networks the narrowest names the address.
            key=lambda pair: -pair[0].prefixlen,
        )
        self._database = None if database is None else _open(database)
        self._found = lru_cache(maxsize=REMEMBERED)(self._look_up)

    @classmethod
    def of(cls, settings: Settings) -> Networks:
        """Those of the settings `networks` and `detect.country_database`."""
        return cls(settings.networks, settings.detect.country_database)

    def name_of(self, address: str) -> str | None:
        """Name of the own network that an address lies in."""
        return self._known(address)[0]

    def owner_of(self, address: str) -> str | None:
        """Who the network belongs to, or the number of its autonomous system, as the database says."""
        return self._known(address)[1]

    def country_of(self, address: str) -> str | None:
        """Two letters of ISO 3166, as the database says."""
        return self._known(address)[2]

    def _known(self, address: str) -> tuple[str | None, str | None, str | None]:
        return self._found(address) if len(address) <= _LONGEST else (None, None, None)

    def _look_up(self, address: str) -> tuple[str | None, str | None, str | None]:
        found = parsed(address)
        if found is None:
            return None, None, None
        name = next((n for net, n in self._own if net.version == found.version and found in net), None)
        record = self._record(found)
        return name, _owner(record), _country(record)

    def _record(self, address: Address) -> Mapping[str, Any]:
        if self._database is None:
            return {}
        from maxminddb import InvalidDatabaseError

        try:
            found = self._database.get(address)
        except (InvalidDatabaseError, ValueError):
            # A damaged record, or an IPv6 address in a database of IPv4: nothing is known.
            return {}
        return found if isinstance(found, Mapping) else {}


def _network(cidr: str, name: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(cidr.strip(), strict=False)
    except ValueError as error:
        raise WrongUse(
            f"the network {name!r} holds {cidr!r}, which is no network",
            where="settings, networks",
            remedy='Write it like "198.51.100.0/24" or "2001:db8::/48".',
        ) from error


def _open(path: Path) -> Reader:
    where = str(path)
    try:
        import maxminddb
    except ImportError as error:
        raise WrongUse(
            "the setting detect.country_database needs the package maxminddb",
            where=where,
            remedy="Install it: pip install 'ashiato[geo]'.",
        ) from error
    try:
        return maxminddb.open_database(path.expanduser())
    except FileNotFoundError as error:
        raise WrongUse(
            "there is no database of countries", where=where, remedy="Check detect.country_database."
        ) from error
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise WrongUse(
            f"the database of countries cannot be read: {error}",
            where=where,
            remedy="It must be a MaxMind DB (.mmdb), unpacked, such as GeoLite2-Country or an IPinfo or DB-IP file.",
        ) from error


def _country(record: Mapping[str, Any]) -> str | None:
    """GeoIP2 and DB-IP nest the code, IPinfo and others write it flat."""
    for key in ("country", "registered_country", "country_code"):
        value = record.get(key)
        code = value.get("iso_code") if isinstance(value, Mapping) else value
        if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha():
            return code.upper()
    return None


def _owner(record: Mapping[str, Any]) -> str | None:
    traits = record.get("traits")
    for place in (record, traits if isinstance(traits, Mapping) else {}):
        for key in ("autonomous_system_organization", "as_name", "organization", "isp"):
            if isinstance(name := place.get(key), str) and name:
                return shown(name, _MOST_OWNER)
        number = place.get("autonomous_system_number") or place.get("asn")
        if isinstance(number, int | str) and number:
            return shown(f"AS{str(number).removeprefix('AS')}", _MOST_OWNER)
    return None


def kind_of(address: str | None, own: Networks | None = None) -> AddressKind:
    """What kind of origin sourceIPAddress, or an address of a flow record, says."""
    if not isinstance(address, str):
        return "invalid"
    if address == "AWS Internal":
        return "aws_internal"
    found = parsed(address)
    if found is None:
        return "service" if is_service_address(address) else "invalid"
    if own is not None and own.name_of(address):
        return "own"
    return "private" if _is_private(found) else "public"


@lru_cache(maxsize=REMEMBERED)
def _is_private(address: Address) -> bool:
    return any(address.version == n.version and address in n for n in _PRIVATE)


def network_of(address: str | None, own: Networks) -> str:
    """The network that an address stands for, so that a new address of a known network is nothing new.

    Own network's name; else owner or autonomous system, where a database says; else the /24 (IPv4) or /48 (IPv6);
    a service's name or `AWS Internal` as it is; `invalid` for anything else.

    >>> network_of("203.0.113.77", Networks())
    '203.0.113.0/24'
    """
    kind = kind_of(address, own)
    if kind == "invalid" or address is None:
        return "invalid"
    if kind in ("service", "aws_internal"):
        return address
    return own.name_of(address) or own.owner_of(address) or _block(address)


@lru_cache(maxsize=REMEMBERED)
def _block(address: str) -> str:
    found = parsed(address)
    if found is None:
        return "invalid"
    # A zone (fe80::1%eth0) is of the machine that wrote it.
    text = str(found).partition("%")[0]
    return str(ip_network(f"{text}/{24 if found.version == 4 else 48}", strict=False))


def country_of(address: str | None, own: Networks) -> str | None:
    """The country's two letters; None without a database, or where it does not say."""
    return own.country_of(address) if isinstance(address, str) else None
