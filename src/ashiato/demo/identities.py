"""Who calls: `userIdentity` as CloudTrail writes it. A session repeats the same object for its life.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ashiato.demo.estate import BUILD_ADDRESS, OFFICE, PEOPLE, SECURITY
from ashiato.demo.ids import access_key, compact, digest, fixed_uuid, iso, moment, principal_id

CLI = "aws-cli/2.31.7 md/awscrt#0.27.6 ua/2.1 os/macos#25.0.0 md/arch#arm64 lang/python#3.13.7 md/prompt#off"
BOTO = (
    "Boto3/1.40.52 md/Botocore#1.40.52 ua/2.1 "
    "os/linux#6.1.150-174.273.amzn2023.aarch64 md/arch#aarch64 lang/python#3.12.11"
)
JAVA = (
    "aws-sdk-java/2.35.5 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.150 "
    "lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM"
)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) "
    "terraform-provider-aws/6.15.0 aws-sdk-go-v2/1.39.2"
)
BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/141.0.0.0 Safari/537.36"
)
SSM_AGENT = "aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) amazon-ssm-agent/3.3.3050.0"


@dataclass(frozen=True, slots=True)
class Session:
    """A caller for as long as its credentials last.

    `identity` is the finished JSON; `style` says how calls look: `cli` (TLS details), `console`
    (`sessionCredentialFromConsole`), `service` (neither).
    """

    identity: str
    address: str
    agent: str
    style: str
    arn: str
    name: str
    key: str | None = None
    endpoint: str | None = None


def _attributes(created: float, mfa: bool) -> dict[str, str]:
    return {"creationDate": iso(created), "mfaAuthenticated": "true" if mfa else "false"}


@lru_cache(maxsize=4096)
def assumed_role(
    account: str,
    role: str,
    session: str,
    created: int,
    *,
    address: str,
    agent: str,
    path: str = "/",
    style: str = "cli",
    mfa: bool = False,
    invoked_by: str | None = None,
    on_behalf_of: str | None = None,
    web_identity: str | None = None,
    instance: bool = False,
    endpoint: str | None = None,
) -> Session:
    """A role's session: type AssumedRole, with its issuer and the time it was made."""
    issuer = principal_id("AROA", account, role)
    key = access_key("ASIA", account, role, session, str(created))
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": issuer,
            "arn": f"arn:aws:iam::{account}:role{path}{role}",
            "accountId": account,
            "userName": role,
        }
    }
    if web_identity:
        context["webIdFederationData"] = {
            "federatedProvider": f"arn:aws:iam::{account}:oidc-provider/{web_identity}",
            "attributes": {},
        }
    context["attributes"] = _attributes(created, mfa)
    if instance:
        context["ec2RoleDelivery"] = "2.0"
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{issuer}:{session}",
        "arn": arn,
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }
    if on_behalf_of:
        identity["onBehalfOf"] = {
            "userId": on_behalf_of,
            "identityStoreArn": f"arn:aws:identitystore::{SECURITY}:identitystore/d-9067example",
        }
    if invoked_by:
        identity["invokedBy"] = invoked_by
    return Session(compact(identity), address, agent, style, arn, session, key, endpoint)


@lru_cache(maxsize=512)
def iam_user(
    account: str,
    user: str,
    key: str,
    *,
    address: str,
    agent: str,
    style: str = "cli",
    created: int | None = None,
    mfa: bool = False,
    invoked_by: str | None = None,
) -> Session:
    """An IAM user: with a long-lived key, or (`created` given) a session such as the console's."""
    arn = f"arn:aws:iam::{account}:user/{user}"
    identity: dict[str, Any] = {
        "type": "IAMUser",
        "principalId": principal_id("AIDA", account, user),
        "arn": arn,
        "accountId": account,
        "accessKeyId": key,
        "userName": user,
    }
    if created is not None:
        identity["sessionContext"] = {"attributes": _attributes(created, mfa)}
    if invoked_by:
        identity["invokedBy"] = invoked_by
    return Session(compact(identity), address, agent, style, arn, user, key)


@lru_cache(maxsize=256)
def aws_service(service: str) -> Session:
    """An AWS service with its own identity: type AWSService."""
    return Session(
        compact({"type": "AWSService", "invokedBy": service}), service, service, "service", service, service
    )


