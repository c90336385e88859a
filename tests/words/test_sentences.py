"""Sentences like a colleague's, in both languages, whatever a log holds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.core.settings import Account, NamedNetwork, Settings
from ashiato.formats.outcomes import outcome
from ashiato.formats.principals import actor
from ashiato.network.addresses import Networks
from ashiato.words import LANGUAGES, SPOKEN, Language, Names, resources, sentence
from ashiato.words.family import modules, operations
from ashiato.words.texts import MOST_SENTENCE
from formats.corpus_events import corpus_events
from words.records import ALICE, FLOW, RECORDS, Record, as_row, call, role

TOLD = Path(__file__).parent / "sentences.json"
NETWORKS = Networks([NamedNetwork(name="Tokyo office", cidrs=["198.51.100.0/24"])])
NAMES = Names.of(
    Settings(
        accounts=[Account(id="222222222222", name="partner"), Account(id="111111111111", name="shop-prod")]
    ),
    network=NETWORKS.name_of,
)
CASES = [(family, number) for family, records in RECORDS.items() for number in range(len(records))]


def told(record: Record) -> dict[str, Any]:
    return {language: sentence(record, language, NAMES).text for language in LANGUAGES}


def test_every_family_is_told_as_it_was_read_and_found_good() -> None:
    """`sentences.json` was read by a person. ASHIATO_RETELL=1 writes it anew, to be read again."""
    now = {family: [told(record) for record in records] for family, records in RECORDS.items()}
    if os.environ.get("ASHIATO_RETELL"):
        TOLD.write_text(json.dumps(now, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert json.loads(TOLD.read_text(encoding="utf-8")) == now


def test_every_module_of_families_is_told() -> None:
    assert {m.__name__.rpartition(".")[2] for m in modules()} == set(RECORDS)


@pytest.mark.parametrize(("family", "number"), CASES)
def test_a_row_of_the_lake_is_told_like_the_raw_record(family: str, number: int) -> None:
    record = RECORDS[family][number]
    assert told(as_row(record)) == told(record)
    assert resources(as_row(record)) == resources(record)


def test_a_sentence_and_an_actor_need_no_other_columns_than_those_named() -> None:
    for records in RECORDS.values():
        for record in records:
            row = as_row(record)
            if "eventTime" in row:
                few = {name: value for name, value in row.items() if name in SPOKEN}
                assert (told(few), resources(few), actor(few)) == (told(row), resources(row), actor(row))


def test_the_sentences_of_the_issue() -> None:
    opened = RECORDS["ec2_network"][0]
    assert sentence(opened).text == "alice opened port 22 of sg-0a1 to the world from 203.0.113.5"
    assert (
        sentence(opened, "ja").text
        == "alice が sg-0a1 の 22 番ポートを全世界に開放しました(接続元 203.0.113.5)"
    )


def test_the_parts_of_a_sentence() -> None:
    parts = sentence(RECORDS["ec2_network"][0] | {"sourceIPAddress": "198.51.100.7"}, "en", NAMES)
    assert (parts.who, parts.did, parts.what, parts.where, parts.result) == (
        "alice", "ec2:AuthorizeSecurityGroupIngress", "sg-0a1", "Tokyo office (198.51.100.7)", "succeeded",
    )  # fmt: skip
    denied = sentence(RECORDS["cloudtrail_config"][1], "ja", NAMES)
    assert (denied.what, denied.result) == ("main", "拒否")
    failed = sentence(RECORDS["ec2_instances"][1], "en", NAMES)
    assert failed.result == "failed: Client.VcpuLimitExceeded"


@pytest.mark.parametrize(
    ("identity", "en", "ja"),
    [
        (ALICE, "alice", "alice"),
        ({"type": "Root", "accountId": "111111111111"}, "the root user of shop-prod", "shop-prod の root ユーザー"),
        ({"type": "Root", "accountId": "444444444444"}, "the root user", "root ユーザー"),
        (role("build-7"), "role ops (session build-7)", "ロール ops(セッション build-7)"),
        (role("aws-go-sdk-1722375070115152000"), "role ops", "ロール ops"),
        (role("i-0123456789abcdef0"), "instance i-0123456789abcdef0 (role ops)", "インスタンス i-0123456789abcdef0(ロール ops)"),
        (role("alice@example.com"), "alice@example.com (role ops)", "alice@example.com(ロール ops)"),
        (role("x", account="222222222222"), "role ops (session x) of account partner", "アカウント partner のロール ops(セッション x)"),
        ({"type": "AWSAccount", "accountId": "222222222222"}, "account partner", "アカウント partner"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com", "ec2.amazonaws.com"),
        (None, "an unknown caller", "不明な呼び出し元"),
    ],
)  # fmt: skip
def test_who(identity: Any, en: str, ja: str) -> None:
    event = call("glue:ListJobs", userIdentity=identity)
    assert (sentence(event, "en", NAMES).who, sentence(event, "ja", NAMES).who) == (en, ja)


def test_an_instance_may_have_a_name() -> None:
    named = Names(resource={"i-01": "web-1"}.get)
    event = call("ssm:StartSession", {"target": "i-01"})
    assert sentence(event, "en", named).text.startswith("alice opened a session on web-1 (i-01)")


def test_flows_know_own_networks() -> None:
    flow = FLOW | {"srcaddr": "198.51.100.9"}
    assert sentence(flow, "en", NAMES).text.startswith("Tokyo office (198.51.100.9) reached port 22/tcp")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (RECORDS["ec2_network"][0], ("sg-0a1",)),
        (RECORDS["iam"][1], ("mallory", "AKIAI44QH8DHBEXAMPLE")),
        (RECORDS["sign_in"][5], ("arn:aws:iam::111111111111:role/admin",)),
        (RECORDS["s3"][7], ("photos/2026/a b.jpg", "photos")),
        (RECORDS["config_items"][0], ("web", "sg-0a1", "arn:aws:ec2:ap-northeast-1:111111111111:security-group/sg-0a1")),
        (RECORDS["flows"][0], ("i-0b2", "eni-0a1", "203.0.113.5", "10.0.1.5")),
        ({}, ()),
    ],
)  # fmt: skip
def test_the_resources_of_a_record(record: Record, expected: tuple[str, ...]) -> None:
    assert resources(record) == expected


def test_every_event_of_the_corpora_is_told(corpora: Path) -> None:
    generic = total = 0
    for event in corpus_events(corpora):
        for record in (event, as_row(event)):
            for language in LANGUAGES:
                text = sentence(record, language, NAMES).text
                assert text
                assert "{" not in text
                assert len(text) <= MOST_SENTENCE
        if outcome(event) == "success":
            assert " tried to " not in sentence(event).text
        if not event["eventName"].startswith(("Describe", "List", "Get", "Head", "Lookup")):
            total += 1
            generic += bool(re.search(r" (called|call) [a-z0-9-]+:", sentence(event).text))
    # Of what changes something nearly all has a sentence of its own.
    assert generic / total < 0.05


#: Operations of sections 1 and 6 of the facts on detections: each has a sentence of its own.
IMPORTANT = """
signin: ConsoleLogin SwitchRole PasswordRecoveryRequested PasswordRecoveryCompleted GetSigninToken CheckMfa
 CredentialChallenge CredentialVerification UserAuthentication
