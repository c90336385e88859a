"""Records of every family, for the sentences that are told of them."""

from __future__ import annotations

import json
from typing import Any

Record = dict[str, Any]

ALICE = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::111111111111:user/alice",
    "accountId": "111111111111",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "userName": "alice",
}
ROOT = {"type": "Root", "arn": "arn:aws:iam::111111111111:root", "accountId": "111111111111"}


def role(session: str, name: str = "role/ops", account: str = "111111111111") -> Record:
    """A role's session."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name.rpartition('/')[2]}/{session}",
        "accountId": account,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:{name}"}},
    }


def call(operation: str, request: Any = None, response: Any = None, /, **changes: Any) -> Record:
    """An event of `service:Operation` by alice from 203.0.113.5, raw."""
    service, _, name = operation.partition(":")
    return {
        "eventVersion": "1.11",
        "userIdentity": ALICE,
        "eventTime": "2026-11-19T13:05:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": "203.0.113.5",
        "userAgent": "aws-cli/2.31.7",
        "requestParameters": request,
        "responseElements": response,
        "recipientAccountId": "111111111111",
        "eventType": "AwsApiCall",
    } | changes


def as_row(record: Record) -> Record:
    """The same as the lake's row: open shapes as JSON text."""
    texts = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails",
             "tags", "configuration", "configurationItemDiff")  # fmt: skip
    return {k: json.dumps(v) if k in texts and v is not None else v for k, v in record.items()}


DENIED = {"errorCode": "AccessDenied", "errorMessage": "User is not authorized to perform this"}
OPEN_22 = {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "0.0.0.0/0"}]}
FLOW = {
    "version": 5, "account_id": "111111111111", "interface_id": "eni-0a1", "srcaddr": "203.0.113.5",
    "dstaddr": "10.0.1.5", "srcport": 40000, "dstport": 22, "protocol": 6, "packets": 10, "bytes": 5200,
    "start": 1, "end": 2, "action": "ACCEPT", "log_status": "OK", "instance_id": "i-0b2", "tcp_flags": 2,
}  # fmt: skip
ITEM = {
    "configurationItemVersion": "1.3", "configurationItemCaptureTime": "2026-11-19T13:06:00Z",
    "awsAccountId": "111111111111", "configurationItemStatus": "OK", "resourceType": "AWS::EC2::SecurityGroup",
    "resourceId": "sg-0a1", "resourceName": "web", "ARN": "arn:aws:ec2:ap-northeast-1:111111111111:security-group/sg-0a1",
    "tags": {},
}  # fmt: skip
EVERYBODY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
PARTNER = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}}]}
ALL = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})

