"""CloudTrail records as the scripted parts of the estate write them.

Fields and their order: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

from ashiato.demo.estate import HOME_REGION
from ashiato.demo.identities import Session
from ashiato.demo.ids import compact, iso, random_uuids

GLOBAL_SOURCES: Final = {"iam.amazonaws.com", "organizations.amazonaws.com", "cloudfront.amazonaws.com"}
# Services move to newer event versions one by one; these are the versions their records carry here.
VERSIONS: Final = {
    "signin.amazonaws.com": "1.08",
    "sts.amazonaws.com": "1.08",
    "iam.amazonaws.com": "1.10",
    "ec2.amazonaws.com": "1.10",
    "kms.amazonaws.com": "1.11",
    "lambda.amazonaws.com": "1.09",
    "rds.amazonaws.com": "1.09",
}
READ_PREFIXES: Final = (
    "Get",
    "List",
    "Describe",
    "Head",
    "Lookup",
    "Select",
    "Decrypt",
    "AssumeRole",
    "BatchGet",
)
REDACTED_TLS: Final = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"}
CATEGORY_FOLDER: Final = {
    "Management": "CloudTrail",
    "Data": "CloudTrail",
    "Insight": "CloudTrail-Insight",
    "NetworkActivity": "CloudTrail-NetworkActivity",
    "Aggregated": "CloudTrail-Aggregated",
}


class Event(NamedTuple):
    """One record: its second, the account and region it is delivered for, category, JSON and id."""

    second: int
    account: str
    region: str
    category: str
    json: str
    event_id: str


def version_of(source: str) -> str:
    """The event version that a service's records carry."""
    return VERSIONS.get(source, "1.11")


def tls_of(source: str, region: str, host: str | None = None) -> dict[str, str]:
    """`tlsDetails` of a call to a service's endpoint."""
    name = source.partition(".")[0]
    endpoint = host or (source if source in GLOBAL_SOURCES else f"{name}.{region}.amazonaws.com")
    details = {**REDACTED_TLS, "clientProvidedHostHeader": endpoint}
    if name in ("kms", "secretsmanager"):
        details["keyExchange"] = "X25519MLKEM768"
    return details


@dataclass(frozen=True, slots=True)
class Call:
    """What was called and what came of it, without who and when."""

    source: str
    name: str
    request: Any = None
    response: Any = None
    error: str | None = None
    message: str | None = None
    read_only: bool | None = None
    resources: tuple[tuple[str, str], ...] = ()  # type, ARN
    additional: Any = None
    category: str = "Management"
    event_type: str = "AwsApiCall"
    host: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def api_event(
    rng: Random,
    session: Session,
    second: float,
    account: str,
    region: str,
    call: Call,
    *,
    event_id: str | None = None,
    shared_id: str | None = None,
    recipient: str | None = None,
) -> Event:
    """The record of one call by a session; IAM and other global services are recorded in us-east-1."""
    place = HOME_REGION if call.source in GLOBAL_SOURCES else region
    request_id, drawn = random_uuids(rng)
    identifier = event_id or drawn
    owner = recipient or account
    read_only = call.read_only if call.read_only is not None else call.name.startswith(READ_PREFIXES)
    record: dict[str, Any] = {
        "eventVersion": version_of(call.source),
        "userIdentity": None,
        "eventTime": iso(second),
        "eventSource": call.source,
        "eventName": call.name,
        "awsRegion": place,
        "sourceIPAddress": session.address,
        "userAgent": session.agent,
    }
    if call.error:
        record["errorCode"] = call.error
    if call.message:
        record["errorMessage"] = call.message
    record["requestParameters"] = call.request
    record["responseElements"] = call.response
    if call.additional is not None:
        record["additionalEventData"] = call.additional
    if call.event_type != "AwsConsoleSignIn":
        record["requestID"] = request_id
    record["eventID"] = identifier
    record["readOnly"] = read_only
    if call.resources:
        record["resources"] = [{"accountId": owner, "type": t, "ARN": a} for t, a in call.resources]
    record["eventType"] = call.event_type
    record["managementEvent"] = call.category == "Management"
    record["recipientAccountId"] = owner
    if shared_id:
        record["sharedEventID"] = shared_id
    if session.endpoint and session.style == "cli":
        record["vpcEndpointId"] = session.endpoint
        record["vpcEndpointAccountId"] = account
    record["eventCategory"] = call.category
    if session.style == "console" and call.event_type == "AwsApiCall":
        record["sessionCredentialFromConsole"] = "true"
    elif session.style != "service":
        record["tlsDetails"] = tls_of(call.source, place, call.host)
    record.update(call.extra)
    body = compact(record).replace('"userIdentity":null', '"userIdentity":' + session.identity, 1)
    return Event(int(second), owner, place, call.category, body, identifier)


def denied(session: Session, action: str, resource: str) -> str:
    """The message of a call that no policy allows."""
    return (
        f"User: {session.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