sso: Federate GetRoleCredentials CreatePermissionSet UpdatePermissionSet AttachManagedPolicyToPermissionSet
 AttachCustomerManagedPolicyReferenceToPermissionSet PutInlinePolicyToPermissionSet ProvisionPermissionSet
 CreateAccountAssignment DeleteAccountAssignment AssociateDirectory DisassociateDirectory CreateTrustedTokenIssuer
 PutMfaDeviceManagementForDirectory
sso-directory: CreateUser AddMemberToGroup UpdatePassword StartVirtualMfaDeviceRegistration
 CompleteVirtualMfaDeviceRegistration DeleteMfaDeviceForUser UpdateMfaDeviceForUser DisableUser
 EnableExternalIdPConfigurationForDirectory DisableExternalIdPConfigurationForDirectory
identitystore: CreateUser CreateGroupMembership
sts: AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot GetFederationToken GetSessionToken
 GetCallerIdentity
iam: CreateUser CreateAccessKey CreateLoginProfile UpdateLoginProfile DeleteLoginProfile ChangePassword
 AttachUserPolicy AttachRolePolicy AttachGroupPolicy PutUserPolicy PutRolePolicy PutGroupPolicy UpdateAssumeRolePolicy
 CreatePolicy CreatePolicyVersion SetDefaultPolicyVersion AddUserToGroup CreateServiceSpecificCredential
 PutUserPermissionsBoundary PutRolePermissionsBoundary DeleteUserPermissionsBoundary DeleteRolePermissionsBoundary
 DeactivateMFADevice DeleteVirtualMFADevice EnableMFADevice CreateVirtualMFADevice CreateSAMLProvider
 UpdateSAMLProvider DeleteSAMLProvider CreateOpenIDConnectProvider UpdateAccountPasswordPolicy
 DeleteAccountPasswordPolicy CreateRole DeleteRole DetachRolePolicy DetachUserPolicy DeleteUser DeleteAccessKey
 UpdateAccessKey
