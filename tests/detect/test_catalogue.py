"""Which events there are: a rule on a name that CloudTrail never writes must be found before it is trusted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ashiato.detect.catalogue import Catalogue
from formats.corpus_events import corpus_events

CATALOGUE = Catalogue()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("signin.amazonaws.com", "SwitchRole"),
        ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2"),
        ("lambda.amazonaws.com", "ListFunctions20150331"),
        ("lambda.amazonaws.com", "CreateFunctionUrlConfig"),
        ("cloudfront.amazonaws.com", "CreateDistribution2020_05_31"),
        ("monitoring.amazonaws.com", "DeleteAlarms"),
        ("s3.amazonaws.com", "PutBucketPublicAccessBlock"),
        ("s3.amazonaws.com", "PutAccountPublicAccessBlock"),
        ("sso.amazonaws.com", "CreateAccountAssignment"),
        ("ses.amazonaws.com", "PutAccountDetails"),
        ("bedrock.amazonaws.com", "InvokeModel"),
        ("bedrock.amazonaws.com", "PutFoundationModelEntitlement"),
        ("ec2.amazonaws.com", "SharedSnapshotVolumeCreated"),
        ("kms.amazonaws.com", "DeleteKey"),
    ],
)
def test_what_cloudtrail_writes_is_known(source: str, name: str) -> None:
    assert CATALOGUE.has(name, source)
    assert source in CATALOGUE.sources_of(name)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("s3.amazonaws.com", "ReplicateObject"),
        ("elasticache.amazonaws.com", "AuthorizeCacheSecurityGroupEgress"),
        ("elasticache.amazonaws.com", "RevokeCacheSecurityGroupEgress"),
        ("iam.amazonaws.com", "PassRole"),
        ("ec2.amazonaws.com", "ReplaceIamInstanceProfile"),
        ("route53.amazonaws.com", "DisableDomainTransferLock"),
    ],
)
def test_what_nobody_writes_is_not(source: str, name: str) -> None:
    assert not CATALOGUE.has(name, source)


def test_names_of_real_records_are_known(corpora: Path) -> None:
    found = {(e["eventSource"], e["eventName"]) for e in corpus_events(corpora) if "eventSource" in e}
    assert len(found) > 100
    unknown = {pair for pair in found if not CATALOGUE.has(pair[1], pair[0])}
    # Trusted Advisor's calls on the console's behalf: in no public model.
    assert {name for _, name in unknown} <= {"DescribeRecommendationGroups", "DescribeRecommendations"}


def test_names_that_the_lake_has_seen_are_known_too() -> None:
    assert not CATALOGUE.has("BrandNewCall", "ec2.amazonaws.com")
    assert Catalogue([("ec2.amazonaws.com", "BrandNewCall")]).has("brandnewcall", "EC2.amazonaws.com")
    assert Catalogue([("new.amazonaws.com", "Call")]).has_source("new.amazonaws.com")


def test_it_says_what_was_meant() -> None:
    assert CATALOGUE.closest("StopLoging", "cloudtrail.amazonaws.com") == "StopLogging"
    assert CATALOGUE.closest("DescribeOrgnanizationalUnit") == "DescribeOrganizationalUnit"
    assert CATALOGUE.closest_source("cloudwatch.amazonaws.com") == "monitoring.amazonaws.com"
    assert CATALOGUE.closest_source("guarduty.amazonaws.com") == "guardduty.amazonaws.com"
    assert CATALOGUE.closest("Zzzzzz") is None


def test_names_that_the_api_calls_otherwise() -> None:
    written = CATALOGUE.written_as
    assert written("UpdateFunctionCode", "lambda.amazonaws.com") == "UpdateFunctionCode20150331v2"
    assert written("CreateFunction", "lambda.amazonaws.com") == "CreateFunction20150331"
    assert written("PutBucketLifecycleConfiguration", "s3.amazonaws.com") == "PutBucketLifecycle"
    assert written("Invoke", "lambda.amazonaws.com") is None
    assert written("RunInstances", "ec2.amazonaws.com") is None
    assert CATALOGUE.is_permission_only("ReplicateObject", "s3.amazonaws.com")


def test_it_is_quick_enough_for_every_check() -> None:
    start = time.perf_counter()
    Catalogue().sources_of("RunInstances")
    assert time.perf_counter() - start < 3
