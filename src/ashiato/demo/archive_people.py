"""Archive: July 2021 in 111122223333, and January 2023 around alice, bob and two documented ids."""

from __future__ import annotations

from typing import Any

from ashiato.demo.archive_record import DOCUMENTED_KEY, OTHER, THREE, Old, at
from ashiato.demo.estate import DEV, PROD, SECURITY
from ashiato.demo.events import Call
from ashiato.demo.identities import BROWSER, CLI, Session, assumed_role, iam_user
from ashiato.demo.ids import compact, fixed_uuid, principal_id, prose_time
from ashiato.demo.sign_ins import console_login


def july_2021(old: Old) -> None:
    """`date_partition` between 2021/07/01 and 2021/07/31 in 111122223333, three regions."""
    query = "athena-cloudtrail/013-024"
    alice = iam_user(PROD, "alice", "AKIAJULY2021EXAMPLE0", address="198.51.100.31", agent=CLI)
    inside = iam_user(PROD, "backup-agent", "AKIAJULY2021EXAMPLE1", address="10.0.1.14", agent=CLI)
    role = f"arn:aws:iam::{PROD}:role/reporting"
    for n, region in enumerate(THREE):
        for d in (2, 9, 16, 23, 30):
            day = f"2021-07-{d:02d}"
            old.add(
                f"{day} 0{n}:10:00",
                alice,
                Call("ec2.amazonaws.com", "DescribeInstances", {"maxResults": 100}),
                query,
                region=region,
            )
            old.add(
                f"{day} 0{n}:20:00",
                inside,
                Call(
                    "ec2.amazonaws.com",
                    "CreateSnapshot",
                    {"volumeId": f"vol-0{d:02d}{n}"},
                    {"snapshotId": f"snap-0{d:02d}{n}", "encrypted": True},
                ),
                query,
                region=region,
            )
            old.add(
                f"{day} 0{n}:30:00",
                alice,
                Call(
                    "sts.amazonaws.com",
                    "AssumeRole",
                    {"roleArn": role, "roleSessionName": "alice"},
                    None,
                    resources=(("AWS::IAM::Role", role),),
                ),
                query,
                region=region,
            )
    signed = Session(
        compact(
            {
                "type": "IAMUser",
                "principalId": principal_id("AIDA", PROD, "alice"),
                "arn": f"arn:aws:iam::{PROD}:user/alice",
                "accountId": PROD,
                "userName": "alice",
            }
        ),
        "198.51.100.31",
        BROWSER,
        "cli",
        "",
        "alice",
    )
    old.add("2021-07-05 01:00:00", signed, console_login(mfa="Yes"), query)
    old.add("2021-07-12 01:00:00", signed, console_login(), query + " lake/011")
    iam: tuple[tuple[str, dict[str, Any], Any], ...] = (
        (
            "CreateUser",
            {"userName": "dave"},
            {"user": {"userName": "dave", "arn": f"arn:aws:iam::{PROD}:user/dave"}},
        ),
        (
            "CreateAccessKey",
            {"userName": "dave"},
            {
                "accessKey": {
                    "userName": "dave",
                    "accessKeyId": "AKIADAVE2021EXAMPLE0",
                    "status": "Active",
                    "createDate": prose_time(at("2021-07-06 02:01:00")),
                }
            },
        ),
        ("CreateLoginProfile", {"userName": "dave", "passwordResetRequired": True}, None),
        ("UpdateLoginProfile", {"userName": "erin"}, None),
        (
            "AttachUserPolicy",
            {"userName": "dave", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            None,
        ),
    )
    for n, (name, request, response) in enumerate(iam):
        old.add(f"2021-07-06 02:{n:02d}:00", alice, Call("iam.amazonaws.com", name, request, response), query)
    old.add(
        "2021-07-06 02:30:00",
        alice,
        Call(
            "iam.amazonaws.com",
            "CreateAccessKey",
            {"userName": "erin"},
            error="LimitExceededException",
            message="Cannot exceed quota for AccessKeysPerUser: 2",
        ),
        query,
    )


def january_2023(old: Old) -> None:
    """The first week of January 2023, and the 22nd."""
    for n, (address, account) in enumerate(
        (("192.0.2.76", PROD), ("192.0.2.76", DEV), ("192.0.2.76", OTHER), ("198.51.100.40", SECURITY))
    ):
        who = iam_user(account, "carlos", f"AKIACARLOS{n}EXAMPLE000"[:20], address=address, agent=CLI)
        for m in range(2 + n):
            old.add(
                f"2023-01-03 0{m}:00:0{n}",
                who,
                Call("s3.amazonaws.com", "ListBuckets", {"Host": "s3.amazonaws.com"}),
                "lake/005",
                account=account,
            )
    key = iam_user(OTHER, "ci", DOCUMENTED_KEY, address="198.51.100.41", agent=CLI)
    for n, name in enumerate(("DescribeInstances", "DescribeInstances", "DescribeVolumes", "CreateTags")):
        old.add(
            f"2023-01-04 03:0{n}:00",
            key,
            Call("ec2.amazonaws.com", name, {"n": n}),
            "lake/025",
            account=OTHER,
        )
    old.add(
        "2023-01-04 03:09:00",
        key,
        Call(
            "ec2.amazonaws.com",
            "RunInstances",
            None,
            error="Client.UnauthorizedOperation",
            message="You are not authorized to perform this operation.",
        ),
        "lake/025",
        account=OTHER,
    )
    assumed = {
        "credentials": {
            "accessKeyId": "ASIAALICEROLEEXAMPLE",
            "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        "assumedRoleUser": {"arn": f"arn:aws:sts::{OTHER}:assumed-role/alice/ci"},
    }
    old.add(
        "2023-01-04 03:10:00",
        key,
        Call(
            "sts.amazonaws.com",
            "AssumeRole",
            {"roleArn": f"arn:aws:iam::{OTHER}:role/alice", "roleSessionName": "ci"},
            assumed,
        ),
        "lake/037",
        account=OTHER,
    )
    alice_role = assumed_role(
        OTHER, "alice", "ci", at("2023-01-04 03:10:00"), address="198.51.100.41", agent=CLI
    )
    for n, (source, name) in enumerate(
        (
            ("s3", "ListBuckets"),
            ("ec2", "DescribeInstances"),
            ("ec2", "DescribeInstances"),
            ("rds", "DescribeDBInstances"),
        )
    ):
        old.add(
            f"2023-01-04 03:1{n + 1}:00",
            alice_role,
            Call(f"{source}.amazonaws.com", name),
            "lake/065",
            account=OTHER,
        )
    portal = Session(
        compact(
            {
                "type": "IdentityCenterUser",
                "accountId": SECURITY,
                "userName": "alice@example.com",
                "onBehalfOf": {
                    "userId": fixed_uuid("identity store", "alice"),
                    "identityStoreArn": f"arn:aws:identitystore::{SECURITY}:identitystore/d-9067example",
                },
            }
        ),
        "198.51.100.31",
        BROWSER,
        "cli",
        "",
        "alice",
    )
    for n, target in enumerate((PROD, OTHER)):
        old.add(
            f"2023-01-02 00:3{n}:00",
            portal,
            Call(
                "sso.amazonaws.com",
                "Federate",
                None,
                None,
                read_only=False,
                event_type="AwsServiceEvent",
                extra={"serviceEventDetails": {"account_id": target, "role_name": "AdministratorAccess"}},
            ),
            "lake/027",
            account=SECURITY,
        )
    alice = assumed_role(
        OTHER,
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "alice@example.com",
        at("2023-01-02 00:31:00"),
        address="198.51.100.31",
        agent=BROWSER,
        path="/aws-reserved/sso.amazonaws.com/",
        style="console",
    )
    trust = compact(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    policy = compact(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    old.add(
        "2023-01-02 00:40:00",
        alice,
        Call(
            "iam.amazonaws.com",
            "CreateRole",
            {"roleName": "reporting", "assumeRolePolicyDocument": trust},
            {"role": {"roleName": "reporting"}},
        ),
        "lake/029",
        account=OTHER,
    )
    old.add(
        "2023-01-02 00:41:00",
        alice,
        Call(
            "iam.amazonaws.com",
            "CreateRole",
            {"roleName": "reporting", "assumeRolePolicyDocument": trust},
            error="EntityAlreadyExistsException",
            message="Role with name reporting already exists.",
        ),
        "lake/029",
        account=OTHER,
    )
    old.add(
        "2023-01-02 00:42:00",
        alice,
        Call(
            "iam.amazonaws.com",
            "CreateUser",
            {"userName": "frank"},
            {"user": {"userName": "frank", "arn": f"arn:aws:iam::{OTHER}:user/frank"}},
        ),
        "lake/031",
        account=OTHER,
    )
    old.add(
        "2023-01-02 00:43:00",
        alice,
        Call(
            "iam.amazonaws.com",
            "PutRolePolicy",
            {"roleName": "reporting", "policyName": "all-of-s3", "policyDocument": policy},
        ),
        "lake/033",
        account=OTHER,
    )
    started = {
        "instancesSet": {
            "items": [{"instanceId": "i-b188560f", "imageId": "ami-12345", "instanceType": "t3.micro"}]
        }
    }
    old.add(
        "2023-01-05 05:00:00",
        alice,
        Call(
            "ec2.amazonaws.com",
            "RunInstances",
            {"instancesSet": {"items": [{"imageId": "ami-12345", "minCount": 1, "maxCount": 1}]}},
            started,
        ),
        "lake/035",
        account=OTHER,
        region="us-west-2",
    )
    bob = iam_user(PROD, "bob", "AKIABOB20230EXAMPLE0", address="198.51.100.32", agent=CLI)
    for n, (source, name) in enumerate(
        (("s3", "ListBuckets"), ("iam", "ListUsers"), ("ec2", "DescribeInstances"), ("ec2", "StopInstances"))
    ):
        old.add(
            f"2023-01-22 0{n + 1}:00:00", bob, Call(f"{source}.amazonaws.com", name, {"n": n}), "lake/075"
        )
    upper = Session(
        compact(
            {
                "type": "AssumedRole",
                "principalId": f"{principal_id('AROA', OTHER, 'Admin')}:Alice",
                "arn": f"arn:aws:sts::{OTHER}:assumed-role/Admin/Alice",
                "accountId": OTHER,
            }
        ),
        "198.51.100.31",
        BROWSER,
        "cli",
        "",
        "Alice",
    )
    for n, region in enumerate(("us-east-1", "us-west-2", "us-west-2")):
        old.add(
            f"2023-01-1{n} 01:00:00",
            upper,
            console_login(),
            "lake/073 lake/077",
            account=OTHER,
            region=region,
        )
