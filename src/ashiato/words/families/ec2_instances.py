"""EC2: instances, images, snapshots, volumes, keys.

Parameters: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query.html
"""

from collections.abc import Callable

from ashiato.words.calls import Call
from ashiato.words.family import Family
from ashiato.words.names import Value

FAMILY = Family("ec2")
_CONNECT = Family("ec2-instance-connect")
_BLOCKS = Family("ebs")
FAMILIES = (FAMILY, _CONNECT, _BLOCKS)
_says = FAMILY.says

_INSTANCES = "instancesSet.instanceId|instanceId|instanceIds|resources:"


def _with(permission: str, change: str) -> Callable[[Call], Value]:
    """Accounts that a permission is given to or taken from; `all` is told apart (`_public`)."""
    return lambda call: call.values(
        f"{permission}.{change}.userId|{permission}.{change}.organizationArn"
        f"|{permission}.{change}.organizationalUnitArn|userIds|userId"
        if change == "add"
        else f"{permission}.{change}.userId|{permission}.{change}.group"
    )


def _public(permission: str) -> Callable[[Call], bool]:
    return lambda call: "all" in (*call.values(f"{permission}.add.group"), *call.values("groupNames|groups"))


def _has(key: str) -> Callable[[Call], bool]:
    """Whether the request holds a key, though AWS hides its value."""
    return lambda call: key in call.request


def _is(path: str, *values: str) -> Callable[[Call], bool]:
    return lambda call: call.value(path) in values


