"""Who acts: the principal that stays the same from session to session, and what kind of actor it is.

`principal` reads `userIdentity`
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html);
`actor` looks at the whole event. `agent_family` and `outcome` have modules of their own. Nothing here raises on
whatever shape an identity has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from ashiato.formats.agents import AUTOMATION, SDKS, agent_family, is_console_agent
from ashiato.formats.outcomes import Outcome, outcome

__all__ = [
    "Actor",
    "Outcome",
    "Principal",
    "SessionKind",
    "actor",
    "agent_family",
    "is_service_address",
    "outcome",
    "principal",
]

#: As in ledger/findings.py, which is above this module.
Actor = Literal["person", "automation", "service", "service_for_user", "unknown"]

#: What a role session's name says of its maker. `person`: IAM Identity Center, or an e-mail address;
#: `sdk_default`: nobody gave it a name; `other`: any other name.
SessionKind = Literal[
    "ec2_instance", "lambda", "sdk_default", "codebuild", "ecs_task", "person", "service_linked", "other"
]

_MOST: Final = 2048
_HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
_MACHINES: Final = frozenset(("ec2_instance", "lambda", "codebuild", "ecs_task", "service_linked"))

_SSO_ROLE: Final = re.compile(r"AWSReservedSSO_(.+?)(?:_[0-9a-f]{16})?")
_SESSION_KINDS: Final[tuple[tuple[re.Pattern[str], SessionKind], ...]] = (
    (re.compile(r"i-[0-9a-f]{8,17}", re.I), "ec2_instance"),
    (re.compile(r"AWSCodeBuild-[0-9a-f-]{36}"), "codebuild"),
    (re.compile(r"[0-9a-f]{32}"), "ecs_task"),
    (
        re.compile(
            r"aws-go-sdk-\d+|botocore-session-\d+|aws-sdk-[a-z0-9]+-(?:session-)?\d+|AWSCLI-Session"
            r"|(?:assume-role-from-profile|web-identity-token)-\d+",
            re.I,
        ),
        "sdk_default",
    ),
    (re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+"), "person"),
)
#: Names that tools of builds and clusters give to the sessions that they open.
_TOOL_SESSION: Final = re.compile(r"GitHubActions|AWSCloudFormation|eks-.+-[0-9a-f-]{36}", re.I)
_SERVICE_NAME: Final = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|aws\.internal)", re.I
)
#: Identity providers whose subjects are people who use an app; any other token is a workload's.
_PEOPLES_PROVIDERS: Final = re.compile(
    r"cognito-identity\.amazonaws\.com|accounts\.google\.com|www\.amazon\.com|graph\.facebook\.com"
)
_LAMBDA_RUN: Final = re.compile(r"exec-env/AWS_(?:Lambda|ECS)_|exec-env/ECS", re.I)
_CLI: Final = frozenset(("aws-cli", "CloudShell"))


@dataclass(frozen=True)
class Principal:
    """Who, for as long as it exists, whatever the session.

    `arn`: of the IAM user, role, root; role and session name for IAM Identity Center, whose sessions are people;
    for those without an ARN the service's name, the account's id, the Identity Center user's id, or `unknown`.
    `name`: short, for people. `session`, `session_kind`: of role and federated sessions. `type`: as
    userIdentity.type, `Unknown` where it is missing. `account`: the one that owns the caller, where known.
    """

    arn: str
    name: str
    type: str = "Unknown"
    account: str | None = None
    session: str | None = None
    session_kind: SessionKind | None = None
    access_key: str | None = None
    permission_set: str | None = None


def _text(value: object) -> str | None:
    return value[:_MOST] if isinstance(value, str) and value else None


def _part(mapping: object, *keys: str) -> object:
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, Mapping) else None
    return mapping


def is_service_address(address: object) -> bool:
    """Whether sourceIPAddress says that AWS called: a service's DNS name, or `AWS Internal`."""
    return isinstance(address, str) and (
        address == "AWS Internal" or (len(address) <= 256 and _SERVICE_NAME.fullmatch(address) is not None)
    )


def principal(identity: Mapping[str, Any] | None, recipient_account: str | None = None) -> Principal:
    """The principal of a `userIdentity`, raw or as the table holds it.

    >>> principal({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/ops/i-0a1b2c3d"}).arn
    'arn:aws:iam::111111111111:role/ops'
    """
    if not isinstance(identity, Mapping):
        return Principal("unknown", "unknown", account=_text(recipient_account))
    kind = _text(identity.get("type")) or "Unknown"
    arn = _text(identity.get("arn"))
    account = _text(identity.get("accountId")) or _account_in(arn) or _text(recipient_account)
    key = _text(identity.get("accessKeyId"))
    made = _MAKERS.get(kind, _unknown)(identity, kind, arn, account)
    return made if key is None else Principal(**{**made.__dict__, "access_key": key})


