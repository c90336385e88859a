"""Names of events that no API model holds, and names that CloudTrail writes in another way than the API.

From the CloudTrail user guide's pages on sign-in, service and non-API events, S3's list of event names
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html), IAM Identity Center's
(https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-info-in-cloudtrail.html), and from records.
"""

from __future__ import annotations

from typing import Final

#: eventSource without `.amazonaws.com` → events that no public API makes: sign-ins, agents, services, the console.
BESIDE_THE_API: Final[dict[str, tuple[str, ...]]] = {
    "signin": (
        "AccountRecoveryCompleted", "AccountRecoveryRequested", "CheckMfa", "ConsoleLogin", "CredentialChallenge",
        "CredentialVerification", "EmailUpdated", "ExitRole", "Federate", "GetSigninToken", "MfaResync",
        "PasswordRecoveryCompleted", "PasswordRecoveryRequested", "PasswordUpdated", "RenewRole", "SwitchRole",
        "UserAuthentication",
    ),
    "sso": (
        "AssociateDirectory", "AssociateProfile", "Authenticate", "CreateApplicationInstance",
        "CreateApplicationInstanceCertificate", "CreateManagedApplicationInstance", "CreateProfile", "CreateToken",
        "CreateTrust", "DeleteApplicationInstance", "DeleteManagedApplicationInstance", "DeletePermissionsPolicy",
        "DeleteProfile", "DisassociateDirectory", "DisassociateProfile", "Federate", "GetMfaDeviceManagementForDirectory",
        "GetSharedSsoConfiguration", "GetSSOStatus", "ListDirectoryAssociations", "ListProfileAssociations",
        "ListProfiles", "Logout", "PutMfaDeviceManagementForDirectory", "PutPermissionsPolicy", "RegisterRegion",
        "SearchGroups", "SearchUsers", "StartDeviceAuthorization", "StartSSO", "UpdateDirectoryAssociation",
        "UpdateManagedApplicationInstanceStatus", "UpdateProfile", "UpdateSSOConfiguration", "UpdateTrust",
    ),
    "sso-directory": (
        "AddMemberToGroup", "CompleteVirtualMfaDeviceRegistration", "CompleteWebAuthnDeviceRegistration",
        "CreateAlias", "CreateBearerToken", "CreateExternalIdPConfigurationForDirectory", "CreateGroup",
        "CreateProvisioningTenant", "CreateUser", "DeleteBearerToken",
        "DeleteExternalIdPConfigurationForDirectory", "DeleteGroup", "DeleteMfaDeviceForUser",
        "DeleteProvisioningTenant", "DeleteUser", "DescribeDirectory", "DescribeGroup", "DescribeGroups",
        "DescribeUser", "DescribeUsers", "DisableExternalIdPConfigurationForDirectory", "DisableUser",
        "EnableExternalIdPConfigurationForDirectory", "EnableUser", "GetAWSSPConfigurationForDirectory",
        "ImportExternalIdPCertificate", "IsMemberInGroup", "ListBearerTokens",
        "ListExternalIdPCertificates", "ListExternalIdPConfigurationsForDirectory", "ListGroupsForMember",
        "ListGroupsForUser", "ListMembersInGroup", "ListMfaDevicesForUser", "ListProvisioningTenants",
        "RemoveMemberFromGroup", "SearchGroups", "SearchUsers", "StartVirtualMfaDeviceRegistration",
        "StartWebAuthnDeviceRegistration", "UpdateExternalIdPConfigurationForDirectory", "UpdateGroup",
        "UpdateGroupDisplayName", "UpdateMfaDeviceForUser", "UpdatePassword", "UpdateUser", "UpdateUserName",
        "VerifyEmail",
    ),
    "identitystore-scim": (
        "CreateGroup", "CreateUser", "DeleteGroup", "DeleteUser", "GetGroup", "GetUser", "ListGroups", "ListUsers",
        "PatchGroup", "PatchUser", "PutUser",
    ),
    "s3": (
        "CopyObject", "DeleteAccountPublicAccessBlock", "GetAccelerateConfiguration",
        "GetStorageLensDashboardDataInternal", "DeleteBucketPublicAccessBlock", "GetAccountPublicAccessBlock",
        "GetBucketLifecycle", "GetBucketNotification", "GetBucketObjectLockConfiguration", "GetBucketPublicAccessBlock",
        "GetBucketReplication", "GetObjectTorrent", "HeadBucket", "HeadObject", "ListObjects", "OptionsObject",
        "PostObject", "PutAccountPublicAccessBlock", "PutBucketLifecycle", "PutBucketNotification",
        "PutBucketObjectLockConfiguration", "PutBucketPublicAccessBlock", "PutObjectTagging", "SelectObjectContent",
        "UploadPart", "UploadPartCopy",
    ),
    "kms": ("DeleteKey", "RotateKey", "SynchronizeMultiRegionKey"),
    "ec2": (
        "BidEvictedEvent", "BidFulfilledEvent", "SharedSnapshotCopyInitiated", "SharedSnapshotVolumeCreated",
        "TerminateInstanceInAutoScalingGroup", "WarmPoolEvent",
    ),
    "secretsmanager": (
        "CancelSecretVersionDelete", "EndSecretVersionDelete", "RotationAbandoned", "RotationFailed",
        "RotationStarted", "RotationSucceeded", "SecretMigration", "SecretVersionDeletion",
        "StartSecretVersionDelete", "TestRotationFailed", "TestRotationStarted", "TestRotationSucceeded",
    ),
    "organizations": ("CloseAccountResult", "CreateAccountResult", "CreateGovCloudAccountResult"),
    "ssm": (
        "GetCalendar", "GetManifest", "ListInstanceAssociations", "PutCalendar", "PutConfigurePackageResult",
        "RegisterManagedInstance", "RequestManagedInstanceRoleToken", "UpdateInstanceAssociationStatus",
        "UpdateInstanceInformation",
    ),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "ec2messages": (
        "AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply",
    ),
    "bedrock": ("GetFoundationModelEntitlement", "PutFoundationModelEntitlement"),
    "rolesanywhere": ("CreateSession",),
    "cloudshell": (
        "ApproveCommand", "CreateEnvironment", "CreateSession", "DeleteEnvironment", "DescribeEnvironments",
        "GetEnvironmentStatus", "GetFileDownloadUrls", "GetFileUploadUrls", "PutCredentials", "RedeemCode",
        "SendHeartBeat", "StartEnvironment", "StopEnvironment",
    ),
    "config": ("PutEvaluations",),
    "backup": (
        "BackupDeleted", "BackupJobCompleted", "BackupJobStarted", "BackupSelectionDeletedDueToSLRDeletion",
        "BackupTransitionedToCold", "CopyJobCompleted", "CopyJobStarted", "RecoveryPointDeleted",
        "RestoreCompleted", "RestoreStarted",
    ),
    "autoscaling": ("TerminateInstances",),
    "eks": ("AccessKubernetesApi",),
    "ecr": ("PolicyExecutionEvent",),
    "codestar": ("CreateProjectFromTemplate",),
    "account": ("CloseAccount", "EnableRegion", "DisableRegion"),
    "awsportal": ("ModifyAccount", "ModifyBilling", "ModifyPaymentMethods", "ViewAccount", "ViewBilling"),
    "billingconsole": ("AWSPaymentPortalService.DescribePaymentsDashboard", "GetBillingNotifications"),
    "notifications": ("ListNotificationEvents", "ListNotificationHubs"),
    "route53domains": ("PushDomain", "TransferDomainToAnotherAwsAccount"),
}  # fmt: skip

