"""Resources are found by what people call them, and their states are those of the moment asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from ashiato.config import history, states
from ashiato.config.history import Change
from ashiato.config.item import ConfigItem, ResourceKey, item_of
from ashiato.config.resources import find, spelled, the_one
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.formats.refs import parse_ref
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake

from .judging import every_change
from .writing import BUCKET, GROUP, OTHER, group, item, rule, taken

NONE = AccountScope(frozenset())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PinnedLake]:
    """A group that lives, is deleted and comes back; a bucket of the same name; two items of one moment."""
    items = [
        item("2026-11-18T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")), resourceName="web"),
        item("2026-11-19T08:00:00.000Z", GROUP, "sg-1", group(rule(22, "0.0.0.0/0")), resourceName="web",
             configurationStateId=1),
        item("2026-11-19T08:00:00.000Z", GROUP, "sg-1", group(rule(80, "0.0.0.0/0")), resourceName="web",
             configurationStateId=10),
        item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", None, resourceName="web",
             configurationItemStatus="ResourceDeleted"),
        item("2026-11-21T08:00:00.000Z", GROUP, "sg-1", group(), resourceName="web"),
        item("2026-11-18T09:00:00.000Z", BUCKET, "web", {"name": "web"}, ARN="arn:aws:s3:::web"),
        item("2026-11-18T09:00:00.000Z", GROUP, "sg-1", group(), awsAccountId=OTHER),
    ]  # fmt: skip
    with (
        Home.open_for_reading(taken(tmp_path_factory.mktemp("items"), items)) as home,
        PinnedLake(home) as lake,
    ):
        yield lake


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def test_an_item_has_every_field_whatever_the_row_holds() -> None:
    made = item_of({"configurationItemCaptureTime": day(20)})
    assert made == ConfigItem(ResourceKey("", "", "", ""), day(20), None, "OK")
    assert made.__dict__.keys() == {f.name for f in fields(ConfigItem)}
    assert made.key.__dict__.keys() == {f.name for f in fields(ResourceKey)}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("sg-1", 2),
        ("web", 2),
        ("arn:aws:s3:::web", 1),
        (f"{BUCKET}/web", 1),
        (f"111122223333/us-east-1/{GROUP}/sg-1", 1),
        (f"{GROUP}/web", 1),
        (" sg-1 ", 2),
        ("sg", 0),
        ("", 0),
        ("' OR 1=1 --", 0),
        ("%", 0),
    ],
)
def test_resources_are_found_by_arn_id_name_and_type(small: PinnedLake, text: str, count: int) -> None:
    found = find(small, text, EVERY_ACCOUNT)
    assert len(found) == count
    for key in found:
        assert the_one(small, spelled(key), EVERY_ACCOUNT) == key


def test_several_of_a_name_are_listed_and_none_is_an_error(small: PinnedLake) -> None:
    with pytest.raises(WrongUse, match="2 resources are called web") as refused:
        the_one(small, "web", EVERY_ACCOUNT)
    assert "Say which" in str(refused.value)
    assert the_one(small, "web", EVERY_ACCOUNT, types=[BUCKET]).type == BUCKET
    with pytest.raises(AshiatoError, match="no configuration item names a resource nobody"):
        the_one(small, "nobody", EVERY_ACCOUNT)


def test_a_history_is_in_order_and_its_kinds_tell_a_life(small: PinnedLake) -> None:
    key = the_one(small, f"111122223333/us-east-1/{GROUP}/sg-1", EVERY_ACCOUNT)
    changes = history.changes(small, key, EVERY_ACCOUNT)
    assert [c.kind for c in changes] == ["first known", "changed", "changed", "deleted", "created"]
    # Of one moment, the state id decides; it is a number, though the lake keeps it as text.
    assert [p.path for p in changes[2].differences] == [
        "configuration.ipPermissions[tcp 22 0.0.0.0/0]",
        "configuration.ipPermissions[tcp 80 0.0.0.0/0]",
    ]
    assert history.changes(small, key, EVERY_ACCOUNT, limit=2) == changes[-2:]
    assert history.changes(small, key, EVERY_ACCOUNT, since=day(19), until=day(20)) == [changes[3]]
    ref = parse_ref(changes[0].after.ref)
    assert ref is not None
    assert ref.parts[3] == "sg-1"


def test_a_state_is_the_last_item_up_to_the_moment(small: PinnedLake) -> None:
    key = the_one(small, f"111122223333/us-east-1/{GROUP}/sg-1", EVERY_ACCOUNT)
    assert states.of(small, key, day(18, 7), EVERY_ACCOUNT) is None
    exactly = states.of(small, key, day(18, 8), EVERY_ACCOUNT)
    assert exactly is not None
    assert exactly.captured == day(18, 8)
    of_two = states.of(small, key, day(19), EVERY_ACCOUNT)
    assert of_two is not None
    assert of_two.configuration["ipPermissions"][0]["toPort"] == 80
    gone = states.of(small, key, day(20), EVERY_ACCOUNT)
    assert gone is not None
    assert gone.deleted


def test_the_state_of_everything(small: PinnedLake) -> None:
    def ids(number: int, **more: object) -> list[tuple[str, str]]:
        return [
            (i.key.account, i.key.id)
            for i in states.at(small, day(number), EVERY_ACCOUNT, **more)  # type: ignore[arg-type]
        ]

    own, other = "111122223333", OTHER
    assert ids(17) == []
    assert ids(19) == [(own, "sg-1"), (own, "web"), (other, "sg-1")]
    assert ids(20) == [(own, "web"), (other, "sg-1")], "what is deleted is not there"
    assert ids(20, include_deleted=True) == ids(19)
    assert ids(21) == ids(19)
    assert ids(21, types=[BUCKET]) == [(own, "web")]
    assert ids(21, accounts=[OTHER]) == [(other, "sg-1")]
    outline = states.at(small, day(21), EVERY_ACCOUNT, whole=False)
    assert all(i.configuration_text is None for i in outline)


def test_recent_items(small: PinnedLake) -> None:
    found = history.recent(small, EVERY_ACCOUNT, limit=3)
    assert [i.captured for i in found] == sorted((i.captured for i in found), reverse=True)
    assert found[0].captured == day(21, 8)
    assert [i.key.type for i in history.recent(small, EVERY_ACCOUNT, types=[BUCKET])] == [BUCKET]
    between = history.recent(small, EVERY_ACCOUNT, since=day(19, 8), until=day(20, 8))
    assert {i.captured for i in between} == {day(19, 8), day(20, 8)}


def test_the_scope_is_obeyed_by_every_read(small: PinnedLake) -> None:
    key = the_one(small, f"111122223333/us-east-1/{GROUP}/sg-1", EVERY_ACCOUNT)
    for scope in (NONE, AccountScope.of([OTHER])):
        assert history.items(small, key, scope) == []
        assert history.changes(small, key, scope) == []
        assert states.of(small, key, day(21), scope) is None
        allowed = scope.accounts or frozenset()
        assert {i.key.account for i in history.recent(small, scope)} == allowed
        assert {i.key.account for i in states.at(small, day(21), scope)} == allowed
        assert {k.account for k in find(small, "sg-1", scope)} == allowed
        assert states.at(small, day(21), scope, accounts=["111122223333"]) == []


def test_states_agree_with_the_items_of_an_estate(lake: PinnedLake) -> None:
    """A plain model: of each resource the last item up to the moment."""
    changes = every_change(lake)
    moments = sorted(c.after.captured for c in changes)
    for moment in (moments[len(moments) // 3], moments[-1], moments[0] - timedelta(seconds=1)):
        last: dict[object, Change] = {}
        for change in changes:
            if change.after.captured <= moment:
                last[change.after.key] = change
        model = sorted(c.after.key for c in last.values() if not c.after.deleted)
        found = states.at(lake, moment, EVERY_ACCOUNT, whole=False)
        assert [i.key for i in found] == model
        assert all(i.captured == last[i.key].after.captured for i in found)