cloudtrail: StopLogging DeleteTrail UpdateTrail PutEventSelectors PutInsightSelectors DeleteEventDataStore
 StopEventDataStoreIngestion UpdateEventDataStore CreateTrail StartLogging
config: StopConfigurationRecorder DeleteConfigurationRecorder PutConfigurationRecorder DeleteDeliveryChannel
 DeleteConfigRule DeleteConfigurationAggregator DeleteRetentionConfiguration DeleteOrganizationConfigRule
 DeleteRemediationConfiguration
guardduty: DeleteDetector UpdateDetector CreateFilter CreateIPSet UpdateIPSet DeletePublishingDestination
 DisassociateFromAdministratorAccount DisassociateFromMasterAccount DisassociateMembers DeleteMembers
 StopMonitoringMembers
securityhub: DisableSecurityHub BatchDisableStandards UpdateStandardsControl CreateAutomationRule BatchUpdateFindings
 DisassociateFromAdministratorAccount
logs: DeleteLogGroup DeleteLogStream PutRetentionPolicy PutSubscriptionFilter
monitoring: DeleteAlarms DisableAlarmActions
events: DisableRule DeleteRule RemoveTargets
route53resolver: DeleteResolverQueryLogConfig DisassociateResolverQueryLogConfig
wafv2: DeleteLoggingConfiguration DeleteWebACL UpdateWebACL
ec2: DeleteFlowLogs CreateFlowLogs AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress ModifySecurityGroupRules
 RevokeSecurityGroupIngress RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup CreateNetworkAclEntry
 ReplaceNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclAssociation CreateRoute ReplaceRoute DeleteRoute
 CreateInternetGateway AttachInternetGateway CreateVpcPeeringConnection AcceptVpcPeeringConnection
 ModifySnapshotAttribute SharedSnapshotVolumeCreated SharedSnapshotCopyInitiated ModifyImageAttribute CreateSnapshot
 CopySnapshot CopyImage CreateStoreImageTask ExportImage CreateInstanceExportTask RunInstances ModifyInstanceAttribute
 ModifyInstanceMetadataOptions ModifyInstanceMetadataDefaults DescribeInstanceAttribute GetPasswordData
 EnableSerialConsoleAccess CreateKeyPair ImportKeyPair AssociateIamInstanceProfile
 ReplaceIamInstanceProfileAssociation CreateTrafficMirrorSession StopInstances StartInstances TerminateInstances
ec2-instance-connect: SendSSHPublicKey SendSerialConsoleSSHPublicKey
ebs: StartSnapshot CompleteSnapshot ListSnapshotBlocks ListChangedBlocks GetSnapshotBlock PutSnapshotBlock
rds: ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute ModifyDBInstance CopyDBSnapshot StartExportTask
 RestoreDBInstanceFromDBSnapshot DeleteDBInstance
s3: PutBucketPolicy PutBucketAcl PutObjectAcl PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock
 PutAccountPublicAccessBlock DeleteAccountPublicAccessBlock PutBucketLifecycle DeleteBucketLifecycle
 PutBucketVersioning PutBucketLogging PutBucketReplication PutBucketEncryption DeleteBucketEncryption
 PutBucketOwnershipControls PutObjectLockConfiguration DeleteObject DeleteObjects CopyObject PutObject GetObject
 ListBuckets DeleteBucket CreateBucket
kms: ScheduleKeyDeletion DeleteKey DisableKey PutKeyPolicy CreateGrant ImportKeyMaterial DeleteImportedKeyMaterial
 ReplicateKey Decrypt GenerateDataKey