# fmt: off
_says(
    "RunInstances",
    ("{who} [launched|tried to launch] {type} {instances} with the instance profile {profile}",
     "{who} が {type} の {instances} をインスタンスプロファイル {profile} で起動[しました|しようとしました]"),
    ("{who} [launched|tried to launch] {type} {instances}",
     "{who} が {type} の {instances} を起動[しました|しようとしました]"),
    ("{who} [launched|tried to launch] {type} instances of the image {image}",
     "{who} がイメージ {image} から {type} のインスタンスを起動[しました|しようとしました]"),
    ("{who} [launched|tried to launch] instances of the image {image}",
     "{who} がイメージ {image} からインスタンスを起動[しました|しようとしました]"),
    ("{who} [launched|tried to launch] instances",
     "{who} がインスタンスを起動[しました|しようとしました]"),
    instances="response:instancesSet.instanceId", type="instanceType|response:instancesSet.instanceType",
    image="instancesSet.imageId|imageId", profile="iamInstanceProfile.name|iamInstanceProfile.arn",
    about="instances image",
)
_says(
    "StartInstances",
    ("{who} [started|tried to start] {instances}", "{who} が {instances} を開始[しました|しようとしました]"),
    instances=_INSTANCES,
)
_says(
    "StopInstances",
    ("{who} [stopped|tried to stop] {instances}", "{who} が {instances} を停止[しました|しようとしました]"),
    instances=_INSTANCES,
)
_says(
    "RebootInstances",
    ("{who} [rebooted|tried to reboot] {instances}", "{who} が {instances} を再起動[しました|しようとしました]"),
    instances=_INSTANCES,
)
_says(
    "TerminateInstances",
    ("{who} [terminated|tried to terminate] {instances}",
     "{who} が {instances} を終了(削除)[しました|しようとしました]"),
    instances=_INSTANCES,
)
_says(
    "ModifyInstanceAttribute",
    ("{who} [replaced|tried to replace] the user data of {instance}",
     "{who} が {instance} のユーザーデータを書き換え[ました|ようとしました]", "user_data"),
    ("{who} [put|tried to put] {instance} into the security groups {groups}",
     "{who} が {instance} のセキュリティグループを {groups} に変更[しました|しようとしました]"),
    ("{who} [took|tried to take] the termination protection off {instance}",
     "{who} が {instance} の終了保護を解除[しました|しようとしました]", "unprotected"),
    ("{who} [changed|tried to change] {instance} to the type {type}",
     "{who} が {instance} のタイプを {type} に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the attribute {attribute} of {instance}",
     "{who} が {instance} の属性 {attribute} を変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] {instance}",
     "{who} が {instance} の属性を変更[しました|しようとしました]"),
    instance="instanceId", user_data=_has("userData"), groups="groupSet.groupId|groupSet",
    unprotected=_is("disableApiTermination.value|disableApiTermination", "false"),
    type="instanceType.value|instanceType", attribute="attribute",
)
_says(
    "ModifyInstanceMetadataOptions",
    ("{who} [let|tried to let] {instance} answer the old metadata protocol (IMDSv1) again",
     "{who} が {instance} で IMDSv1 を再び有効に[しました|しようとしました]", "optional"),
    ("{who} [changed|tried to change] the metadata options of {instance}",
     "{who} が {instance} のメタデータオプションを変更[しました|しようとしました]"),
    instance="instanceId", optional=_is("httpTokens", "optional"),
)
_says(
    "ModifyInstanceMetadataDefaults",
    ("{who} [changed|tried to change] the account's defaults of instance metadata",
     "{who} がアカウントのインスタンスメタデータの既定値を変更[しました|しようとしました]"),
)
_says(
    "DescribeInstanceAttribute",
    ("{who} [read|tried to read] the user data of {instance}",
     "{who} が {instance} のユーザーデータを読み取[りました|ろうとしました]", "user_data"),
    ("{who} [read|tried to read] the attribute {attribute} of {instance}",
     "{who} が {instance} の属性 {attribute} を読み取[りました|ろうとしました]"),
    instance="instanceId|resources:", attribute="attribute", user_data=_is("attribute", "userData"),
)
_says(
    "GetPasswordData",
    ("{who} [fetched|tried to fetch] the administrator password of {instance}",
     "{who} が {instance} の管理者パスワードを取得[しました|しようとしました]"),
    ("{who} [fetched|tried to fetch] the administrator password of an instance",
     "{who} がインスタンスの管理者パスワードを取得[しました|しようとしました]"),
    instance="instanceId|resources:",
)
_says(
    "GetConsoleOutput GetConsoleScreenshot",
    ("{who} [read|tried to read] the console output of {instance}",
     "{who} が {instance} のコンソール出力を読み取[りました|ろうとしました]"),
    instance="instanceId|resources:",
)
_says(
    "AssociateIamInstanceProfile",
    ("{who} [gave|tried to give] {instance} the instance profile {profile}",
     "{who} が {instance} にインスタンスプロファイル {profile} を関連付け[ました|ようとしました]"),
    instance="instanceId|response:iamInstanceProfileAssociation.instanceId",
    profile="iamInstanceProfile.name|iamInstanceProfile.arn",
)
_says(
    "ReplaceIamInstanceProfileAssociation",
    ("{who} [gave|tried to give] {instance} another instance profile, {profile}",
     "{who} が {instance} のインスタンスプロファイルを {profile} に変更[しました|しようとしました]"),
    ("{who} [replaced|tried to replace] an instance profile with {profile}",
     "{who} がインスタンスプロファイルを {profile} に変更[しました|しようとしました]"),
    instance="response:iamInstanceProfileAssociation.instanceId",
    profile="iamInstanceProfile.name|iamInstanceProfile.arn",
)
_says(
    "CreateKeyPair",
    ("{who} [created|tried to create] the key pair {key}",
     "{who} がキーペア {key} を作成[しました|しようとしました]"),
    key="keyName",
)
_says(
    "ImportKeyPair",
    ("{who} [imported|tried to import] the key pair {key}",
     "{who} がキーペア {key} をインポート[しました|しようとしました]"),
    key="keyName",
)
_says(
    "DeleteKeyPair",
    ("{who} [deleted|tried to delete] the key pair {key}",
     "{who} がキーペア {key} を削除[しました|しようとしました]"),
    key="keyName|keyPairId",
)
_says(
    "EnableSerialConsoleAccess",
    ("{who} [allowed|tried to allow] the serial console in the account",
     "{who} がアカウントで EC2 シリアルコンソールを有効化[しました|しようとしました]"),
)
_says(
    "DisableSerialConsoleAccess",
    ("{who} [forbade|tried to forbid] the serial console in the account",
     "{who} がアカウントで EC2 シリアルコンソールを無効化[しました|しようとしました]"),
)
_CONNECT.says(
    "SendSSHPublicKey",
    ("{who} [pushed|tried to push] an SSH key to {instance} for the user {user}",
     "{who} が {instance} のユーザー {user} に SSH 公開鍵を送信[しました|しようとしました]"),
    ("{who} [pushed|tried to push] an SSH key to {instance}",
     "{who} が {instance} に SSH 公開鍵を送信[しました|しようとしました]"),
    instance="instanceId", user="instanceOSUser",
)
_CONNECT.says(
    "SendSerialConsoleSSHPublicKey",
    ("{who} [pushed|tried to push] an SSH key to the serial console of {instance}",
     "{who} が {instance} のシリアルコンソールに SSH 公開鍵を送信[しました|しようとしました]"),
    instance="instanceId",
)
_says(
    "ModifySnapshotAttribute",
    ("{who} [made|tried to make] the snapshot {snapshot} public",
     "{who} がスナップショット {snapshot} を全員に公開[しました|しようとしました]", "public"),
    ("{who} [shared|tried to share] the snapshot {snapshot} with {accounts}",
     "{who} がスナップショット {snapshot} を {accounts} と共有[しました|しようとしました]"),
    ("{who} [stopped|tried to stop] sharing the snapshot {snapshot} with {former}",
     "{who} がスナップショット {snapshot} の {former} との共有を取り消[しました|そうとしました]"),
    ("{who} [changed|tried to change] who may use the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} の共有設定を変更[しました|しようとしました]"),
    snapshot="snapshotId", public=_public("createVolumePermission"), accounts=_with("createVolumePermission", "add"),
    former=_with("createVolumePermission", "remove"),
)
_says(
    "ModifyImageAttribute",
    ("{who} [made|tried to make] the image {image} public",
     "{who} がイメージ {image} を全員に公開[しました|しようとしました]", "public"),
    ("{who} [shared|tried to share] the image {image} with {accounts}",
     "{who} がイメージ {image} を {accounts} と共有[しました|しようとしました]"),
    ("{who} [stopped|tried to stop] sharing the image {image} with {former}",
     "{who} がイメージ {image} の {former} との共有を取り消[しました|そうとしました]"),
    ("{who} [changed|tried to change] the image {image}",
     "{who} がイメージ {image} の属性を変更[しました|しようとしました]"),
    image="imageId", public=_public("launchPermission"), accounts=_with("launchPermission", "add"),
    former=_with("launchPermission", "remove"),
)
_says(
    "SharedSnapshotVolumeCreated",
    ("Another account [made|tried to make] a volume of the shared snapshot {snapshot}",
     "別のアカウントが共有スナップショット {snapshot} からボリュームを作成[しました|しようとしました]"),
    snapshot="details:snapshotId",
)
_says(
    "SharedSnapshotCopyInitiated",
    ("Another account [began|tried] to copy the shared snapshot {snapshot}",
     "別のアカウントが共有スナップショット {snapshot} のコピーを開始[しました|しようとしました]"),
    snapshot="details:snapshotId",
)
_says(
    "CreateSnapshot CreateSnapshots",
    ("{who} [took|tried to take] the snapshot {snapshot} of {volume}",
     "{who} が {volume} のスナップショット {snapshot} を作成[しました|しようとしました]"),
    ("{who} [took|tried to take] a snapshot of {volume}",
     "{who} が {volume} のスナップショットを作成[しました|しようとしました]"),
    volume="volumeId|instanceSpecification.instanceId", snapshot="response:snapshotId|response:snapshotSet.snapshotId",
    about="snapshot volume",
)
_says(
    "DeleteSnapshot",
    ("{who} [deleted|tried to delete] the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} を削除[しました|しようとしました]"),
    snapshot="snapshotId",
)
_says(
    "CopySnapshot",
    ("{who} [copied|tried to copy] the snapshot {snapshot} from {region}",
     "{who} が {region} のスナップショット {snapshot} をコピー[しました|しようとしました]"),
    snapshot="sourceSnapshotId", region="sourceRegion",
)
_says(
    "CreateImage",
    ("{who} [made|tried to make] an image of {instance}",
     "{who} が {instance} のイメージを作成[しました|しようとしました]"),
    instance="instanceId", image="response:imageId", about="instance image",
)
_says(
    "CopyImage",
    ("{who} [copied|tried to copy] the image {image} from {region}",
     "{who} が {region} のイメージ {image} をコピー[しました|しようとしました]"),
    image="sourceImageId", region="sourceRegion",
)
_says(
    "RegisterImage",
    ("{who} [registered|tried to register] the image {image}",
     "{who} がイメージ {image} を登録[しました|しようとしました]"),
    image="response:imageId|name",
)
_says(
    "DeregisterImage",
    ("{who} [deregistered|tried to deregister] the image {image}",
     "{who} がイメージ {image} の登録を解除[しました|しようとしました]"),
    image="imageId",
)
_says(
    "CreateStoreImageTask ExportImage",
    ("{who} [exported|tried to export] the image {image} to the bucket {bucket}",
     "{who} がイメージ {image} をバケット {bucket} にエクスポート[しました|しようとしました]"),
    image="imageId", bucket="bucket|s3ExportLocation.s3Bucket",
)
_says(
    "CreateInstanceExportTask",
    ("{who} [exported|tried to export] {instance} to the bucket {bucket}",
     "{who} が {instance} をバケット {bucket} にエクスポート[しました|しようとしました]"),
    ("{who} [exported|tried to export] {instance}",
     "{who} が {instance} をエクスポート[しました|しようとしました]"),
    instance="instanceId", bucket="exportToS3.s3Bucket",
)
_says(
    "CreateVolume",
    ("{who} [made|tried to make] the volume {volume} of the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} からボリューム {volume} を作成[しました|しようとしました]"),
    ("{who} [made|tried to make] a volume of the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} からボリュームを作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the volume {volume}",
     "{who} がボリューム {volume} を作成[しました|しようとしました]"),
    volume="response:volumeId", snapshot="snapshotId", about="volume snapshot",
)
_says(
    "DeleteVolume",
    ("{who} [deleted|tried to delete] the volume {volume}",
     "{who} がボリューム {volume} を削除[しました|しようとしました]"),
    volume="volumeId",
)
_says(
    "ModifyVolume",
    ("{who} [changed|tried to change] the volume {volume}",
     "{who} がボリューム {volume} を変更[しました|しようとしました]"),
    volume="volumeId|resources:",
)
_says(
    "AttachVolume",
    ("{who} [attached|tried to attach] the volume {volume} to {instance}",
     "{who} がボリューム {volume} を {instance} にアタッチ[しました|しようとしました]"),
    volume="volumeId", instance="instanceId", about="volume instance",
)
_says(
    "DetachVolume",
    ("{who} [detached|tried to detach] the volume {volume} from {instance}",
     "{who} がボリューム {volume} を {instance} からデタッチ[しました|しようとしました]"),
    ("{who} [detached|tried to detach] the volume {volume}",
     "{who} がボリューム {volume} をデタッチ[しました|しようとしました]"),
    volume="volumeId", instance="instanceId|response:instanceId", about="volume instance",
)
_says(
    "CreateTags",
    ("{who} [tagged|tried to tag] {resources} with {tags}",
     "{who} が {resources} にタグ {tags} を付け[ました|ようとしました]"),
    ("{who} [tagged|tried to tag] {resources}", "{who} が {resources} にタグを付け[ました|ようとしました]"),
    resources="resourcesSet.resourceId|resourcesSet|resources:", tags="tagSet.key",
)
_says(
    "DeleteTags",
    ("{who} [removed|tried to remove] the tags {tags} of {resources}",
     "{who} が {resources} のタグ {tags} を削除[しました|しようとしました]"),
    ("{who} [removed|tried to remove] tags of {resources}",
     "{who} が {resources} のタグを削除[しました|しようとしました]"),
    resources="resourcesSet.resourceId|resourcesSet|resources:", tags="tagSet.key",
)
_says(
    "DisableEbsEncryptionByDefault",
    ("{who} [switched off|tried to switch off] the encryption of new volumes by default",
     "{who} が EBS の既定の暗号化を無効化[しました|しようとしました]"),
)
_says(
    "DisableSnapshotBlockPublicAccess",
    ("{who} [allowed|tried to allow] snapshots to be made public again",
     "{who} がスナップショットのパブリックアクセスブロックを無効化[しました|しようとしました]"),
)
_says(
    "DisableImageBlockPublicAccess",
    ("{who} [allowed|tried to allow] images to be made public again",
     "{who} がイメージのパブリックアクセスブロックを無効化[しました|しようとしました]"),
)
_BLOCKS.says(
    "ListSnapshotBlocks ListChangedBlocks",
    ("{who} [listed|tried to list] the blocks of the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} のブロックを一覧[しました|しようとしました]"),
    snapshot="snapshotId|secondSnapshotId|resources:",
)
_BLOCKS.says(
    "GetSnapshotBlock",
    ("{who} [read|tried to read] a block of the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} のブロックを読み取[りました|ろうとしました]"),
    snapshot="snapshotId|resources:",
)
_BLOCKS.says(
    "StartSnapshot CompleteSnapshot PutSnapshotBlock",
    ("{who} [wrote|tried to write] the snapshot {snapshot} block by block",
     "{who} がスナップショット {snapshot} をブロック単位で書き込[みました|もうとしました]"),
    ("{who} [wrote|tried to write] a snapshot block by block",
     "{who} がスナップショットをブロック単位で書き込[みました|もうとしました]"),
    snapshot="snapshotId|response:snapshotId",
)
