"""Services of which a few operations matter: Roles Anywhere, domains, mail, messages, stacks, clusters, identities.

Parameters: each service's API reference, through https://docs.aws.amazon.com/index.html
"""

from ashiato.words.family import Family

_ANYWHERE = Family("rolesanywhere")
_DOMAINS = Family("route53domains")
_MAIL = Family("ses")
_MESSAGES = Family("sns")
_STACKS = Family("cloudformation")
_CLUSTERS = Family("eks")
_IDENTITIES = Family("cognito-identity")
_SCALING = Family("autoscaling")
_BUILDS = Family("codebuild")
_SHELL = Family("cloudshell")
_IMAGES = Family("ecr")
FAMILIES = (
    _ANYWHERE, _DOMAINS, _MAIL, _MESSAGES, _STACKS, _CLUSTERS, _IDENTITIES, _SCALING, _BUILDS, _SHELL, _IMAGES,
)  # fmt: skip

_STACK = "stackName|stackId"

# fmt: off
_ANYWHERE.says(
    "CreateTrustAnchor",
    ("{who} [made|tried to make] the account trust certificates of {anchor} ({kind})",
     "{who} がトラストアンカー {anchor}({kind})を作成[しました|しようとしました]"),
    anchor="name", kind="source.sourceType",
)
_ANYWHERE.says(
    "CreateProfile",
    ("{who} [let|tried to let] certificates assume the roles {roles} by the profile {profile}",
     "{who} が証明書によるロール {roles} の引き受けを許可するプロファイル {profile} を作成[しました|しようとしました]"),
    profile="name", roles="roleArns", about="roles profile",
)
_ANYWHERE.says(
    "DeleteTrustAnchor",
    ("{who} [deleted|tried to delete] the trust anchor {anchor}",
     "{who} がトラストアンカー {anchor} を削除[しました|しようとしました]"),
    anchor="trustAnchorId",
)
_ANYWHERE.says(
    "DeleteProfile",
    ("{who} [deleted|tried to delete] the Roles Anywhere profile {profile}",
     "{who} が Roles Anywhere のプロファイル {profile} を削除[しました|しようとしました]"),
    profile="profileId",
)
_ANYWHERE.says(
    "CreateSession",
    ("{who} [fetched|tried to fetch] credentials of the role {role} with a certificate",
     "{who} が証明書でロール {role} の認証情報を取得[しました|しようとしました]"),
    role="roleArn",
)
_DOMAINS.says(
    "TransferDomainToAnotherAwsAccount",
    ("{who} [transferred|tried to transfer] the domain {domain} to account {account}",
     "{who} がドメイン {domain} をアカウント {account} に移管[しました|しようとしました]"),
    domain="domainName", account="accountId", about="domain",
)
_DOMAINS.says(
    "DisableDomainTransferLock",
    ("{who} [took|tried to take] the transfer lock off the domain {domain}",
     "{who} がドメイン {domain} の移管ロックを解除[しました|しようとしました]"),
    domain="domainName",
)
_DOMAINS.says(
    "RetrieveDomainAuthCode",
    ("{who} [fetched|tried to fetch] the code that transfers the domain {domain}",
     "{who} がドメイン {domain} の移管用認証コードを取得[しました|しようとしました]"),
    domain="domainName",
)
_MAIL.says(
    "UpdateAccountSendingEnabled PutAccountSendingAttributes",
    ("{who} [changed|tried to change] whether the account may send mail",
     "{who} がアカウントのメール送信の可否を変更[しました|しようとしました]"),
)
_MAIL.says(
    "PutAccountDetails",
    ("{who} [asked|tried to ask] to send mail outside the sandbox",
     "{who} が SES のサンドボックス解除を申請[しました|しようとしました]"),
)
_MAIL.says(
    "VerifyEmailIdentity CreateEmailIdentity VerifyDomainIdentity",
    ("{who} [added|tried to add] the sender {sender}",
     "{who} が送信元 {sender} を追加[しました|しようとしました]"),
    sender="emailAddress|emailIdentity|domain",
)
_MAIL.says(
    "GetAccount GetSendQuota",
    ("{who} [asked|tried to ask] how much mail the account may send",
     "{who} がアカウントのメール送信枠を確認[しました|しようとしました]"),
)
_MAIL.says(
    "SendEmail SendRawEmail SendBulkEmail",
    ("{who} [sent|tried to send] mail as {sender}",
     "{who} が {sender} としてメールを送信[しました|しようとしました]"),
    ("{who} [sent|tried to send] mail", "{who} がメールを送信[しました|しようとしました]"),
    sender="source|fromEmailAddress",
)
_MESSAGES.says(
    "GetSMSAttributes GetSMSSandboxAccountStatus",
    ("{who} [asked|tried to ask] what text messages the account may send",
     "{who} がアカウントの SMS 送信設定を確認[しました|しようとしました]"),
)
_MESSAGES.says(
    "SetSMSAttributes",
    ("{who} [set|tried to set] the monthly limit of text messages to {limit} dollars",
     "{who} が SMS の月額上限を {limit} ドルに設定[しました|しようとしました]"),
    ("{who} [changed|tried to change] the settings of text messages",
     "{who} が SMS の送信設定を変更[しました|しようとしました]"),
    limit="attributes.MonthlySpendLimit", about="",
)
_MESSAGES.says(
    "CreateSMSSandboxPhoneNumber VerifySMSSandboxPhoneNumber",
    ("{who} [added|tried to add] a phone number for text messages",
     "{who} が SMS の宛先電話番号を追加[しました|しようとしました]"),
)
_MESSAGES.says(
    "Subscribe",
    ("{who} [subscribed|tried to subscribe] {endpoint} to the topic {topic}",
     "{who} がトピック {topic} に {endpoint} をサブスクライブ[しました|しようとしました]"),
    ("{who} [subscribed|tried to subscribe] to the topic {topic}",
     "{who} がトピック {topic} をサブスクライブ[しました|しようとしました]"),
    topic="topicArn", endpoint="endpoint",
)
_MESSAGES.says(
    "SetTopicAttributes",
    ("{who} [changed|tried to change] {attribute} of the topic {topic}",
     "{who} がトピック {topic} の {attribute} を変更[しました|しようとしました]"),
    topic="topicArn", attribute="attributeName",
)
_MESSAGES.says(
    "Publish",
    ("{who} [published|tried to publish] a message to {topic}",
     "{who} が {topic} にメッセージを発行[しました|しようとしました]"),
    topic="topicArn|targetArn",
)
_STACKS.says(
    "CreateStack",
    ("{who} [created|tried to create] the stack {stack} with the role {role}",
     "{who} がロール {role} でスタック {stack} を作成[しました|しようとしました]"),
    ("{who} [created|tried to create] the stack {stack}",
     "{who} がスタック {stack} を作成[しました|しようとしました]"),
    stack=_STACK, role="roleARN",
)
_STACKS.says(
    "UpdateStack ExecuteChangeSet",
    ("{who} [updated|tried to update] the stack {stack}",
     "{who} がスタック {stack} を更新[しました|しようとしました]"),
    stack=_STACK,
)
_STACKS.says(
    "DeleteStack",
    ("{who} [deleted|tried to delete] the stack {stack}",
     "{who} がスタック {stack} を削除[しました|しようとしました]"),
    stack=_STACK,
)
_CLUSTERS.says(
    "CreateAccessEntry",
    ("{who} [let|tried to let] {principal} into the cluster {cluster}",
     "{who} がクラスター {cluster} へのアクセスを {principal} に許可[しました|しようとしました]"),
    cluster="name|clusterName", principal="principalArn",
)
_CLUSTERS.says(
    "AssociateAccessPolicy",
    ("{who} [gave|tried to give] {principal} the policy {policy} in the cluster {cluster}",
     "{who} がクラスター {cluster} で {principal} にポリシー {policy} を付与[しました|しようとしました]"),
    cluster="name|clusterName", principal="principalArn", policy="policyArn",
)
_IDENTITIES.says(
    "GetCredentialsForIdentity",
    ("{who} [fetched|tried to fetch] credentials of the Cognito identity {identity}",
     "{who} が Cognito ID {identity} の認証情報を取得[しました|しようとしました]"),
    identity="identityId",
)
_SCALING.says(
    "SetDesiredCapacity",
    ("{who} [set|tried to set] the group {group} to {size} instances",
     "{who} がグループ {group} の希望台数を {size} 台に設定[しました|しようとしました]"),
    group="autoScalingGroupName", size="desiredCapacity",
)
_BUILDS.says(
    "StartBuild",
    ("{who} [started|tried to start] the build {project}",
     "{who} がビルド {project} を開始[しました|しようとしました]"),
    project="projectName",
)
_SHELL.says(
    "CreateSession CreateEnvironment",
    ("{who} [opened|tried to open] CloudShell", "{who} が CloudShell を開始[しました|しようとしました]"),
)
_IMAGES.says(
    "SetRepositoryPolicy",
    ("{who} [changed|tried to change] who may use the repository {repository}",
     "{who} がリポジトリ {repository} のポリシーを変更[しました|しようとしました]"),
    repository="repositoryName",
)
_IMAGES.says(
    "PutImage",
    ("{who} [pushed|tried to push] an image to the repository {repository}",
     "{who} がリポジトリ {repository} にイメージをプッシュ[しました|しようとしました]"),
    repository="repositoryName",
)
