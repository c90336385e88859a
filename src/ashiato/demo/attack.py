"""The attack, from the leaked key to the bucket that can no longer be read."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ashiato.demo import estate as e
from ashiato.demo.change_kinds import authorize
from ashiato.demo.changes import console_login
from ashiato.demo.estate import HOME_REGION, PROD, SECOND_REGION
from ashiato.demo.events import Call, denied
from ashiato.demo.ids import compact, fixed_uuid, iso_ms, principal_id, prose_time
from ashiato.demo.identities import Session, instance_role
from ashiato.demo.resources import Inventory, Resource, attached, iam_user, permission, policy_document, volume
from ashiato.demo.story import (
    ATTACKER,
    BEACON_FIRST,
    BRUTE_FORCE,
    COMMAND_AND_CONTROL,
    FLOW_LOG_DELETED,
    FOREIGN_KEY,
    ISOLATED,
    LEAKED_KEY,
    LEAKED_USER,
    NEW_KEY,
    NEW_POLICY,
    NEW_USER,
    PLAIN_VOLUME,
    PORT_OPENED,
    SCAN_FIRST,
    SCAN_LAST,
    SSH_SUCCESS,
    TRAIL_STOPPED,
    Story,
    clock,
)

OBJECTS = 420
KEYS = [f"customers/2026/{n % 12 + 1:02d}/export-{n:05d}.csv.gz" for n in range(OBJECTS)]


def happen(story: Story, inventory: Inventory) -> None:
    """Writes the attack into the story, step by step."""
    _first_use(story)
    _enumeration(story)
    _console(story)
    _persistence(story, inventory)
    _blinding(story, inventory)
    _way_in(story, inventory)
    _stolen_role(story)
    _plain_volume(story, inventory)
    _mass_read(story)
    _re_encryption(story, inventory)


def _first_use(story: Story) -> None:
    now = clock(13, 2, 11)
    ids = [story.call(now, story.leaked(), Call("sts.amazonaws.com", "GetCallerIdentity"))]
    story.step(now, now, "A leaked key is used from a network never seen", f"The access key of {LEAKED_USER}, used until now from {e.BUILD_ADDRESS} only, calls from {ATTACKER}.", events=ids, actor=f"{LEAKED_USER} ({LEAKED_KEY})", resources=[LEAKED_KEY], addresses=[ATTACKER])  # fmt: skip


def _enumeration(story: Story) -> None:
    who = story.leaked()
    plan: list[tuple[str, str, Any, str | None]] = [
        ("iam", "ListUsers", None, None), ("iam", "ListRoles", None, None), ("iam", "GetAccountSummary", None, None),
        ("iam", "GetAccountAuthorizationDetails", None, "AccessDenied"), ("iam", "ListAttachedUserPolicies", {"userName": LEAKED_USER}, None),
        ("s3", "ListBuckets", {"Host": "s3.amazonaws.com"}, None), ("ec2", "DescribeInstances", {"maxResults": 1000}, None),
        ("ec2", "DescribeSecurityGroups", {"maxResults": 1000}, None), ("ec2", "DescribeFlowLogs", None, None),
        ("ec2", "DescribeVolumes", None, None), ("cloudtrail", "DescribeTrails", None, None), ("cloudtrail", "GetTrailStatus", {"name": e.OWN_TRAIL}, None),
        ("secretsmanager", "ListSecrets", None, "AccessDeniedException"), ("ssm", "DescribeParameters", None, "AccessDeniedException"),
        ("guardduty", "ListDetectors", None, None), ("organizations", "DescribeOrganization", None, "AccessDeniedException"),
        ("rds", "DescribeDBInstances", None, None), ("lambda", "ListFunctions20150331", None, None), ("kms", "ListKeys", None, None),
        ("ses", "GetAccount", None, "AccessDeniedException"), ("bedrock", "ListFoundationModels", None, None),
        ("ec2", "DescribeSnapshots", None, None), ("ec2", "DescribeImages", None, None), ("iam", "ListAccessKeys", {"userName": LEAKED_USER}, None),
    ]  # fmt: skip
    ids: list[str] = []
    now = clock(13, 3, 20)
    for region in (HOME_REGION, SECOND_REGION):
        for source, name, request, error in plan:
            if region != HOME_REGION and source in ("iam", "organizations"):
                continue
            for _ in range(1 + story.rng.randrange(4)):
                now += 1 + story.rng.randrange(5)
                message = denied(who, f"{source}:{name}", "*") if error else None
                ids.append(story.call(now, who, Call(f"{source}.amazonaws.com", name, request, error=error, message=message), region=region))
    for bucket in (e.EXPORT_BUCKET, e.OWN_TRAIL_BUCKET, e.PROD_FLOW_BUCKET):
        for name, part in (("GetBucketAcl", "acl"), ("GetBucketPolicy", "policy"), ("GetBucketVersioning", "versioning")):
            now += 2
            ids.append(story.call(now, who, Call("s3.amazonaws.com", name, {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", part: ""}, resources=(("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"),))))
    story.step(clock(13, 3, 20), now, "Enumeration", f"{len(ids)} reading calls in two regions, some denied.", events=ids, actor=f"{LEAKED_USER} ({LEAKED_KEY})", addresses=[ATTACKER])


def _console(story: Story) -> None:
    who = story.leaked()
    made = clock(13, 36, 40)
    profile = story.call(made, who, Call("iam.amazonaws.com", "CreateLoginProfile", {"userName": LEAKED_USER, "passwordResetRequired": False}, {"loginProfile": {"userName": LEAKED_USER, "createDate": prose_time(story.at(made)), "passwordResetRequired": False}}))
    nobody = Session(compact({"type": "IAMUser", "principalId": principal_id("AIDA", PROD, LEAKED_USER), "accountId": PROD, "accessKeyId": "", "userName": LEAKED_USER}), ATTACKER, story.console().agent, "cli", "", LEAKED_USER)
    failed = story.call(clock(13, 37, 30), nobody, console_login(success=False))
    signed = Session(compact({"type": "IAMUser", "principalId": principal_id("AIDA", PROD, LEAKED_USER), "arn": who.arn, "accountId": PROD, "userName": LEAKED_USER}), ATTACKER, story.console().agent, "cli", who.arn, LEAKED_USER)
    login = story.call(clock(13, 38, 9), signed, console_login())
    ids = [profile, failed, login]
    now = clock(13, 38, 12)
    for source, name in (("health", "DescribeEventAggregates"), ("ec2", "DescribeInstances"), ("ec2", "DescribeSecurityGroups"), ("iam", "ListUsers"), ("cloudtrail", "ListTrails"), ("s3", "ListBuckets"), ("notifications", "ListNotificationEvents")):
        now += story.rng.randrange(4)
        ids.append(story.call(now, story.console(), Call(f"{source}.amazonaws.com", name)))
    story.step(made, now, "Console sign-in without MFA", f"A password for {LEAKED_USER}, then ConsoleLogin with MFAUsed No.", events=ids, actor=LEAKED_USER, resources=[f"arn:aws:iam::{PROD}:user/{LEAKED_USER}"], addresses=[ATTACKER])


def _persistence(story: Story, inventory: Inventory) -> None:
    who = story.console()
    now = clock(13, 44, 2)
    arn = f"arn:aws:iam::{PROD}:user/{NEW_USER}"
    policy_arn = f"arn:aws:iam::{PROD}:policy/{NEW_POLICY}"
    identifier = principal_id("AIDA", PROD, NEW_USER)
    made = story.call(now, who, Call("iam.amazonaws.com", "CreateUser", {"userName": NEW_USER, "path": "/"}, {"user": {"path": "/", "userName": NEW_USER, "userId": identifier, "arn": arn, "createDate": prose_time(story.at(now))}}))
    user = inventory.add(iam_user(PROD, NEW_USER, story.at(now) * 1000))
    user.protected = True
    story.record(user, now, made, "CreateUser", "ResourceDiscovered")
    keyed = story.call(now + 31, who, Call("iam.amazonaws.com", "CreateAccessKey", {"userName": NEW_USER}, {"accessKey": {"userName": NEW_USER, "accessKeyId": NEW_KEY, "status": "Active", "createDate": prose_time(story.at(now + 31))}}))
    document = compact(policy_document("*"))
    policy_id = principal_id("ANPA", PROD, NEW_POLICY)
    written = story.call(now + 75, who, Call("iam.amazonaws.com", "CreatePolicy", {"policyName": NEW_POLICY, "policyDocument": document}, {"policy": {"policyName": NEW_POLICY, "policyId": policy_id, "arn": policy_arn, "defaultVersionId": "v1", "attachmentCount": 0}}))
    policy = inventory.add(Resource(PROD, HOME_REGION, "AWS::IAM::Policy", policy_id, NEW_POLICY, policy_arn, {"policyName": NEW_POLICY, "policyId": policy_id, "arn": policy_arn, "path": "/", "defaultVersionId": "v1", "attachmentCount": 0, "policyVersionList": [{"document": document, "versionId": "v1", "isDefaultVersion": True}]}, created=story.at(now + 75) * 1000, protected=True))
    story.record(policy, now + 75, written, "CreatePolicy", "ResourceDiscovered")
    given = story.call(now + 110, who, Call("iam.amazonaws.com", "AttachUserPolicy", {"userName": NEW_USER, "policyArn": policy_arn}))
    user.configuration["attachedManagedPolicies"].append(attached(policy_arn))
    story.record(user, now + 110, given, "AttachUserPolicy")
    tried = story.call(now + 160, story.planted(), Call("sts.amazonaws.com", "GetCallerIdentity"))
    story.step(now, now + 160, "Persistence in IAM", f"User {NEW_USER}, an access key for it, and a policy that allows everything.", events=[made, keyed, written, given, tried], actor=LEAKED_USER, resources=[arn, NEW_KEY, policy_arn], addresses=[ATTACKER], config=True)


def _blinding(story: Story, inventory: Inventory) -> None:
    who = story.planted()
    trail = inventory.get("AWS::CloudTrail::Trail", PROD, HOME_REGION, e.OWN_TRAIL)
    stopped = story.call(TRAIL_STOPPED, who, Call("cloudtrail.amazonaws.com", "StopLogging", {"name": trail.arn}, resources=(("AWS::CloudTrail::Trail", trail.arn),)))
    trail.supplementary["TrailStatus"] = {"isLogging": False}
    story.record(trail, TRAIL_STOPPED, stopped, "StopLogging")
    story.step(TRAIL_STOPPED, TRAIL_STOPPED, "The account's own trail is stopped", f"{e.OWN_TRAIL} delivers nothing from here on; the organisation's trail goes on.", events=[stopped], actor=f"{NEW_USER} ({NEW_KEY})", resources=[trail.arn], addresses=[ATTACKER], config=True)
    flow = inventory.get("AWS::EC2::FlowLog", PROD, HOME_REGION, e.FLOW_DEFAULT)
    gone = story.call(FLOW_LOG_DELETED, who, Call("ec2.amazonaws.com", "DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": flow.id}}}, {"DeleteFlowLogsResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "unsuccessful": "", "requestId": fixed_uuid("request", flow.id)}}))
    story.record(flow, FLOW_LOG_DELETED, gone, "DeleteFlowLogs", "ResourceDeleted")
    inventory.forget(flow)
    story.step(FLOW_LOG_DELETED, FLOW_LOG_DELETED, "A flow log is deleted", f"{flow.id} ends; {e.FLOW_CUSTOM} of the same VPC goes on.", events=[gone], actor=f"{NEW_USER} ({NEW_KEY})", resources=[flow.id], addresses=[ATTACKER], config=True)


def _way_in(story: Story, inventory: Inventory) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    target = net.instance("orders-legacy")
    group = inventory.get("AWS::EC2::SecurityGroup", PROD, HOME_REGION, target.group_id)
    opened = story.call(PORT_OPENED, story.planted(), authorize(group.id, PROD, 22, "0.0.0.0/0"))
    group.configuration["ipPermissions"].append(permission(22, "0.0.0.0/0"))
    story.record(group, PORT_OPENED, opened, "AuthorizeSecurityGroupIngress")
    story.step(PORT_OPENED, PORT_OPENED, "A security group is opened to the world", f"Port 22 of {group.id} from 0.0.0.0/0.", events=[opened], actor=f"{NEW_USER} ({NEW_KEY})", resources=[group.id], addresses=[ATTACKER], config=True)
    story.step(clock(13, 12, 0), PORT_OPENED, "SSH is tried and rejected", f"Before the opening every connection from {BRUTE_FORCE[0]} to port 22 is REJECT.", resources=[target.instance_id, target.interface_id], addresses=[*BRUTE_FORCE, target.public_ip or "", target.private_ip], flows=True)
    story.step(PORT_OPENED, SSH_SUCCESS, "SSH brute force", f"Hundreds of short connections, then one that stays: {BRUTE_FORCE[0]} is in.", resources=[target.instance_id, target.interface_id], addresses=[*BRUTE_FORCE, target.private_ip], flows=True)
    story.step(BEACON_FIRST, ISOLATED, "The instance beacons", f"{target.instance_id} calls {COMMAND_AND_CONTROL}:8443 about every 60 seconds, with jitter.", resources=[target.instance_id, target.interface_id], addresses=[target.private_ip, COMMAND_AND_CONTROL], flows=True)
    story.step(SCAN_FIRST, SCAN_LAST, "The instance scans its subnet", "254 addresses on 22, 445, 3306, 5432 and 6379, most of them rejected.", resources=[target.instance_id, target.interface_id], addresses=[target.private_ip], flows=True)


def _stolen_role(story: Story) -> None:
    target = story.estate.networks[PROD, HOME_REGION].instance("orders-legacy")
    who = instance_role(PROD, target.role, target.instance_id, COMMAND_AND_CONTROL, story.at(clock(15, 31)), "Boto3/1.34.46 md/Botocore#1.34.46 ua/2.0 os/linux lang/python#3.11.8")
    ids = [story.call(clock(15, 31, 7), who, Call("sts.amazonaws.com", "GetCallerIdentity"))]
    for n, (source, name, error) in enumerate((("s3", "ListBuckets", None), ("iam", "ListRoles", "AccessDenied"), ("secretsmanager", "ListSecrets", "AccessDeniedException"), ("ec2", "DescribeInstances", None))):
        ids.append(story.call(clock(15, 31, 20) + 9 * n, who, Call(f"{source}.amazonaws.com", name, error=error, message=denied(who, f"{source}:{name}", "*") if error else None)))
    story.step(clock(15, 31, 7), clock(15, 31, 56), "The instance's credentials are used elsewhere", f"The session {target.instance_id} calls from {COMMAND_AND_CONTROL}.", events=ids, actor=who.arn, resources=[target.instance_id], addresses=[COMMAND_AND_CONTROL])


def _plain_volume(story: Story, inventory: Inventory) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    target = net.instance("orders-legacy")
    now = clock(15, 42, 17)
    made = story.call(now, story.planted(), Call("ec2.amazonaws.com", "CreateVolume", {"size": "500", "zone": target.zone, "volumeType": "gp3", "clientToken": fixed_uuid("token")}, {"requestId": fixed_uuid("request", PLAIN_VOLUME), "volumeId": PLAIN_VOLUME, "size": "500", "zone": target.zone, "status": "creating", "createTime": story.at(now) * 1000, "volumeType": "gp3", "iops": 3000, "encrypted": False, "tagSet": {}, "multiAttachEnabled": False}))
    disk = inventory.add(volume(net, PLAIN_VOLUME, target.zone, story.at(now) * 1000, encrypted=False, size=500))
    disk.protected = True
    story.record(disk, now, made, "CreateVolume", "ResourceDiscovered")
    joined = story.call(now + 120, story.planted(), Call("ec2.amazonaws.com", "AttachVolume", {"volumeId": PLAIN_VOLUME, "instanceId": target.instance_id, "device": "/dev/sdf", "deleteOnTermination": False}, {"volumeId": PLAIN_VOLUME, "instanceId": target.instance_id, "device": "/dev/sdf", "status": "attaching"}))
    disk.configuration["state"] = "in-use"
    disk.configuration["attachments"] = [{"attachTime": iso_ms(story.at(now + 120) * 1000), "device": "/dev/sdf", "instanceId": target.instance_id, "state": "attached", "volumeId": PLAIN_VOLUME, "deleteOnTermination": False}]
    disk.relationships.append(("AWS::EC2::Instance", target.instance_id, "Is attached to Instance"))
    story.record(disk, now + 120, joined, "AttachVolume")
    story.step(now, now + 120, "A volume without encryption", f"{PLAIN_VOLUME}, 500 GiB, attached to {target.instance_id}.", events=[made, joined], actor=f"{NEW_USER} ({NEW_KEY})", resources=[PLAIN_VOLUME, target.instance_id], addresses=[ATTACKER], config=True)


def _object_call(story: Story, name: str, key: str, size: int, *, request: dict[str, Any] | None = None, response: Any = None,
                 additional: dict[str, Any] | None = None) -> Call:  # fmt: skip
    host = f"{e.EXPORT_BUCKET}.s3.us-east-1.amazonaws.com"
    arn = f"arn:aws:s3:::{e.EXPORT_BUCKET}"
    read = name in ("GetObject", "ListObjects")
    more = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0, "AuthenticationMethod": "AuthHeader", "x-amz-id-2": b64encode(story.rng.randbytes(42)).decode(), "bytesTransferredOut": size if read else 0, **(additional or {})}
    resources: tuple[tuple[str, str], ...] = (("AWS::S3::Object", f"{arn}/{key}"), ("AWS::S3::Bucket", arn)) if key else (("AWS::S3::Bucket", arn),)
    wanted = {"bucketName": e.EXPORT_BUCKET, "Host": host, **({"key": key} if key else {}), **(request or {})}
    return Call("s3.amazonaws.com", name, wanted, response, additional=more, resources=resources, category="Data", host=host, read_only=read)


def _mass_read(story: Story) -> None:
    who = story.planted()
    first = now = clock(16, 10, 5)
    ids = [story.call(now, who, _object_call(story, "ListObjects", "", 90000, request={"list-type": "2", "prefix": "customers/"}))]
    for key in KEYS:
        now += 2 + story.rng.randrange(8)
        ids.append(story.call(now, who, _object_call(story, "GetObject", key, 900_000 + story.rng.randrange(9_000_000), additional={"SSEApplied": "SSE_KMS"})))
    story.step(first, now, "Mass read of a bucket", f"{OBJECTS} objects of {e.EXPORT_BUCKET}; only a trail with data events sees it.", events=ids, actor=f"{NEW_USER} ({NEW_KEY})", resources=[e.EXPORT_BUCKET], addresses=[ATTACKER], data_events=True)


def _re_encryption(story: Story, inventory: Inventory) -> None:
    who = story.planted()
    bucket = inventory.get("AWS::S3::Bucket", PROD, HOME_REGION, e.EXPORT_BUCKET)
    first = now = clock(17, 5, 30)
    ids = []
    for n, key in enumerate(KEYS):
        now += 2 + story.rng.randrange(7)
        request: dict[str, Any] = {"x-amz-copy-source": f"{e.EXPORT_BUCKET}/{key}"}
        if n % 2:
            request |= {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": FOREIGN_KEY}
            response: dict[str, Any] = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": FOREIGN_KEY}
            applied = "SSE_KMS"
        else:
            request["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
            response = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
            applied = "SSE_C"
        ids.append(story.call(now, who, _object_call(story, "CopyObject", key, 0, request=request, response=response, additional={"SSEApplied": applied})))
    note = story.call(now + 20, who, _object_call(story, "PutObject", "HOW-TO-RECOVER.txt", 0, additional={"bytesTransferredIn": 1411}))
    story.step(first, now + 20, "Re-encryption of the bucket", f"{OBJECTS} objects copied onto themselves, half with a customer-provided key, half with {FOREIGN_KEY}.", events=[*ids, note], actor=f"{NEW_USER} ({NEW_KEY})", resources=[e.EXPORT_BUCKET, FOREIGN_KEY], addresses=[ATTACKER], data_events=True)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": FOREIGN_KEY}}
    host = f"{e.EXPORT_BUCKET}.s3.us-east-1.amazonaws.com"
    at = now + 90
    changed = story.call(at, who, Call("s3.amazonaws.com", "PutBucketEncryption", {"bucketName": e.EXPORT_BUCKET, "Host": host, "encryption": "", "ServerSideEncryptionConfiguration": {"Rule": rule}}, resources=(("AWS::S3::Bucket", bucket.arn),), host=host))
    bucket.supplementary["ServerSideEncryptionConfiguration"] = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyID": FOREIGN_KEY}, "bucketKeyEnabled": False}]}
    story.record(bucket, at, changed, "PutBucketEncryption")
    story.step(at, at, "The bucket's default key becomes another account's", f"Default encryption of {e.EXPORT_BUCKET} now uses {FOREIGN_KEY}.", events=[changed], actor=f"{NEW_USER} ({NEW_KEY})", resources=[e.EXPORT_BUCKET, FOREIGN_KEY], addresses=[ATTACKER], config=True)
