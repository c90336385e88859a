"""Keys and secrets: KMS, Secrets Manager.

https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"""

from collections.abc import Mapping

from ashiato.words.calls import Call, text_of
from ashiato.words.family import Family
from ashiato.words.names import Value
from ashiato.words.policies import everybody, foreign

_KMS = Family("kms")
_SECRETS = Family("secretsmanager")
FAMILIES = (_KMS, _SECRETS)

_KEY = "keyId|resources:|response:keyId"
#: Keys of the encryption context under which services say what they really read.
_CONTEXT = (
    "PARAMETER_ARN",
    "SecretARN",
    "aws:s3:arn",
    "aws:cloudtrail:arn",
    "aws:lambda:FunctionArn",
    "aws:ebs:id",
)


def _context(call: Call) -> Value:
    context = call.request.get("encryptionContext")
    if not isinstance(context, Mapping):
        return None
    return next((value for key in _CONTEXT if (value := text_of(context.get(key)))), None)


def _foreign(call: Call) -> Value:
    return foreign(call.request.get("policy"), call.account) or None


# fmt: off
_KMS.says(
    "ScheduleKeyDeletion",
    ("{who} [scheduled|tried to schedule] the deletion of the key {key} in {days} days",
     "{who} がキー {key} の {days} 日後の削除を予約[しました|しようとしました]"),
    ("{who} [scheduled|tried to schedule] the deletion of the key {key}",
     "{who} がキー {key} の削除を予約[しました|しようとしました]"),
    key=_KEY, days="pendingWindowInDays",
)
_KMS.says(
    "CancelKeyDeletion",
    ("{who} [called off|tried to call off] the deletion of the key {key}",
     "{who} がキー {key} の削除の予約を取り消[しました|そうとしました]"),
    key=_KEY,
)
_KMS.says(
    "DeleteKey",
    ("AWS [deleted|tried to delete] the key {key}, whose waiting time is over",
     "待機期間が終わり、AWS がキー {key} を削除[しました|しようとしました]"),
    key="response:keyId|resources:",
)
_KMS.says(
    "DisableKey",
    ("{who} [disabled|tried to disable] the key {key}", "{who} がキー {key} を無効化[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "EnableKey",
    ("{who} [enabled|tried to enable] the key {key}", "{who} がキー {key} を有効化[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "CreateKey",
    ("{who} [created|tried to create] the key {key}", "{who} がキー {key} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] a key", "{who} がキーを作成[しました|しようとしました]"),
    key="response:keyMetadata.arn|response:keyMetadata.keyId|resources:",
)
_KMS.says(
    "PutKeyPolicy",
    ("{who} [opened|tried to open] the key {key} to anybody by its policy",
     "{who} がキーポリシーでキー {key} を全員に開放[しました|しようとしました]", "everybody"),
    ("{who} [opened|tried to open] the key {key} to {accounts} by its policy",
     "{who} がキーポリシーでキー {key} の使用を {accounts} に許可[しました|しようとしました]"),
    ("{who} [changed|tried to change] the policy of the key {key}",
     "{who} がキー {key} のポリシーを変更[しました|しようとしました]"),
    key=_KEY, everybody=lambda call: everybody(call.request.get("policy")), accounts=_foreign,
)
_KMS.says(
    "CreateGrant",
    ("{who} [granted|tried to grant] {grantee} {operations} with the key {key}",
     "{who} がキー {key} による {operations} を {grantee} に許可(グラント)[しました|しようとしました]"),
    ("{who} [granted|tried to grant] the use of the key {key}",
     "{who} がキー {key} のグラントを作成[しました|しようとしました]"),
    key=_KEY, grantee="granteePrincipal", operations="operations",
)
_KMS.says(
    "RevokeGrant RetireGrant",
    ("{who} [took back|tried to take back] a grant of the key {key}",
     "{who} がキー {key} のグラントを取り消[しました|そうとしました]"),
    key=_KEY,
)
_KMS.says(
    "ImportKeyMaterial",
    ("{who} [imported|tried to import] material of their own into the key {key}",
     "{who} がキー {key} に独自のキーマテリアルをインポート[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "DeleteImportedKeyMaterial",
    ("{who} [deleted|tried to delete] the imported material of the key {key}",
     "{who} がキー {key} のインポート済みキーマテリアルを削除[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "ReplicateKey",
    ("{who} [replicated|tried to replicate] the key {key} to {region}",
     "{who} がキー {key} を {region} に複製[しました|しようとしました]"),
    key=_KEY, region="replicaRegion",
)
_KMS.says(
    "EnableKeyRotation",
    ("{who} [switched on|tried to switch on] the rotation of the key {key}",
     "{who} がキー {key} のローテーションを有効化[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "DisableKeyRotation",
    ("{who} [switched off|tried to switch off] the rotation of the key {key}",
     "{who} がキー {key} のローテーションを無効化[しました|しようとしました]"),
    key=_KEY,
)
_KMS.says(
    "CreateAlias UpdateAlias",
    ("{who} [pointed|tried to point] the alias {alias} to the key {key}",
     "{who} がエイリアス {alias} をキー {key} に割り当て[ました|ようとしました]"),
    ("{who} [pointed|tried to point] an alias to the key {key}",
     "{who} がキー {key} にエイリアスを割り当て[ました|ようとしました]"),
    alias="aliasName", key="targetKeyId|resources:", about="alias key",
)
_KMS.says(
    "DeleteAlias",
    ("{who} [deleted|tried to delete] the alias {alias} of a key",
     "{who} がキーのエイリアス {alias} を削除[しました|しようとしました]"),
    alias="aliasName",
)
_KMS.says(
    "Decrypt",
    ("{who} [decrypted|tried to decrypt] {thing} with the key {key}",
     "{who} がキー {key} で {thing} を復号[しました|しようとしました]"),
    ("{who} [decrypted|tried to decrypt] data with the key {key}",
     "{who} がキー {key} でデータを復号[しました|しようとしました]"),
    ("{who} [decrypted|tried to decrypt] data", "{who} がデータを復号[しました|しようとしました]"),
    key="resources:|keyId", thing=_context, about="thing key",
)
_KMS.says(
    "Encrypt ReEncrypt",
    ("{who} [encrypted|tried to encrypt] {thing} with the key {key}",
     "{who} がキー {key} で {thing} を暗号化[しました|しようとしました]"),
    ("{who} [encrypted|tried to encrypt] data with the key {key}",
     "{who} がキー {key} でデータを暗号化[しました|しようとしました]"),
    key="keyId|destinationKeyId|resources:", thing=_context, about="thing key",
)
_KMS.says(
    "GenerateDataKey GenerateDataKeyWithoutPlaintext",
    ("{who} [made|tried to make] a data key for {thing} with the key {key}",
     "{who} がキー {key} で {thing} 用のデータキーを生成[しました|しようとしました]"),
    ("{who} [made|tried to make] a data key with the key {key}",
     "{who} がキー {key} でデータキーを生成[しました|しようとしました]"),
    key="resources:|keyId", thing=_context, about="thing key",
)
_SECRETS.says(
    "GetSecretValue",
    ("{who} [read|tried to read] the secret {name}",
     "{who} がシークレット {name} を読み取[りました|ろうとしました]"),
    ("{who} [read|tried to read] a secret", "{who} がシークレットを読み取[りました|ろうとしました]"),
    name="secretId|resources:",
)
_SECRETS.says(
    "BatchGetSecretValue",
    ("{who} [read|tried to read] the secrets {secrets} at once",
     "{who} がシークレット {secrets} を一括で読み取[りました|ろうとしました]"),
    ("{who} [read|tried to read] secrets at once, chosen by {filters}",
     "{who} が {filters} の条件でシークレットを一括で読み取[りました|ろうとしました]"),
    ("{who} [read|tried to read] secrets at once",
     "{who} がシークレットを一括で読み取[りました|ろうとしました]"),
    secrets="secretIdList", filters="filters.key",
    about="secrets",
)
_SECRETS.says(
    "CreateSecret",
    ("{who} [created|tried to create] the secret {name}",
     "{who} がシークレット {name} を作成[しました|しようとしました]"),
    name="name",
)
_SECRETS.says(
    "PutSecretValue UpdateSecret",
    ("{who} [changed|tried to change] the secret {name}",
     "{who} がシークレット {name} を変更[しました|しようとしました]"),
    name="secretId",
)
_SECRETS.says(
    "UpdateSecretVersionStage",
    ("{who} [moved|tried to move] the stage {stage} of the secret {name} to another version",
     "{who} がシークレット {name} のステージ {stage} を別のバージョンに移動[しました|しようとしました]"),
    ("{who} [moved|tried to move] a stage of the secret {name} to another version",
     "{who} がシークレット {name} のステージを別のバージョンに移動[しました|しようとしました]"),
    name="secretId", stage="versionStage",
)
_SECRETS.says(
    "DeleteSecret",
    ("{who} [deleted|tried to delete] the secret {name} at once, without a way back",
     "{who} がシークレット {name} を復旧期間なしで即時削除[しました|しようとしました]", "at_once"),
    ("{who} [deleted|tried to delete] the secret {name}",
     "{who} がシークレット {name} を削除[しました|しようとしました]"),
    name="secretId",
    at_once=lambda call: call.value("forceDeleteWithoutRecovery") == "true",
)
_SECRETS.says(
    "RestoreSecret",
    ("{who} [restored|tried to restore] the secret {name}",
     "{who} がシークレット {name} を復元[しました|しようとしました]"),
    name="secretId",
)
_SECRETS.says(
    "RotateSecret",
    ("{who} [rotated|tried to rotate] the secret {name}",
     "{who} がシークレット {name} をローテーション[しました|しようとしました]"),
    name="secretId",
)
_SECRETS.says(
    "PutResourcePolicy",
    ("{who} [opened|tried to open] the secret {name} to {accounts}",
     "{who} がシークレット {name} へのアクセスを {accounts} に許可[しました|しようとしました]"),
    ("{who} [changed|tried to change] the policy of the secret {name}",
     "{who} がシークレット {name} のポリシーを変更[しました|しようとしました]"),
    name="secretId", accounts=lambda call: foreign(call.request.get("resourcePolicy"), call.account) or None,
)
_SECRETS.says(
    "ListSecrets",
    ("{who} [listed|tried to list] the secrets", "{who} がシークレットを一覧[しました|しようとしました]"),
)
