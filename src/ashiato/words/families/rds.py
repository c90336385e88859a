"""Databases and their copies: RDS, DynamoDB, Backup, EFS.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/logging-using-cloudtrail.html
"""

from collections.abc import Callable

from ashiato.words.calls import Call
from ashiato.words.family import Family

_RDS = Family("rds")
_DYNAMO = Family("dynamodb")
_BACKUP = Family("backup")
_FILES = Family("elasticfilesystem")
FAMILIES = (_RDS, _DYNAMO, _BACKUP, _FILES)

_DATABASE = "dBInstanceIdentifier|response:dBInstanceIdentifier"
_SNAPSHOT = "dBSnapshotIdentifier|dBClusterSnapshotIdentifier"
_TABLE = "tableName|resources:"


def _is(path: str, value: str) -> Callable[[Call], bool]:
    return lambda call: call.value(path) == value


def _public(call: Call) -> bool:
    return "all" in call.values("valuesToAdd")


def _password(call: Call) -> bool:
    return "masterUserPassword" in call.request


# fmt: off
_RDS.says(
    "ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute",
    ("{who} [made|tried to make] the database snapshot {snapshot} public",
     "{who} がデータベーススナップショット {snapshot} を全員に公開[しました|しようとしました]", "public"),
    ("{who} [shared|tried to share] the database snapshot {snapshot} with {accounts}",
     "{who} がデータベーススナップショット {snapshot} を {accounts} と共有[しました|しようとしました]"),
    ("{who} [stopped|tried to stop] sharing the database snapshot {snapshot} with {former}",
     "{who} がデータベーススナップショット {snapshot} の {former} との共有を取り消[しました|そうとしました]"),
    ("{who} [changed|tried to change] who may use the database snapshot {snapshot}",
     "{who} がデータベーススナップショット {snapshot} の共有設定を変更[しました|しようとしました]"),
    snapshot=_SNAPSHOT, public=_public, accounts="valuesToAdd", former="valuesToRemove",
)
_RDS.says(
    "CreateDBInstance CreateDBCluster",
    ("{who} [created|tried to create] the database {database}, reachable from the internet",
     "{who} がインターネットから接続可能なデータベース {database} を作成[しました|しようとしました]", "public"),
    ("{who} [created|tried to create] the database {database}",
     "{who} がデータベース {database} を作成[しました|しようとしました]"),
    database=f"{_DATABASE}|dBClusterIdentifier", public=_is("publiclyAccessible", "true"),
)
_RDS.says(
    "ModifyDBInstance ModifyDBCluster",
    ("{who} [made|tried to make] the database {database} reachable from the internet",
     "{who} がデータベース {database} をインターネットから接続可能に[しました|しようとしました]", "public"),
    ("{who} [changed|tried to change] the master password of the database {database}",
     "{who} がデータベース {database} のマスターパスワードを変更[しました|しようとしました]", "password"),
    ("{who} [took|tried to take] the deletion protection off the database {database}",
     "{who} がデータベース {database} の削除保護を解除[しました|しようとしました]", "unprotected"),
    ("{who} [changed|tried to change] the database {database}",
     "{who} がデータベース {database} を変更[しました|しようとしました]"),
    database=f"{_DATABASE}|dBClusterIdentifier", public=_is("publiclyAccessible", "true"), password=_password,
    unprotected=_is("deletionProtection", "false"),
)
_RDS.says(
    "DeleteDBInstance DeleteDBCluster",
    ("{who} [deleted|tried to delete] the database {database} without a last snapshot",
     "{who} がデータベース {database} を最終スナップショットなしで削除[しました|しようとしました]", "no_snapshot"),
    ("{who} [deleted|tried to delete] the database {database}",
     "{who} がデータベース {database} を削除[しました|しようとしました]"),
    database=f"{_DATABASE}|dBClusterIdentifier", no_snapshot=_is("skipFinalSnapshot", "true"),
)
_RDS.says(
    "RebootDBInstance",
    ("{who} [rebooted|tried to reboot] the database {database}",
     "{who} がデータベース {database} を再起動[しました|しようとしました]"),
    database=_DATABASE,
)
_RDS.says(
    "StopDBInstance StopDBCluster",
    ("{who} [stopped|tried to stop] the database {database}",
     "{who} がデータベース {database} を停止[しました|しようとしました]"),
    database=f"{_DATABASE}|dBClusterIdentifier",
)
_RDS.says(
    "CreateDBSnapshot CreateDBClusterSnapshot",
    ("{who} [took|tried to take] the snapshot {snapshot} of the database {database}",
     "{who} がデータベース {database} のスナップショット {snapshot} を作成[しました|しようとしました]"),
    ("{who} [took|tried to take] a snapshot of the database {database}",
     "{who} がデータベース {database} のスナップショットを作成[しました|しようとしました]"),
    snapshot=_SNAPSHOT, database="dBInstanceIdentifier|dBClusterIdentifier", about="snapshot database",
)
_RDS.says(
    "DeleteDBSnapshot DeleteDBClusterSnapshot",
    ("{who} [deleted|tried to delete] the database snapshot {snapshot}",
     "{who} がデータベーススナップショット {snapshot} を削除[しました|しようとしました]"),
    snapshot=_SNAPSHOT,
)
_RDS.says(
    "CopyDBSnapshot CopyDBClusterSnapshot",
    ("{who} [copied|tried to copy] the database snapshot {source} to {target}",
     "{who} がデータベーススナップショット {source} を {target} にコピー[しました|しようとしました]"),
    source="sourceDBSnapshotIdentifier|sourceDBClusterSnapshotIdentifier",
    target="targetDBSnapshotIdentifier|targetDBClusterSnapshotIdentifier", about="source target",
)
_RDS.says(
    "RestoreDBInstanceFromDBSnapshot RestoreDBClusterFromSnapshot",
    ("{who} [restored|tried to restore] the database {database} from the snapshot {snapshot}",
     "{who} がスナップショット {snapshot} からデータベース {database} を復元[しました|しようとしました]"),
    database="dBInstanceIdentifier|dBClusterIdentifier", snapshot="dBSnapshotIdentifier|snapshotIdentifier",
    about="database snapshot",
)
_RDS.says(
    "StartExportTask",
    ("{who} [exported|tried to export] {source} to the bucket {bucket}",
     "{who} が {source} をバケット {bucket} にエクスポート[しました|しようとしました]"),
    source="sourceArn", bucket="s3BucketName", about="source bucket",
)
_RDS.says(
    "AuthorizeDBSecurityGroupIngress",
    ("{who} [let|tried to let] {source} reach databases of {group}",
     "{who} が {group} のデータベースへの {source} からの接続を許可[しました|しようとしました]"),
    group="dBSecurityGroupName", source="cIDRIP|eC2SecurityGroupId",
)
_DYNAMO.says(
    "DeleteTable",
    ("{who} [deleted|tried to delete] the table {table}",
     "{who} がテーブル {table} を削除[しました|しようとしました]"),
    table=_TABLE,
)
_DYNAMO.says(
    "CreateTable",
    ("{who} [created|tried to create] the table {table}",
     "{who} がテーブル {table} を作成[しました|しようとしました]"),
    table=_TABLE,
)
_DYNAMO.says(
    "UpdateTable",
    ("{who} [changed|tried to change] the table {table}",
     "{who} がテーブル {table} を変更[しました|しようとしました]"),
    table=_TABLE,
)
_DYNAMO.says(
    "ExportTableToPointInTime",
    ("{who} [exported|tried to export] the table {table} to the bucket {bucket}",
     "{who} がテーブル {table} をバケット {bucket} にエクスポート[しました|しようとしました]"),
    table="tableArn|tableName", bucket="s3Bucket",
)
_DYNAMO.says(
    "UpdateContinuousBackups",
    ("{who} [changed|tried to change] the continuous backup of the table {table}",
     "{who} がテーブル {table} の継続的バックアップを変更[しました|しようとしました]"),
    table=_TABLE,
)
_DYNAMO.says(
    "Scan",
    ("{who} [read|tried to read] the whole table {table}",
     "{who} がテーブル {table} を全件読み取[りました|ろうとしました]"),
    table=_TABLE,
)
_BACKUP.says(
    "DeleteRecoveryPoint",
    ("{who} [deleted|tried to delete] the recovery point {point} of the vault {vault}",
     "{who} がボールト {vault} の復旧ポイント {point} を削除[しました|しようとしました]"),
    vault="backupVaultName", point="recoveryPointArn", about="point vault",
)
_BACKUP.says(
    "DeleteBackupVault",
    ("{who} [deleted|tried to delete] the backup vault {vault}",
     "{who} がバックアップボールト {vault} を削除[しました|しようとしました]"),
    vault="backupVaultName",
)
_BACKUP.says(
    "DeleteBackupVaultLockConfiguration",
    ("{who} [removed|tried to remove] the lock of the backup vault {vault}",
     "{who} がバックアップボールト {vault} のロックを解除[しました|しようとしました]"),
    vault="backupVaultName",
)
_BACKUP.says(
    "PutBackupVaultAccessPolicy DeleteBackupVaultAccessPolicy",
    ("{who} [changed|tried to change] the access policy of the backup vault {vault}",
     "{who} がバックアップボールト {vault} のアクセスポリシーを変更[しました|しようとしました]"),
    vault="backupVaultName",
)
_BACKUP.says(
    "StartCopyJob",
    ("{who} [copied|tried to copy] the recovery point {point} to {vault}",
     "{who} が復旧ポイント {point} を {vault} にコピー[しました|しようとしました]"),
    point="recoveryPointArn", vault="destinationBackupVaultArn", about="point vault",
)
_BACKUP.says(
    "UpdateRecoveryPointLifecycle",
    ("{who} [changed|tried to change] how long the recovery point {point} is kept",
     "{who} が復旧ポイント {point} の保持期間を変更[しました|しようとしました]"),
    point="recoveryPointArn",
)
_BACKUP.says(
    "DeleteBackupPlan",
    ("{who} [deleted|tried to delete] the backup plan {plan}",
     "{who} がバックアッププラン {plan} を削除[しました|しようとしました]"),
    plan="backupPlanId",
)
_BACKUP.says(
    "DeleteBackupSelection",
    ("{who} [took|tried to take] a selection of resources out of the backup plan {plan}",
     "{who} がバックアッププラン {plan} からリソースの選択を削除[しました|しようとしました]"),
    plan="backupPlanId",
)
_FILES.says(
    "DeleteFileSystem",
    ("{who} [deleted|tried to delete] the file system {system}",
     "{who} がファイルシステム {system} を削除[しました|しようとしました]"),
    system="fileSystemId",
)
_FILES.says(
    "DeleteMountTarget",
    ("{who} [deleted|tried to delete] the mount target {target}",
     "{who} がマウントターゲット {target} を削除[しました|しようとしました]"),
    target="mountTargetId",
)
