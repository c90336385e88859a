"""Who acted, as what, by what program, and what came of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.formats.principals import (
    Actor,
    Principal,
    SessionKind,
    actor,
    agent_family,
    outcome,
    principal,
)
from ashiato.ledger import findings
from formats.corpus_events import corpus_events

OPS = "arn:aws:iam::111111111111:role/team/ops"
SSO = (
    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/ap-northeast-1/"
    "AWSReservedSSO_Admin_0123456789abcdef"
)
CLI = "aws-cli/2.31.7 md/awscrt#0.27.6 ua/2.1 os/macos#25.0.0 lang/python#3.13.7"
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"


def role(session: str, issuer: str | None = OPS, **context: Any) -> dict[str, Any]:
    name = (issuer or OPS).rpartition("/")[2]
    if issuer:
        context["sessionIssuer"] = {"type": "Role", "arn": issuer, "userName": name}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::111111111111:assumed-role/{name}/{session}",
        "accountId": "111111111111",
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": context,
    }


USER = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::111111111111:user/dev/alice",
    "accountId": "111111111111",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "userName": "alice",
}


@pytest.mark.parametrize(
    ("identity", "arn", "name", "account"),
    [
        (USER, "arn:aws:iam::111111111111:user/dev/alice", "alice", "111111111111"),
        (role("build-7"), OPS, "ops", "111111111111"),
        # The path of a role stands only in its issuer.
        (role("x", None), "arn:aws:iam::111111111111:role/ops", "ops", "111111111111"),
        # In IAM Identity Center the session is the person.
        (role("bob@example.com", SSO), f"{SSO}/bob@example.com", "bob@example.com", "111111111111"),
        (
            {"type": "Root", "arn": "arn:aws:iam::111111111111:root", "accountId": "111111111111"},
            "arn:aws:iam::111111111111:root",
            "root",
            "111111111111",
        ),
        (
            {
                "type": "FederatedUser",
                "arn": "arn:aws:sts::111111111111:federated-user/mallory",
                "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": USER["arn"]}},
            },
            "arn:aws:iam::111111111111:user/dev/alice/mallory",
            "mallory",
            "111111111111",
        ),
        (
            {"type": "SAMLUser", "identityProvider": "idp", "userName": "carol", "principalId": "x:carol"},
            "idp/carol",
            "carol",
            "222222222222",
        ),
        (
            {
                "type": "WebIdentityUser",
                "identityProvider": "token.actions.githubusercontent.com",
                "userName": "repo:corp/shop:ref:refs/heads/main",
            },
            "token.actions.githubusercontent.com/repo:corp/shop:ref:refs/heads/main",
            "repo:corp/shop:ref:refs/heads/main",
            "222222222222",
        ),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com", "ec2.amazonaws.com", None),
        ({"type": "AWSAccount", "accountId": "333333333333", "principalId": "AIDA"}, "333333333333", "333333333333", "333333333333"),
        ({"type": "AWSAccount", "accountId": "anonymous"}, "anonymous", "anonymous", "anonymous"),
        (
            {"type": "IdentityCenterUser", "accountId": "111111111111", "onBehalfOf": {"userId": "u-1"}},
            "u-1",
            "u-1",
            "111111111111",
        ),
        # Before 2025 Identity Center wrote Unknown, with names.
        ({"type": "Unknown", "principalId": "u-1", "userName": "dave"}, "u-1", "dave", "222222222222"),
        # A failed sign-in has no ARN; a wrong name is hidden.
        (
            {"type": "IAMUser", "accountId": "111111111111", "userName": "erin"},
            "arn:aws:iam::111111111111:user/erin",
            "erin",
            "111111111111",
        ),
        (
            {"type": "IAMUser", "accountId": "111111111111", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"},
            "unknown",
            "unknown",
            "111111111111",
        ),
        (
            {"accountId": "111111111111", "invokedBy": "secretsmanager.amazonaws.com"},
            "secretsmanager.amazonaws.com",
            "secretsmanager.amazonaws.com",
            "111111111111",
        ),
        (None, "unknown", "unknown", "222222222222"),
        ({}, "unknown", "unknown", "222222222222"),
    ],
)  # fmt: skip
def test_the_principal_stays_the_same_from_session_to_session(
    identity: Any, arn: str, name: str, account: str | None
) -> None:
    found = principal(identity, "222222222222")
    assert (found.arn, found.name, found.account) == (arn, name, account)


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (role("i-0123456789abcdef0"), "ec2_instance"),
        (role("aws-go-sdk-1722375070115152000"), "sdk_default"),
        (role("botocore-session-1722375070"), "sdk_default"),
        (role("AWSCodeBuild-01234567-89ab-cdef-0123-456789abcdef"), "codebuild"),
        (role("0123456789abcdef0123456789abcdef"), "ecs_task"),
        (role("alice@example.com"), "person"),
        (role("bob", SSO), "person"),
        (
            role("SLRManagement", "arn:aws:iam::1:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"),
            "service_linked",
        ),
        # Anybody can give a role such a name; only AWS can give it the path.
        (role("x", "arn:aws:iam::111111111111:role/AWSServiceRoleForFun"), "other"),
        (role("deploy"), "other"),
        (role("f") | {"inScopeOf": {"issuerType": "AWS::Lambda::Function"}}, "lambda"),
        (USER, None),
    ],
)  # fmt: skip
def test_what_a_session_name_says(identity: Any, kind: SessionKind | None) -> None:
    assert principal(identity).session_kind == kind


def test_the_permission_set_and_the_key_are_kept() -> None:
    found = principal(role("bob", SSO))
    assert (found.permission_set, found.session, found.access_key) == ("Admin", "bob", "ASIAIOSFODNN7EXAMPLE")


SERVICE_LINKED = role(
    "x", "arn:aws:iam::111111111111:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
)
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.15.0"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}}, "service"),
        ({"userIdentity": SERVICE_LINKED, "sourceIPAddress": "config.amazonaws.com"}, "service"),
        ({"userIdentity": {"accountId": "1"}, "eventType": "AwsServiceEvent"}, "service"),
        # The portal's sign-ins are service events, of people.
        (
            {
                "userIdentity": {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}},
                "eventType": "AwsServiceEvent",
                "eventSource": "signin.amazonaws.com",
                "eventName": "UserAuthentication",
                "sourceIPAddress": "203.0.113.5",
            },
            "person",
        ),
        (
            {
                "userIdentity": USER | {"invokedBy": "cloudformation.amazonaws.com"},
                "sourceIPAddress": "cloudformation.amazonaws.com",
                "userAgent": "cloudformation.amazonaws.com",
            },
            "service_for_user",
        ),
        ({"userIdentity": USER, "sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal"}, "service_for_user"),
        # The agent alone says only that the console was between.
        (
            {
                "userIdentity": USER,
                "sourceIPAddress": "203.0.113.5",
                "userAgent": "AWS Internal",
                "sessionCredentialFromConsole": "true",
            },
            "person",
        ),
        ({"userIdentity": USER, "sourceIPAddress": "203.0.113.5", "userAgent": TERRAFORM}, "automation"),
        ({"userIdentity": USER, "sourceIPAddress": "203.0.113.5", "userAgent": CLI}, "person"),
        ({"userIdentity": USER, "sourceIPAddress": "203.0.113.5", "userAgent": BROWSER}, "person"),
        ({"userIdentity": USER, "sourceIPAddress": "203.0.113.5", "userAgent": "Boto3/1.40.52"}, "unknown"),
        ({"userIdentity": role("bob", SSO), "userAgent": "Boto3/1.40.52"}, "person"),
        ({"userIdentity": role("i-0123456789abcdef0"), "userAgent": CLI}, "automation"),
        # Instances do not sign in.
        ({"userIdentity": role("i-0123456789abcdef0"), "eventType": "AwsConsoleSignIn"}, "person"),
        ({"userIdentity": role("f"), "userAgent": "Boto3/1.40 exec-env/AWS_Lambda_python3.12"}, "automation"),
        (
            {
                "userIdentity": role(
                    "run-1",
                    webIdFederationData={
                        "federatedProvider": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"
                    },
                ),
                "userAgent": CLI,
            },
            "automation",
        ),
        ({"userIdentity": {"type": "Root", "accountId": "1"}, "userAgent": "aws-sdk-go-v2/1"}, "person"),
        ({}, "unknown"),
    ],
)  # fmt: skip
def test_what_kind_of_actor(event: dict[str, Any], expected: Actor) -> None:
    assert actor(event) == expected


def test_automation_of_the_settings_is_believed_unless_somebody_signs_in_with_it() -> None:
    event = {"userIdentity": role("job"), "userAgent": "Boto3/1.40.52", "sourceIPAddress": "203.0.113.5"}
    assert actor(event) == "unknown"
    for pattern in ("ops", "arn:aws:iam::*:role/team/*", OPS):
        assert actor(event, (pattern,)) == "automation"
    for other in ("op", "*/[o]ps", "arn:aws:iam::2*"):
        assert actor(event, [other]) == "unknown"
    assert actor(event | {"eventType": "AwsConsoleSignIn"}, ("ops",)) == "person"


def test_the_words_are_those_of_findings() -> None:
    assert get_args(Actor) == get_args(findings.Actor)


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (CLI, "aws-cli"),
        ("aws-cli/2.15 Python/3.11 Linux/6.1 exec-env/CloudShell exe/x86_64 command/s3.ls", "CloudShell"),
        ("[Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165]", "Boto3"),
        (TERRAFORM, "Terraform"),
        ("aws-sdk-go/1.41.4 (go1.18.3; linux; amd64) amazon-ssm-agent/", "amazon-ssm-agent"),
        ("aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1", "aws-sdk-go-v2"),
        ("console.amazonaws.com", "console"),
        ("console.ec2.amazonaws.com", "console"),
        ("signin.amazonaws.com", "console"),
        ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10]", "S3Console"),
        ("RDS Console, aws-internal/3 aws-sdk-java/1.11.975", "RDS Console"),
        ("EC2ConsoleFrontend, aws-internal/3", "EC2ConsoleFrontend"),
        ("secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
        (BROWSER, "browser"),
        ("stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25", "other:stratus-red-team"),
        ("evil/6.6.6 (x)", "other:evil"),
        ("", "none"),
        (None, "none"),
    ],
)
def test_a_program_is_named_without_its_version(agent: str | None, family: str) -> None:
    assert agent_family(agent) == family


def _batch(*failed: Any, ids: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DeleteFlowLogs",
        "requestParameters": {"DeleteFlowLogsRequest": {"FlowLogId": ids or {"tag": 1, "content": "fl-1"}}},
        "responseElements": {
            "DeleteFlowLogsResponse": {"requestId": "r", "unsuccessful": {"item": list(failed)} if failed else "", **more}
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, "success"),
        ({"responseElements": None}, "success"),
        ({"errorCode": "Client.UnauthorizedOperation"}, "denied"),
        ({"errorCode": "AccessDenied", "errorMessage": "User: x is not authorized"}, "denied"),
        ({"errorCode": "AccessDeniedException"}, "denied"),
        ({"errorCode": "UnauthorizedOperation"}, "denied"),
        ({"errorCode": "AuthorizationError"}, "denied"),
        ({"errorCode": "VpceAccessDenied"}, "denied"),
        ({"errorCode": "InvalidRequest", "errorMessage": "x is not authorized to perform: iam:PassRole"}, "denied"),
        ({"errorCode": "Client.InvalidPermission.NotFound"}, "failure"),
        ({"errorCode": "Client.DryRunOperation"}, "failure"),
        ({"errorCode": "ThrottlingException"}, "failure"),
        (
            {
                "eventType": "AwsConsoleSignIn",
                "eventName": "ConsoleLogin",
                "errorMessage": "Failed authentication",
                "responseElements": {"ConsoleLogin": "Failure"},
            },
            "failure",
        ),
        (
            {
                "eventType": "AwsConsoleSignIn",
                "eventName": "ConsoleLogin",
                "responseElements": '{"ConsoleLogin":"Failure"}',
            },
            "failure",
        ),
        (
            {
                "eventType": "AwsConsoleSignIn",
                "eventName": "SwitchRole",
                "responseElements": {"SwitchRole": "Success"},
            },
            "success",
        ),
        (
            {
                "eventType": "AwsServiceEvent",
                "eventSource": "signin.amazonaws.com",
                "eventName": "CredentialVerification",
                "serviceEventDetails": '{"CredentialVerification":"Failure"}',
            },
            "failure",
        ),
        (_batch(), "success"),
        (_batch({"error": {"code": "InvalidFlowLogId.NotFound"}}), "failure"),
        (_batch({"error": {"code": "UnauthorizedOperation"}}), "denied"),
        # Something was done: of two flow logs one is gone.
        (_batch({"error": {"code": "InvalidFlowLogId.NotFound"}}, ids=["fl-1", "fl-2"]), "success"),
        (_batch({"error": {"code": "InvalidFlowLogId.NotFound"}}, flowLogIdSet={"item": ["fl-2"]}), "success"),
    ],
)  # fmt: skip
def test_what_came_of_it(event: dict[str, Any], expected: str) -> None:
    assert outcome(event) == expected


def test_the_corpora_are_understood(corpora: Path) -> None:
    actors: Counter[str] = Counter()
    families: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for event in corpus_events(corpora):
        who = principal(event.get("userIdentity"), event.get("recipientAccountId"))
        assert who.arn != "unknown"
        assert "assumed-role" not in who.arn
        actors[actor(event)] += 1
        families[agent_family(event.get("userAgent"))] += 1
        outcomes[outcome(event)] += 1
        assert (outcome(event) == "success") == (not event.get("errorCode"))
    # Console users behind "AWS Internal" are people: 248 of 418 in one corpus alone.
    assert actors["person"] > 300
    assert actors["service_for_user"] > 250
    assert families["Terraform"] == 1938
    assert outcomes["denied"] == 111


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_KEYS = [
    "type", "arn", "accountId", "principalId", "userName", "invokedBy", "accessKeyId", "sessionContext",
    "onBehalfOf", "identityProvider", "inScopeOf",
]  # fmt: skip
_TYPES = [
    "IAMUser",
    "AssumedRole",
    "Root",
    "FederatedUser",
    "SAMLUser",
    "AWSService",
    "AWSAccount",
    "Unknown",
]


@given(
    st.dictionaries(st.sampled_from(_KEYS), json_values | st.sampled_from(_TYPES)) | json_values,
    st.dictionaries(
        st.sampled_from(
            ["errorCode", "errorMessage", "eventName", "eventSource", "eventType", "responseElements", "userAgent",
             "requestParameters", "serviceEventDetails", "sourceIPAddress", "sessionCredentialFromConsole"]
        ),
        json_values | st.sampled_from(["AwsConsoleSignIn", '{"unsuccessful":{"item":[]}}', "[" * 9000]),
    ),
)  # fmt: skip
def test_no_shape_raises(identity: Any, event: dict[str, Any]) -> None:
    found = principal(identity)
    assert isinstance(found, Principal)
    assert found.arn
    assert found.name
    event["userIdentity"] = identity
    assert actor(event, ("x*",)) in get_args(Actor)
    assert outcome(event) in ("success", "failure", "denied")


@given(st.none() | st.text(max_size=3000))
def test_a_family_is_short(agent: str | None) -> None:
    assert 0 < len(agent_family(agent)) <= 64
