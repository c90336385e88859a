"""The attack from the opened port on: the way in, the stolen role, the disk, and the bucket."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ashiato.demo import estate as e
from ashiato.demo.change_calls import authorize
from ashiato.demo.estate import HOME_REGION, PROD
from ashiato.demo.events import Call, denied
from ashiato.demo.identities import instance_role
from ashiato.demo.ids import fixed_uuid, iso_ms
from ashiato.demo.resources import (
    Inventory,
    permission,
    volume,
)
from ashiato.demo.story import (
    ATTACKER,
    BEACON_FIRST,
    BRUTE_FORCE,
    COMMAND_AND_CONTROL,
    FOREIGN_KEY,
    ISOLATED,
    NEW_KEY,
    NEW_USER,
    PLAIN_VOLUME,
    PORT_OPENED,
    SCAN_FIRST,
    SCAN_LAST,
    SSH_SUCCESS,
    Story,
    clock,
)

OBJECTS = 420


KEYS = [f"customers/2026/{n % 12 + 1:02d}/export-{n:05d}.csv.gz" for n in range(OBJECTS)]


def way_in(story: Story, inventory: Inventory) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    target = net.instance("orders-legacy")
    group = inventory.get("AWS::EC2::SecurityGroup", PROD, HOME_REGION, target.group_id)
    opened = story.call(PORT_OPENED, story.planted(), authorize(group.id, PROD, 22, "0.0.0.0/0"))
    group.configuration["ipPermissions"].append(permission(22, "0.0.0.0/0"))
    story.record(group, PORT_OPENED, opened, "AuthorizeSecurityGroupIngress")
    story.step(
        PORT_OPENED,
        PORT_OPENED,
        "A security group is opened to the world",
        f"Port 22 of {group.id} from 0.0.0.0/0.",
        events=[opened],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[group.id],
        addresses=[ATTACKER],
        config=True,
    )
    story.step(
        clock(13, 12, 0),
        PORT_OPENED,
        "SSH is tried and rejected",
        f"Before the opening every connection from {BRUTE_FORCE[0]} to port 22 is REJECT.",
        resources=[target.instance_id, target.interface_id],
        addresses=[*BRUTE_FORCE, target.public_ip or "", target.private_ip],
        flows=True,
    )
    story.step(
        PORT_OPENED,
        SSH_SUCCESS,
        "SSH brute force",
        f"Hundreds of short connections, then one that stays: {BRUTE_FORCE[0]} is in.",
        resources=[target.instance_id, target.interface_id],
        addresses=[*BRUTE_FORCE, target.private_ip],
        flows=True,
    )
    story.step(
        BEACON_FIRST,
        ISOLATED,
        "The instance beacons",
        f"{target.instance_id} calls {COMMAND_AND_CONTROL}:8443 about every 60 seconds, with jitter.",
        resources=[target.instance_id, target.interface_id],
        addresses=[target.private_ip, COMMAND_AND_CONTROL],
        flows=True,
    )
    story.step(
        SCAN_FIRST,
        SCAN_LAST,
        "The instance scans its subnet",
        "254 addresses on 22, 445, 3306, 5432 and 6379, most of them rejected.",
        resources=[target.instance_id, target.interface_id],
        addresses=[target.private_ip],
        flows=True,
    )


def stolen_role(story: Story) -> None:
    target = story.estate.networks[PROD, HOME_REGION].instance("orders-legacy")
    who = instance_role(
        PROD,
        target.role,
        target.instance_id,
        COMMAND_AND_CONTROL,
        story.at(clock(15, 31)),
        "Boto3/1.34.46 md/Botocore#1.34.46 ua/2.0 os/linux lang/python#3.11.8",
    )
    ids = [story.call(clock(15, 31, 7), who, Call("sts.amazonaws.com", "GetCallerIdentity"))]
    for n, (source, name, error) in enumerate(
        (
            ("s3", "ListBuckets", None),
            ("iam", "ListRoles", "AccessDenied"),
            ("secretsmanager", "ListSecrets", "AccessDeniedException"),
            ("ec2", "DescribeInstances", None),
        )
    ):
        ids.append(
            story.call(
                clock(15, 31, 20) + 9 * n,
                who,
                Call(
                    f"{source}.amazonaws.com",
                    name,
                    error=error,
                    message=denied(who, f"{source}:{name}", "*") if error else None,
                ),
            )
        )
    story.step(
        clock(15, 31, 7),
        clock(15, 31, 56),
        "The instance's credentials are used elsewhere",
        f"The session {target.instance_id} calls from {COMMAND_AND_CONTROL}.",
        events=ids,
        actor=who.arn,
        resources=[target.instance_id],
        addresses=[COMMAND_AND_CONTROL],
    )


def plain_volume(story: Story, inventory: Inventory) -> None:
    net = story.estate.networks[PROD, HOME_REGION]
    target = net.instance("orders-legacy")
    now = clock(15, 42, 17)
    made = story.call(
        now,
        story.planted(),
        Call(
            "ec2.amazonaws.com",
            "CreateVolume",
            {"size": "500", "zone": target.zone, "volumeType": "gp3", "clientToken": fixed_uuid("token")},
            {
                "requestId": fixed_uuid("request", PLAIN_VOLUME),
                "volumeId": PLAIN_VOLUME,
                "size": "500",
                "zone": target.zone,
                "status": "creating",
                "createTime": story.at(now) * 1000,
                "volumeType": "gp3",
                "iops": 3000,
                "encrypted": False,
                "tagSet": {},
                "multiAttachEnabled": False,
            },
        ),
    )
    disk = inventory.add(
        volume(net, PLAIN_VOLUME, target.zone, story.at(now) * 1000, encrypted=False, size=500)
    )
    disk.protected = True
    story.record(disk, now, made, "CreateVolume", "ResourceDiscovered")
    joined = story.call(
        now + 120,
        story.planted(),
        Call(
            "ec2.amazonaws.com",
            "AttachVolume",
            {
                "volumeId": PLAIN_VOLUME,
                "instanceId": target.instance_id,
                "device": "/dev/sdf",
                "deleteOnTermination": False,
            },
            {
                "volumeId": PLAIN_VOLUME,
                "instanceId": target.instance_id,
                "device": "/dev/sdf",
                "status": "attaching",
            },
        ),
    )
    disk.configuration["state"] = "in-use"
    disk.configuration["attachments"] = [
        {
            "attachTime": iso_ms(story.at(now + 120) * 1000),
            "device": "/dev/sdf",
            "instanceId": target.instance_id,
            "state": "attached",
            "volumeId": PLAIN_VOLUME,
            "deleteOnTermination": False,
        }
    ]
    disk.relationships.append(("AWS::EC2::Instance", target.instance_id, "Is attached to Instance"))
    story.record(disk, now + 120, joined, "AttachVolume")
    story.step(
        now,
        now + 120,
        "A volume without encryption",
        f"{PLAIN_VOLUME}, 500 GiB, attached to {target.instance_id}.",
        events=[made, joined],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[PLAIN_VOLUME, target.instance_id],
        addresses=[ATTACKER],
        config=True,
    )


def _object_call(
    story: Story,
    name: str,
    key: str,
    size: int,
    *,
    request: dict[str, Any] | None = None,
    response: Any = None,
    additional: dict[str, Any] | None = None,
) -> Call:
    host = f"{e.EXPORT_BUCKET}.s3.us-east-1.amazonaws.com"
    arn = f"arn:aws:s3:::{e.EXPORT_BUCKET}"
    read = name in ("GetObject", "ListObjects")
    more = {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": b64encode(story.rng.randbytes(42)).decode(),
        "bytesTransferredOut": size if read else 0,
        **(additional or {}),
    }
    resources: tuple[tuple[str, str], ...] = (
        (("AWS::S3::Object", f"{arn}/{key}"), ("AWS::S3::Bucket", arn))
        if key
        else (("AWS::S3::Bucket", arn),)
    )
    wanted = {"bucketName": e.EXPORT_BUCKET, "Host": host, **({"key": key} if key else {}), **(request or {})}
    return Call(
        "s3.amazonaws.com",
        name,
        wanted,
        response,
        additional=more,
        resources=resources,
        category="Data",
        host=host,
        read_only=read,
    )


def mass_read(story: Story) -> None:
    who = story.planted()
    first = now = clock(16, 10, 5)
    ids = [
        story.call(
            now,
            who,
            _object_call(story, "ListObjects", "", 90000, request={"list-type": "2", "prefix": "customers/"}),
        )
    ]
    for key in KEYS:
        now += 2 + story.rng.randrange(8)
        ids.append(
            story.call(
                now,
                who,
                _object_call(
                    story,
                    "GetObject",
                    key,
                    900_000 + story.rng.randrange(9_000_000),
                    additional={"SSEApplied": "SSE_KMS"},
                ),
            )
        )
    story.step(
        first,
        now,
        "Mass read of a bucket",
        f"{OBJECTS} objects of {e.EXPORT_BUCKET}; only a trail with data events sees it.",
        events=ids,
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[e.EXPORT_BUCKET],
        addresses=[ATTACKER],
        data_events=True,
    )


def re_encryption(story: Story, inventory: Inventory) -> None:
    who = story.planted()
    bucket = inventory.get("AWS::S3::Bucket", PROD, HOME_REGION, e.EXPORT_BUCKET)
    first = now = clock(17, 5, 30)
    ids = []
    for n, key in enumerate(KEYS):
        now += 2 + story.rng.randrange(7)
        request: dict[str, Any] = {"x-amz-copy-source": f"{e.EXPORT_BUCKET}/{key}"}
        if n % 2:
            request |= {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": FOREIGN_KEY,
            }
            response: dict[str, Any] = {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": FOREIGN_KEY,
            }
            applied = "SSE_KMS"
        else:
            request["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
            response = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
            applied = "SSE_C"
        ids.append(
            story.call(
                now,
                who,
                _object_call(
                    story,
                    "CopyObject",
                    key,
                    0,
                    request=request,
                    response=response,
                    additional={"SSEApplied": applied},
                ),
            )
        )
    note = story.call(
        now + 20,
        who,
        _object_call(story, "PutObject", "HOW-TO-RECOVER.txt", 0, additional={"bytesTransferredIn": 1411}),
    )
    story.step(
        first,
        now + 20,
        "Re-encryption of the bucket",
        f"{OBJECTS} objects copied onto themselves, half with a key of the caller, half with {FOREIGN_KEY}.",
        events=[*ids, note],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[e.EXPORT_BUCKET, FOREIGN_KEY],
        addresses=[ATTACKER],
        data_events=True,
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": FOREIGN_KEY}}
    host = f"{e.EXPORT_BUCKET}.s3.us-east-1.amazonaws.com"
    at = now + 90
    changed = story.call(
        at,
        who,
        Call(
            "s3.amazonaws.com",
            "PutBucketEncryption",
            {
                "bucketName": e.EXPORT_BUCKET,
                "Host": host,
                "encryption": "",
                "ServerSideEncryptionConfiguration": {"Rule": rule},
            },
            resources=(("AWS::S3::Bucket", bucket.arn),),
            host=host,
        ),
    )
    bucket.supplementary["ServerSideEncryptionConfiguration"] = {
        "rules": [
            {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": "aws:kms",
                    "kmsMasterKeyID": FOREIGN_KEY,
                },
                "bucketKeyEnabled": False,
            }
        ]
    }
    story.record(bucket, at, changed, "PutBucketEncryption")
    story.step(
        at,
        at,
        "The bucket's default key becomes another account's",
        f"Default encryption of {e.EXPORT_BUCKET} now uses {FOREIGN_KEY}.",
        events=[changed],
        actor=f"{NEW_USER} ({NEW_KEY})",
        resources=[e.EXPORT_BUCKET, FOREIGN_KEY],
        addresses=[ATTACKER],
        config=True,
    )