secretsmanager: GetSecretValue BatchGetSecretValue PutResourcePolicy DeleteSecret
ssm: GetParameter GetParameters GetParametersByPath SendCommand StartSession ResumeSession TerminateSession
 StartAutomationExecution CreateDocument ModifyDocumentPermission
lambda: UpdateFunctionCode UpdateFunctionConfiguration AddPermission CreateFunctionUrlConfig UpdateFunctionUrlConfig
 Invoke CreateFunction DeleteFunction AddLayerVersionPermission
organizations: LeaveOrganization InviteAccountToOrganization AcceptHandshake RemoveAccountFromOrganization MoveAccount
 CreateAccount CloseAccount AttachPolicy DetachPolicy UpdatePolicy DeletePolicy DisablePolicyType
 RegisterDelegatedAdministrator EnableAWSServiceAccess DisableAWSServiceAccess
bedrock: InvokeModel InvokeModelWithResponseStream Converse ConverseStream PutUseCaseForModelAccess
 CreateFoundationModelAgreement PutFoundationModelEntitlement GetFoundationModelAvailability
 PutModelInvocationLoggingConfiguration DeleteModelInvocationLoggingConfiguration DeleteGuardrail UpdateGuardrail
rolesanywhere: CreateTrustAnchor CreateProfile CreateSession
route53domains: TransferDomainToAnotherAwsAccount DisableDomainTransferLock RetrieveDomainAuthCode
ses: UpdateAccountSendingEnabled VerifyEmailIdentity GetSendQuota GetAccount PutAccountDetails
 PutAccountSendingAttributes CreateEmailIdentity
sns: GetSMSAttributes SetSMSAttributes GetSMSSandboxAccountStatus CreateSMSSandboxPhoneNumber
 VerifySMSSandboxPhoneNumber Publish
backup: DeleteRecoveryPoint DeleteBackupVault DeleteBackupVaultLockConfiguration PutBackupVaultAccessPolicy StartCopyJob
 UpdateRecoveryPointLifecycle DeleteBackupPlan DeleteBackupSelection
ram: CreateResourceShare AssociateResourceShare AcceptResourceShareInvitation
account: EnableRegion
eks: CreateAccessEntry
cognito-identity: GetCredentialsForIdentity
elasticfilesystem: DeleteFileSystem
"""


def test_operations_that_matter_have_their_own_sentences() -> None:
    service, missing, seen = "", [], 0
    for word in IMPORTANT.split():
        if word.endswith(":"):
            service = word[:-1]
        else:
            seen += 1
            if (f"{service}.amazonaws.com", word) not in operations():
                missing.append(f"{service}:{word}")
    assert missing == []
    assert seen > 150


def test_log_text_is_shown_not_obeyed() -> None:
    for hostile in (
        "{who} {0.__class__}",
        "a\x1b[31m\r\nb",
        "x\u202egpj",
        "%s %n",
        "[created|tried]",
        "\ud800",
    ):
        for language in LANGUAGES:
            text = sentence(call("iam:CreateUser", {"userName": hostile}), language, NAMES).text
            assert text.isprintable()
            assert hostile.encode("unicode_escape").decode()[:3] in text or hostile[:3] in text
    long = sentence(call("iam:CreateUser", {"userName": "x" * 100_000}, errorCode="E" * 5000), "en").text
    assert len(long) <= MOST_SENTENCE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn) -> Record:
    """A record of a family with any of its values replaced by anything."""
    family, number = draw(st.sampled_from(CASES))
    record = json.loads(json.dumps(RECORDS[family][number]))

    def spoilt(value: Any) -> Any:
        if draw(st.integers(0, 9)) == 0:
            return draw(json_values)
        if isinstance(value, dict):
            return {k: spoilt(v) for k, v in value.items()}
        return [spoilt(v) for v in value] if isinstance(value, list) else value

    return {k: spoilt(v) for k, v in record.items()}


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged() | st.dictionaries(st.text(max_size=20), json_values), st.sampled_from(LANGUAGES))
def test_nothing_in_a_record_stops_a_sentence(record: Record, language: Language) -> None:
    found = sentence(record, language, NAMES)
    assert found.text
    for part in (found.text, found.who, found.did, found.what, found.where, found.result):
        assert len(part) <= MOST_SENTENCE
        assert part.replace("\u3000", " ").isprintable()
    assert len(resources(record)) <= 20
