"""S3: buckets and objects.

Event names differ from the API's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

from collections.abc import Callable, Mapping

from ashiato.words.calls import Call, at
from ashiato.words.family import Family
from ashiato.words.names import Value
from ashiato.words.policies import everybody, foreign

FAMILY = Family("s3")
_says = FAMILY.says

_BUCKET = "bucketName|resources:"
_DAYS = "LifecycleConfiguration.Rule.Expiration.Days"
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")


def _object(call: Call) -> Value:
    bucket, key = call.value("bucketName"), call.value("key")
    return f"{bucket}/{key}" if bucket and key else call.value("resources:")


def _to_everybody(call: Call) -> bool:
    return everybody(call.request.get("bucketPolicy"))


def _to_accounts(call: Call) -> Value:
    return foreign(call.request.get("bucketPolicy"), call.account) or None


def _public_acl(call: Call) -> bool:
    canned = call.values("x-amz-acl|accessControlList.x-amz-acl")
    grants = call.values("AccessControlPolicy.AccessControlList.Grant.Grantee.URI")
    return any(c.startswith("public-") or c == "authenticated-read" for c in canned) or any(
        g.endswith(_PUBLIC_GROUPS) for g in grants
    )


def _is(path: str, value: str) -> Callable[[Call], bool]:
    return lambda call: (call.value(path) or "").lower() == value


def _logging_off(call: Call) -> bool:
    status = at(call.request, "BucketLoggingStatus")
    return isinstance(status, Mapping) and not at(status, "LoggingEnabled")


def _weaker(call: Call) -> bool:
    block = call.request.get("PublicAccessBlockConfiguration")
    return isinstance(block, Mapping) and any(str(v).lower() == "false" for v in block.values())


def _own_key(call: Call) -> bool:
    """SSE-C: encrypted by a key that AWS does not keep."""
    return (
        call.value("x-amz-server-side-encryption-customer-algorithm") is not None
        or call.value("extra:SSEApplied") == "SSE_C"
    )


# fmt: off
_says(
    "CreateBucket",
    ("{who} [created|tried to create] the bucket {bucket}, open to the public",
     "{who} が一般公開のバケット {bucket} を作成[しました|しようとしました]", "public"),
    ("{who} [created|tried to create] the bucket {bucket}",
     "{who} がバケット {bucket} を作成[しました|しようとしました]"),
    bucket=_BUCKET, public=_public_acl,
)
_says(
    "DeleteBucket",
    ("{who} [deleted|tried to delete] the bucket {bucket}",
     "{who} がバケット {bucket} を削除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketPolicy",
    ("{who} [opened|tried to open] the bucket {bucket} to the world by its policy",
     "{who} がバケットポリシーで {bucket} を全世界に公開[しました|しようとしました]", "everybody"),
    ("{who} [opened|tried to open] the bucket {bucket} to {accounts} by its policy",
     "{who} がバケットポリシーで {bucket} へのアクセスを {accounts} に許可[しました|しようとしました]"),
    ("{who} [changed|tried to change] the policy of the bucket {bucket}",
     "{who} がバケット {bucket} のポリシーを変更[しました|しようとしました]"),
    bucket=_BUCKET, everybody=_to_everybody, accounts=_to_accounts,
)
_says(
    "DeleteBucketPolicy",
    ("{who} [deleted|tried to delete] the policy of the bucket {bucket}",
     "{who} がバケット {bucket} のポリシーを削除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketAcl",
    ("{who} [opened|tried to open] the bucket {bucket} to the public by its access control list",
     "{who} が ACL でバケット {bucket} を一般公開[しました|しようとしました]", "public"),
    ("{who} [changed|tried to change] the access control list of the bucket {bucket}",
     "{who} がバケット {bucket} の ACL を変更[しました|しようとしました]"),
    bucket=_BUCKET, public=_public_acl,
)
_says(
    "PutObjectAcl",
    ("{who} [opened|tried to open] the object {object} to the public",
     "{who} がオブジェクト {object} を一般公開[しました|しようとしました]", "public"),
    ("{who} [changed|tried to change] the access control list of the object {object}",
     "{who} がオブジェクト {object} の ACL を変更[しました|しようとしました]"),
    object=_object, public=_public_acl,
)
_says(
    "PutBucketPublicAccessBlock PutPublicAccessBlock",
    ("{who} [weakened|tried to weaken] the block of public access of the bucket {bucket}",
     "{who} がバケット {bucket} のパブリックアクセスブロックを緩和[しました|しようとしました]", "weaker"),
    ("{who} [set|tried to set] the block of public access of the bucket {bucket}",
     "{who} がバケット {bucket} のパブリックアクセスブロックを設定[しました|しようとしました]"),
    bucket=_BUCKET, weaker=_weaker,
)
_says(
    "DeleteBucketPublicAccessBlock DeletePublicAccessBlock",
    ("{who} [removed|tried to remove] the block of public access of the bucket {bucket}",
     "{who} がバケット {bucket} のパブリックアクセスブロックを解除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutAccountPublicAccessBlock",
    ("{who} [weakened|tried to weaken] the account's block of public access",
     "{who} がアカウント全体のパブリックアクセスブロックを緩和[しました|しようとしました]", "weaker"),
    ("{who} [set|tried to set] the account's block of public access",
     "{who} がアカウント全体のパブリックアクセスブロックを設定[しました|しようとしました]"),
    weaker=_weaker, about="",
)
_says(
    "DeleteAccountPublicAccessBlock",
    ("{who} [removed|tried to remove] the account's block of public access",
     "{who} がアカウント全体のパブリックアクセスブロックを解除[しました|しようとしました]"),
)
_says(
    "PutBucketLifecycle PutBucketLifecycleConfiguration",
    ("{who} [made|tried to make] objects of the bucket {bucket} expire after a day",
     "{who} がバケット {bucket} のオブジェクトを 1 日で失効するように設定[しました|しようとしました]", "one_day"),
    ("{who} [made|tried to make] objects of the bucket {bucket} expire after {days} days",
     "{who} がバケット {bucket} のオブジェクトを {days} 日で失効するように設定[しました|しようとしました]"),
    ("{who} [changed|tried to change] the lifecycle of the bucket {bucket}",
     "{who} がバケット {bucket} のライフサイクルを変更[しました|しようとしました]"),
    bucket=_BUCKET, days=_DAYS, one_day=_is(_DAYS, "1"),
)
_says(
    "DeleteBucketLifecycle",
    ("{who} [removed|tried to remove] the lifecycle of the bucket {bucket}",
     "{who} がバケット {bucket} のライフサイクルを削除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketVersioning",
    ("{who} [suspended|tried to suspend] the versioning of the bucket {bucket}",
     "{who} がバケット {bucket} のバージョニングを停止[しました|しようとしました]", "off"),
    ("{who} [enabled|tried to enable] the versioning of the bucket {bucket}",
     "{who} がバケット {bucket} のバージョニングを有効化[しました|しようとしました]", "on"),
    ("{who} [changed|tried to change] the versioning of the bucket {bucket}",
     "{who} がバケット {bucket} のバージョニングを変更[しました|しようとしました]"),
    bucket=_BUCKET, off=_is("VersioningConfiguration.Status", "suspended"),
    on=_is("VersioningConfiguration.Status", "enabled"),
)
_says(
    "PutBucketLogging",
    ("{who} [switched off|tried to switch off] the access log of the bucket {bucket}",
     "{who} がバケット {bucket} のアクセスログを無効化[しました|しようとしました]", "off"),
    ("{who} [set|tried to set] the access log of the bucket {bucket}",
     "{who} がバケット {bucket} のアクセスログを設定[しました|しようとしました]"),
    bucket=_BUCKET, off=_logging_off,
)
_says(
    "PutBucketReplication PutBucketReplicationConfiguration",
    ("{who} [had|tried to have] the bucket {bucket} replicated to {target}",
     "{who} がバケット {bucket} の {target} へのレプリケーションを設定[しました|しようとしました]"),
    ("{who} [changed|tried to change] the replication of the bucket {bucket}",
     "{who} がバケット {bucket} のレプリケーションを変更[しました|しようとしました]"),
    bucket=_BUCKET, target="ReplicationConfiguration.Rule.Destination.Bucket",
)
_says(
    "PutBucketEncryption",
    ("{who} [changed|tried to change] the encryption of the bucket {bucket} to the key {key}",
     "{who} がバケット {bucket} の暗号化キーを {key} に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the encryption of the bucket {bucket}",
     "{who} がバケット {bucket} の暗号化を変更[しました|しようとしました]"),
    bucket=_BUCKET,
    key="ServerSideEncryptionConfiguration.Rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
)
_says(
    "DeleteBucketEncryption",
    ("{who} [removed|tried to remove] the encryption setting of the bucket {bucket}",
     "{who} がバケット {bucket} の暗号化設定を削除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketWebsite",
    ("{who} [turned|tried to turn] the bucket {bucket} into a web site",
     "{who} がバケット {bucket} をウェブサイトとして公開[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketCors",
    ("{who} [changed|tried to change] which web sites may use the bucket {bucket} (CORS)",
     "{who} がバケット {bucket} の CORS 設定を変更[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketOwnershipControls",
    ("{who} [changed|tried to change] object ownership in the bucket {bucket}",
     "{who} がバケット {bucket} のオブジェクト所有権の設定を変更[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutObjectLockConfiguration PutBucketObjectLockConfiguration",
    ("{who} [changed|tried to change] the object lock of the bucket {bucket}",
     "{who} がバケット {bucket} のオブジェクトロックを変更[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketNotification PutBucketNotificationConfiguration",
    ("{who} [changed|tried to change] the notifications of the bucket {bucket}",
     "{who} がバケット {bucket} のイベント通知を変更[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "PutBucketTagging",
    ("{who} [changed|tried to change] the tags of the bucket {bucket}",
     "{who} がバケット {bucket} のタグを変更[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "GetObject",
    ("{who} [read|tried to read] the object {object}",
     "{who} がオブジェクト {object} を読み取[りました|ろうとしました]"),
    ("{who} [read|tried to read] an object", "{who} がオブジェクトを読み取[りました|ろうとしました]"),
    object=_object,
)
_says(
    "PutObject",
    ("{who} [wrote|tried to write] the object {object}, encrypted with a key of the caller's (SSE-C)",
     "{who} がオブジェクト {object} を呼び出し元の鍵(SSE-C)で暗号化して書き込[みました|もうとしました]", "own_key"),
    ("{who} [wrote|tried to write] the object {object}",
     "{who} がオブジェクト {object} を書き込[みました|もうとしました]"),
    object=_object, own_key=_own_key,
)
_says(
    "CopyObject",
    ("{who} [re-encrypted|tried to re-encrypt] {source} as {object} with a key of the caller's (SSE-C)",
     "{who} が {source} を呼び出し元の鍵(SSE-C)で暗号化して {object} にコピー[しました|しようとしました]", "own_key"),
    ("{who} [copied|tried to copy] {source} to {object}",
     "{who} が {source} を {object} にコピー[しました|しようとしました]"),
    object=_object, source="x-amz-copy-source", own_key=_own_key,
)
_says(
    "DeleteObject",
    ("{who} [deleted|tried to delete] the object {object}",
     "{who} がオブジェクト {object} を削除[しました|しようとしました]"),
    object=_object,
)
_says(
    "DeleteObjects",
    ("{who} [deleted|tried to delete] objects of the bucket {bucket} in bulk",
     "{who} がバケット {bucket} のオブジェクトを一括削除[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "ListObjects ListObjectsV2 ListObjectVersions",
    ("{who} [listed|tried to list] the objects of the bucket {bucket}",
     "{who} がバケット {bucket} のオブジェクトを一覧[しました|しようとしました]"),
    bucket=_BUCKET,
)
_says(
    "ListBuckets",
    ("{who} [listed|tried to list] all buckets", "{who} が全バケットを一覧[しました|しようとしました]"),
)
