"""Accounts and their union: Organizations, Account, IAM Identity Center's administration, RAM.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-info-in-cloudtrail.html
"""

from collections.abc import Callable

from ashiato.words.calls import Call
from ashiato.words.family import Family

_ORGANIZATIONS = Family("organizations")
_ACCOUNT = Family("account")
_SSO = Family("sso")
_DIRECTORY = Family("sso-directory", "identitystore", "identitystore-scim")
_RAM = Family("ram")
FAMILIES = (_ORGANIZATIONS, _ACCOUNT, _SSO, _DIRECTORY, _RAM)


def _to_group(call: Call) -> bool:
    return call.value("principalType") == "GROUP"


def _true(path: str) -> Callable[[Call], bool]:
    return lambda call: call.value(path) == "true"


_USER = "userId|userName|response:userId|response:user.userName"
_SET = "permissionSetArn"

# fmt: off
_ORGANIZATIONS.says(
    "LeaveOrganization",
    ("{who} [took|tried to take] the account out of its organization",
     "{who} がアカウントを組織から離脱[させました|させようとしました]"),
)
_ORGANIZATIONS.says(
    "InviteAccountToOrganization",
    ("{who} [invited|tried to invite] {account} into the organization",
     "{who} が {account} を組織に招待[しました|しようとしました]"),
    account="target.id",
)
_ORGANIZATIONS.says(
    "AcceptHandshake",
    ("{who} [accepted|tried to accept] the invitation {handshake}",
     "{who} が招待 {handshake} を承認[しました|しようとしました]"),
    handshake="handshakeId",
)
_ORGANIZATIONS.says(
    "RemoveAccountFromOrganization",
    ("{who} [removed|tried to remove] {account} from the organization",
     "{who} が {account} を組織から削除[しました|しようとしました]"),
    account="accountId",
)
_ORGANIZATIONS.says(
    "MoveAccount",
    ("{who} [moved|tried to move] {account} from {before} to {after}",
     "{who} が {account} を {before} から {after} に移動[しました|しようとしました]"),
    account="accountId", before="sourceParentId", after="destinationParentId",
)
_ORGANIZATIONS.says(
    "CreateAccount CreateGovCloudAccount",
    ("{who} [created|tried to create] the account {name}",
     "{who} がアカウント {name} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] an account", "{who} がアカウントを作成[しました|しようとしました]"),
    account="response:createAccountStatus.accountId",
    name="accountName|response:createAccountStatus.accountName", about="account name",
)
_ORGANIZATIONS.says(
    "CreateAccountResult",
    ("AWS [created|tried to create] the account {name} for the organization",
     "AWS が組織のアカウント {name} を作成[しました|しようとしました]"),
    account="details:createAccountStatus.accountId", name="details:createAccountStatus.accountName",
    about="account name",
)
_ORGANIZATIONS.says(
    "CloseAccount",
    ("{who} [closed|tried to close] {account}", "{who} が {account} を閉鎖[しました|しようとしました]"),
    account="accountId",
)
_ORGANIZATIONS.says(
    "CreatePolicy",
    ("{who} [wrote|tried to write] the organization policy {policy}",
     "{who} が組織ポリシー {policy} を作成[しました|しようとしました]"),
    policy="name",
)
_ORGANIZATIONS.says(
    "UpdatePolicy",
    ("{who} [changed|tried to change] the organization policy {policy}",
     "{who} が組織ポリシー {policy} を変更[しました|しようとしました]"),
    policy="policyId",
)
_ORGANIZATIONS.says(
    "DeletePolicy",
    ("{who} [deleted|tried to delete] the organization policy {policy}",
     "{who} が組織ポリシー {policy} を削除[しました|しようとしました]"),
    policy="policyId",
)
_ORGANIZATIONS.says(
    "AttachPolicy",
    ("{who} [attached|tried to attach] the organization policy {policy} to {target}",
     "{who} が組織ポリシー {policy} を {target} にアタッチ[しました|しようとしました]"),
    policy="policyId", target="targetId", about="target policy",
)
_ORGANIZATIONS.says(
    "DetachPolicy",
    ("{who} [detached|tried to detach] the organization policy {policy} from {target}",
     "{who} が組織ポリシー {policy} を {target} からデタッチ[しました|しようとしました]"),
    policy="policyId", target="targetId", about="target policy",
)
_ORGANIZATIONS.says(
    "DisablePolicyType",
    ("{who} [switched off|tried to switch off] {type} in {root}",
     "{who} が {root} で {type} を無効化[しました|しようとしました]"),
    type="policyType", root="rootId",
)
_ORGANIZATIONS.says(
    "RegisterDelegatedAdministrator",
    ("{who} [made|tried to make] {account} the administrator of {service}",
     "{who} が {account} を {service} の委任管理者に登録[しました|しようとしました]"),
    account="accountId", service="servicePrincipal",
)
_ORGANIZATIONS.says(
    "DeregisterDelegatedAdministrator",
    ("{who} [took|tried to take] the administration of {service} from {account}",
     "{who} が {account} の {service} の委任管理者登録を解除[しました|しようとしました]"),
    account="accountId", service="servicePrincipal",
)
_ORGANIZATIONS.says(
    "EnableAWSServiceAccess",
    ("{who} [gave|tried to give] {service} access to the organization",
     "{who} が {service} に組織へのアクセスを許可[しました|しようとしました]"),
    service="servicePrincipal",
)
_ORGANIZATIONS.says(
    "DisableAWSServiceAccess",
    ("{who} [took|tried to take] the access to the organization from {service}",
     "{who} が {service} の組織へのアクセスを無効化[しました|しようとしました]"),
    service="servicePrincipal",
)
_ACCOUNT.says(
    "EnableRegion",
    ("{who} [enabled|tried to enable] the region {region}",
     "{who} がリージョン {region} を有効化[しました|しようとしました]"),
    region="regionName|RegionName",
)
_ACCOUNT.says(
    "DisableRegion",
    ("{who} [disabled|tried to disable] the region {region}",
     "{who} がリージョン {region} を無効化[しました|しようとしました]"),
    region="regionName|RegionName",
)
_ACCOUNT.says(
    "PutContactInformation PutAlternateContact",
    ("{who} [changed|tried to change] the account's contact",
     "{who} がアカウントの連絡先を変更[しました|しようとしました]"),
)
_ACCOUNT.says(
    "StartPrimaryEmailUpdate AcceptPrimaryEmailUpdate",
    ("{who} [changed|tried to change] the root user's e-mail address",
     "{who} が root ユーザーのメールアドレスを変更[しました|しようとしました]"),
)
_SSO.says(
    "CreatePermissionSet",
    ("{who} [created|tried to create] the permission set {set}",
     "{who} が許可セット {set} を作成[しました|しようとしました]"),
    set="name",
)
_SSO.says(
    "UpdatePermissionSet",
    ("{who} [changed|tried to change] the permission set {set}",
     "{who} が許可セット {set} を変更[しました|しようとしました]"),
    set=_SET,
)
_SSO.says(
    "DeletePermissionSet",
    ("{who} [deleted|tried to delete] the permission set {set}",
     "{who} が許可セット {set} を削除[しました|しようとしました]"),
    set=_SET,
)
_SSO.says(
    "AttachManagedPolicyToPermissionSet AttachCustomerManagedPolicyReferenceToPermissionSet",
    ("{who} [attached|tried to attach] the policy {policy} to the permission set {set}",
     "{who} が許可セット {set} にポリシー {policy} をアタッチ[しました|しようとしました]"),
    set=_SET, policy="managedPolicyArn|customerManagedPolicyReference.name", about="set policy",
)
_SSO.says(
    "PutInlinePolicyToPermissionSet",
    ("{who} [wrote|tried to write] the inline policy of the permission set {set}",
     "{who} が許可セット {set} にインラインポリシーを設定[しました|しようとしました]"),
    set=_SET,
)
_SSO.says(
    "ProvisionPermissionSet",
    ("{who} [rolled out|tried to roll out] the permission set {set} to {account}",
     "{who} が許可セット {set} を {account} に展開[しました|しようとしました]"),
    ("{who} [rolled out|tried to roll out] the permission set {set}",
     "{who} が許可セット {set} を展開[しました|しようとしました]"),
    set=_SET, account="targetId",
)
_SSO.says(
    "CreateAccountAssignment",
    ("{who} [gave|tried to give] the group {principal} the permission set {set} in {account}",
     "{who} がグループ {principal} に {account} での許可セット {set} を割り当て[ました|ようとしました]", "group"),
    ("{who} [gave|tried to give] the user {principal} the permission set {set} in {account}",
     "{who} がユーザー {principal} に {account} での許可セット {set} を割り当て[ました|ようとしました]"),
    principal="principalId", set=_SET, account="targetId", group=_to_group, about="account principal set",
)
_SSO.says(
    "DeleteAccountAssignment",
    ("{who} [took|tried to take] the permission set {set} in {account} from {principal}",
     "{who} が {principal} から {account} での許可セット {set} を取り消[しました|そうとしました]"),
    principal="principalId", set=_SET, account="targetId", about="account principal set",
)
_SSO.says(
    "AssociateDirectory DisassociateDirectory",
    ("{who} [changed|tried to change] where IAM Identity Center's users come from",
     "{who} が IAM Identity Center の ID ソースを変更[しました|しようとしました]"),
)
_SSO.says(
    "CreateTrustedTokenIssuer",
    ("{who} [added|tried to add] the trusted token issuer {issuer}",
     "{who} が信頼済みトークン発行者 {issuer} を追加[しました|しようとしました]"),
    issuer="name",
)
_SSO.says(
    "PutMfaDeviceManagementForDirectory",
    ("{who} [changed|tried to change] the MFA settings of IAM Identity Center",
     "{who} が IAM Identity Center の MFA 設定を変更[しました|しようとしました]"),
)
_DIRECTORY.says(
    "CreateUser",
    ("{who} [created|tried to create] the IAM Identity Center user {user}",
     "{who} が IAM Identity Center のユーザー {user} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] an IAM Identity Center user",
     "{who} が IAM Identity Center のユーザーを作成[しました|しようとしました]"),
    user=_USER,
)
_DIRECTORY.says(
    "DisableUser",
    ("{who} [disabled|tried to disable] the IAM Identity Center user {user}",
     "{who} が IAM Identity Center のユーザー {user} を無効化[しました|しようとしました]"),
    user=_USER,
)
_DIRECTORY.says(
    "AddMemberToGroup CreateGroupMembership",
    ("{who} [added|tried to add] {member} to the IAM Identity Center group {group}",
     "{who} が {member} を IAM Identity Center のグループ {group} に追加[しました|しようとしました]"),
    member="memberId.userId|memberId|userId", group="groupId",
)
_DIRECTORY.says(
    "UpdatePassword",
    ("{who} [changed|tried to change] the password of the IAM Identity Center user {user}",
     "{who} が IAM Identity Center のユーザー {user} のパスワードを変更[しました|しようとしました]"),
    user=_USER,
)
_DIRECTORY.says(
    "StartVirtualMfaDeviceRegistration CompleteVirtualMfaDeviceRegistration CompleteWebAuthnDeviceRegistration",
    ("{who} [registered|tried to register] an MFA device of the IAM Identity Center user {user}",
     "{who} が IAM Identity Center のユーザー {user} の MFA デバイスを登録[しました|しようとしました]"),
    ("{who} [registered|tried to register] an MFA device in IAM Identity Center",
     "{who} が IAM Identity Center で MFA デバイスを登録[しました|しようとしました]"),
    user=_USER,
)
_DIRECTORY.says(
    "DeleteMfaDeviceForUser UpdateMfaDeviceForUser",
    ("{who} [changed|tried to change] the MFA devices of the IAM Identity Center user {user}",
     "{who} が IAM Identity Center のユーザー {user} の MFA デバイスを変更[しました|しようとしました]"),
    user=_USER,
)
_DIRECTORY.says(
    "EnableExternalIdPConfigurationForDirectory DisableExternalIdPConfigurationForDirectory",
    ("{who} [changed|tried to change] the external identity provider of IAM Identity Center",
     "{who} が IAM Identity Center の外部 ID プロバイダーを変更[しました|しようとしました]"),
)
_RAM.says(
    "CreateResourceShare AssociateResourceShare",
    ("{who} [shared|tried to share] {resources} with {principals}, outside accounts allowed",
     "{who} が組織外への共有を許可して {resources} を {principals} と共有[しました|しようとしました]", "outside"),
    ("{who} [shared|tried to share] {resources} with {principals}",
     "{who} が {resources} を {principals} と共有[しました|しようとしました]"),
    ("{who} [changed|tried to change] the resource share {share}",
     "{who} がリソース共有 {share} を変更[しました|しようとしました]"),
    resources="resourceArns", principals="principals", share="name|resourceShareArn",
    outside=_true("allowExternalPrincipals"), about="resources share",
)
_RAM.says(
    "AcceptResourceShareInvitation",
    ("{who} [accepted|tried to accept] the resource share {share}",
     "{who} がリソース共有 {share} を承認[しました|しようとしました]"),
    share="resourceShareInvitationArn",
)