@lru_cache(maxsize=256)
def service_linked(account: str, role: str, service: str, session: str, created: int) -> Session:
    """A service-linked role's session, called by the service itself."""
    return assumed_role(
        account,
        role,
        session,
        created,
        address=service,
        agent=service,
        path=f"/aws-service-role/{service}/",
        style="service",
        invoked_by=service,
    )


def person_address(person: str, second: float) -> str:
    """The office's address of a person that day; now and then the one at home (IPv6)."""
    place = int(digest("place", person, str(int(second) // 86400))[:4], 16)
    if place % 5 == 0:
        home = 0xA000 + PEOPLE.index(person) if person in PEOPLE else 0xB000
        return f"2001:db8:{home:x}:1::{place % 200 + 2:x}"
    return f"{OFFICE}.{30 + place % 24}"


def sso_role(name: str, account: str) -> str:
    """`AWSReservedSSO_<permission set>_<16 digits>`."""
    return f"AWSReservedSSO_{name}_{digest('sso', name, account)[:16]}"


@lru_cache(maxsize=4096)
def _duty(account: str, half_day: int) -> tuple[str, ...]:
    staff = PEOPLE if account != SECURITY else ("alice", "kenji")
    if moment(half_day).weekday() < 5 and moment(half_day).hour == 0:
        return staff
    return (staff[int(digest("on call", account, str(half_day))[:4], 16) % len(staff)],)


def on_duty(account: str, second: float) -> tuple[str, ...]:
    """Who is signed in: everyone by day (UTC+9), one person on call at night and at weekends."""
    return _duty(account, int(second) // 43200 * 43200)


def person(
    account: str, who: str, second: float, *, console: bool = False, permission_set: str | None = None
) -> Session:
    """A person signed in through IAM Identity Center that working day (session of up to twelve hours)."""
    chosen = permission_set or ("AdministratorAccess" if who in ("alice", "kenji") else "PowerUserAccess")
    half_day = int(second) // 43200 * 43200
    created = half_day - int(digest("signin", who, account, str(half_day))[:4], 16) % 1500
    role = sso_role(chosen, account)
    return assumed_role(
        account,
        role,
        f"{who}@example.com",
        created,
        address=person_address(who, second),
        agent=BROWSER if console else CLI,
        path="/aws-reserved/sso.amazonaws.com/",
        style="console" if console else "cli",
        on_behalf_of=fixed_uuid("identity store", who),
    )


def build_session(second: float) -> tuple[str, int]:
    """Name and creation time of the build role's session of that hour."""
    return f"GitHubActions-{int(second) // 3600 % 100000}", int(second) // 3600 * 3600 - 20


def build(account: str, second: float) -> Session:
    """The build service's role by OIDC (AssumeRoleWithWebIdentity), an hour long."""
    name, created = build_session(second)
    return assumed_role(
        account,
        "github-actions-deploy",
        name,
        created,
        address=f"198.51.100.{200 + int(digest('runner', str(created))[:2], 16) % 50}",
        agent=TERRAFORM,
        web_identity="token.actions.githubusercontent.com",
    )


def instance_role(
    account: str,
    role: str,
    instance_id: str,
    address: str,
    second: float,
    agent: str = BOTO,
    endpoint: str | None = None,
) -> Session:
    """An instance's role: the session's name is the instance id; new keys every six hours."""
    offset = int(digest("rotate", instance_id)[:4], 16) % 21600
    created = (int(second) - offset) // 21600 * 21600 + offset
    return assumed_role(
        account, role, instance_id, created, address=address, agent=agent, instance=True, endpoint=endpoint
    )


def cloudformation(account: str, second: float) -> Session:
    """CloudFormation at work for the build role: its identity, forwarded (`invokedBy`)."""
    name, created = build_session(second)
    return assumed_role(
        account,
        "github-actions-deploy",
        name,
        created,
        address="cloudformation.amazonaws.com",
        agent="cloudformation.amazonaws.com",
        style="service",
        web_identity="token.actions.githubusercontent.com",
        invoked_by="cloudformation.amazonaws.com",
    )


def deploy_bot(account: str) -> Session:
    """The IAM user with a long-lived key that the build machine uses (and that leaks)."""
    return iam_user(account, "deploy-bot", "AKIAI44QH8DHBEXAMPLE", address=BUILD_ADDRESS, agent=BOTO)
