"""Bedrock: models used, enabled, and no longer watched.

https://docs.aws.amazon.com/bedrock/latest/userguide/logging-using-cloudtrail.html
"""

from ashiato.words.family import Family

FAMILY = Family("bedrock")
_says = FAMILY.says

_MODEL = "modelId|resources:"
_GUARDRAIL = "guardrailIdentifier"

# fmt: off
_says(
    "InvokeModel InvokeModelWithResponseStream InvokeModelWithBidirectionalStream Converse ConverseStream",
    ("{who} [called|tried to call] the model {model}",
     "{who} がモデル {model} を呼び出[しました|そうとしました]"),
    ("{who} [called|tried to call] a model", "{who} がモデルを呼び出[しました|そうとしました]"),
    model=_MODEL,
)
_says(
    "InvokeAgent InvokeInlineAgent",
    ("{who} [called|tried to call] the agent {agent}",
     "{who} がエージェント {agent} を呼び出[しました|そうとしました]"),
    agent="agentId|resources:",
)
_says(
    "CreateFoundationModelAgreement",
    ("{who} [agreed|tried to agree] to the terms of the model {model}",
     "{who} がモデル {model} の利用規約に同意[しました|しようとしました]"),
    model=_MODEL,
)
_says(
    "DeleteFoundationModelAgreement",
    ("{who} [ended|tried to end] the agreement on the model {model}",
     "{who} がモデル {model} の利用契約を終了[しました|しようとしました]"),
    model=_MODEL,
)
_says(
    "PutFoundationModelEntitlement",
    ("{who} [enabled|tried to enable] the model {model}",
     "{who} がモデル {model} へのアクセスを有効化[しました|しようとしました]"),
    model=_MODEL,
)
_says(
    "PutUseCaseForModelAccess",
    ("{who} [gave|tried to give] a use case to get access to models",
     "{who} がモデルアクセスのユースケースを申請[しました|しようとしました]"),
)
_says(
    "GetFoundationModelAvailability",
    ("{who} [asked|tried to ask] whether the model {model} may be used",
     "{who} がモデル {model} の利用可否を確認[しました|しようとしました]"),
    model=_MODEL,
)
_says(
    "ListFoundationModels",
    ("{who} [listed|tried to list] the models", "{who} が基盤モデルを一覧[しました|しようとしました]"),
)
_says(
    "DeleteModelInvocationLoggingConfiguration",
    ("{who} [switched off|tried to switch off] the log of model calls",
     "{who} がモデル呼び出しのログを無効化[しました|しようとしました]"),
)
_says(
    "PutModelInvocationLoggingConfiguration",
    ("{who} [sent|tried to send] the log of model calls to {place}",
     "{who} がモデル呼び出しのログの送信先を {place} に設定[しました|しようとしました]"),
    ("{who} [changed|tried to change] the log of model calls",
     "{who} がモデル呼び出しのログ設定を変更[しました|しようとしました]"),
    place="loggingConfig.s3Config.bucketName|loggingConfig.cloudWatchConfig.logGroupName",
)
_says(
    "DeleteGuardrail",
    ("{who} [deleted|tried to delete] the guardrail {guardrail}",
     "{who} がガードレール {guardrail} を削除[しました|しようとしました]"),
    guardrail=_GUARDRAIL,
)
_says(
    "UpdateGuardrail",
    ("{who} [changed|tried to change] the guardrail {guardrail}",
     "{who} がガードレール {guardrail} を変更[しました|しようとしました]"),
    guardrail=_GUARDRAIL,
)
_says(
    "CreateModelCustomizationJob",
    ("{who} [started|tried to start] training a model of {base}, called {name}",
     "{who} が {base} を基にモデル {name} のカスタマイズを開始[しました|しようとしました]"),
    name="customModelName|jobName", base="baseModelIdentifier",
)
_says(
    "CreateProvisionedModelThroughput",
    ("{who} [bought|tried to buy] provisioned throughput of the model {model}",
     "{who} がモデル {model} のプロビジョンドスループットを購入[しました|しようとしました]"),
    model="modelId",
)
