"""What records and watches: CloudTrail, AWS Config.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/config/latest/APIReference/API_Operations.html
"""

from ashiato.words.calls import Call, at, items
from ashiato.words.family import Family
from ashiato.words.names import Value

_TRAIL = Family("cloudtrail")
_CONFIG = Family("config")
FAMILIES = (_TRAIL, _CONFIG)


def _no_management(call: Call) -> bool:
    """Whether management events are no longer recorded."""
    basic, advanced = (
        items(at(call.request, "eventSelectors")),
        items(at(call.request, "advancedEventSelectors")),
    )
    if basic:
        return all(at(s, "includeManagementEvents") in (False, "false") for s in basic)
    return bool(advanced) and "Management" not in call.values("advancedEventSelectors.fieldSelectors.equals")


def _only(call: Call) -> Value:
    kinds = set(call.values("eventSelectors.readWriteType"))
    return next(iter(kinds)) if len(kinds) == 1 and kinds != {"All"} else None


def _no_insights(call: Call) -> bool:
    return "insightSelectors" in call.request and not items(call.request["insightSelectors"])


# fmt: off
_TRAIL.says(
    "StopLogging",
    ("{who} [stopped|tried to stop] the recording of the trail {trail}",
     "{who} が証跡 {trail} の記録を停止[しました|しようとしました]"),
    trail="name",
)
_TRAIL.says(
    "StartLogging",
    ("{who} [started|tried to start] the recording of the trail {trail}",
     "{who} が証跡 {trail} の記録を開始[しました|しようとしました]"),
    trail="name",
)
_TRAIL.says(
    "CreateTrail",
    ("{who} [created|tried to create] the trail {trail} into the bucket {bucket}",
     "{who} がバケット {bucket} に記録する証跡 {trail} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the trail {trail}",
     "{who} が証跡 {trail} を作成[しました|しようとしました]"),
    trail="name", bucket="s3BucketName",
)
_TRAIL.says(
    "DeleteTrail",
    ("{who} [deleted|tried to delete] the trail {trail}", "{who} が証跡 {trail} を削除[しました|しようとしました]"),
    trail="name",
)
_TRAIL.says(
    "UpdateTrail",
    ("{who} [limited|tried to limit] the trail {trail} to one region",
     "{who} が証跡 {trail} を 1 つのリージョンに限定[しました|しようとしました]", "one_region"),
    ("{who} [pointed|tried to point] the trail {trail} to the bucket {bucket}",
     "{who} が証跡 {trail} の送信先をバケット {bucket} に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the trail {trail}",
     "{who} が証跡 {trail} の設定を変更[しました|しようとしました]"),
    trail="name", bucket="s3BucketName", one_region=lambda call: call.value("isMultiRegionTrail") == "false",
)
_TRAIL.says(
    "PutEventSelectors",
    ("{who} [switched off|tried to switch off] management events in the trail {trail}",
     "{who} が証跡 {trail} の管理イベントの記録を無効化[しました|しようとしました]", "none"),
    ("{who} [limited|tried to limit] the trail {trail} to {only} events",
     "{who} が証跡 {trail} の記録を {only} のイベントに限定[しました|しようとしました]"),
    ("{who} [made|tried to make] the trail {trail} leave out the events of {excluded}",
     "{who} が証跡 {trail} の記録から {excluded} のイベントを除外[しました|しようとしました]"),
    ("{who} [changed|tried to change] which events the trail {trail} records",
     "{who} が証跡 {trail} の記録対象イベントを変更[しました|しようとしました]"),
    trail="trailName", none=_no_management, only=_only, excluded="eventSelectors.excludeManagementEventSources",
)
_TRAIL.says(
    "PutInsightSelectors",
    ("{who} [switched off|tried to switch off] Insights of {trail}",
     "{who} が {trail} の Insights を無効化[しました|しようとしました]", "none"),
    ("{who} [changed|tried to change] Insights of {trail}",
     "{who} が {trail} の Insights の設定を変更[しました|しようとしました]"),
    trail="trailName|eventDataStore", none=_no_insights,
)
_TRAIL.says(
    "DeleteEventDataStore",
    ("{who} [deleted|tried to delete] the event data store {store}",
     "{who} がイベントデータストア {store} を削除[しました|しようとしました]"),
    store="eventDataStore",
)
_TRAIL.says(
    "StopEventDataStoreIngestion",
    ("{who} [stopped|tried to stop] the recording of the event data store {store}",
     "{who} がイベントデータストア {store} の取り込みを停止[しました|しようとしました]"),
    store="eventDataStore",
)
_TRAIL.says(
    "UpdateEventDataStore",
    ("{who} [changed|tried to change] the event data store {store}",
     "{who} がイベントデータストア {store} の設定を変更[しました|しようとしました]"),
    store="eventDataStore",
)
_TRAIL.says(
    "LookupEvents",
    ("{who} [looked into|tried to look into] the event history",
     "{who} がイベント履歴を検索[しました|しようとしました]"),
)
_CONFIG.says(
    "StopConfigurationRecorder",
    ("{who} [stopped|tried to stop] AWS Config's recorder {recorder}",
     "{who} が AWS Config のレコーダー {recorder} を停止[しました|しようとしました]"),
    recorder="configurationRecorderName",
)
_CONFIG.says(
    "StartConfigurationRecorder",
    ("{who} [started|tried to start] AWS Config's recorder {recorder}",
     "{who} が AWS Config のレコーダー {recorder} を開始[しました|しようとしました]"),
    recorder="configurationRecorderName",
)
_CONFIG.says(
    "DeleteConfigurationRecorder",
    ("{who} [deleted|tried to delete] AWS Config's recorder {recorder}",
     "{who} が AWS Config のレコーダー {recorder} を削除[しました|しようとしました]"),
    recorder="configurationRecorderName",
)
_CONFIG.says(
    "PutConfigurationRecorder",
    ("{who} [changed|tried to change] what AWS Config's recorder {recorder} records",
     "{who} が AWS Config のレコーダー {recorder} の記録対象を変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] what AWS Config records",
     "{who} が AWS Config の記録対象を変更[しました|しようとしました]"),
    recorder="configurationRecorder.name",
)
_CONFIG.says(
    "DeleteDeliveryChannel",
    ("{who} [deleted|tried to delete] AWS Config's delivery channel {channel}",
     "{who} が AWS Config の配信チャネル {channel} を削除[しました|しようとしました]"),
    channel="deliveryChannelName",
)
_CONFIG.says(
    "PutDeliveryChannel",
    ("{who} [pointed|tried to point] AWS Config's delivery channel to the bucket {bucket}",
     "{who} が AWS Config の配信チャネルの送信先をバケット {bucket} に設定[しました|しようとしました]"),
    bucket="deliveryChannel.s3BucketName", channel="deliveryChannel.name", about="bucket channel",
)
_CONFIG.says(
    "DeleteConfigRule",
    ("{who} [deleted|tried to delete] the AWS Config rule {rule}",
     "{who} が AWS Config ルール {rule} を削除[しました|しようとしました]"),
    rule="configRuleName",
)
_CONFIG.says(
    "PutConfigRule",
    ("{who} [wrote|tried to write] the AWS Config rule {rule}",
     "{who} が AWS Config ルール {rule} を作成または変更[しました|しようとしました]"),
    rule="configRule.configRuleName",
)
_CONFIG.says(
    "DeleteOrganizationConfigRule",
    ("{who} [deleted|tried to delete] the organization's AWS Config rule {rule}",
     "{who} が組織の AWS Config ルール {rule} を削除[しました|しようとしました]"),
    rule="organizationConfigRuleName",
)
_CONFIG.says(
    "DeleteConformancePack DeleteOrganizationConformancePack",
    ("{who} [deleted|tried to delete] the conformance pack {pack}",
     "{who} がコンフォーマンスパック {pack} を削除[しました|しようとしました]"),
    pack="conformancePackName|organizationConformancePackName",
)
_CONFIG.says(
    "DeleteConfigurationAggregator",
    ("{who} [deleted|tried to delete] AWS Config's aggregator {aggregator}",
     "{who} が AWS Config のアグリゲータ {aggregator} を削除[しました|しようとしました]"),
    aggregator="configurationAggregatorName",
)
_CONFIG.says(
    "DeleteRemediationConfiguration",
    ("{who} [deleted|tried to delete] the remediation of the AWS Config rule {rule}",
     "{who} が AWS Config ルール {rule} の修復アクションを削除[しました|しようとしました]"),
    rule="configRuleName",
)
_CONFIG.says(
    "DeleteRetentionConfiguration",
    ("{who} [deleted|tried to delete] how long AWS Config keeps items",
     "{who} が AWS Config の保持設定を削除[しました|しようとしました]"),
)
_CONFIG.says(
    "PutEvaluations",
    ("{who} [reported|tried to report] results of an AWS Config rule",
     "{who} が AWS Config ルールの評価結果を報告[しました|しようとしました]"),
)
