"""What watches besides: GuardDuty, Security Hub, CloudWatch and its logs, EventBridge, WAF, DNS logs, Access Analyzer.

https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
"""

from ashiato.words.calls import Call
from ashiato.words.family import Family, single

_DUTY = Family("guardduty")
_HUB = Family("securityhub")
_LOGS = Family("logs")
_ALARMS = Family("monitoring")
_EVENTS = Family("events")
_DNS = Family("route53resolver")
_WAF = Family("wafv2", "waf", "waf-regional")
_MACIE = Family("macie2")
_ANALYZER = Family("access-analyzer")
FAMILIES = (_DUTY, _HUB, _LOGS, _ALARMS, _EVENTS, _DNS, _WAF, _MACIE, _ANALYZER)


def _disabled(call: Call) -> bool:
    return call.value("enable") == "false"


# fmt: off
_DUTY.says(
    "DeleteDetector",
    ("{who} [switched off|tried to switch off] GuardDuty, deleting the detector {detector}",
     "{who} が GuardDuty のディテクター {detector} を削除して無効化[しました|しようとしました]"),
    detector="detectorId",
)
_DUTY.says(
    "UpdateDetector",
    ("{who} [switched off|tried to switch off] GuardDuty's detector {detector}",
     "{who} が GuardDuty のディテクター {detector} を無効化[しました|しようとしました]", "off"),
    ("{who} [changed|tried to change] the settings of GuardDuty's detector {detector}",
     "{who} が GuardDuty のディテクター {detector} の設定を変更[しました|しようとしました]"),
    detector="detectorId", off=_disabled,
)
_DUTY.says(
    "CreateFilter UpdateFilter",
    ("{who} [wrote|tried to write] the GuardDuty filter {filter}, which archives findings",
     "{who} が検出結果をアーカイブする GuardDuty フィルター {filter} を設定[しました|しようとしました]", "archives"),
    ("{who} [wrote|tried to write] the GuardDuty filter {filter}",
     "{who} が GuardDuty フィルター {filter} を設定[しました|しようとしました]"),
    filter="name|filterName", archives=lambda call: call.value("action") == "ARCHIVE",
)
_DUTY.says(
    "CreateIPSet UpdateIPSet",
    ("{who} [set|tried to set] addresses that GuardDuty trusts: {set}",
     "{who} が GuardDuty の信頼済み IP リスト {set} を設定[しました|しようとしました]"),
    set="name|location|ipSetId",
)
_DUTY.says(
    "DeletePublishingDestination",
    ("{who} [stopped|tried to stop] the export of GuardDuty's findings to {destination}",
     "{who} が GuardDuty の検出結果の送信先 {destination} を削除[しました|しようとしました]"),
    destination="destinationId",
)
_DUTY.says(
    "DisassociateFromAdministratorAccount DisassociateFromMasterAccount",
    ("{who} [took|tried to take] the account out of its GuardDuty administrator's view",
     "{who} がアカウントを GuardDuty の管理者アカウントから切り離[しました|そうとしました]"),
)
_DUTY.says(
    "DisassociateMembers DeleteMembers StopMonitoringMembers",
    ("{who} [stopped|tried to stop] GuardDuty's watch over {accounts}",
     "{who} が GuardDuty による {accounts} の監視を停止[しました|しようとしました]"),
    accounts="accountIds",
)
_DUTY.says(
    "ArchiveFindings",
    ("{who} [archived|tried to archive] the GuardDuty findings {findings}",
     "{who} が GuardDuty の検出結果 {findings} をアーカイブ[しました|しようとしました]"),
    findings="findingIds",
)
_HUB.says(
    "DisableSecurityHub DisableSecurityHubV2",
    ("{who} [switched off|tried to switch off] Security Hub",
     "{who} が Security Hub を無効化[しました|しようとしました]"),
)
_HUB.says(
    "BatchDisableStandards",
    ("{who} [switched off|tried to switch off] the Security Hub standards {standards}",
     "{who} が Security Hub の標準 {standards} を無効化[しました|しようとしました]"),
    standards="standardsSubscriptionArns",
)
_HUB.says(
    "UpdateStandardsControl",
    ("{who} [switched off|tried to switch off] the Security Hub control {control}",
     "{who} が Security Hub のコントロール {control} を無効化[しました|しようとしました]", "off"),
    ("{who} [changed|tried to change] the Security Hub control {control}",
     "{who} が Security Hub のコントロール {control} を変更[しました|しようとしました]"),
    control="standardsControlArn", off=lambda call: call.value("controlStatus") == "DISABLED",
)
_HUB.says(
    "BatchUpdateFindings",
    ("{who} [suppressed|tried to suppress] Security Hub findings",
     "{who} が Security Hub の検出結果を抑制[しました|しようとしました]", "suppressed"),
    ("{who} [changed|tried to change] Security Hub findings",
     "{who} が Security Hub の検出結果を更新[しました|しようとしました]"),
    suppressed=lambda call: call.value("workflow.status") == "SUPPRESSED", about="",
)
_HUB.says(
    "CreateAutomationRule",
    ("{who} [wrote|tried to write] the Security Hub automation rule {rule}",
     "{who} が Security Hub の自動化ルール {rule} を作成[しました|しようとしました]"),
    rule="ruleName",
)
_HUB.says(
    "DisassociateFromAdministratorAccount DisassociateFromMasterAccount",
    ("{who} [took|tried to take] the account out of its Security Hub administrator's view",
     "{who} がアカウントを Security Hub の管理者アカウントから切り離[しました|そうとしました]"),
)
_LOGS.says(
    "CreateLogGroup",
    ("{who} [created|tried to create] the log group {group}",
     "{who} がロググループ {group} を作成[しました|しようとしました]"),
    group="logGroupName",
)
_LOGS.says(
    "DeleteLogGroup",
    ("{who} [deleted|tried to delete] the log group {group}",
     "{who} がロググループ {group} を削除[しました|しようとしました]"),
    group="logGroupName",
)
_LOGS.says(
    "DeleteLogStream",
    ("{who} [deleted|tried to delete] the log stream {stream} of {group}",
     "{who} が {group} のログストリーム {stream} を削除[しました|しようとしました]"),
    group="logGroupName", stream="logStreamName",
)
_LOGS.says(
    "PutRetentionPolicy",
    ("{who} [set|tried to set] the log group {group} to be kept one day",
     "{who} がロググループ {group} の保持期間を 1 日に設定[しました|しようとしました]", "one_day"),
    ("{who} [set|tried to set] the log group {group} to be kept {days} days",
     "{who} がロググループ {group} の保持期間を {days} 日に設定[しました|しようとしました]"),
    group="logGroupName", days="retentionInDays", one_day=lambda call: call.value("retentionInDays") == "1",
)
_LOGS.says(
    "DeleteRetentionPolicy",
    ("{who} [set|tried to set] the log group {group} to be kept for good",
     "{who} がロググループ {group} の保持期間を無期限に[しました|しようとしました]"),
    group="logGroupName",
)
_LOGS.says(
    "PutSubscriptionFilter",
    ("{who} [sent|tried to send] what comes into the log group {group} to {target}",
     "{who} がロググループ {group} のログを {target} に送信するように設定[しました|しようとしました]"),
    group="logGroupName", target="destinationArn",
)
_LOGS.says(
    "DeleteSubscriptionFilter",
    ("{who} [deleted|tried to delete] the subscription {filter} of the log group {group}",
     "{who} がロググループ {group} のサブスクリプション {filter} を削除[しました|しようとしました]"),
    group="logGroupName", filter="filterName",
)
_LOGS.says(
    "DeleteMetricFilter",
    ("{who} [deleted|tried to delete] the metric filter {filter} of the log group {group}",
     "{who} がロググループ {group} のメトリクスフィルター {filter} を削除[しました|しようとしました]"),
    group="logGroupName", filter="filterName",
)
_ALARMS.says(
    "DeleteAlarms",
    ("{who} [deleted|tried to delete] the alarm {alarms}",
     "{who} がアラーム {alarms} を削除[しました|しようとしました]", "one"),
    ("{who} [deleted|tried to delete] the alarms {alarms}",
     "{who} がアラーム {alarms} を削除[しました|しようとしました]"),
    alarms="alarmNames", one=single("alarmNames"),
)
_ALARMS.says(
    "DisableAlarmActions",
    ("{who} [silenced|tried to silence] the alarm {alarms}",
     "{who} がアラーム {alarms} のアクションを無効化[しました|しようとしました]", "one"),
    ("{who} [silenced|tried to silence] the alarms {alarms}",
     "{who} がアラーム {alarms} のアクションを無効化[しました|しようとしました]"),
    alarms="alarmNames", one=single("alarmNames"),
)
_ALARMS.says(
    "PutMetricAlarm",
    ("{who} [wrote|tried to write] the alarm {alarm}",
     "{who} がアラーム {alarm} を作成または変更[しました|しようとしました]"),
    alarm="alarmName",
)
_ALARMS.says(
    "SetAlarmState",
    ("{who} [set|tried to set] the alarm {alarm} to {state} by hand",
     "{who} がアラーム {alarm} の状態を手動で {state} に変更[しました|しようとしました]"),
    ("{who} [set|tried to set] the state of the alarm {alarm} by hand",
     "{who} がアラーム {alarm} の状態を手動で変更[しました|しようとしました]"),
    alarm="alarmName", state="stateValue",
)
_EVENTS.says(
    "DisableRule",
    ("{who} [disabled|tried to disable] the EventBridge rule {rule}",
     "{who} が EventBridge ルール {rule} を無効化[しました|しようとしました]"),
    rule="name",
)
_EVENTS.says(
    "DeleteRule",
    ("{who} [deleted|tried to delete] the EventBridge rule {rule}",
     "{who} が EventBridge ルール {rule} を削除[しました|しようとしました]"),
    rule="name",
)
_EVENTS.says(
    "PutRule",
    ("{who} [wrote|tried to write] the EventBridge rule {rule}",
     "{who} が EventBridge ルール {rule} を作成または変更[しました|しようとしました]"),
    rule="name",
)
_EVENTS.says(
    "RemoveTargets",
    ("{who} [removed|tried to remove] targets of the EventBridge rule {rule}",
     "{who} が EventBridge ルール {rule} のターゲットを削除[しました|しようとしました]"),
    rule="rule",
)
_EVENTS.says(
    "PutTargets",
    ("{who} [had|tried to have] the EventBridge rule {rule} call {targets}",
     "{who} が EventBridge ルール {rule} のターゲットに {targets} を設定[しました|しようとしました]"),
    rule="rule", targets="targets.arn",
)
_DNS.says(
    "DeleteResolverQueryLogConfig",
    ("{who} [deleted|tried to delete] the DNS query log {log}",
     "{who} が DNS クエリログ {log} を削除[しました|しようとしました]"),
    log="resolverQueryLogConfigId",
)
_DNS.says(
    "DisassociateResolverQueryLogConfig",
    ("{who} [switched off|tried to switch off] the DNS query log {log} of {vpc}",
     "{who} が {vpc} の DNS クエリログ {log} を無効化[しました|しようとしました]"),
    vpc="resourceId", log="resolverQueryLogConfigId",
)
_WAF.says(
    "DeleteLoggingConfiguration",
    ("{who} [switched off|tried to switch off] the log of the web ACL {acl}",
     "{who} がウェブ ACL {acl} のログを無効化[しました|しようとしました]"),
    acl="resourceArn",
)
_WAF.says(
    "DeleteWebACL",
    ("{who} [deleted|tried to delete] the web ACL {acl}",
     "{who} がウェブ ACL {acl} を削除[しました|しようとしました]"),
    acl="name|webACLId",
)
_WAF.says(
    "UpdateWebACL",
    ("{who} [changed|tried to change] the web ACL {acl}",
     "{who} がウェブ ACL {acl} を変更[しました|しようとしました]"),
    acl="name|webACLId",
)
_MACIE.says(
    "DisableMacie",
    ("{who} [switched off|tried to switch off] Macie", "{who} が Macie を無効化[しました|しようとしました]"),
)
_ANALYZER.says(
    "DeleteAnalyzer",
    ("{who} [deleted|tried to delete] the access analyzer {analyzer}",
     "{who} が Access Analyzer のアナライザー {analyzer} を削除[しました|しようとしました]"),
    analyzer="analyzerName",
)
