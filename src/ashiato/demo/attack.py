"""The attack, from the leaked key to the bucket that can no longer be read."""

from __future__ import annotations

from typing import Any

from ashiato.demo import estate as e
from ashiato.demo.attack_impact import mass_read, plain_volume, re_encryption, stolen_role, way_in
from ashiato.demo.estate import HOME_REGION, PROD, SECOND_REGION
from ashiato.demo.events import Call, denied
from ashiato.demo.identities import Session
from ashiato.demo.ids import compact, fixed_uuid, principal_id, prose_time
from ashiato.demo.resources import (
    Inventory,
    Resource,
    attached,
    iam_user,
    policy_document,
)
from ashiato.demo.sign_ins import console_login
from ashiato.demo.story import (
    ATTACKER,
    FLOW_LOG_DELETED,
    LEAKED_KEY,
    LEAKED_USER,
    NEW_KEY,
    NEW_POLICY,
    NEW_USER,
    TRAIL_STOPPED,
    Story,
    clock,
)


def happen(story: Story, inventory: Inventory) -> None:
    """Writes the attack into the story, step by step."""
    _first_use(story)
    _enumeration(story)
    _console(story)
    _persistence(story, inventory)
    _blinding(story, inventory)
    way_in(story, inventory)
    stolen_role(story)
    plain_volume(story, inventory)
    mass_read(story)
    re_encryption(story, inventory)


def _first_use(story: Story) -> None:
    now = clock(13, 2, 11)
    ids = [story.call(now, story.leaked(), Call("sts.amazonaws.com", "GetCallerIdentity"))]
    story.step(
        now,
        now,
        "A leaked key is used from a network never seen",
        f"The access key of {LEAKED_USER}, so far used from {e.BUILD_ADDRESS} only, calls from {ATTACKER}.",
        events=ids,
        actor=f"{LEAKED_USER} ({LEAKED_KEY})",
        resources=[LEAKED_KEY],
        addresses=[ATTACKER],
    )