#: eventSource → what else it is called in models; the events of both are the same.
SAME_SOURCE: Final[dict[str, tuple[str, ...]]] = {
    "autoscaling": ("application-autoscaling", "autoscaling-plans"),
    "sso": ("portal.sso", "sso-oidc"),
    "access-analyzer": ("accessanalyzer",),
    "waf": ("waf-regional",),
    "rds": ("neptune", "docdb"),
    "es": ("opensearch",),
    "iot": ("iotdata", "iotsecuretunneling", "iot-jobs-data"),
    "s3": ("s3-control", "s3control", "s3tables", "s3-outposts"),
    "s3express": ("s3",),
    "apigateway": ("apigatewayv2",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "bedrock": ("bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime", "bedrock-data-automation"),
    "sdb": ("simpledb",),
    "cloudcontrolapi": ("cloudcontrol",),
    "resource-groups": ("tagging",),
    "lexv2": ("lexv2-models", "models-v2-lex"),
    "cognito-sync": (),
    "quicksight": (),
    "trustedadvisor": (),
}

#: The API's name → CloudTrail's, where they differ (source, API name).
OTHER_NAME: Final[dict[tuple[str, str], str]] = {
    ("s3", "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
    ("s3", "GetBucketLifecycleConfiguration"): "GetBucketLifecycle",
    ("s3", "GetBucketNotificationConfiguration"): "GetBucketNotification",
    ("s3", "GetObjectLockConfiguration"): "GetBucketObjectLockConfiguration",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "ListObjectsV2"): "ListObjects",
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
    ("s3", "PutObjectLockConfiguration"): "PutBucketObjectLockConfiguration",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
}

#: Lambda's events that carry no date although their API has one; and the version that some carry behind it.
UNDATED: Final = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
VERSIONED: Final[dict[str, str]] = {
    "AddPermission": "v2",
    "GetFunction": "v2",
    "GetFunctionConfiguration": "v2",
    "GetPolicy": "v2",
    "RemovePermission": "v2",
    "TagResource": "v2",
    "UntagResource": "v2",
    "UpdateFunctionCode": "v2",
    "UpdateFunctionConfiguration": "v2",
}

#: Permissions that look like operations, and are none: they are in no event.
PERMISSIONS_ONLY: Final[dict[str, frozenset[str]]] = {
    "s3": frozenset(
        {"ReplicateObject", "ReplicateDelete", "ReplicateTags", "ListBucket", "ListBucketVersions",
         "ListAllMyBuckets", "GetObjectVersion", "DeleteObjectVersion", "PutEncryptionConfiguration",
         "GetEncryptionConfiguration", "PutLifecycleConfiguration", "GetLifecycleConfiguration",
         "PutReplicationConfiguration", "GetReplicationConfiguration", "PutMetricsConfiguration",
         "BypassGovernanceRetention", "InitiateReplication"}
    ),
    "iam": frozenset({"PassRole"}),
    "lambda": frozenset({"InvokeFunction", "InvokeFunctionUrl"}),
    "kms": frozenset({"ReEncryptFrom", "ReEncryptTo"}),
}  # fmt: skip
