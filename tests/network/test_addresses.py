"""A new address of a known network is nothing new; whose it is, and in which country."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import NamedNetwork
from ashiato.network.addresses import Networks, country_of, kind_of, network_of
from network.mmdb_files import database

OWN = (
    NamedNetwork(name="headquarters", cidrs=["198.51.100.0/24", "2001:db8:1::/48"]),
    NamedNetwork(name="server room", cidrs=["198.51.100.128/25"]),
    NamedNetwork(name="shop VPC", cidrs=["10.1.0.0/16"]),
)


@pytest.mark.parametrize(
    ("address", "network", "kind"),
    [
        ("198.51.100.7", "headquarters", "own"),
        ("198.51.100.200", "server room", "own"),
        ("2001:db8:1::7", "headquarters", "own"),
        ("::ffff:198.51.100.7", "headquarters", "own"),
        ("10.1.2.3", "shop VPC", "own"),
        ("10.2.3.4", "10.2.3.0/24", "private"),
        ("169.254.169.254", "169.254.169.0/24", "private"),
        ("100.64.1.1", "100.64.1.0/24", "private"),
        ("203.0.113.77", "203.0.113.0/24", "public"),
        ("2001:db8:2:3::4", "2001:db8:2::/48", "public"),
        ("fe80::1%eth0", "fe80::/48", "private"),
        ("config.amazonaws.com", "config.amazonaws.com", "service"),
        ("AWS Internal", "AWS Internal", "aws_internal"),
        ("not an address", "invalid", "invalid"),
        ("", "invalid", "invalid"),
        (None, "invalid", "invalid"),
    ],
)
def test_without_a_database(address: str | None, network: str, kind: str) -> None:
    own = Networks(OWN)
    assert network_of(address, own) == network
    assert kind_of(address, own) == kind
    assert country_of(address, own) is None


def test_with_a_database_of_countries(tmp_path: Path) -> None:
    path = database(
        tmp_path / "countries.mmdb",
        {"203.0.113.0/24": {"country": {"iso_code": "JP"}}, "192.0.2.0/24": {"registered_country": {"iso_code": "FR"}}},
    )  # fmt: skip
    own = Networks(OWN, path)
    assert country_of("203.0.113.9", own) == "JP"
    assert country_of("192.0.2.9", own) == "FR"
    assert country_of("198.51.100.7", own) is None
    assert network_of("203.0.113.9", own) == "203.0.113.0/24"


def test_with_a_database_of_networks(tmp_path: Path) -> None:
    path = database(
        tmp_path / "networks.mmdb",
        {
            "203.0.113.0/24": {"country_code": "jp", "asn": "AS64500", "as_name": "Example\x1b[31m Telecom"},
            "192.0.2.0/24": {"autonomous_system_number": 64501},
            "198.51.100.0/24": {"autonomous_system_organization": "Our provider"},
        },
    )
    own = Networks(OWN, path)
    assert network_of("203.0.113.9", own) == "Example\\x1b[31m Telecom"
    assert country_of("203.0.113.9", own) == "JP"
    assert network_of("192.0.2.1", own) == "AS64501"
    # One's own name says more than the provider's.
    assert network_of("198.51.100.7", own) == "headquarters"


def test_an_ipv4_database_knows_nothing_of_ipv6(tmp_path: Path) -> None:
    own = Networks((), database(tmp_path / "v4.mmdb", {"203.0.113.0/24": {"country": "JP"}}, version=4))
    assert country_of("203.0.113.1", own) == "JP"
    assert country_of("2001:db8::1", own) is None


def test_wrong_settings_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongUse, match=r"office.*which is no network"):
        Networks([NamedNetwork(name="office", cidrs=["198.51.100.0/33"])])
    with pytest.raises(WrongUse, match="no database of countries"):
        Networks((), tmp_path / "none.mmdb")
    (tmp_path / "text.mmdb").write_text("not a database")
    with pytest.raises(WrongUse, match="must be a MaxMind DB"):
        Networks((), tmp_path / "text.mmdb")
    imported = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "maxminddb":
            raise ImportError(name)
        return imported(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WrongUse, match=r"ashiato\[geo\]"):
        Networks((), tmp_path / "text.mmdb")


@given(st.none() | st.text(max_size=60) | st.ip_addresses().map(str))
def test_no_text_raises(address: str | None) -> None:
    own = Networks(OWN)
    assert network_of(address, own)
    assert (network_of(address, own) == "invalid") == (kind_of(address, own) == "invalid")


def test_long_text_is_not_remembered() -> None:
    own = Networks(OWN)
    for text in ("1" * 10_000, f"{'a' * 5000}.amazonaws.com"):
        assert network_of(text, own) == "invalid"
        assert kind_of(text, own) == "invalid"
