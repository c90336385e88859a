"""Code that runs: Lambda, Systems Manager.

Lambda keeps its API's date in the names: https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-cloudtrail-logs.html
"""

from ashiato.words.calls import Call
from ashiato.words.family import Family, single
from ashiato.words.names import Value

_LAMBDA = Family("lambda")
_SSM = Family("ssm")
FAMILIES = (_LAMBDA, _SSM)

_FUNCTION = "functionName|resources:"


def _open_to_all(call: Call) -> bool:
    return call.value("principal") == "*" and call.value("principalOrgID|sourceAccount|sourceArn") is None


def _without_sign_in(call: Call) -> bool:
    return call.value("authType") == "NONE"


def _secure(call: Call) -> bool:
    return call.value("withDecryption") == "true"


def _targets(call: Call) -> Value:
    return call.values("targets.values") or call.values("targets.key") or None


# fmt: off
_LAMBDA.says(
    "CreateFunction",
    ("{who} [created|tried to create] the function {function} with the role {role}",
     "{who} がロール {role} を持つ関数 {function} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the function {function}",
     "{who} が関数 {function} を作成[しました|しようとしました]"),
    function=_FUNCTION, role="role",
)
_LAMBDA.says(
    "DeleteFunction",
    ("{who} [deleted|tried to delete] the function {function}",
     "{who} が関数 {function} を削除[しました|しようとしました]"),
    function=_FUNCTION,
)
_LAMBDA.says(
    "UpdateFunctionCode",
    ("{who} [replaced|tried to replace] the code of the function {function} with {place}",
     "{who} が関数 {function} のコードを {place} に差し替え[ました|ようとしました]"),
    ("{who} [replaced|tried to replace] the code of the function {function}",
     "{who} が関数 {function} のコードを差し替え[ました|ようとしました]"),
    function=_FUNCTION, place="imageUri|s3Key",
)
_LAMBDA.says(
    "UpdateFunctionConfiguration",
    ("{who} [put|tried to put] the layers {layers} into the function {function}",
     "{who} が関数 {function} にレイヤー {layers} を追加[しました|しようとしました]"),
    ("{who} [gave|tried to give] the function {function} the role {role}",
     "{who} が関数 {function} のロールを {role} に設定[しました|しようとしました]"),
    ("{who} [changed|tried to change] the configuration of the function {function}",
     "{who} が関数 {function} の設定を変更[しました|しようとしました]"),
    function=_FUNCTION, layers="layers", role="role",
)
_LAMBDA.says(
    "AddPermission",
    ("{who} [let|tried to let] anybody invoke the function {function}",
     "{who} が関数 {function} の呼び出しを全員に許可[しました|しようとしました]", "anybody"),
    ("{who} [let|tried to let] {principal} invoke the function {function}",
     "{who} が関数 {function} の呼び出しを {principal} に許可[しました|しようとしました]"),
    ("{who} [changed|tried to change] who may invoke the function {function}",
     "{who} が関数 {function} の呼び出し許可を追加[しました|しようとしました]"),
    function=_FUNCTION, principal="principal", anybody=_open_to_all,
)
_LAMBDA.says(
    "RemovePermission",
    ("{who} [took back|tried to take back] the permission {statement} to invoke the function {function}",
     "{who} が関数 {function} の呼び出し許可 {statement} を取り消[しました|そうとしました]"),
    function=_FUNCTION, statement="statementId",
)
_LAMBDA.says(
    "CreateFunctionUrlConfig UpdateFunctionUrlConfig",
    ("{who} [gave|tried to give] the function {function} a URL that anybody may call",
     "{who} が関数 {function} に認証なしの URL を設定[しました|しようとしました]", "open"),
    ("{who} [gave|tried to give] the function {function} a URL",
     "{who} が関数 {function} に URL を設定[しました|しようとしました]"),
    function=_FUNCTION, open=_without_sign_in,
)
_LAMBDA.says(
    "AddLayerVersionPermission",
    ("{who} [let|tried to let] {principal} use the layer {layer}",
     "{who} がレイヤー {layer} の使用を {principal} に許可[しました|しようとしました]"),
    layer="layerName", principal="principal",
)
_LAMBDA.says(
    "PublishLayerVersion",
    ("{who} [published|tried to publish] a version of the layer {layer}",
     "{who} がレイヤー {layer} のバージョンを公開[しました|しようとしました]"),
    layer="layerName",
)
_LAMBDA.says(
    "PublishVersion",
    ("{who} [published|tried to publish] a version of the function {function}",
     "{who} が関数 {function} のバージョンを発行[しました|しようとしました]"),
    function=_FUNCTION,
)
_LAMBDA.says(
    "PutFunctionConcurrency",
    ("{who} [set|tried to set] how often the function {function} may run at once",
     "{who} が関数 {function} の同時実行数を設定[しました|しようとしました]"),
    function=_FUNCTION,
)
_LAMBDA.says(
    "CreateEventSourceMapping UpdateEventSourceMapping",
    ("{who} [had|tried to have] the function {function} run for events of {source}",
     "{who} が {source} のイベントで関数 {function} を実行するように設定[しました|しようとしました]"),
    function=_FUNCTION, source="eventSourceArn",
)
_LAMBDA.says(
    "Invoke InvokeFunction",
    ("{who} [invoked|tried to invoke] the function {function}",
     "{who} が関数 {function} を呼び出[しました|そうとしました]"),
    function=_FUNCTION,
)
_LAMBDA.says(
    "GetFunction",
    ("{who} [fetched|tried to fetch] the code of the function {function}",
     "{who} が関数 {function} のコードを取得[しました|しようとしました]"),
    function=_FUNCTION,
)
_SSM.says(
    "SendCommand",
    ("{who} [ran|tried to run] {document} on {instances}",
     "{who} が {instances} で {document} を実行[しました|しようとしました]"),
    ("{who} [ran|tried to run] {document} on the instances of {targets}",
     "{who} が {targets} のインスタンスで {document} を実行[しました|しようとしました]"),
    ("{who} [ran|tried to run] {document} on instances",
     "{who} がインスタンスで {document} を実行[しました|しようとしました]"),
    ("{who} [ran|tried to run] a command on instances",
     "{who} がインスタンスでコマンドを実行[しました|しようとしました]"),
    instances="instanceIds", document="documentName", targets=_targets, about="instances targets document",
)
_SSM.says(
    "StartSession",
    ("{who} [opened|tried to open] a session on {target} with {document}",
     "{who} が {target} へのセッション({document})を開始[しました|しようとしました]"),
    ("{who} [opened|tried to open] a session on {target}",
     "{who} が {target} へのセッションを開始[しました|しようとしました]"),
    ("{who} [opened|tried to open] a session on an instance",
     "{who} がインスタンスへのセッションを開始[しました|しようとしました]"),
    target="target|resources:", document="documentName",
)
_SSM.says(
    "ResumeSession",
    ("{who} [resumed|tried to resume] the session {session}",
     "{who} がセッション {session} を再開[しました|しようとしました]"),
    session="sessionId",
)
_SSM.says(
    "TerminateSession",
    ("{who} [ended|tried to end] the session {session}",
     "{who} がセッション {session} を終了[しました|しようとしました]"),
    session="sessionId",
)
_SSM.says(
    "StartAutomationExecution",
    ("{who} [started|tried to start] the automation {document}",
     "{who} がオートメーション {document} を開始[しました|しようとしました]"),
    document="documentName",
)
_SSM.says(
    "CreateDocument UpdateDocument",
    ("{who} [wrote|tried to write] the document {document}",
     "{who} がドキュメント {document} を作成または変更[しました|しようとしました]"),
    document="name",
)
_SSM.says(
    "DeleteDocument",
    ("{who} [deleted|tried to delete] the document {document}",
     "{who} がドキュメント {document} を削除[しました|しようとしました]"),
    document="name",
)
_SSM.says(
    "ModifyDocumentPermission",
    ("{who} [made|tried to make] the document {document} public",
     "{who} がドキュメント {document} を全員に公開[しました|しようとしました]", "public"),
    ("{who} [shared|tried to share] the document {document} with {accounts}",
     "{who} がドキュメント {document} を {accounts} と共有[しました|しようとしました]"),
    ("{who} [changed|tried to change] who may use the document {document}",
     "{who} がドキュメント {document} の共有設定を変更[しました|しようとしました]"),
    document="name", accounts="accountIdsToAdd",
    public=lambda call: "all" in {v.lower() for v in call.values("accountIdsToAdd")},
)
_SSM.says(
    "CreateAssociation UpdateAssociation",
    ("{who} [had|tried to have] {document} run regularly on instances",
     "{who} が {document} をインスタンスで定期的に実行するように設定[しました|しようとしました]"),
    document="name",
)
_SSM.says(
    "GetParameter GetParameters",
    ("{who} [read|tried to read] the decrypted parameter {parameters}",
     "{who} がパラメータ {parameters} を復号して読み取[りました|ろうとしました]", "secure one"),
    ("{who} [read|tried to read] the decrypted parameters {parameters}",
     "{who} がパラメータ {parameters} を復号して読み取[りました|ろうとしました]", "secure"),
    ("{who} [read|tried to read] the parameter {parameters}",
     "{who} がパラメータ {parameters} を読み取[りました|ろうとしました]", "one"),
    ("{who} [read|tried to read] the parameters {parameters}",
     "{who} がパラメータ {parameters} を読み取[りました|ろうとしました]"),
    ("{who} [read|tried to read] parameters", "{who} がパラメータを読み取[りました|ろうとしました]"),
    parameters="names|name|resources:", secure=_secure, one=single("names|name|resources:"),
)
_SSM.says(
    "GetParametersByPath",
    ("{who} [read|tried to read] all parameters under {path}",
     "{who} が {path} 以下の全パラメータを読み取[りました|ろうとしました]"),
    path="path",
)
_SSM.says(
    "PutParameter",
    ("{who} [wrote|tried to write] the parameter {parameter}",
     "{who} がパラメータ {parameter} を書き込[みました|もうとしました]"),
    ("{who} [wrote|tried to write] a parameter", "{who} がパラメータを書き込[みました|もうとしました]"),
    parameter="name|resources:",
)
_SSM.says(
    "DeleteParameter DeleteParameters",
    ("{who} [deleted|tried to delete] the parameter {parameters}",
     "{who} がパラメータ {parameters} を削除[しました|しようとしました]", "one"),
    ("{who} [deleted|tried to delete] the parameters {parameters}",
     "{who} がパラメータ {parameters} を削除[しました|しようとしました]"),
    ("{who} [deleted|tried to delete] a parameter", "{who} がパラメータを削除[しました|しようとしました]"),
    parameters="name|names|resources:", one=single("name|names|resources:"),
)
_SSM.says(
    "UpdateInstanceInformation",
    ("{who} [reported|tried to report] that {instance} is alive",
     "{who} が {instance} の稼働を報告[しました|しようとしました]"),
    instance="instanceId",
)
_SSM.says(
    "GetCommandInvocation",
    ("{who} [read|tried to read] what a command answered on {instance}",
     "{who} が {instance} でのコマンドの実行結果を読み取[りました|ろうとしました]"),
    instance="instanceId",
)
