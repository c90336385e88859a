"""What the people on duty did: keys off, rule revoked, instance isolated, logs back, plants removed."""

from __future__ import annotations

from ashiato.demo import estate as e
from ashiato.demo.baseline import flow_log
from ashiato.demo.change_calls import revoke
from ashiato.demo.estate import HOME_REGION, PROD
from ashiato.demo.events import Call
from ashiato.demo.identities import Session, person
from ashiato.demo.ids import ec2_id, fixed_uuid, principal_id
from ashiato.demo.resources import Inventory
from ashiato.demo.story import (
    ATTACKER,
    FLOW_LOG_CREATED,
    ISOLATED,
    KEY_DEACTIVATED,
    LEAKED_KEY,
    LEAKED_USER,
    NEW_KEY,
    NEW_POLICY,
    NEW_USER,
    PLAIN_VOLUME,
    PORT_CLOSED,
    TRAIL_STARTED,
    Story,
    clock,
)


def happen(story: Story, inventory: Inventory) -> None:
    """Writes the answer into the story."""
    alice = person(PROD, "alice", story.at(clock(22, 40)))
    _keys(story, alice)
    _instance(story, inventory, alice)
    _logs(story, inventory, alice)
    _bucket(story, inventory, alice)
    _clean_up(story, inventory, alice)


def _keys(story: Story, who: Session) -> None:
    now = KEY_DEACTIVATED
    ids = [
        story.call(
            clock(22, 41, 3),
            who,
            Call(
                "cloudtrail.amazonaws.com",
                "LookupEvents",
                {"lookupAttributes": [{"attributeKey": "AccessKeyId", "attributeValue": LEAKED_KEY}]},
            ),
        ),
        story.call(
            now,
            who,
            Call(
                "iam.amazonaws.com",
                "UpdateAccessKey",
                {"userName": LEAKED_USER, "accessKeyId": LEAKED_KEY, "status": "Inactive"},
            ),
        ),
        story.call(
            now + 95,
            who,
            Call(
                "iam.amazonaws.com",
                "UpdateAccessKey",
                {"userName": NEW_USER, "accessKeyId": NEW_KEY, "status": "Inactive"},
            ),
        ),
        story.call(
            now + 160, who, Call("iam.amazonaws.com", "DeleteLoginProfile", {"userName": LEAKED_USER})
        ),
    ]
    story.step(
        clock(22, 41, 3),
        now + 160,
        "Both keys are deactivated",
        "alice finds the calls, deactivates the keys and removes the password.",
        events=ids,
        actor=who.arn,
        resources=[LEAKED_KEY, NEW_KEY, LEAKED_USER],
    )
    refused = [
        story.call(
            now + 200 + 41 * n,
            story.planted(),
            Call(
                f"{source}.amazonaws.com",
                name,
                error="InvalidClientTokenId" if source == "sts" else "AuthFailure",
                message="The security token included in the request is invalid.",
            ),
        )
        for n, (source, name) in enumerate(
            (("sts", "GetCallerIdentity"), ("ec2", "DescribeInstances"), ("ec2", "DescribeInstances"))
        )
    ]
    story.step(
        now + 200,
        now + 282,
        "The attacker tries again and fails",
        "Calls with the deactivated key.",
        events=refused,
        actor=f"{NEW_USER} ({NEW_KEY})",
        addresses=[ATTACKER],
    )