def _enumeration(story: Story) -> None:
    who = story.leaked()
    plan: list[tuple[str, str, Any, str | None]] = [
        ("iam", "ListUsers", None, None),
        ("iam", "ListRoles", None, None),
        ("iam", "GetAccountSummary", None, None),
        ("iam", "GetAccountAuthorizationDetails", None, "AccessDenied"),
        ("iam", "ListAttachedUserPolicies", {"userName": LEAKED_USER}, None),
        ("s3", "ListBuckets", {"Host": "s3.amazonaws.com"}, None),
        ("ec2", "DescribeInstances", {"maxResults": 1000}, None),
        ("ec2", "DescribeSecurityGroups", {"maxResults": 1000}, None),
        ("ec2", "DescribeFlowLogs", None, None),
        ("ec2", "DescribeVolumes", None, None),
        ("cloudtrail", "DescribeTrails", None, None),
        ("cloudtrail", "GetTrailStatus", {"name": e.OWN_TRAIL}, None),
        ("secretsmanager", "ListSecrets", None, "AccessDeniedException"),
        ("ssm", "DescribeParameters", None, "AccessDeniedException"),
        ("guardduty", "ListDetectors", None, None),
        ("organizations", "DescribeOrganization", None, "AccessDeniedException"),
        ("rds", "DescribeDBInstances", None, None),
        ("lambda", "ListFunctions20150331", None, None),
        ("kms", "ListKeys", None, None),
        ("ses", "GetAccount", None, "AccessDeniedException"),
        ("bedrock", "ListFoundationModels", None, None),
        ("ec2", "DescribeSnapshots", None, None),
        ("ec2", "DescribeImages", None, None),
        ("iam", "ListAccessKeys", {"userName": LEAKED_USER}, None),
    ]
    ids: list[str] = []
    now = clock(13, 3, 20)
    for region in (HOME_REGION, SECOND_REGION):
        for source, name, request, error in plan:
            if region != HOME_REGION and source in ("iam", "organizations"):
                continue
            for _ in range(1 + story.rng.randrange(4)):
                now += 1 + story.rng.randrange(5)
                message = denied(who, f"{source}:{name}", "*") if error else None
                ids.append(
                    story.call(
                        now,
                        who,
                        Call(f"{source}.amazonaws.com", name, request, error=error, message=message),
                        region=region,
                    )
                )
    for bucket in (e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET, e.PROD_FLOW_BUCKET):
        for name, part in (
            ("GetBucketAcl", "acl"),
            ("GetBucketPolicy", "policy"),
            ("GetBucketVersioning", "versioning"),
        ):
            now += 2
            ids.append(
                story.call(
                    now,
                    who,
                    Call(
                        "s3.amazonaws.com",
                        name,
                        {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", part: ""},
                        resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"),),
                    ),
                )
            )
    story.step(
        clock(13, 3, 20),
        now,
        "Enumeration",
        f"{len(ids)} reading calls in two regions, some denied.",
        events=ids,
        actor=f"{LEAKED_USER} ({LEAKED_KEY})",
        addresses=[ATTACKER],
    )


def _console(story: Story) -> None:
    who = story.leaked()
    made = clock(13, 36, 40)
    profile = story.call(
        made,
        who,
        Call(
            "iam.amazonaws.com",
            "CreateLoginProfile",
            {"userName": LEAKED_USER, "passwordResetRequired": False},
            {
                "loginProfile": {
                    "userName": LEAKED_USER,
                    "createDate": prose_time(story.at(made)),
                    "passwordResetRequired": False,
                }
            },
        ),
    )
    nobody = Session(
        compact(
            {
                "type": "IAMUser",
                "principalId": principal_id("AIDA", PROD, LEAKED_USER),
                "accountId": PROD,
                "accessKeyId": "",
                "userName": LEAKED_USER,
            }
        ),
        ATTACKER,
        story.console().agent,
        "cli",
        "",
        LEAKED_USER,
    )
    failed = story.call(clock(13, 37, 30), nobody, console_login(success=False))
    signed = Session(
        compact(
            {
                "type": "IAMUser",
                "principalId": principal_id("AIDA", PROD, LEAKED_USER),
                "arn": who.arn,
                "accountId": PROD,
                "userName": LEAKED_USER,
            }
        ),
        ATTACKER,
        story.console().agent,
        "cli",
        who.arn,
        LEAKED_USER,
    )
    login = story.call(clock(13, 38, 9), signed, console_login())
    ids = [profile, failed, login]
    now = clock(13, 38, 12)
    for source, name in (
        ("health", "DescribeEventAggregates"),
        ("ec2", "DescribeInstances"),
        ("ec2", "DescribeSecurityGroups"),
        ("iam", "ListUsers"),
        ("cloudtrail", "ListTrails"),
        ("s3", "ListBuckets"),
        ("notifications", "ListNotificationEvents"),
    ):
        now += story.rng.randrange(4)
        ids.append(story.call(now, story.console(), Call(f"{source}.amazonaws.com", name)))
    story.step(
        made,
        now,
        "Console sign-in without MFA",
        f"A password for {LEAKED_USER}, then ConsoleLogin with MFAUsed No.",
        events=ids,
        actor=LEAKED_USER,
        resources=[f"arn:aws:iam::{PROD}:user/{LEAKED_USER}"],
        addresses=[ATTACKER],
    )


def _persistence(story: Story, inventory: Inventory) -> None:
    who = story.console()
    now = clock(13, 44, 2)
    arn = f"arn:aws:iam::{PROD}:user/{NEW_USER}"
    policy_arn = f"arn:aws:iam::{PROD}:policy/{NEW_POLICY}"
    identifier = principal_id("AIDA", PROD, NEW_USER)
    made = story.call(
        now,
        who,
        Call(
            "iam.amazonaws.com",
            "CreateUser",
            {"userName": NEW_USER, "path": "/"},
            {
                "user": {
                    "path": "/",
                    "userName": NEW_USER,
                    "userId": identifier,
                    "arn": arn,
                    "createDate": prose_time(story.at(now)),
                }
            },
        ),
    )
    user = inventory.add(iam_user(PROD, NEW_USER, story.at(now) * 1000))
    user.protected = True
    story.record(user, now, made, "CreateUser", "ResourceDiscovered")
    keyed = story.call(
        now + 31,
        who,
        Call(
            "iam.amazonaws.com",
            "CreateAccessKey",
            {"userName": NEW_USER},
            {
                "accessKey": {
                    "userName": NEW_USER,
                    "accessKeyId": NEW_KEY,
                    "status": "Active",
                    "createDate": prose_time(story.at(now + 31)),
                }
            },
        ),
    )
    document = compact(policy_document("*"))
    policy_id = principal_id("ANPA", PROD, NEW_POLICY)
    written = story.call(
        now + 75,
        who,
        Call(
            "iam.amazonaws.com",
            "CreatePolicy",
            {"policyName": NEW_POLICY, "policyDocument": document},
            {
                "policy": {
                    "policyName": NEW_POLICY,
                    "policyId": policy_id,
                    "arn": policy_arn,
                    "defaultVersionId": "v1",
                    "attachmentCount": 0,
                }
            },
        ),
    )
    policy = inventory.add(
        Resource(
            PROD,
            HOME_REGION,
            "AWS::IAM::Policy",
            policy_id,
            NEW_POLICY,
            policy_arn,
            {
                "policyName": NEW_POLICY,
                "policyId": policy_id,
                "arn": policy_arn,
                "path": "/",
                "defaultVersionId": "v1",
                "attachmentCount": 0,
                "policyVersionList": [{"document": document, "versionId": "v1", "isDefaultVersion": True}],
            },
            created=story.at(now + 75) * 1000,
            protected=True,
        )
    )
    story.record(policy, now + 75, written, "CreatePolicy", "ResourceDiscovered")
    given = story.call(
        now + 110,
        who,
        Call("iam.amazonaws.com", "AttachUserPolicy", {"userName": NEW_USER, "policyArn": policy_arn}),
    )
    user.configuration["attachedManagedPolicies"].append(attached(policy_arn))
    story.record(user, now + 110, given, "AttachUserPolicy")
    tried = story.call(now + 160, story.planted(), Call("sts.amazonaws.com", "GetCallerIdentity"))
    story.step(
        now,
        now + 160,
        "Persistence in IAM",
        f"User {NEW_USER}, an access key for it, and a policy that allows everything.",
        events=[made, keyed, written, given, tried],
        actor=LEAKED_USER,
        resources=[arn, NEW_KEY, policy_arn],
        addresses=[ATTACKER],
        config=True,
    )


def _blinding(story: Story, inventory: Inventory) -> None:
    who = story.planted()
    trail = inventory.get("AWS::CloudTrail::Trail", PROD, HOME_REGION, e.OWN_TRAIL)
    stopped = story.call(
        TRAIL_STOPPED,
        who,
        Call(
            "cloudtrail.amazonaws.com",
            "StopLogging",
            {"name": trail.arn},
            resources=(("AWS::CloudTrail::Trail", trail.arn),),
        ),
    )
    trail.supplementary["TrailStatus"] = {"isLogging": False}
    story.record(trail, TRAIL_STOPPED, stopped, "StopLogging")
    story.step(
        TRAIL_STOPPED,
        TRAIL_STOPPED,
        "The account's own trail is stopped",
        f"{e.OWN_TRAIL} delivers nothing from here on; the organisation's trail goes on.",
        events=[stopped],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[trail.arn],
        addresses=[ATTACKER],
        config=True,
    )
    flow = inventory.get("AWS::EC2::FlowLog", PROD, HOME_REGION, e.FLOW_DEFAULT)
    gone = story.call(
        FLOW_LOG_DELETED,
        who,
        Call(
            "ec2.amazonaws.com",
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": flow.id}}},
            {
                "DeleteFlowLogsResponse": {
                    "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
                    "unsuccessful": "",
                    "requestId": fixed_uuid("request", flow.id),
                }
            },
        ),
    )
    story.record(flow, FLOW_LOG_DELETED, gone, "DeleteFlowLogs", "ResourceDeleted")
    inventory.forget(flow)
    story.step(
        FLOW_LOG_DELETED,
        FLOW_LOG_DELETED,
        "A flow log is deleted",
        f"{flow.id} ends; {e.FLOW_CUSTOM} of the same VPC goes on.",
        events=[gone],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[flow.id],
        addresses=[ATTACKER],
        config=True,
    )
