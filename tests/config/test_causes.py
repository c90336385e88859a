"""What is said to be behind a change, and when nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ashiato.config.causes import Causes, causes
from ashiato.config.history import changes
from ashiato.config.resources import the_one
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake

from .writing import ACCOUNT, BUCKET, GROUP, OTHER, ROLE, asked, call, group, item, rule, taken

Said = Callable[..., Causes]


@contextmanager
def opened(home: Path) -> Iterator[PinnedLake]:
    with Home.open_for_reading(home) as read, PinnedLake(read) as lake:
        yield lake


@pytest.fixture
def said(tmp_path: Path) -> Iterator[Said]:
    """What is said of the newest change of a resource, among these items and events."""
    with ExitStack() as stack:

        def of(name: str, items: list[Any], events: list[Any], scope: AccountScope = EVERY_ACCOUNT) -> Causes:
            lake = stack.enter_context(opened(taken(tmp_path, items, events)))
            [change] = changes(lake, the_one(lake, name, EVERY_ACCOUNT), EVERY_ACCOUNT, limit=1)
            return causes(lake, [change], scope)[0]

        yield of


BEFORE = item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
OPENED = item("2026-11-20T10:02:00.500Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0"), rule(22, "0.0.0.0/0")))
AUTHORIZE = call(
    "2026-11-20T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0")
)
#: An event that says nothing of the group: CloudTrail was there that day.
WITNESS = call("2026-11-20T09:00:00Z", "sqs", "CreateQueue", {"queueName": "jobs"})


def test_the_call_that_set_what_is_there_now(said: Said) -> None:
    other_port = call(
        "2026-11-20T10:01:30Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 8443, "10.0.0.0/8")
    )
    told = said("sg-1", [BEFORE, OPENED], [AUTHORIZE, other_port, WITNESS])
    first = told.found[0]
    assert (first.event_id, first.rank, first.who) == (AUTHORIZE["eventID"], 1, "alice")
    assert first.ref == f"event:{AUTHORIZE['eventID']}@{ACCOUNT}"
    assert "sets configuration.ipPermissions[tcp 22 0.0.0.0/0] as recorded" in first.why
    assert "を記録どおりの値に設定" in first.why_in("ja")
    assert not told.none
    assert told.gap is None


def test_a_failed_call_ranks_below_and_explains_nothing(said: Said) -> None:
    refused = call(
        "2026-11-20T10:01:59Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0"),
        errorCode="Client.UnauthorizedOperation", errorMessage="You are not authorized",
    )  # fmt: skip
    told = said("sg-1", [BEFORE, OPENED], [AUTHORIZE, refused])
    assert [c.event_id for c in told.found] == [AUTHORIZE["eventID"]]
    [failed] = told.others
    assert (failed.event_id, failed.rank, failed.outcome) == (refused["eventID"], 2, "denied")
    assert "failed: Client.UnauthorizedOperation" in failed.why


def test_only_failed_calls_is_none(said: Said) -> None:
    refused = call(
        "2026-11-20T10:01:59Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0"),
        errorCode="Client.UnauthorizedOperation",
    )  # fmt: skip
    told = said("sg-1", [BEFORE, OPENED], [refused, WITNESS])
    assert told.found == []
    assert told.none
    assert len(told.others) == 1


def test_none_where_cloudtrail_was_there(said: Said) -> None:
    told = said("sg-1", [BEFORE, OPENED], [WITNESS, call("2026-11-20T11:00:00Z", "sqs", "CreateQueue", {})])
    assert (told.none, told.gap, told.found, told.others) == (True, None, [], [])


def test_a_gap_where_no_event_came_that_day(said: Said) -> None:
    days_ago = item("2026-11-17T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
    told = said(
        "sg-1",
        [days_ago, OPENED],
        [call(f"2026-11-{d}T07:00:00Z", "sqs", "CreateQueue", {"queueName": "q"}) for d in (17, 18, 20, 21)],
    )
    assert not told.none
    assert told.gap is not None
    assert (told.gap.first.day, told.gap.last.day, told.gap.account) == (19, 20, ACCOUNT)
    assert "no CloudTrail event of this account and region came" in told.gap.why


def test_a_gap_where_the_trail_has_not_come_so_far(said: Said) -> None:
    told = said("sg-1", [BEFORE, OPENED], [call("2026-11-20T08:30:00Z", "sqs", "CreateQueue", {})])
    assert told.gap is not None
    assert "has come up to 2026-11-20 08:30 UTC only" in told.gap.why


def test_a_trail_stopped_again_and_again_is_looked_after_once(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever calls StopLogging thousands of times does not make anybody wait."""
    plans = []
    plan = PinnedLake.plan

    def counted(*asked: Any, **more: Any) -> Any:
        plans.append(asked)
        return plan(*asked, **more)

    monkeypatch.setattr(PinnedLake, "plan", counted)
    stops = [
        call(f"2026-11-20T08:{n // 2:02}:{n % 2 * 30:02}Z", "cloudtrail", "StopLogging", {"name": "org"})
        for n in range(60, 120)
    ]
    later = call("2026-11-20T12:00:00Z", "sqs", "CreateQueue", {"queueName": "jobs"})
    told = said("sg-1", [BEFORE, OPENED], [*stops, WITNESS, later])
    assert len(plans) < 40
    assert told.gap is not None or told.none