def _instance(story: Story, inventory: Inventory, who: Session) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    target = net.instance("orders-legacy")
    isolation = net.groups["isolation-sg"]
    moved = story.call(
        ISOLATED,
        who,
        Call(
            "ec2.amazonaws.com",
            "ModifyInstanceAttribute",
            {"instanceId": target.instance_id, "groupSet": {"items": [{"groupId": isolation}]}},
            {"requestId": fixed_uuid("request", isolation), "_return": True},
        ),
    )
    for kind, identifier, field in (
        ("AWS::EC2::Instance", target.instance_id, "securityGroups"),
        ("AWS::EC2::NetworkInterface", target.interface_id, "groups"),
    ):
        resource = inventory.get(kind, PROD, HOME_REGION, identifier)
        resource.configuration[field] = [{"groupId": isolation}]
        resource.relationships = [
            (t, isolation if t == "AWS::EC2::SecurityGroup" else i, n) for t, i, n in resource.relationships
        ]
        story.record(resource, ISOLATED, moved, "ModifyInstanceAttribute")
    story.step(
        ISOLATED,
        ISOLATED,
        "The instance is isolated",
        f"{target.instance_id} moves to a group without rules; its beacons are rejected from now on.",
        events=[moved],
        actor=who.arn,
        resources=[target.instance_id, target.interface_id, isolation],
        config=True,
        flows=True,
    )
    group = inventory.get("AWS::EC2::SecurityGroup", PROD, HOME_REGION, target.group_id)
    closed = story.call(PORT_CLOSED, who, revoke(group.id, 22, "0.0.0.0/0"))
    group.configuration["ipPermissions"] = [
        p
        for p in group.configuration["ipPermissions"]
        if not (p.get("fromPort") == 22 and p["ipRanges"] == ["0.0.0.0/0"])
    ]
    story.record(group, PORT_CLOSED, closed, "RevokeSecurityGroupIngress")
    kept = story.call(
        clock(23, 2, 2),
        who,
        Call(
            "ec2.amazonaws.com",
            "CreateSnapshot",
            {"volumeId": target.volume_id, "description": "forensic copy"},
            {
                "snapshotId": ec2_id("snap", "forensic"),
                "volumeId": target.volume_id,
                "status": "pending",
                "encrypted": True,
            },
        ),
    )
    story.step(
        PORT_CLOSED,
        clock(23, 2, 2),
        "The rule is revoked and the disk kept",
        f"Port 22 of {group.id} closes; a snapshot keeps the evidence.",
        events=[closed, kept],
        actor=who.arn,
        resources=[group.id, target.volume_id],
        config=True,
    )


def _logs(story: Story, inventory: Inventory, who: Session) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    trail = inventory.get("AWS::CloudTrail::Trail", PROD, HOME_REGION, e.OWN_TRAIL)
    started = story.call(
        TRAIL_STARTED,
        who,
        Call(
            "cloudtrail.amazonaws.com",
            "StartLogging",
            {"name": trail.arn},
            resources=(("AWS::CloudTrail::Trail", trail.arn),),
        ),
    )
    trail.supplementary["TrailStatus"] = {"isLogging": True}
    story.record(trail, TRAIL_STARTED, started, "StartLogging")
    flow = inventory.add(flow_log(net, e.FLOW_DEFAULT_AGAIN))
    flow.created = story.at(FLOW_LOG_CREATED) * 1000
    request = {
        "CreateFlowLogsRequest": {
            "ResourceType": "VPC",
            "ResourceId": {"tag": 1, "content": net.vpc_id},
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": f"arn:aws:s3:::{e.PROD_FLOW_BUCKET}",
            "MaxAggregationInterval": 60,
        }
    }
    answer = {
        "CreateFlowLogsResponse": {
            "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "unsuccessful": "",
            "flowLogIdSet": {"item": flow.id},
        }
    }
    made = story.call(FLOW_LOG_CREATED, who, Call("ec2.amazonaws.com", "CreateFlowLogs", request, answer))
    story.record(flow, FLOW_LOG_CREATED, made, "CreateFlowLogs", "ResourceDiscovered")
    story.step(
        TRAIL_STARTED,
        FLOW_LOG_CREATED,
        "Trail and flow log are back",
        f"{e.OWN_TRAIL} starts again; {flow.id} takes the place of the deleted flow log.",
        events=[started, made],
        actor=who.arn,
        resources=[trail.arn, flow.id],
        config=True,
    )


