"""Sign-in and sessions: the console, the portal of IAM Identity Center, STS.

Sign-in events: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
STS: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable, Mapping

from ashiato.words.calls import Call
from ashiato.words.family import Family

_SIGN_IN = Family("signin")
_STS = Family("sts")
_PORTAL = Family("sso", "signin")
FAMILIES = (_SIGN_IN, _STS, _PORTAL)


def _mfa(used: str) -> Callable[[Call], bool]:
    """MFA is told of IAM users and root only: federated sign-ins say No whatever their identity provider asked."""
    return lambda call: (
        call.principal.type in ("IAMUser", "Root")
        and call.value("extra:MFAUsed") == used
        and call.outcome == "success"
    )


def _no_such_user(call: Call) -> bool:
    """The name is hidden where it was a wrong one: it may be a password in the wrong field."""
    identity = call.event.get("userIdentity")
    return isinstance(identity, Mapping) and identity.get("userName") == "HIDDEN_DUE_TO_SECURITY_REASONS"


# fmt: off
_SIGN_IN.says(
    "ConsoleLogin",
    ("{who} [signed in|tried to sign in] to the console, with a user name that does not exist",
     "{who} が存在しないユーザー名でコンソールにサインイン[しました|しようとしました]", "wrong"),
    ("{who} [signed in|tried to sign in] to the console with MFA",
     "{who} が MFA を使ってコンソールにサインイン[しました|しようとしました]", "mfa"),
    ("{who} [signed in|tried to sign in] to the console without MFA",
     "{who} が MFA なしでコンソールにサインイン[しました|しようとしました]", "no_mfa"),
    ("{who} [signed in|tried to sign in] to the console",
     "{who} がコンソールにサインイン[しました|しようとしました]"),
    about="", wrong=_no_such_user, mfa=_mfa("Yes"), no_mfa=_mfa("No"),
)
_SIGN_IN.says(
    "CheckMfa",
    ("{who} [passed|did not pass] the MFA check of the sign-in page",
     "{who} がサインインページで MFA の確認[に成功しました|を試みました]"),
)
_SIGN_IN.says(
    "SwitchRole",
    ("{before} [switched|tried to switch] to {who} in the console",
     "コンソールで {before} から {who} にロールを切り替え[ました|ようとしました]"),
    ("{who} [switched|tried to switch] roles in the console",
     "{who} がコンソールでロールを切り替え[ました|ようとしました]"),
    before="extra:SwitchFrom",
)
_SIGN_IN.says(
    "ExitRole",
    ("{who} [left|tried to leave] the role in the console",
     "{who} がコンソールでロールの使用を終了[しました|しようとしました]"),
)
_SIGN_IN.says(
    "RenewRole",
    ("{who} [renewed|tried to renew] the role's session in the console",
     "{who} がコンソールでロールのセッションを更新[しました|しようとしました]"),
)
_SIGN_IN.says(
    "GetSigninToken",
    ("{who} [turned|tried to turn] credentials into a sign-in link for the console",
     "{who} が認証情報からコンソールのサインインリンクを作成[しました|しようとしました]"),
)
_SIGN_IN.says(
    "PasswordRecoveryRequested",
    ("Somebody [asked|tried to ask] for a new password of {who}",
     "{who} のパスワードの再設定が要求され[ました|ようとしました]"),
)
_SIGN_IN.says(
    "PasswordRecoveryCompleted",
    ("Somebody [set|tried to set] a new password of {who} by the recovery link",
     "{who} のパスワードが再設定され[ました|ようとしました]"),
)
_SIGN_IN.says(
    "PasswordUpdated",
    ("{who} [changed|tried to change] the password",
     "{who} がパスワードを変更[しました|しようとしました]"),
)
_SIGN_IN.says(
    "EmailUpdated",
    ("{who} [changed|tried to change] the account's e-mail address",
     "{who} がアカウントのメールアドレスを変更[しました|しようとしました]"),
)
_PORTAL.says(
    "UserAuthentication Authenticate",
    ("{who} [signed in|tried to sign in] to the access portal",
     "{who} がアクセスポータルにサインイン[しました|しようとしました]"),
)
_PORTAL.says(
    "CredentialChallenge",
    ("The access portal [asked|tried to ask] {who} for the credential {credential}",
     "アクセスポータルが {who} に認証情報 {credential} を要求[しました|しようとしました]"),
    ("The access portal [asked|tried to ask] {who} for a credential",
     "アクセスポータルが {who} に認証情報を要求[しました|しようとしました]"),
    credential="extra:CredentialType", about="",
)
_PORTAL.says(
    "CredentialVerification",
    ("{who} [gave|tried to give] the credential {credential} to the access portal",
     "{who} がアクセスポータルで認証情報 {credential} の検証[に成功しました|を試みました]"),
    ("{who} [gave|tried to give] a credential to the access portal",
     "{who} がアクセスポータルで認証情報の検証[に成功しました|を試みました]"),
    credential="extra:CredentialType", about="",
)
_PORTAL.says(
    "Federate",
    ("{who} [entered|tried to enter] account {account} as {role} from the access portal",
     "{who} がアクセスポータルからアカウント {account} に {role} として入[りました|ろうとしました]"),
    ("{who} [entered|tried to enter] an account from the access portal",
     "{who} がアクセスポータルからアカウントに入[りました|ろうとしました]"),
    account="details:account_id|details:accountId", role="details:role_name|details:roleName",
)
_PORTAL.says(
    "GetRoleCredentials",
    ("{who} [fetched|tried to fetch] credentials of the permission set {role} in account {account}",
     "{who} がアカウント {account} の許可セット {role} の認証情報を取得[しました|しようとしました]"),
    ("{who} [fetched|tried to fetch] credentials from the access portal",
     "{who} がアクセスポータルから認証情報を取得[しました|しようとしました]"),
    account="details:account_id|details:accountId|account_id|accountId",
    role="details:role_name|details:roleName|role_name|roleName",
)
_STS.says(
    "AssumeRole",
    ("{who} [assumed|tried to assume] the role {role} as session {session}",
     "{who} がセッション {session} としてロール {role} を引き受け[ました|ようとしました]"),
    ("{who} [assumed|tried to assume] the role {role}",
     "{who} がロール {role} を引き受け[ました|ようとしました]"),
    ("{who} [assumed|tried to assume] a role",
     "{who} がロールを引き受け[ました|ようとしました]"),
    role="roleArn|resources:", session="roleSessionName",
)
_STS.says(
    "AssumeRoleWithSAML",
    ("{who} [assumed|tried to assume] the role {role} by SAML",
     "{who} が SAML でロール {role} を引き受け[ました|ようとしました]"),
    ("{who} [assumed|tried to assume] a role by SAML",
     "{who} が SAML でロールを引き受け[ました|ようとしました]"),
    role="roleArn|resources:",
)
_STS.says(
    "AssumeRoleWithWebIdentity",
    ("{who} [assumed|tried to assume] the role {role} with a web identity token",
     "{who} がウェブ ID トークンでロール {role} を引き受け[ました|ようとしました]"),
    ("{who} [assumed|tried to assume] a role with a web identity token",
     "{who} がウェブ ID トークンでロールを引き受け[ました|ようとしました]"),
    role="roleArn|resources:",
)
_STS.says(
    "AssumeRoot",
    ("{who} [took|tried to take] root permissions in {target} for {task}",
     "{who} が {target} で root 権限({task})を取得[しました|しようとしました]"),
    ("{who} [took|tried to take] root permissions in {target}",
     "{who} が {target} で root 権限を取得[しました|しようとしました]"),
    ("{who} [took|tried to take] root permissions in a member account",
     "{who} がメンバーアカウントで root 権限を取得[しました|しようとしました]"),
    target="targetPrincipal", task="taskPolicyArn.arn",
)
_STS.says(
    "GetFederationToken",
    ("{who} [made|tried to make] a federated session called {name}",
     "{who} がフェデレーションセッション {name} を作成[しました|しようとしました]"),
    ("{who} [made|tried to make] a federated session",
     "{who} がフェデレーションセッションを作成[しました|しようとしました]"),
    name="name|response:federatedUser.arn",
)
_STS.says(
    "GetSessionToken",
    ("{who} [fetched|tried to fetch] temporary credentials after MFA with {device}",
     "{who} が MFA({device})で一時的な認証情報を取得[しました|しようとしました]"),
    ("{who} [fetched|tried to fetch] temporary credentials",
     "{who} が一時的な認証情報を取得[しました|しようとしました]"),
    device="serialNumber", about="",
)
_STS.says(
    "GetCallerIdentity",
    ("{who} [asked|tried to ask] who they are",
     "{who} が GetCallerIdentity で自分の ID を確認[しました|しようとしました]"),
)
_STS.says(
    "GetAccessKeyInfo",
    ("{who} [looked up|tried to look up] which account the access key {key} belongs to",
     "{who} がアクセスキー {key} の属するアカウントを照会[しました|しようとしました]"),
    key="accessKeyId",
)
_STS.says(
    "DecodeAuthorizationMessage",
    ("{who} [decoded|tried to decode] the message of a denial",
     "{who} が拒否メッセージを復号[しました|しようとしました]"),
)
