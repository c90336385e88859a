"""Configuration items of AWS Config: what a resource became.

Statuses: https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationItem.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ashiato.formats.outcomes import opened_mapping
from ashiato.words.calls import NO_NAME, text_of
from ashiato.words.family import Told
from ashiato.words.messages import Language, Message, Phrase
from ashiato.words.names import Names, Value

# fmt: off
#: Resource types that have a name in either language; any other is said as AWS writes it.
KINDS: Final = {
    "AWS::EC2::Instance": ("instance", "インスタンス"),
    "AWS::EC2::SecurityGroup": ("security group", "セキュリティグループ"),
    "AWS::EC2::NetworkInterface": ("network interface", "ネットワークインターフェイス"),
    "AWS::EC2::Volume": ("volume", "ボリューム"),
    "AWS::EC2::Snapshot": ("snapshot", "スナップショット"),
    "AWS::EC2::VPC": ("VPC", "VPC"),
    "AWS::EC2::Subnet": ("subnet", "サブネット"),
    "AWS::EC2::RouteTable": ("route table", "ルートテーブル"),
    "AWS::EC2::NetworkAcl": ("network ACL", "ネットワーク ACL"),
    "AWS::EC2::InternetGateway": ("internet gateway", "インターネットゲートウェイ"),
    "AWS::EC2::NatGateway": ("NAT gateway", "NAT ゲートウェイ"),
    "AWS::EC2::EIP": ("Elastic IP address", "Elastic IP アドレス"),
    "AWS::EC2::FlowLog": ("flow log", "フローログ"),
    "AWS::EC2::VPCEndpoint": ("VPC endpoint", "VPC エンドポイント"),
    "AWS::IAM::User": ("IAM user", "IAM ユーザー"),
    "AWS::IAM::Role": ("role", "ロール"),
    "AWS::IAM::Group": ("IAM group", "IAM グループ"),
    "AWS::IAM::Policy": ("policy", "ポリシー"),
    "AWS::S3::Bucket": ("bucket", "バケット"),
    "AWS::S3::AccountPublicAccessBlock": ("block of public access", "パブリックアクセスブロック"),
    "AWS::KMS::Key": ("key", "キー"),
    "AWS::Lambda::Function": ("function", "関数"),
    "AWS::RDS::DBInstance": ("database", "データベース"),
    "AWS::RDS::DBCluster": ("database cluster", "データベースクラスター"),
    "AWS::RDS::DBSnapshot": ("database snapshot", "データベーススナップショット"),
    "AWS::DynamoDB::Table": ("table", "テーブル"),
    "AWS::CloudTrail::Trail": ("trail", "証跡"),
    "AWS::CloudWatch::Alarm": ("alarm", "アラーム"),
    "AWS::CloudFormation::Stack": ("stack", "スタック"),
    "AWS::AutoScaling::AutoScalingGroup": ("Auto Scaling group", "Auto Scaling グループ"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("load balancer", "ロードバランサー"),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("load balancer", "ロードバランサー"),
    "AWS::SecretsManager::Secret": ("secret", "シークレット"),
    "AWS::SNS::Topic": ("topic", "トピック"),
    "AWS::SQS::Queue": ("queue", "キュー"),
    "AWS::ECS::Cluster": ("ECS cluster", "ECS クラスター"),
    "AWS::EKS::Cluster": ("EKS cluster", "EKS クラスター"),
    "AWS::SSM::ManagedInstanceInventory": ("inventory of the instance", "インスタンスのインベントリ"),
    "AWS::Config::ResourceCompliance": ("compliance of the resource", "リソースのコンプライアンス"),
}
_PHRASES: Final = {kind: Phrase(Message(en, ja)) for kind, (en, ja) in KINDS.items()}

MESSAGES: Final = {
    "changed": Message("The {kind} {resource} changed: {properties}", "{kind} {resource} が変更されました({properties})"),
    "recorded": Message("AWS Config recorded the state of the {kind} {resource}",
                        "AWS Config が {kind} {resource} の状態を記録しました"),
    "discovered": Message("AWS Config found the new {kind} {resource}", "AWS Config が新しい {kind} {resource} を検出しました"),
    "deleted": Message("The {kind} {resource} was deleted", "{kind} {resource} が削除されました"),
    "not_recorded": Message("AWS Config does not record the {kind} {resource}",
                            "{kind} {resource} は AWS Config の記録対象外です"),
    "deleted_not_recorded": Message("The {kind} {resource}, which AWS Config did not record, was deleted",
                                    "AWS Config の記録対象外の {kind} {resource} が削除されました"),
    "unknown": Message("AWS Config recorded a resource", "AWS Config がリソースを記録しました"),
}
_STATUSES: Final = {
    "ResourceDiscovered": "discovered",
    "ResourceDeleted": "deleted",
    "ResourceNotRecorded": "not_recorded",
    "ResourceDeletedNotRecorded": "deleted_not_recorded",
}
# fmt: on


def accepts(record: Mapping[str, Any]) -> bool:
    """An item (of the table, a file or the API), or a notification with an item in it."""
    return (
        "resourceType" in record and "eventName" not in record and "eventSource" not in record
    ) or isinstance(record.get("configurationItem"), Mapping)


def _item(record: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = record.get("configurationItem")
    return inner if isinstance(inner, Mapping) else record


def _names(record: Mapping[str, Any]) -> tuple[str, ...]:
    item = _item(record)
    tags = opened_mapping(item.get("tags"))
    found = (
        tags.get("Name"),
        item.get("resourceName"),
        item.get("resourceId"),
        item.get("ARN") or item.get("arn"),
    )
    return tuple(dict.fromkeys(t for t in map(text_of, found) if t))


def resources(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Name and id of the resource; its name first, where it has one."""
    return _names(record)


def _properties(record: Mapping[str, Any]) -> tuple[str, ...]:
    difference = opened_mapping(
        record.get("configurationItemDiff") or _item(record).get("configurationItemDiff")
    )
    changed = opened_mapping(difference.get("changedProperties"))
    return tuple(str(p).removeprefix("Configuration.") for p in list(changed)[:50])


def _is_shown(resource_id: str) -> bool:
    """Ids that tell people nothing beside a name are left out: those of IAM, and long ones."""
    return len(resource_id) <= 40 and not NO_NAME.fullmatch(resource_id)


def _resource(record: Mapping[str, Any], names: Names, language: Language) -> str | None:
    item = _item(record)
    ids = _names(record)
    if not ids:
        return None
    resource_id = text_of(item.get("resourceId"))
    said = names.said(ids[0], language)
    if (
        resource_id
        and resource_id not in (ids[0], text_of(item.get("resourceName")))
        and _is_shown(resource_id)
    ):
        return names.placed(said, names.said(resource_id, language), language)
    return said


def told(record: Mapping[str, Any], language: Language, names: Names) -> Told:
    """The sentence about an item."""
    item = _item(record)
    kind = text_of(item.get("resourceType"))
    resource = _resource(record, names, language)
    account = text_of(item.get("awsAccountId") or item.get("accountId"))
    where = names.account(account) if account else None
    if kind is None or resource is None:
        return Told(MESSAGES["unknown"].said(language, {}), "AWS Config", "recorded", "", where)
    properties = _properties(record)
    status = text_of(item.get("configurationItemStatus")) or "OK"
    key = _STATUSES.get(status, "changed" if properties else "recorded")
    values: dict[str, Value] = {"kind": _PHRASES.get(kind, kind), "properties": properties}
    said = {name: names.said(value, language) for name, value in values.items()} | {"resource": resource}
    return Told(MESSAGES[key].said(language, said), "AWS Config", key, resource, where)