def test_a_gap_where_a_trail_was_stopped(said: Said) -> None:
    stops = [
        call(f"2026-11-20T0{t}:00Z", "cloudtrail", "StopLogging", {"name": "org"})
        for t in ("7:10", "8:10", "8:30")
    ]
    told = said("sg-1", [BEFORE, OPENED], [*stops, call("2026-11-20T12:00:00Z", "sqs", "CreateQueue", {})])
    assert told.gap is not None
    assert (
        "a trail was stopped at 2026-11-20 08:30 UTC, and no event came until 2026-11-20 12:00"
        in told.gap.why
    )


def test_a_gap_without_any_event(said: Said) -> None:
    told = said("sg-1", [BEFORE, OPENED], [])
    assert told.gap is not None
    assert "at all" in told.gap.why


def test_a_gap_where_only_another_region_is_recorded(said: Said) -> None:
    elsewhere = [
        {**call(f"2026-11-20T{h}:00:00Z", "sqs", "CreateQueue", {}), "awsRegion": "eu-west-1"}
        for h in ("07", "12")
    ]
    told = said("sg-1", [BEFORE, OPENED], elsewhere)
    assert told.gap is not None
    assert told.gap.region == "us-east-1"
    assert not told.none


def test_a_call_just_before_the_previous_item_counts_if_its_values_prove_it(said: Said) -> None:
    """AWS Config had begun to describe the group when the rule was added."""
    before = item("2026-11-20T10:00:20.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
    told = said("sg-1", [before, OPENED], [AUTHORIZE])
    assert [c.event_id for c in told.found] == [AUTHORIZE["eventID"]]
    assert "before the previous item" in told.found[0].why


def test_a_write_of_another_account_or_region_is_none(said: Said) -> None:
    elsewhere = call(
        "2026-11-20T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0"),
        awsRegion="eu-west-1",
    )  # fmt: skip
    another = call(
        "2026-11-20T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0"),
        recipientAccountId=OTHER,
    )  # fmt: skip
    later = call("2026-11-20T11:00:00Z", "sqs", "CreateQueue", {})
    told = said("sg-1", [BEFORE, OPENED], [elsewhere, another, WITNESS, later])
    assert told.found == []
    assert told.none