def _account_in(arn: str | None) -> str | None:
    parts = (arn or "").split(":", 5)
    return parts[4] if len(parts) == 6 and re.fullmatch(r"\d{12}", parts[4]) else None


def _user(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    name = _text(identity.get("userName"))
    if name == _HIDDEN:
        name = None
    if arn is None and name and account:
        # A failed sign-in has no ARN; path and partition are then unknown.
        arn = f"arn:aws:iam::{account}:user/{name}"
    if arn is None:
        return _unknown(identity, kind, arn, account)
    return Principal(arn, name or arn.rpartition("/")[2] or arn, kind, account)


def _root(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    if arn is None and account is None:
        return _unknown(identity, kind, arn, account)
    return Principal(arn or f"arn:aws:iam::{account}:root", "root", kind, account)


def _role(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    issuer = _text(_part(identity, "sessionContext", "sessionIssuer", "arn"))
    partition, role, session = _assumed(arn)
    principal_id = _text(identity.get("principalId"))
    if principal_id and ":" in principal_id:
        session = principal_id.partition(":")[2] or session
    if issuer is None and role:
        # Without its issuer the path of the role is unknown.
        issuer = f"arn:{partition}:iam::{account or ''}:role/{role}"
    if issuer is None:
        return _unknown(identity, kind, arn, account)
    role = issuer.rpartition("/")[2] or issuer
    people = _SSO_ROLE.fullmatch(role)
    if people and session:
        return Principal(f"{issuer}/{session}", session, kind, account, session, "person", None, people[1])
    return Principal(
        issuer, role, kind, account, session, _session_kind(identity, issuer, role, session, arn)
    )


def _assumed(arn: str | None) -> tuple[str, str | None, str | None]:
    """Partition, role and session of `arn:aws:sts::111111111111:assumed-role/ROLE/SESSION`."""
    parts = (arn or "").split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("assumed-role/"):
        return "aws", None, None
    role, _, session = parts[5].removeprefix("assumed-role/").partition("/")
    return parts[1], role or None, session or None


def _session_kind(
    identity: Mapping[str, Any], issuer: str, role: str, session: str | None, arn: str | None
) -> SessionKind:
    # IAM keeps the path for AWS; a name alone, which anybody can give, is believed only where no issuer is said.
    known_path = _part(identity, "sessionContext", "sessionIssuer", "arn") is not None
    if ":role/aws-service-role/" in issuer or (not known_path and role.startswith("AWSServiceRoleFor")):
        return "service_linked"
    if _part(identity, "inScopeOf", "issuerType") == "AWS::Lambda::Function":
        return "lambda"
    if _text(_part(identity, "sessionContext", "ec2RoleDelivery")) and arn:
        return "ec2_instance"
    for pattern, kind in _SESSION_KINDS:
        if session and pattern.fullmatch(session):
            return kind
    return "other"


def _federated(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    issuer = _text(_part(identity, "sessionContext", "sessionIssuer", "arn"))
    name = (arn or "").rpartition("/")[2] or (_text(identity.get("principalId")) or "").partition(":")[2]
    whose = issuer or arn
    if whose is None:
        return _unknown(identity, kind, arn, account)
    return Principal(
        f"{issuer}/{name}" if issuer and name else whose, name or whose, kind, account, name, "other"
    )


def _by_provider(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    provider = _text(identity.get("identityProvider"))
    subject = _text(identity.get("userName")) or (_text(identity.get("principalId")) or "").rpartition(":")[2]
    if not subject and not provider:
        return _unknown(identity, kind, arn, account)
    return Principal("/".join(p for p in (provider, subject) if p), subject or str(provider), kind, account)


def _service(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    name = _text(identity.get("invokedBy"))
    if name is None:
        return _unknown(identity, kind, arn, account)
    return Principal(name, name, kind, _text(identity.get("accountId")))


def _account(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    owner = _text(identity.get("accountId")) or _account_in(arn) or _text(identity.get("principalId"))
    return Principal(owner, owner, kind, owner) if owner else Principal("unknown", "unknown", kind, account)


def _centre_user(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    whose = _text(_part(identity, "onBehalfOf", "userId")) or _text(identity.get("principalId"))
    if whose is None:
        return _unknown(identity, kind, arn, account)
    return Principal(whose, _text(identity.get("userName")) or whose, kind, account)


def _unknown(identity: Mapping[str, Any], kind: str, arn: str | None, account: str | None) -> Principal:
    """No type, or one that says nothing: what is there, from the surest to the least."""
    if arn:
        return Principal(arn, arn.rpartition("/")[2] or arn, kind, account)
    whose = _text(_part(identity, "onBehalfOf", "userId"))
    name = _text(identity.get("userName"))
    if name == _HIDDEN:
        name = None
    if whose is None and name:
        # IAM Identity Center until 2025: type Unknown, principalId the user's id.
        whose = _text(identity.get("principalId")) or name
    if whose:
        return Principal(whose, name or whose, kind, account)
    service = _text(identity.get("invokedBy"))
    if service:
        return Principal(service, service, kind, account)
    return Principal("unknown", "unknown", kind, account)


_MAKERS: Final = {
    "IAMUser": _user,
    "Root": _root,
    "AssumedRole": _role,
    "Role": _role,
    "FederatedUser": _federated,
    "SAMLUser": _by_provider,
    "WebIdentityUser": _by_provider,
    "AWSService": _service,
    "AWSAccount": _account,
    "IdentityCenterUser": _centre_user,
}


@lru_cache(maxsize=64)
def _patterns(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    return re.compile(
        "|".join(re.escape(p).replace(r"\*", ".*").replace(r"\?", ".") for p in patterns), re.DOTALL
    )


def actor(event: Mapping[str, Any], automation: Sequence[str] = ()) -> Actor:
    """What kind of actor is behind an event.

    `automation`: patterns (with * and ?) of ARNs or names that the settings call known automation. An interactive
    session is a person's even then: somebody who signs in with automation's credentials is not automation.
    Keys read: userIdentity, eventType, eventSource, sourceIPAddress, userAgent, sessionCredentialFromConsole.
    """
    identity = event.get("userIdentity")
    who = principal(identity if isinstance(identity, Mapping) else None)
    event_type, source = event.get("eventType"), event.get("eventSource")
    if event_type == "AwsServiceEvent":
        # The portal of IAM Identity Center writes its users' sign-ins as service events.
        portal = who.type == "IdentityCenterUser" or source in ("signin.amazonaws.com", "sso.amazonaws.com")
        return "person" if portal and not is_service_address(event.get("sourceIPAddress")) else "service"
    if who.type == "AWSService" or who.session_kind == "service_linked":
        return "service"
    from_service = is_service_address(event.get("sourceIPAddress"))
    invoked = _text(_part(identity, "invokedBy"))
    if from_service or (invoked and invoked not in ("AWS Internal", "signin.amazonaws.com")):
        return "service" if who.arn == "unknown" and who.account is None else "service_for_user"
    return _by_credentials(event, who, identity, automation)


def _by_credentials(
    event: Mapping[str, Any], who: Principal, identity: object, automation: Sequence[str]
) -> Actor:
    agent = event.get("userAgent")
    family = agent_family(agent if isinstance(agent, str) else None)
    if (
        event.get("eventType") in ("AwsConsoleSignIn", "AwsConsoleAction")
        or event.get("sessionCredentialFromConsole") in ("true", True)
        or is_console_agent(family)
    ):
        return "person"
    known = _patterns(tuple(p for p in automation if isinstance(p, str)))
    if known and (known.fullmatch(who.arn) or known.fullmatch(who.name)):
        return "automation"
    if family in AUTOMATION or who.session_kind in _MACHINES:
        return "automation"
    if isinstance(agent, str) and _LAMBDA_RUN.search(agent[:_MOST]):
        return "automation"
    provider = _text(_part(identity, "sessionContext", "webIdFederationData", "federatedProvider"))
    if who.type == "WebIdentityUser" or provider:
        issuer = provider or who.arn
        return "person" if _PEOPLES_PROVIDERS.search(issuer) else "automation"
    if who.session and _TOOL_SESSION.fullmatch(who.session):
        return "automation"
    if who.session_kind == "person" or who.type in ("Root", "SAMLUser", "IdentityCenterUser"):
        return "person"
    if family in _CLI and (who.type == "IAMUser" or who.session_kind in ("sdk_default", "other")):
        return "person"
    if SDKS.fullmatch(family) and who.session_kind == "sdk_default":
        # A program that did not even name its session; by an IAM user's key it may as well be somebody's script.
        return "automation"
    return "unknown"
