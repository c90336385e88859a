"""IAM: users, their keys, passwords and MFA devices, groups, account settings.

Parameters: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from ashiato.words.calls import Call
from ashiato.words.family import Family
from ashiato.words.names import Value

FAMILY = Family("iam")
_says = FAMILY.says

# fmt: off
_says(
    "CreateUser",
    ("{who} [created|tried to create] the IAM user {user}",
     "{who} が IAM ユーザー {user} を作成[しました|しようとしました]"),
    user="userName",
)
_says(
    "DeleteUser",
    ("{who} [deleted|tried to delete] the IAM user {user}",
     "{who} が IAM ユーザー {user} を削除[しました|しようとしました]"),
    user="userName",
)
_says(
    "UpdateUser",
    ("{who} [renamed|tried to rename] the IAM user {user} to {new}",
     "{who} が IAM ユーザー {user} の名前を {new} に変更[しました|しようとしました]"),
    ("{who} [changed|tried to change] the IAM user {user}",
     "{who} が IAM ユーザー {user} を変更[しました|しようとしました]"),
    user="userName", new="newUserName",
)
_says(
    "CreateAccessKey",
    ("{who} [created|tried to create] the access key {key} for the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセスキー {key} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] an access key for the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセスキーを作成[しました|しようとしました]"),
    ("{who} [created|tried to create] an access key of their own",
     "{who} が自分のアクセスキーを作成[しました|しようとしました]"),
    user="userName|response:accessKey.userName", key="response:accessKey.accessKeyId", about="user key",
)
_says(
    "DeleteAccessKey",
    ("{who} [deleted|tried to delete] the access key {key} of the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセスキー {key} を削除[しました|しようとしました]"),
    ("{who} [deleted|tried to delete] the access key {key}",
     "{who} がアクセスキー {key} を削除[しました|しようとしました]"),
    user="userName", key="accessKeyId", about="user key",
)


def _enabled(call: Call) -> Value:
    return call.value("accessKeyId") if call.value("status") == "Active" else None


_says(
    "UpdateAccessKey",
    ("{who} [enabled|tried to enable] the access key {enabled} of the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセスキー {enabled} を有効化[しました|しようとしました]"),
    ("{who} [disabled|tried to disable] the access key {key} of the IAM user {user}",
     "{who} が IAM ユーザー {user} のアクセスキー {key} を無効化[しました|しようとしました]"),
    ("{who} [changed|tried to change] the state of the access key {key}",
     "{who} がアクセスキー {key} の状態を変更[しました|しようとしました]"),
    user="userName", key="accessKeyId", enabled=_enabled, about="user key",
)
_says(
    "CreateLoginProfile",
    ("{who} [gave|tried to give] the IAM user {user} a console password",
     "{who} が IAM ユーザー {user} にコンソールのパスワードを設定[しました|しようとしました]"),
    ("{who} [allowed|tried to allow] the root user to set a password again",
     "{who} が root ユーザーのパスワード設定を再び許可[しました|しようとしました]"),
    user="userName",
)
_says(
    "UpdateLoginProfile",
    ("{who} [changed|tried to change] the console password of the IAM user {user}",
     "{who} が IAM ユーザー {user} のコンソールのパスワードを変更[しました|しようとしました]"),
    user="userName",
)
_says(
    "DeleteLoginProfile",
    ("{who} [removed|tried to remove] the console password of the IAM user {user}",
     "{who} が IAM ユーザー {user} のコンソールのパスワードを削除[しました|しようとしました]"),
    ("{who} [removed|tried to remove] the root user's password",
     "{who} が root ユーザーのパスワードを削除[しました|しようとしました]"),
    user="userName",
)
_says(
    "ChangePassword",
    ("{who} [changed|tried to change] their own password",
     "{who} が自分のパスワードを変更[しました|しようとしました]"),
)
_says(
    "CreateGroup",
    ("{who} [created|tried to create] the IAM group {group}",
     "{who} が IAM グループ {group} を作成[しました|しようとしました]"),
    group="groupName",
)
_says(
    "DeleteGroup",
    ("{who} [deleted|tried to delete] the IAM group {group}",
     "{who} が IAM グループ {group} を削除[しました|しようとしました]"),
    group="groupName",
)
_says(
    "AddUserToGroup",
    ("{who} [added|tried to add] the IAM user {user} to the group {group}",
     "{who} が IAM ユーザー {user} をグループ {group} に追加[しました|しようとしました]"),
    user="userName", group="groupName", about="user group",
)
_says(
    "RemoveUserFromGroup",
    ("{who} [removed|tried to remove] the IAM user {user} from the group {group}",
     "{who} が IAM ユーザー {user} をグループ {group} から削除[しました|しようとしました]"),
    user="userName", group="groupName", about="user group",
)
_says(
    "CreateVirtualMFADevice",
    ("{who} [created|tried to create] the virtual MFA device {device}",
     "{who} が仮想 MFA デバイス {device} を作成[しました|しようとしました]"),
    device="virtualMFADeviceName|response:virtualMFADevice.serialNumber",
)
_says(
    "EnableMFADevice ResyncMFADevice",
    ("{who} [registered|tried to register] the MFA device {device} for the IAM user {user}",
     "{who} が IAM ユーザー {user} に MFA デバイス {device} を登録[しました|しようとしました]"),
    ("{who} [registered|tried to register] the MFA device {device}",
     "{who} が MFA デバイス {device} を登録[しました|しようとしました]"),
    user="userName", device="serialNumber", about="user device",
)
_says(
    "DeactivateMFADevice",
    ("{who} [turned off|tried to turn off] the MFA device {device} of the IAM user {user}",
     "{who} が IAM ユーザー {user} の MFA デバイス {device} を無効化[しました|しようとしました]"),
    ("{who} [turned off|tried to turn off] the MFA device {device}",
     "{who} が MFA デバイス {device} を無効化[しました|しようとしました]"),
    user="userName", device="serialNumber", about="user device",
)
_says(
    "DeleteVirtualMFADevice",
    ("{who} [deleted|tried to delete] the virtual MFA device {device}",
     "{who} が仮想 MFA デバイス {device} を削除[しました|しようとしました]"),
    device="serialNumber",
)
_says(
    "CreateServiceSpecificCredential",
    ("{who} [created|tried to create] a credential of the IAM user {user} for {service}",
     "{who} が IAM ユーザー {user} の {service} 用認証情報を作成[しました|しようとしました]"),
    user="userName", service="serviceName",
)
_says(
    "UploadSSHPublicKey",
    ("{who} [uploaded|tried to upload] an SSH key of the IAM user {user}",
     "{who} が IAM ユーザー {user} の SSH 公開鍵を登録[しました|しようとしました]"),
    user="userName",
)
_says(
    "UploadSigningCertificate",
    ("{who} [uploaded|tried to upload] a signing certificate of the IAM user {user}",
     "{who} が IAM ユーザー {user} の署名証明書を登録[しました|しようとしました]"),
    ("{who} [uploaded|tried to upload] a signing certificate of their own",
     "{who} が自分の署名証明書を登録[しました|しようとしました]"),
    user="userName",
)
_says(
    "CreateSAMLProvider",
    ("{who} [added|tried to add] the SAML identity provider {provider}",
     "{who} が SAML ID プロバイダー {provider} を追加[しました|しようとしました]"),
    provider="name|response:sAMLProviderArn",
)
_says(
    "UpdateSAMLProvider",
    ("{who} [changed|tried to change] the SAML identity provider {provider}",
     "{who} が SAML ID プロバイダー {provider} を変更[しました|しようとしました]"),
    provider="sAMLProviderArn",
)
_says(
    "DeleteSAMLProvider",
    ("{who} [deleted|tried to delete] the SAML identity provider {provider}",
     "{who} が SAML ID プロバイダー {provider} を削除[しました|しようとしました]"),
    provider="sAMLProviderArn",
)
_says(
    "CreateOpenIDConnectProvider",
    ("{who} [added|tried to add] the OpenID Connect provider {provider}",
     "{who} が OpenID Connect プロバイダー {provider} を追加[しました|しようとしました]"),
    provider="url|response:openIDConnectProviderArn",
)
_says(
    "DeleteOpenIDConnectProvider",
    ("{who} [deleted|tried to delete] the OpenID Connect provider {provider}",
     "{who} が OpenID Connect プロバイダー {provider} を削除[しました|しようとしました]"),
    provider="openIDConnectProviderArn",
)
_says(
    "UpdateAccountPasswordPolicy",
    ("{who} [changed|tried to change] the account's password policy",
     "{who} がアカウントのパスワードポリシーを変更[しました|しようとしました]"),
)
_says(
    "DeleteAccountPasswordPolicy",
    ("{who} [deleted|tried to delete] the account's password policy",
     "{who} がアカウントのパスワードポリシーを削除[しました|しようとしました]"),
)
_says(
    "CreateAccountAlias",
    ("{who} [gave|tried to give] the account the alias {alias}",
     "{who} がアカウントのエイリアス {alias} を作成[しました|しようとしました]"),
    alias="accountAlias",
)
_says(
    "DeleteAccountAlias",
    ("{who} [removed|tried to remove] the account's alias {alias}",
     "{who} がアカウントのエイリアス {alias} を削除[しました|しようとしました]"),
    alias="accountAlias",
)
