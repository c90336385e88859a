"""Calls that change identities, buckets and keys, and what they change."""
# ruff: noqa: ARG001 - every act has the same parameters

from __future__ import annotations

from random import Random

from ashiato.demo.change_calls import PERMISSIONS, TEAMS, Effect, bucket_call, setting
from ashiato.demo.events import Call
from ashiato.demo.ids import compact
from ashiato.demo.resources import Resource, attached


def role_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """AttachRolePolicy, or DetachRolePolicy of one attached before (the same for users)."""
    user = r.type == "AWS::IAM::User"
    who, field = ("User", "userName") if user else ("Role", "roleName")
    held = r.configuration["attachedManagedPolicies"]
    have = {p["policyName"] for p in held}
    free = [p for p in PERMISSIONS if p not in have]
    own = [p for p in held if p["policyName"] in PERMISSIONS]
    if not free or (own and rng.random() < 0.4):
        gone = rng.choice(own)
        request = {field: r.name, "policyArn": gone["policyArn"]}
        return Call("iam.amazonaws.com", f"Detach{who}Policy", request), lambda res, _: res.configuration[
            "attachedManagedPolicies"
        ].remove(gone)
    arn = f"arn:aws:iam::aws:policy/{rng.choice(free)}"
    request = {field: r.name, "policyArn": arn}
    return Call("iam.amazonaws.com", f"Attach{who}Policy", request), lambda res, _: res.configuration[
        "attachedManagedPolicies"
    ].append(attached(arn))


def inline_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutRolePolicy with a document that differs."""
    document = compact(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["sqs:SendMessage"],
                    "Resource": f"arn:aws:sqs:*:{r.account}:shop-{rng.randrange(100000)}",
                }
            ],
        }
    )
    request = {"roleName": r.name, "policyName": "queues", "policyDocument": document}
    return Call("iam.amazonaws.com", "PutRolePolicy", request), setting(
        "rolePolicyList", [{"policyName": "queues", "policyDocument": document}]
    )


def policy_version(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """CreatePolicyVersion that becomes the default."""
    number = int(r.configuration["defaultVersionId"][1:]) + 1
    document = compact(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::shop-{rng.randrange(100000)}/*",
                }
            ],
        }
    )
    request = {"policyArn": r.arn, "policyDocument": document, "setAsDefault": True}
    answer = {"policyVersion": {"versionId": f"v{number}", "isDefaultVersion": True}}

    def effect(resource: Resource, _: int) -> None:
        resource.configuration["defaultVersionId"] = f"v{number}"
        resource.configuration["policyVersionList"] = [
            {"document": document, "versionId": f"v{number}", "isDefaultVersion": True}
        ]

    return Call("iam.amazonaws.com", "CreatePolicyVersion", request, answer), effect


def bucket_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketPolicy with another statement id."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"Readers{rng.randrange(100000)}",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{r.account}:role/shop-app-role"},
                "Action": "s3:GetObject",
                "Resource": f"{r.arn}/*",
            }
        ],
    }
    call = bucket_call(r, "PutBucketPolicy", "policy", bucketPolicy=document)
    return call, lambda res, _: res.supplementary.update(BucketPolicy={"policyText": compact(document)})


def bucket_versioning(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketVersioning to the other state."""
    on = r.supplementary["BucketVersioningConfiguration"]["status"] != "Enabled"
    status = "Enabled" if on else "Suspended"
    call = bucket_call(
        r,
        "PutBucketVersioning",
        "versioning",
        VersioningConfiguration={"Status": status, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
    )
    return call, lambda res, _: res.supplementary.update(
        BucketVersioningConfiguration={"status": status, "isMfaDeleteEnabled": None}
    )


def bucket_tags(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketTagging with other values."""
    tags = {"Team": rng.choice(TEAMS), "Review": str(rng.randrange(100000))}
    call = bucket_call(
        r,
        "PutBucketTagging",
        "tagging",
        Tagging={"TagSet": {"Tag": [{"Key": k, "Value": v} for k, v in tags.items()]}},
    )

    def effect(resource: Resource, _: int) -> None:
        resource.tags = dict(tags)
        resource.supplementary["BucketTaggingConfiguration"] = {"tagSets": [{"tags": tags}]}

    return call, effect


def bucket_lifecycle(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutBucketLifecycle with other days."""
    days = rng.randrange(10, 3000)
    call = bucket_call(
        r,
        "PutBucketLifecycle",
        "lifecycle",
        LifecycleConfiguration={
            "Rule": {
                "ID": "tidy",
                "Status": "Enabled",
                "Expiration": {"Days": days},
                "Filter": {"Prefix": "tmp/"},
            }
        },
    )
    return call, lambda res, _: res.supplementary.update(
        BucketLifecycleConfiguration={
            "rules": [
                {
                    "id": "tidy",
                    "status": "Enabled",
                    "expirationInDays": days,
                    "filter": {"predicate": {"type": "LifecyclePrefixPredicate", "prefix": "tmp/"}},
                }
            ]
        }
    )


def key_policy(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """PutKeyPolicy with another statement, or rotation switched."""
    resources = (("AWS::KMS::Key", r.arn),)
    if rng.random() < 0.4:
        on = not r.supplementary["KeyRotationStatus"]
        name = "EnableKeyRotation" if on else "DisableKeyRotation"
        return Call(
            "kms.amazonaws.com", name, {"keyId": r.id}, None, resources=resources
        ), lambda res, _: res.supplementary.update(KeyRotationStatus=on)
    policy = compact(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": f"Users{rng.randrange(100000)}",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{r.account}:role/shop-app-role"},
                    "Action": "kms:Decrypt",
                    "Resource": "*",
                }
            ],
        }
    )
    return Call(
        "kms.amazonaws.com",
        "PutKeyPolicy",
        {"keyId": r.id, "policyName": "default", "policy": policy, "bypassPolicyLockoutSafetyCheck": False},
        None,
        resources=resources,
    ), lambda res, _: res.supplementary.update(Policy=policy)


def secret(rng: Random, r: Resource) -> tuple[Call, Effect]:
    """UpdateSecret of the description."""
    text = f"secret {r.name}, reviewed {rng.randrange(100000)}"
    return Call(
        "secretsmanager.amazonaws.com",
        "UpdateSecret",
        {"secretId": r.arn if rng.random() < 0.5 else r.name, "description": text},
        {"arn": r.arn, "name": r.name},
    ), setting("Description", text)
