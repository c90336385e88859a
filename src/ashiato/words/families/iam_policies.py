"""IAM: policies, and the roles and instance profiles that carry them.

Parameters: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from ashiato.words.calls import Call
from ashiato.words.family import Family
from ashiato.words.names import Value
from ashiato.words.policies import allowed, trusted

FAMILY = Family("iam")
_says = FAMILY.says


def _allowed(call: Call) -> Value:
    return allowed(call.request.get("policyDocument"))


def _trusted(call: Call) -> Value:
    return trusted(call.request.get("policyDocument") or call.request.get("assumeRolePolicyDocument"))


# fmt: off
_says(
    "AttachUserPolicy",
    ("{who} [attached|tried to attach] the policy {policy} to the IAM user {user}",
     "{who} が IAM ユーザー {user} にポリシー {policy} をアタッチ[しました|しようとしました]"),
    user="userName", policy="policyArn", about="user policy",
)
_says(
    "AttachRolePolicy",
    ("{who} [attached|tried to attach] the policy {policy} to the role {role}",
     "{who} がロール {role} にポリシー {policy} をアタッチ[しました|しようとしました]"),
    role="roleName", policy="policyArn", about="role policy",
)
_says(
    "AttachGroupPolicy",
    ("{who} [attached|tried to attach] the policy {policy} to the IAM group {group}",
     "{who} が IAM グループ {group} にポリシー {policy} をアタッチ[しました|しようとしました]"),
    group="groupName", policy="policyArn", about="group policy",
)
_says(
    "DetachUserPolicy",
    ("{who} [detached|tried to detach] the policy {policy} from the IAM user {user}",
     "{who} が IAM ユーザー {user} からポリシー {policy} をデタッチ[しました|しようとしました]"),
    user="userName", policy="policyArn", about="user policy",
)
_says(
    "DetachRolePolicy",
    ("{who} [detached|tried to detach] the policy {policy} from the role {role}",
     "{who} がロール {role} からポリシー {policy} をデタッチ[しました|しようとしました]"),
    role="roleName", policy="policyArn", about="role policy",
)
_says(
    "DetachGroupPolicy",
    ("{who} [detached|tried to detach] the policy {policy} from the IAM group {group}",
     "{who} が IAM グループ {group} からポリシー {policy} をデタッチ[しました|しようとしました]"),
    group="groupName", policy="policyArn", about="group policy",
)
_says(
    "PutUserPolicy",
    ("{who} [gave|tried to give] the IAM user {user} the inline policy {policy}, which allows {allowed}",
     "{who} が IAM ユーザー {user} に、{allowed} を許可するインラインポリシー {policy} を設定[しました|しようとしました]"),
    ("{who} [gave|tried to give] the IAM user {user} the inline policy {policy}",
     "{who} が IAM ユーザー {user} にインラインポリシー {policy} を設定[しました|しようとしました]"),
    user="userName", policy="policyName", allowed=_allowed,
)
_says(
    "PutRolePolicy",
    ("{who} [gave|tried to give] the role {role} the inline policy {policy}, which allows {allowed}",
     "{who} がロール {role} に、{allowed} を許可するインラインポリシー {policy} を設定[しました|しようとしました]"),
    ("{who} [gave|tried to give] the role {role} the inline policy {policy}",
     "{who} がロール {role} にインラインポリシー {policy} を設定[しました|しようとしました]"),
    role="roleName", policy="policyName", allowed=_allowed,
)
_says(
    "PutGroupPolicy",
    ("{who} [gave|tried to give] the IAM group {group} the inline policy {policy}, which allows {allowed}",
     "{who} が IAM グループ {group} に、{allowed} を許可するインラインポリシー {policy} を設定[しました|しようとしました]"),
    ("{who} [gave|tried to give] the IAM group {group} the inline policy {policy}",
     "{who} が IAM グループ {group} にインラインポリシー {policy} を設定[しました|しようとしました]"),
    group="groupName", policy="policyName", allowed=_allowed,
)
_says(
    "DeleteUserPolicy",
    ("{who} [deleted|tried to delete] the inline policy {policy} of the IAM user {user}",
     "{who} が IAM ユーザー {user} のインラインポリシー {policy} を削除[しました|しようとしました]"),
    user="userName", policy="policyName",
)
_says(
    "DeleteRolePolicy",
    ("{who} [deleted|tried to delete] the inline policy {policy} of the role {role}",
     "{who} がロール {role} のインラインポリシー {policy} を削除[しました|しようとしました]"),
    role="roleName", policy="policyName",
)
_says(
    "DeleteGroupPolicy",
    ("{who} [deleted|tried to delete] the inline policy {policy} of the IAM group {group}",
     "{who} が IAM グループ {group} のインラインポリシー {policy} を削除[しました|しようとしました]"),
    group="groupName", policy="policyName",
)
_says(
    "PutUserPermissionsBoundary",
    ("{who} [set|tried to set] the permissions boundary {boundary} of the IAM user {user}",
     "{who} が IAM ユーザー {user} にアクセス許可の境界 {boundary} を設定[しました|しようとしました]"),
    user="userName", boundary="permissionsBoundary",
)
_says(
    "PutRolePermissionsBoundary",
    ("{who} [set|tried to set] the permissions boundary {boundary} of the role {role}",
     "{who} がロール {role} にアクセス許可の境界 {boundary} を設定[しました|しようとしました]"),
    ("{who} [set|tried to set] the permissions boundary of the role {role}",
     "{who} がロール {role} にアクセス許可の境界を設定[しました|しようとしました]"),
    role="roleName", boundary="permissionsBoundary",
)
_says(
    "DeleteUserPermissionsBoundary",
    ("{who} [removed|tried to remove] the permissions boundary of the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセス許可の境界を削除[しました|しようとしました]"),
    user="userName",
)
_says(
    "DeleteRolePermissionsBoundary",
    ("{who} [removed|tried to remove] the permissions boundary of the role {role}",
     "{who} がロール {role} のアクセス許可の境界を削除[しました|しようとしました]"),
    role="roleName",
)
_says(
    "CreatePolicy",
    ("{who} [created|tried to create] the policy {policy}, which allows {allowed}",
     "{who} が {allowed} を許可するポリシー {policy} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the policy {policy}",
     "{who} がポリシー {policy} を作成[しました|しようとしました]"),
    policy="policyName", allowed=_allowed,
)
_says(
    "DeletePolicy",
    ("{who} [deleted|tried to delete] the policy {policy}",
     "{who} がポリシー {policy} を削除[しました|しようとしました]"),
    policy="policyArn",
)
_says(
    "CreatePolicyVersion",
    ("{who} [made|tried to make] a new version of the policy {policy} the default, which allows {allowed}",
     "{who} がポリシー {policy} の既定のバージョンを、{allowed} を許可する新しいものに[しました|しようとしました]"),
    ("{who} [added|tried to add] a version to the policy {policy}",
     "{who} がポリシー {policy} に新しいバージョンを追加[しました|しようとしました]"),
    policy="policyArn",
    allowed=lambda call: _allowed(call) if call.value("setAsDefault") == "true" else None,
)
_says(
    "SetDefaultPolicyVersion",
    ("{who} [made|tried to make] version {version} the default of the policy {policy}",
     "{who} がポリシー {policy} の既定のバージョンを {version} に変更[しました|しようとしました]"),
    policy="policyArn", version="versionId",
)
_says(
    "DeletePolicyVersion",
    ("{who} [deleted|tried to delete] version {version} of the policy {policy}",
     "{who} がポリシー {policy} のバージョン {version} を削除[しました|しようとしました]"),
    ("{who} [deleted|tried to delete] a version of the policy {policy}",
     "{who} がポリシー {policy} のバージョンを削除[しました|しようとしました]"),
    policy="policyArn", version="versionId",
)
_says(
    "CreateRole",
    ("{who} [created|tried to create] the role {role}, trusting {trusted}",
     "{who} が {trusted} を信頼するロール {role} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the role {role}",
     "{who} がロール {role} を作成[しました|しようとしました]"),
    role="roleName", trusted=_trusted,
)
_says(
    "CreateServiceLinkedRole",
    ("{who} [created|tried to create] the service-linked role of {service}",
     "{who} が {service} のサービスにリンクされたロールを作成[しました|しようとしました]"),
    service="aWSServiceName|awsServiceName",
    role="response:role.roleName", about="role service",
)
_says(
    "DeleteRole",
    ("{who} [deleted|tried to delete] the role {role}",
     "{who} がロール {role} を削除[しました|しようとしました]"),
    role="roleName",
)
_says(
    "UpdateRole UpdateRoleDescription",
    ("{who} [changed|tried to change] the role {role}",
     "{who} がロール {role} を変更[しました|しようとしました]"),
    role="roleName",
)
_says(
    "UpdateAssumeRolePolicy",
    ("{who} [changed|tried to change] who may assume the role {role}: now {trusted}",
     "{who} がロール {role} の信頼ポリシーを変更し、信頼先を {trusted} に[しました|しようとしました]"),
    ("{who} [changed|tried to change] who may assume the role {role}",
     "{who} がロール {role} の信頼ポリシーを変更[しました|しようとしました]"),
    role="roleName", trusted=_trusted,
)
_says(
    "CreateInstanceProfile",
    ("{who} [created|tried to create] the instance profile {profile}",
     "{who} がインスタンスプロファイル {profile} を作成[しました|しようとしました]"),
    profile="instanceProfileName",
)
_says(
    "DeleteInstanceProfile",
    ("{who} [deleted|tried to delete] the instance profile {profile}",
     "{who} がインスタンスプロファイル {profile} を削除[しました|しようとしました]"),
    profile="instanceProfileName",
)
_says(
    "AddRoleToInstanceProfile",
    ("{who} [put|tried to put] the role {role} into the instance profile {profile}",
     "{who} がロール {role} をインスタンスプロファイル {profile} に追加[しました|しようとしました]"),
    role="roleName", profile="instanceProfileName", about="role profile",
)
_says(
    "RemoveRoleFromInstanceProfile",
    ("{who} [took|tried to take] the role {role} out of the instance profile {profile}",
     "{who} がロール {role} をインスタンスプロファイル {profile} から削除[しました|しようとしました]"),
    role="roleName", profile="instanceProfileName", about="role profile",
)
_says(
    "GetAccountAuthorizationDetails",
    ("{who} [read|tried to read] all users, roles and policies of the account",
     "{who} がアカウントの全ユーザー、ロール、ポリシーを読み取[りました|ろうとしました]"),
)
_says(
    "GenerateCredentialReport GetCredentialReport",
    ("{who} [read|tried to read] the account's credential report",
     "{who} がアカウントの認証情報レポートを取得[しました|しようとしました]"),
)
