"""`cloudtrail`: an event, of any category.

Fields: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import pyarrow as pa

from ashiato.formats.columns import PROVENANCE, TIMESTAMP, Column, TableDescription

RECORD = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"
IDENTITY = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"
)
AGGREGATED = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aggregated-events.html"

S = pa.string()

SESSION_ISSUER = pa.struct([("type", S), ("principalId", S), ("arn", S), ("accountId", S), ("userName", S)])

SESSION_CONTEXT = pa.struct(
    [
        ("attributes", pa.struct([("mfaAuthenticated", S), ("creationDate", S)])),
        ("sessionIssuer", SESSION_ISSUER),
        ("webIdFederationData", pa.struct([("federatedProvider", S), ("attributes", S)])),
        ("sourceIdentity", S),
        ("ec2RoleDelivery", S),
        ("assumedRoot", S),
    ]
)

USER_IDENTITY = pa.struct(
    [
        ("type", S),
        ("principalId", S),
        ("arn", S),
        ("accountId", S),
        ("accessKeyId", S),
        ("userName", S),
        ("invokedBy", S),
        ("identityProvider", S),
        ("credentialId", S),
        ("sessionContext", SESSION_CONTEXT),
        ("onBehalfOf", pa.struct([("userId", S), ("identityStoreArn", S)])),
        (
            "inScopeOf",
            pa.struct(
                [("issuerType", S), ("credentialsIssuedTo", S), ("sourceAccount", S), ("sourceArn", S)]
            ),
        ),
        ("invokedByDelegate", pa.struct([("accountId", S)])),
    ]
)

RESOURCES = pa.list_(pa.struct([("ARN", S), ("accountId", S), ("type", S), ("ARNPrefix", S)]))
TLS_DETAILS = pa.struct(
    [("tlsVersion", S), ("cipherSuite", S), ("clientProvidedHostHeader", S), ("keyExchange", S)]
)
ADDENDUM = pa.struct([("reason", S), ("updatedFields", S), ("originalRequestID", S), ("originalEventID", S)])

CLOUDTRAIL = TableDescription(
    name="cloudtrail",
    row="an event: management, data, network activity, Insights or aggregated",
    columns=(
        Column("eventVersion", S, "version of the record's format, as major.minor", RECORD),
        Column(
            "userIdentity",
            USER_IDENTITY,
            "who called: type, ARN, access key, session and its issuer",
            IDENTITY,
        ),
        Column(
            "eventTime", TIMESTAMP, "when the call was made; for aggregated events the window's start", RECORD
        ),
        Column("eventSource", S, "the service that was called", RECORD),
        Column("eventName", S, "the operation", RECORD),
        Column("awsRegion", S, "the region that was called", RECORD),
        Column(
            "sourceIPAddress", S, "address of the caller, or a service's DNS name, or `AWS Internal`", RECORD
        ),
        Column("userAgent", S, "the program that called", RECORD),
        Column("errorCode", S, "error, where the call failed", RECORD),
        Column("errorMessage", S, "its text", RECORD),
        Column("requestParameters", S, "parameters of the call", RECORD, json=True),
        Column("responseElements", S, "what a changing call answered", RECORD, json=True),
        Column("additionalEventData", S, "more about the event", RECORD, json=True),
        Column("requestID", S, "the service's id of the request", RECORD),
        Column("eventID", S, "CloudTrail's id of the event (`eventId` of aggregated events)", RECORD),
        Column("readOnly", pa.bool_(), "whether the operation only reads", RECORD),
        Column("resources", RESOURCES, "resources that the event touched", RECORD),
        Column(
            "eventType",
            S,
            "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsVpceEvents …",
            RECORD,
        ),
        Column("apiVersion", S, "version of the service's API", RECORD),
        Column("managementEvent", pa.bool_(), "whether it is a management event", RECORD),
        Column(
            "recipientAccountId",
            S,
            "the account that received the event (`accountId` of aggregated events)",
            RECORD,
        ),
        Column("sharedEventID", S, "the same action as seen in another account", RECORD),
        Column("vpcEndpointId", S, "the VPC endpoint that the call went through", RECORD),
        Column("vpcEndpointAccountId", S, "the endpoint's owner", RECORD),
        Column("serviceEventDetails", S, "what a service event was about", RECORD, json=True),
        Column("eventCategory", S, "Management, Data, NetworkActivity, Insight or Aggregated", RECORD),
        Column(
            "insightDetails", S, "of an Insights event: state, type, baseline, statistics", RECORD, json=True
        ),
        Column("addendum", ADDENDUM, "why an event came late or corrects an earlier one", RECORD),
        Column("sessionCredentialFromConsole", S, "`true` where console credentials were used", RECORD),
        Column("edgeDeviceDetails", S, "edge devices that were the target", RECORD, json=True),
        Column("tlsDetails", TLS_DETAILS, "TLS version, cipher suite, host header, key exchange", RECORD),
        Column("eventContext", S, "request and tag context (event data stores only)", RECORD, json=True),
        Column("timeWindow", S, "of an aggregated event: start, end, size", AGGREGATED, json=True),
        Column("summary", S, "of an aggregated event: dimensions and their counts", AGGREGATED, json=True),
        *PROVENANCE,
        Column(
            "variant",
            pa.int32(),
            "0 for the first copy of an event; 1, 2 … for later copies that say more than the first",
        ),
        Column("record_hash", S, "hash of the canonical record, where it has no eventID (version 1.0)"),
    ),
    time_column="eventTime",
    partition="day",
    sort=("eventTime", "eventID"),
)