def test_a_role_is_changed_through_an_endpoint_of_one_region(said: Said) -> None:
    policy = {"policyName": "p", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    items = [
        item(t, ROLE, "AROAEXAMPLE", {"attachedManagedPolicies": p}, awsRegion="global", resourceName="app",
             ARN=f"arn:aws:iam::{ACCOUNT}:role/app")
        for t, p in (("2026-11-20T08:00:00.000Z", []), ("2026-11-20T10:02:00.000Z", [policy]))
    ]  # fmt: skip
    attach = call(
        "2026-11-20T10:00:00Z", "iam", "AttachRolePolicy",
        {"roleName": "app", "policyArn": policy["policyArn"]},
    )  # fmt: skip
    told = said("app", items, [attach])
    assert [c.event_id for c in told.found] == [attach["eventID"]]


def test_created_and_deleted(said: Said) -> None:
    created = item(
        "2026-11-20T10:02:00.000Z", BUCKET, "shop-x", {"name": "shop-x"}, ARN="arn:aws:s3:::shop-x",
        configurationItemStatus="ResourceDiscovered", resourceCreationTime="2026-11-20T10:00:01.000Z",
    )  # fmt: skip
    deleted = item(
        "2026-11-20T12:02:00.000Z", BUCKET, "shop-x", None, ARN="arn:aws:s3:::shop-x",
        configurationItemStatus="ResourceDeleted",
    )  # fmt: skip
    create = call("2026-11-20T10:00:00Z", "s3", "CreateBucket", {"bucketName": "shop-x"})
    policy = call("2026-11-20T10:00:30Z", "s3", "DeleteBucketPolicy", {"bucketName": "shop-x"})
    delete = call("2026-11-20T12:00:00Z", "s3", "DeleteBucket", {"bucketName": "shop-x"})
    told = said("shop-x", [created, deleted], [create, policy, delete])
    assert told.change.kind == "deleted"
    assert told.found[0].event_id == delete["eventID"]
    assert policy["eventID"] not in {c.event_id for c in told.found}


def test_an_event_that_the_item_itself_names_stands_first(said: Said) -> None:
    """Items of before version 1.3 have the ids of their events."""
    other = call(
        "2026-11-20T10:01:00Z", "ec2", "CreateTags", {"resourcesSet": {"items": [{"resourceId": "sg-1"}]}}
    )
    named = {**OPENED, "configurationItemVersion": "1.2", "relatedEvents": [other["eventID"]]}
    told = said("sg-1", [BEFORE, named], [AUTHORIZE, other])
    assert [c.event_id for c in told.found] == [other["eventID"], AUTHORIZE["eventID"]]
    assert "the item says that this event led to it" in told.found[0].why


def test_the_first_known_item_claims_nothing(said: Said) -> None:
    told = said("sg-1", [OPENED], [AUTHORIZE, WITNESS])
    assert told.change.kind == "first known"
    assert (told.found, told.none, told.gap) == ([], False, None)


def test_what_cloudformation_called_leads_to_who_called_it(said: Said) -> None:
    stack = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/shop/0b6d672f-7a0d-4547-a130-579c46bb3063"
    tags = {"aws:cloudformation:stack-id": stack, "aws:cloudformation:stack-name": "shop"}
    by_stack = {**AUTHORIZE, "sourceIPAddress": "cloudformation.amazonaws.com",
                "userAgent": "cloudformation.amazonaws.com"}  # fmt: skip
    update = call("2026-11-20T09:58:00Z", "cloudformation", "UpdateStack", {"stackName": "shop"})
    earlier = call("2026-11-20T09:00:00Z", "cloudformation", "UpdateStack", {"stackName": "other"})
    told = said("sg-1", [{**BEFORE, "tags": tags}, {**OPENED, "tags": tags}], [by_stack, update, earlier])
    [lead] = told.found[0].behind
    assert (lead.event_id, lead.who, lead.operation) == (update["eventID"], "alice", "UpdateStack")
    assert "CloudFormation made the call for alice: UpdateStack of shop" in lead.why


def test_nothing_is_told_out_of_an_account_that_one_may_not_see(tmp_path: Path) -> None:
    with opened(taken(tmp_path, [BEFORE, OPENED], [AUTHORIZE])) as lake:
        key = the_one(lake, "sg-1", EVERY_ACCOUNT)
        [change] = changes(lake, key, EVERY_ACCOUNT, limit=1)
        told = causes(lake, [change], AccountScope.of([OTHER]))[0]
        assert told.found == []
        assert told.others == []
        assert changes(lake, key, AccountScope.of([OTHER])) == []


def test_many_changes_give_the_same_as_one_by_one(lake: PinnedLake) -> None:
    from .judging import every_change

    some = every_change(lake)[::12]
    together = causes(lake, some, EVERY_ACCOUNT)
    alone = [causes(lake, [c], EVERY_ACCOUNT)[0] for c in some]
    assert [c.as_json() for c in together] == [c.as_json() for c in alone]
