"""How sessions begin: people through Identity Center, the build service by OIDC, console sign-ins."""

from __future__ import annotations

from random import Random
from typing import Any

from ashiato.demo import identities
from ashiato.demo.estate import Estate
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.ids import HOUR, iso


def sign_ins(estate: Estate, rng: Random, hour: int) -> list[Event]:
    """The sign-ins of `hour` (seconds): people through Identity Center twice a day, the build hourly."""
    events: list[Event] = []
    home = estate.regions[0]
    for account in estate.accounts:
        name, created = identities.build_session(hour + HOUR)
        session = identities.Session(
            '{"type":"WebIdentityUser","principalId":"token.actions.githubusercontent.com:sub:repo:example/shop:ref:refs/heads/main",'
            '"userName":"repo:example/shop:ref:refs/heads/main","identityProvider":"token.actions.githubusercontent.com"}',
            identities.build(account, hour + HOUR).address,
            identities.BOTO,
            "cli",
            "web",
            "web",
        )
        role = f"arn:aws:iam::{account}:role/github-actions-deploy"
        events.append(
            api_event(
                rng,
                session,
                created,
                account,
                home,
                assume(
                    "AssumeRoleWithWebIdentity",
                    role,
                    name,
                    identities.build(account, hour + HOUR),
                    created,
                    {"providerId": "token.actions.githubusercontent.com"},
                ),
            )
        )
        half_day = (hour + HOUR) // 43200 * 43200
        if half_day - HOUR != hour:
            continue
        for who in identities.on_duty(account, half_day):
            signed = identities.person(account, who, half_day)
            created = int(signed.identity.split('"creationDate":"')[1][14:16]) * 60 + half_day - HOUR
            created = min(created, half_day - 1)
            service = identities.Session(
                f'{{"type":"SAMLUser","principalId":"IdentityCenter:{who}@example.com","userName":"{who}@example.com","identityProvider":"IdentityCenter"}}',
                identities.person_address(who, half_day),
                "aws-internal/3",
                "cli",
                "saml",
                who,
            )
            role = (
                signed.arn.replace(":sts:", ":iam:")
                .replace("assumed-role/", "role/aws-reserved/sso.amazonaws.com/")
                .rpartition("/")[0]
            )
            events.append(
                api_event(
                    rng,
                    service,
                    created,
                    account,
                    home,
                    assume(
                        "AssumeRoleWithSAML",
                        role,
                        f"{who}@example.com",
                        signed,
                        created,
                        {"principalArn": f"arn:aws:iam::{account}:saml-provider/AWSSSO_DO_NOT_DELETE"},
                    ),
                )
            )
            events.append(
                api_event(
                    rng,
                    identities.person(account, who, half_day, console=True),
                    created + 2,
                    account,
                    home,
                    console_login(),
                )
            )
    return events


def assume(
    name: str,
    role: str,
    session_name: str,
    session: identities.Session,
    created: int,
    request: dict[str, Any],
) -> Call:
    answer = {
        "credentials": {
            "accessKeyId": session.key,
            "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "expiration": iso(created + HOUR),
        },
        "assumedRoleUser": {
            "assumedRoleId": session.identity.split('"principalId":"')[1].partition('"')[0],
            "arn": session.arn,
        },
    }
    return Call(
        "sts.amazonaws.com",
        name,
        {"roleArn": role, "roleSessionName": session_name, "durationSeconds": 3600, **request},
        answer,
        resources=(("AWS::IAM::Role", role),),
        read_only=True,
    )


def console_login(*, mfa: str = "No", success: bool = True) -> Call:
    """ConsoleLogin; federated people show MFAUsed No: their second factor is at the identity provider."""
    return Call(
        "signin.amazonaws.com",
        "ConsoleLogin",
        None,
        {"ConsoleLogin": "Success" if success else "Failure"},
        message=None if success else "Failed authentication",
        read_only=False,
        event_type="AwsConsoleSignIn",
        additional={
            "LoginTo": "https://console.aws.amazon.com/console/home",
            "MobileVersion": "No",
            "MFAUsed": mfa,
        },
        host="us-east-1.signin.aws.amazon.com",
    )