#: Of each family, by its module's name.
RECORDS: dict[str, list[Record]] = {
    "iam": [
        call("iam:CreateUser", {"userName": "mallory"}),
        call("iam:CreateAccessKey", {"userName": "mallory"}, {"accessKey": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE"}}),
        call("iam:CreateAccessKey", None, **DENIED),
        call("iam:UpdateAccessKey", {"userName": "bob", "accessKeyId": "AKIA1", "status": "Inactive"}),
        call("iam:CreateLoginProfile", {"userName": "mallory", "passwordResetRequired": False}),
        call("iam:AddUserToGroup", {"userName": "mallory", "groupName": "admins"}),
        call("iam:DeactivateMFADevice", {"userName": "bob", "serialNumber": "arn:aws:iam::111111111111:mfa/bob"}),
        call("iam:CreateSAMLProvider", {"name": "idp"}, errorCode="EntityAlreadyExistsException"),
    ],
    "iam_policies": [
        call("iam:AttachUserPolicy", {"userName": "mallory", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        call("iam:PutRolePolicy", {"roleName": "ops", "policyName": "p", "policyDocument": ALL}),
        call("iam:UpdateAssumeRolePolicy", {"roleName": "ops", "policyDocument": json.dumps(PARTNER)}),
        call("iam:CreatePolicyVersion", {"policyArn": "arn:aws:iam::111111111111:policy/p", "policyDocument": ALL, "setAsDefault": True}),
        call("iam:SetDefaultPolicyVersion", {"policyArn": "arn:aws:iam::111111111111:policy/p", "versionId": "v1"}),
        call("iam:CreateRole", {"roleName": "r", "assumeRolePolicyDocument": json.dumps(EVERYBODY)}),
        call("iam:DetachRolePolicy", {"roleName": "ops", "policyArn": "arn:aws:iam::111111111111:policy/Guard"}),
    ],
    "sign_in": [
        call("signin:ConsoleLogin", None, {"ConsoleLogin": "Success"}, eventType="AwsConsoleSignIn", additionalEventData={"MFAUsed": "No"}),
        call("signin:ConsoleLogin", None, {"ConsoleLogin": "Failure"}, eventType="AwsConsoleSignIn", userIdentity=ROOT,
             errorMessage="Failed authentication", additionalEventData={"MFAUsed": "No"}),
        call("signin:ConsoleLogin", None, {"ConsoleLogin": "Failure"}, eventType="AwsConsoleSignIn", errorMessage="No username found in supplied account",
             userIdentity={"type": "IAMUser", "accountId": "111111111111", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        call("signin:SwitchRole", None, {"SwitchRole": "Success"}, eventType="AwsConsoleSignIn", userIdentity=role("alice"),
             additionalEventData={"SwitchFrom": "arn:aws:iam::222222222222:user/alice"}),
        call("sts:AssumeRole", {"roleArn": "arn:aws:iam::222222222222:role/admin", "roleSessionName": "alice"}),
        call("sts:AssumeRole", None, errorCode="AccessDenied",
             errorMessage="User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111111111111:role/admin"),
        call("sts:AssumeRoot", {"targetPrincipal": "333333333333", "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}),
        call("sts:GetFederationToken", {"name": "mallory"}),
        call("sts:GetCallerIdentity"),
        call("signin:UserAuthentication", eventType="AwsServiceEvent", serviceEventDetails={"UserAuthentication": "Success"},
             userIdentity={"type": "IdentityCenterUser", "accountId": "111111111111", "onBehalfOf": {"userId": "u-1"}}),
        call("sso:Federate", eventType="AwsServiceEvent", serviceEventDetails={"account_id": "222222222222", "role_name": "Admin"},
             userIdentity={"type": "IdentityCenterUser", "accountId": "111111111111", "onBehalfOf": {"userId": "u-1"}}),
    ],
    "ec2_network": [
        call("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-0a1"}, {"securityGroupRuleSet": OPEN_22}),
        call("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-0a1", "cidrIp": "198.51.100.7/32", "ipProtocol": "tcp", "fromPort": 3306, "toPort": 3306, "ipPermissions": {}}),
        call("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-0a1", "ipPermissions": {"items": [
            {"ipProtocol": "tcp", "fromPort": 80, "toPort": 90, "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}},
            {"ipProtocol": "udp", "fromPort": 53, "toPort": 53, "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]}}]}},
             errorCode="Client.UnauthorizedOperation"),
        call("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-0a1", "ipPermissions": {"items": [
            {"ipProtocol": "-1", "groups": {"items": [{"groupId": "sg-0b2"}]}}]}}),
        call("ec2:RevokeSecurityGroupIngress", {"groupId": "sg-0a1", "ipPermissions": {"items": [
            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}),
        call("ec2:ModifySecurityGroupRules", {"ModifySecurityGroupRulesRequest": {"GroupId": "sg-0a1", "SecurityGroupRule": {
            "SecurityGroupRuleId": "sgr-1", "SecurityGroupRule": {"CidrIpv4": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}}}}),
        call("ec2:CreateNetworkAclEntry", {"networkAclId": "acl-1", "ruleNumber": 100, "ruleAction": "allow", "cidrBlock": "0.0.0.0/0", "aclProtocol": "-1"}),
        call("ec2:CreateRoute", {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}),
        call("ec2:CreateVpcPeeringConnection", {"vpcId": "vpc-1", "peerVpcId": "vpc-2", "peerOwnerId": "222222222222"}),
        call("ec2:DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-1"}}},
             {"DeleteFlowLogsResponse": {"unsuccessful": ""}}),
        call("ec2:CreateFlowLogs", {"CreateFlowLogsRequest": {"ResourceId": {"tag": 1, "content": "vpc-1"}, "TrafficType": "REJECT",
             "LogDestination": "arn:aws:s3:::logs-of-others"}}),
    ],
    "ec2_instances": [
        call("ec2:RunInstances", {"instancesSet": {"items": [{"imageId": "ami-1"}]}, "instanceType": "p5.48xlarge"},
             {"instancesSet": {"items": [{"instanceId": "i-01"}, {"instanceId": "i-02"}, {"instanceId": "i-03"}, {"instanceId": "i-04"}]}}),
        call("ec2:RunInstances", {"instancesSet": {"items": [{"imageId": "ami-1"}]}, "instanceType": "p5.48xlarge"}, errorCode="Client.VcpuLimitExceeded"),
        call("ec2:TerminateInstances", {"instancesSet": {"items": [{"instanceId": "i-01"}]}}, errorCode="Client.DryRunOperation"),
        call("ec2:ModifyInstanceAttribute", {"instanceId": "i-01", "userData": "<sensitiveDataRemoved>"}),
        call("ec2:ModifySnapshotAttribute", {"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"userId": "222222222222"}]}}}),
        call("ec2:ModifySnapshotAttribute", {"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"group": "all"}]}}}),
        call("ec2:ModifySnapshotAttribute", {"snapshotId": "snap-1", "createVolumePermission": {"remove": {"items": [{"userId": "333333333333"}]}}}),
        call("ec2:ModifyImageAttribute", {"imageId": "ami-1", "launchPermission": {"add": {"items": [{"userId": "222222222222"}]}}}),
        call("ec2:GetPasswordData", {"instanceId": "i-01"}, userIdentity=role("i-0123456789abcdef0", "role/web")),
        call("ec2-instance-connect:SendSSHPublicKey", {"instanceId": "i-01", "instanceOSUser": "root"}, {"success": True}),
        call("ec2:SharedSnapshotVolumeCreated", eventType="AwsServiceEvent", userIdentity={"accountId": "111111111111", "invokedBy": "ec2.amazonaws.com"},
             sourceIPAddress="ec2.amazonaws.com", serviceEventDetails={"snapshotId": "snap-1"}),
        call("ebs:ListSnapshotBlocks", {"snapshotId": "snap-1"}),
    ],
    "s3": [
        call("s3:PutBucketPolicy", {"bucketName": "photos", "bucketPolicy": EVERYBODY}),
        call("s3:PutBucketPolicy", {"bucketName": "photos", "bucketPolicy": PARTNER}),
        call("s3:PutBucketAcl", {"bucketName": "photos", "x-amz-acl": ["public-read"]}),
        call("s3:PutBucketPublicAccessBlock", {"bucketName": "photos", "PublicAccessBlockConfiguration": {"BlockPublicAcls": False}}),
        call("s3:PutBucketLifecycle", {"bucketName": "logs", "LifecycleConfiguration": {"Rule": {"Expiration": {"Days": 1}}}}),
        call("s3:PutBucketVersioning", {"bucketName": "photos", "VersioningConfiguration": {"Status": "Suspended"}}),
        call("s3:PutBucketLogging", {"bucketName": "photos", "BucketLoggingStatus": {"xmlns": "x"}}),
        call("s3:GetObject", {"bucketName": "photos", "key": "2026/a b.jpg"}),
        call("s3:CopyObject", {"bucketName": "photos", "key": "a", "x-amz-copy-source": "photos/a"}, additionalEventData={"SSEApplied": "SSE_C"}),
        call("s3:DeleteObjects", {"bucketName": "photos"}),
    ],
    "cloudtrail_config": [
        call("cloudtrail:StopLogging", {"name": "arn:aws:cloudtrail:us-east-1:111111111111:trail/main"}),
        call("cloudtrail:DeleteTrail", {"name": "main"}, **DENIED),
        call("cloudtrail:UpdateTrail", {"name": "main", "isMultiRegionTrail": False}),
        call("cloudtrail:PutEventSelectors", {"trailName": "main", "eventSelectors": [{"includeManagementEvents": False, "readWriteType": "All"}]}),
        call("cloudtrail:PutEventSelectors", {"trailName": "main", "eventSelectors": [{"includeManagementEvents": True, "readWriteType": "ReadOnly"}]}),
        call("cloudtrail:PutInsightSelectors", {"trailName": "main", "insightSelectors": []}),
        call("config:StopConfigurationRecorder", {"configurationRecorderName": "default"}),
        call("config:DeleteConfigRule", {"configRuleName": "s3-bucket-public-read-prohibited"}),
    ],
    "guards": [
        call("guardduty:UpdateDetector", {"detectorId": "12abc", "enable": False}),
        call("guardduty:CreateFilter", {"name": "quiet", "action": "ARCHIVE"}),
        call("securityhub:DisableSecurityHub"),
        call("logs:DeleteLogGroup", {"logGroupName": "/shop/app"}),
        call("logs:PutRetentionPolicy", {"logGroupName": "/shop/app", "retentionInDays": 1}),
        call("monitoring:DeleteAlarms", {"alarmNames": ["root-used", "no-mfa"]}),
        call("events:DisableRule", {"name": "guardduty-to-sns"}),
    ],
    "kms_secrets": [
        call("kms:ScheduleKeyDeletion", {"keyId": "arn:aws:kms:us-east-1:111111111111:key/1a", "pendingWindowInDays": 7}),
        call("kms:PutKeyPolicy", {"keyId": "1a", "policy": json.dumps(PARTNER)}),
        call("kms:CreateGrant", {"keyId": "1a", "granteePrincipal": "arn:aws:iam::222222222222:root", "operations": ["Decrypt", "CreateGrant"]}),
        call("kms:Decrypt", {"encryptionContext": {"SecretARN": "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf"}},
             resources=[{"ARN": "arn:aws:kms:us-east-1:111111111111:key/1a"}], sourceIPAddress="secretsmanager.amazonaws.com",
             userIdentity=ALICE | {"invokedBy": "secretsmanager.amazonaws.com"}),
        call("secretsmanager:GetSecretValue", {"secretId": "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf"}),
        call("secretsmanager:BatchGetSecretValue", {"filters": [{"key": "tag-key", "values": ["x"]}]}),
        call("secretsmanager:DeleteSecret", {"secretId": "db", "forceDeleteWithoutRecovery": True}),
    ],
    "lambda_ssm": [
        call("lambda:UpdateFunctionCode20150331v2", {"functionName": "arn:aws:lambda:us-east-1:111111111111:function:pay"}),
        call("lambda:AddPermission20150331v2", {"functionName": "pay", "principal": "*", "action": "lambda:InvokeFunction"}),
        call("lambda:AddPermission20150331v2", {"functionName": "pay", "principal": "222222222222"}),
        call("lambda:CreateFunctionUrlConfig", {"functionName": "pay", "authType": "NONE"}),
        call("lambda:UpdateFunctionConfiguration20150331v2", {"functionName": "pay", "layers": ["arn:aws:lambda:us-east-1:222222222222:layer:x:1"]}),
        call("ssm:SendCommand", {"instanceIds": ["i-01", "i-02"], "documentName": "AWS-RunShellScript"}),
        call("ssm:SendCommand", {"targets": [{"key": "tag:env", "values": ["prod"]}], "documentName": "AWS-RunShellScript"}),
        call("ssm:StartSession", {"target": "i-01"}),
        call("ssm:GetParameters", {"names": ["/a", "/b", "/c", "/d", "/e"], "withDecryption": True}),
        call("ssm:ModifyDocumentPermission", {"name": "doc", "accountIdsToAdd": ["all"]}),
    ],
    "organizations": [
        call("organizations:LeaveOrganization", None, **DENIED),
        call("organizations:DetachPolicy", {"policyId": "p-1", "targetId": "222222222222"}),
        call("organizations:InviteAccountToOrganization", {"target": {"id": "333333333333", "type": "ACCOUNT"}}),
        call("account:EnableRegion", {"RegionName": "af-south-1"}),
        call("sso:CreateAccountAssignment", {"targetId": "222222222222", "principalId": "u-1", "principalType": "USER",
             "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1"}),
        call("identitystore:CreateGroupMembership", {"groupId": "g-1", "memberId": {"userId": "u-1"}}),
        call("ram:CreateResourceShare", {"name": "s", "resourceArns": ["arn:aws:ec2:us-east-1:111111111111:subnet/subnet-1"],
             "principals": ["333333333333"], "allowExternalPrincipals": True}),
    ],
    "bedrock": [
        call("bedrock:InvokeModel", {"modelId": "anthropic.claude-3-sonnet-20240229-v1:0"}),
        call("bedrock:InvokeModel", {"modelId": "anthropic.claude-3-sonnet-20240229-v1:0"}, errorCode="AccessDeniedException"),
        call("bedrock:DeleteModelInvocationLoggingConfiguration"),
        call("bedrock:DeleteGuardrail", {"guardrailIdentifier": "g-1"}),
    ],
    "rds": [
        call("rds:ModifyDBSnapshotAttribute", {"dBSnapshotIdentifier": "nightly", "attributeName": "restore", "valuesToAdd": ["222222222222"]}),
        call("rds:ModifyDBClusterSnapshotAttribute", {"dBClusterSnapshotIdentifier": "nightly", "valuesToAdd": ["all"]}),
        call("rds:ModifyDBInstance", {"dBInstanceIdentifier": "shop", "publiclyAccessible": True}),
        call("rds:ModifyDBInstance", {"dBInstanceIdentifier": "shop", "masterUserPassword": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        call("rds:DeleteDBInstance", {"dBInstanceIdentifier": "shop", "skipFinalSnapshot": True}),
        call("rds:StartExportTask", {"sourceArn": "arn:aws:rds:us-east-1:111111111111:snapshot:nightly", "s3BucketName": "out"}),
        call("dynamodb:DeleteTable", {"tableName": "orders"}),
        call("backup:DeleteRecoveryPoint", {"backupVaultName": "v", "recoveryPointArn": "arn:aws:backup:us-east-1:111111111111:recovery-point:1"}),
    ],
    "other_services": [
        call("rolesanywhere:CreateTrustAnchor", {"name": "ca", "source": {"sourceType": "CERTIFICATE_BUNDLE"}}),
        call("route53domains:TransferDomainToAnotherAwsAccount", {"domainName": "example.com", "accountId": "333333333333"}),
        call("ses:VerifyEmailIdentity", {"emailAddress": "a@example.com"}),
        call("cloudformation:CreateStack", {"stackName": "s", "roleARN": "arn:aws:iam::111111111111:role/cfn"}),
        call("eks:CreateAccessEntry", {"name": "c", "principalArn": "arn:aws:iam::111111111111:user/mallory"}),
    ],
    "generic": [
        call("glue:UpdateJob", {"jobName": "etl"}, userIdentity=role("job-7")),
        call("glue:ListJobs", userIdentity=role("bob@example.com", "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef")),
        call("glue:ListJobs", None, userIdentity={"type": "AWSAccount", "accountId": "222222222222"}, **DENIED),
        call("glue:ListJobs", userIdentity={"type": "AWSAccount", "accountId": "anonymous"}, sourceIPAddress="AWS Internal"),
        call("glue:ListJobs", userIdentity={"type": "AWSService", "invokedBy": "config.amazonaws.com"}, sourceIPAddress="config.amazonaws.com"),
        call("glue:ListJobs", userIdentity=role("x", account="222222222222"), sourceIPAddress="198.51.100.9"),
        call("secretsmanager:RotationSucceeded", eventType="AwsServiceEvent", sourceIPAddress="secretsmanager.amazonaws.com",
             userIdentity={"accountId": "111111111111", "invokedBy": "secretsmanager.amazonaws.com"},
             additionalEventData={"SecretId": "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf"}),
        {"eventCategory": "Insight", "eventType": "AwsCloudTrailInsight",
         "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"}},
        {"eventCategory": "Aggregated", "eventSource": "s3.amazonaws.com"},
        {"anything": 1},
    ],
    "config_items": [
        ITEM,
        ITEM | {"configurationItemStatus": "ResourceDiscovered"},
        ITEM | {"configurationItemStatus": "ResourceDeleted", "resourceType": "AWS::Glue::Job", "resourceName": None, "resourceId": "etl"},
        ITEM | {"configurationItemDiff": {"changedProperties": {"Configuration.IpPermissions.0": {"changeType": "CREATE"}}, "changeType": "UPDATE"}},
        {"configurationItem": ITEM, "configurationItemDiff": {"changedProperties": {"Relationships.0": {}}}, "messageType": "ConfigurationItemChangeNotification"},
        ITEM | {"resourceType": "AWS::EC2::Instance", "resourceId": "i-0b2", "resourceName": None, "tags": {"Name": "web-1"}},
    ],
    "flows": [
        FLOW,
        FLOW | {"action": "REJECT"},
        FLOW | {"srcport": 22, "dstport": 40000, "tcp_flags": 18},
        FLOW | {"protocol": 1, "srcport": 0, "dstport": 0},
        {"interface-id": "eni-0a1", "srcaddr": "-", "log-status": "NODATA"},
        {"interface-id": "eni-0a1", "srcaddr": "-", "log-status": "SKIPDATA"},
    ],
}  # fmt: skip
