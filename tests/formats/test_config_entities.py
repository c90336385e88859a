"""What an item names."""

from __future__ import annotations

from ashiato.formats.config_items import entities_of
from formats.config_samples import (
    ITEM,
    changed,
    one,
)


def test_an_item_names_its_resource_its_relations_and_what_it_mentions() -> None:
    configuration = {
        "networkInterfaces": [{"networkInterfaceId": "eni-0123456789abcdef0", "ownerId": "222222222222"}],
        "privateIpAddress": "10.0.0.5",
        "publicIpAddress": "198.51.100.7",
        "ipv6": ["2001:DB8:0::1"],
        "cidr": ["203.0.113.9/32", "10.0.0.0/8", "0.0.0.0/0"],
        "iamInstanceProfile": {"arn": "arn:aws:iam::012345678901:instance-profile/web"},
        "securityGroups": [{"groupId": "sg-0123456789abcdef0"}],
        "key": "AKIAIOSFODNN7EXAMPLE",
        "engineVersion": "not-an-id",
        "text": 'forged "arn:aws:iam::999999999999:user/x" in text',
        "self": "i-0123456789abcdef0",
    }
    found = entities_of(one(changed(configuration=configuration, resourceName="web-1")))
    assert found == [
        ("account", "012345678901", "target"),
        ("instance", "i-0123456789abcdef0", "target"),
        ("resource", "web-1", "target"),
        ("arn", ITEM["ARN"], "target"),
        ("resource", "eni-0a", "peer"),
        ("interface", "eni-0123456789abcdef0", "peer"),
        ("address", "10.0.0.5", "peer"),
        ("address", "198.51.100.7", "peer"),
        ("address", "2001:db8::1", "peer"),
        ("address", "203.0.113.9", "peer"),
        ("arn", "arn:aws:iam::012345678901:instance-profile/web", "peer"),
        ("resource", "sg-0123456789abcdef0", "peer"),
        ("access_key", "AKIAIOSFODNN7EXAMPLE", "peer"),
        ("account", "222222222222", "peer"),
    ]


def test_entities_are_bounded_and_tags_name_nothing() -> None:
    many = {"ids": [f"sg-{n:08x}" for n in range(1000)]}
    assert len(entities_of(one(changed(configuration=many)))) == 200
    assert not [e for e in entities_of(one(changed(tags={"a": "10.1.2.3"}))) if e[1] == "10.1.2.3"]


def test_a_hostile_configuration_costs_linear_time() -> None:
    for unit in (":", '"arn:', '"a:', "1.", '"10.0.0.', "\\"):
        text = (unit * 400_000)[:1_000_000]
        assert len(entities_of({"configuration": '{"a":' + text})) < 3