def _bucket(story: Story, inventory: Inventory, who: Session) -> None:
    bucket = inventory.get("AWS::S3::Bucket", PROD, HOME_REGION, e.EXPORT_BUCKET)
    own = e.kms_arn(PROD, HOME_REGION)
    host = f"{e.EXPORT_BUCKET}.s3.us-east-1.amazonaws.com"
    now = clock(23, 15, 40)
    resources = (("AWS::S3::Bucket", bucket.arn),)
    keyed = story.call(
        now,
        who,
        Call(
            "s3.amazonaws.com",
            "PutBucketEncryption",
            {
                "bucketName": bucket.name,
                "Host": host,
                "encryption": "",
                "ServerSideEncryptionConfiguration": {
                    "Rule": {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": own,
                        }
                    }
                },
            },
            resources=resources,
            host=host,
        ),
    )
    bucket.supplementary["ServerSideEncryptionConfiguration"] = {
        "rules": [
            {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyID": own},
                "bucketKeyEnabled": True,
            }
        ]
    }
    story.record(bucket, now, keyed, "PutBucketEncryption")
    kept = story.call(
        now + 200,
        who,
        Call(
            "s3.amazonaws.com",
            "PutBucketVersioning",
            {
                "bucketName": bucket.name,
                "Host": host,
                "versioning": "",
                "VersioningConfiguration": {
                    "Status": "Enabled",
                    "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
                },
            },
            resources=resources,
            host=host,
        ),
    )
    bucket.supplementary["BucketVersioningConfiguration"] = {"status": "Enabled", "isMfaDeleteEnabled": None}
    story.record(bucket, now + 200, kept, "PutBucketVersioning")
    story.step(
        now,
        now + 200,
        "The bucket's settings are restored",
        "Default key back to the company's own, versioning on; the objects come from the backup account.",
        events=[keyed, kept],
        actor=who.arn,
        resources=[bucket.name or ""],
        config=True,
    )


def _clean_up(story: Story, inventory: Inventory, who: Session) -> None:
    policy_arn = f"arn:aws:iam::{PROD}:policy/{NEW_POLICY}"
    user = inventory.get("AWS::IAM::User", PROD, HOME_REGION, principal_id("AIDA", PROD, NEW_USER))
    policy = inventory.get("AWS::IAM::Policy", PROD, HOME_REGION, principal_id("ANPA", PROD, NEW_POLICY))
    now = clock(23, 22, 5)
    ids = [
        story.call(
            now,
            who,
            Call("iam.amazonaws.com", "DetachUserPolicy", {"userName": NEW_USER, "policyArn": policy_arn}),
        ),
        story.call(now + 140, who, Call("iam.amazonaws.com", "DeletePolicy", {"policyArn": policy_arn})),
        story.call(
            now + 170,
            who,
            Call("iam.amazonaws.com", "DeleteAccessKey", {"userName": NEW_USER, "accessKeyId": NEW_KEY}),
        ),
        story.call(now + 290, who, Call("iam.amazonaws.com", "DeleteUser", {"userName": NEW_USER})),
    ]
    user.configuration["attachedManagedPolicies"] = []
    story.record(user, now, ids[0], "DetachUserPolicy")
    story.record(policy, now + 140, ids[1], "DeletePolicy", "ResourceDeleted")
    story.record(user, now + 290, ids[3], "DeleteUser", "ResourceDeleted")
    disk = inventory.get("AWS::EC2::Volume", PROD, HOME_REGION, PLAIN_VOLUME)
    off = story.call(
        now + 400,
        who,
        Call(
            "ec2.amazonaws.com",
            "DetachVolume",
            {"volumeId": disk.id, "force": True},
            {"volumeId": disk.id, "status": "detaching"},
        ),
    )
    disk.configuration["state"] = "available"
    disk.configuration["attachments"] = []
    disk.relationships = []
    story.record(disk, now + 400, off, "DetachVolume")
    gone = story.call(
        now + 560,
        who,
        Call(
            "ec2.amazonaws.com",
            "DeleteVolume",
            {"volumeId": disk.id},
            {"requestId": fixed_uuid("request", "delete", disk.id), "_return": True},
        ),
    )
    story.record(disk, now + 560, gone, "DeleteVolume", "ResourceDeleted")
    for resource in (user, policy, disk):
        inventory.forget(resource)
    story.step(
        now,
        now + 560,
        "What was planted is removed",
        f"{NEW_USER}, {NEW_POLICY} and {PLAIN_VOLUME} are deleted.",
        events=[*ids, off, gone],
        actor=who.arn,
        resources=[user.arn, policy_arn, PLAIN_VOLUME],
        config=True,
    )
