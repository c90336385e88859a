"""Rare records: Insights, network activity, aggregated events, a correction, calls across accounts."""

from __future__ import annotations

from random import Random
from typing import Any

from ashiato.demo import identities
from ashiato.demo.estate import DEV, ENDPOINTS, EXPORT_BUCKET, HOME_REGION, PROD, SECURITY, Estate, kms_arn
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.identities import Session
from ashiato.demo.ids import HOUR, access_key, compact, digest, fixed_uuid, iso, moment, principal_id
from ashiato.demo.sign_ins import console_login
from ashiato.demo.story import ATTACKER, COMMAND_AND_CONTROL, clock


def rare_events(estate: Estate, start: int, incident: int) -> list[Event]:
    """Those of the day that starts at `start`."""
    rng = Random(f"rare/{start}")
    found = [
        *_sign_in_of_users(estate, rng, start),
        *_network_activity(estate, rng, start, incident),
        *_aggregated(rng, start, incident),
    ]
    if DEV in estate.accounts:
        found += _across_accounts(rng, start)
    if start == incident:
        found += _insights(start)
        found += _correction(rng, start)
    return found


def _sign_in_of_users(estate: Estate, rng: Random, start: int) -> list[Event]:
    """carol still has an IAM user: she signs in with MFA, mistypes now and then. Root once a month."""
    events: list[Event] = []
    if moment(start).weekday() < 5:
        second = start + rng.randrange(900, 5400)
        address = identities.person_address("carol", second)
        body = {
            "type": "IAMUser",
            "principalId": principal_id("AIDA", PROD, "carol"),
            "accountId": PROD,
            "accessKeyId": "",
            "userName": "carol",
        }
        if rng.random() < 0.25:
            session = Session(compact(body), address, identities.BROWSER, "cli", "", "carol")
            events.append(
                api_event(rng, session, second - 40, PROD, HOME_REGION, console_login(success=False))
            )
        signed = {**body, "arn": f"arn:aws:iam::{PROD}:user/carol"}
        del signed["accessKeyId"]
        session = Session(compact(signed), address, identities.BROWSER, "cli", "", "carol")
        events.append(api_event(rng, session, second, PROD, HOME_REGION, console_login(mfa="Yes")))
    if moment(start).day == 2 and SECURITY in estate.accounts:
        root = Session(
            compact(
                {
                    "type": "Root",
                    "principalId": SECURITY,
                    "arn": f"arn:aws:iam::{SECURITY}:root",
                    "accountId": SECURITY,
                    "accessKeyId": "",
                }
            ),
            identities.person_address("alice", start),
            identities.BROWSER,
            "cli",
            "",
            "root",
        )
        events.append(api_event(rng, root, start + 2 * HOUR, SECURITY, HOME_REGION, console_login(mfa="Yes")))
    return events


def _across_accounts(rng: Random, start: int) -> list[Event]:
    """The build in dev deploys to prod: one call, a record in each account, the same sharedEventID."""
    events: list[Event] = []
    hours = range(10) if moment(start).weekday() < 5 else range(2, 4)
    for h in hours:
        second = start + h * HOUR + rng.randrange(3500)
        caller = identities.build(DEV, second)
        role = f"arn:aws:iam::{PROD}:role/deploy-from-dev"
        session = f"deploy-{second % 100000}"
        answer = {
            "credentials": {
                "accessKeyId": access_key("ASIA", PROD, session),
                "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "expiration": iso(second + HOUR),
            },
            "assumedRoleUser": {
                "assumedRoleId": f"{principal_id('AROA', PROD, 'deploy-from-dev')}:{session}",
                "arn": f"arn:aws:sts::{PROD}:assumed-role/deploy-from-dev/{session}",
            },
        }
        call = Call(
            "sts.amazonaws.com",
            "AssumeRole",
            {"roleArn": role, "roleSessionName": session, "externalId": "shop-deploy"},
            answer,
            resources=(("AWS::IAM::Role", role),),
        )
        events += _both(rng, caller, second, call)
        key = Call(
            "kms.amazonaws.com",
            "Decrypt",
            {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": kms_arn(PROD, HOME_REGION)},
            resources=(("AWS::KMS::Key", kms_arn(PROD, HOME_REGION)),),
        )
        events += _both(rng, caller, second + 9, key)
    return events


def _both(rng: Random, caller: Session, second: int, call: Call) -> list[Event]:
    shared = fixed_uuid("shared", str(second), call.name)
    outside = Session(
        compact(
            {
                "type": "AWSAccount",
                "principalId": caller.identity.split('"principalId":"')[1].partition('"')[0],
                "accountId": DEV,
            }
        ),
        caller.address,
        caller.agent,
        "cli",
        caller.arn,
        caller.name,
    )
    return [
        api_event(rng, caller, second, DEV, HOME_REGION, call, shared_id=shared),
        api_event(rng, outside, second, PROD, HOME_REGION, call, shared_id=shared),
    ]


def _network_activity(estate: Estate, rng: Random, start: int, incident: int) -> list[Event]:
    """Calls through a VPC endpoint that its policy refused."""
    endpoint = ENDPOINTS[PROD, HOME_REGION]
    net = estate.networks[PROD, HOME_REGION]
    times = [start + rng.randrange(24 * HOUR)] if rng.random() < 0.5 else []
    if start == incident:
        times += [start + clock(15, 33) + 20 * n for n in range(6)]
    events = []
    for second in times:
        i = net.instance("orders-legacy") if start == incident else net.instances[5]
        who = identities.instance_role(PROD, i.role, i.instance_id, i.private_ip, second)
        event_id = fixed_uuid("network activity", str(second))
        body = (
            f'{{"eventVersion":"1.11","userIdentity":{who.identity},"eventTime":"{iso(second)}","eventSource":"secretsmanager.amazonaws.com",'
            f'"eventName":"GetSecretValue","awsRegion":"{HOME_REGION}","sourceIPAddress":"{who.address}","errorCode":"VpceAccessDenied",'
            f'"errorMessage":"The request was denied due to a VPC endpoint policy",'
            f'"requestID":"{fixed_uuid("na request", str(second))}",'
            f'"eventID":"{event_id}","eventType":"AwsVpceEvent","recipientAccountId":"{PROD}","vpcEndpointId":"{endpoint}",'
            f'"vpcEndpointAccountId":"{PROD}","eventCategory":"NetworkActivity"}}'
        )
        events.append(Event(second, PROD, HOME_REGION, "NetworkActivity", body, event_id))
    return events


def _aggregated(rng: Random, start: int, incident: int) -> list[Event]:
    """Five-minute summaries of data events: what was called, and on which buckets."""
    events = []
    windows = [start + h * HOUR for h in (1, 7, 12)]
    if start == incident:
        windows += [start + clock(16, 10) + 300 * n for n in range(9)]
    for begin in windows:
        attacked = start == incident and begin >= start + clock(16, 10)
        total = 60 + rng.randrange(30) if attacked else rng.randrange(10, 40)
        place = EXPORT_BUCKET if attacked else f"shop-prod-assets-{PROD}"
        for template, dimension, value in (
            ("API_ACTIVITY", "eventName", "GetObject"),
            ("RESOURCE_ACCESS", "resourceARN", f"arn:aws:s3:::{place}"),
        ):
            event_id = fixed_uuid("aggregated", str(begin), template)
            body: dict[str, Any] = {
                "eventVersion": "1.0",
                "accountId": PROD,
                "eventId": event_id,
                "eventCategory": "Aggregated",
                "eventType": "AwsAggregatedEvent",
                "awsRegion": HOME_REGION,
                "eventSource": "s3.amazonaws.com",
                "timeWindow": {
                    "windowStart": iso(begin),
                    "windowEnd": iso(begin + 300),
                    "windowSize": "PT5M",
                },
                "summary": {
                    "aggregationTemplate": template,
                    "primaryDimension": {
                        "dimension": dimension,
                        "statistics": [{"name": value, "value": total}],
                        "aggregationType": "Count",
                    },
                    "details": [
                        {
                            "dimension": "sourceIPAddress",
                            "statistics": [{"name": ATTACKER if attacked else "192.0.2.122", "value": total}],
                            "aggregationType": "Count",
                        }
                    ],
                },
            }
            events.append(Event(begin + 300, PROD, HOME_REGION, "Aggregated", compact(body), event_id))
    return events


def _insights(start: int) -> list[Event]:
    """CloudTrail noticed two things by itself: the rate of calls, and the rate of refusals."""
    events = []
    plan = (
        (
            "ApiCallRateInsight",
            "ec2.amazonaws.com",
            "DescribeSecurityGroups",
            None,
            clock(13, 4),
            clock(13, 13),
            0.4,
            9.2,
        ),
        (
            "ApiErrorRateInsight",
            "ssm.amazonaws.com",
            "DescribeParameters",
            "AccessDeniedException",
            clock(13, 5),
            clock(13, 12),
            0.0,
            1.6,
        ),
    )
    for kind, source, name, error, first, last, usual, seen in plan:
        shared = fixed_uuid("insight", name)
        for state, second in (("Start", first), ("End", last)):
            event_id = fixed_uuid("insight", name, state)
            statistics: dict[str, Any] = {
                "baseline": {"average": usual},
                "insight": {"average": seen},
                "insightDuration": (last - first) // 60 if state == "End" else 1,
                "baselineDuration": 10080,
            }
            details: dict[str, Any] = {
                "state": state,
                "eventSource": source,
                "eventName": name,
                "insightType": kind,
            }
            if error:
                details["errorCode"] = error
            arn = f"arn:aws:iam::{PROD}:user/deploy-bot"
            details["insightContext"] = {
                "statistics": statistics,
                "attributions": [
                    {
                        "attribute": "userIdentityArn",
                        "insight": [{"value": arn, "average": seen}],
                        "baseline": [{"value": arn, "average": usual}],
                    }
                ],
            }
            body = {
                "eventVersion": "1.11",
                "eventTime": iso(start + second),
                "awsRegion": HOME_REGION,
                "eventID": event_id,
                "eventType": "AwsCloudTrailInsight",
                "recipientAccountId": PROD,
                "sharedEventID": shared,
                "insightDetails": details,
                "eventCategory": "Insight",
            }
            events.append(Event(start + second, PROD, HOME_REGION, "Insight", compact(body), event_id))
    return events


def _correction(rng: Random, start: int) -> list[Event]:
    """An event delivered with a wrong address, and its addendum two hours later (UPDATED_DATA)."""
    second = start + clock(15, 36, 2)
    who = identities.assumed_role(
        PROD,
        "shop-legacy-role",
        "orders-legacy",
        start + clock(15, 0),
        address="AWS Internal",
        agent="AWS Internal",
        style="service",
    )
    call = Call("secretsmanager.amazonaws.com", "ListSecrets", {"maxResults": 100})
    wrong = api_event(
        rng, who, second, PROD, HOME_REGION, call, event_id=fixed_uuid("correction", "original")
    )
    right = identities.assumed_role(
        PROD,
        "shop-legacy-role",
        "orders-legacy",
        start + clock(15, 0),
        address=COMMAND_AND_CONTROL,
        agent="Boto3/1.34.46",
    )
    request_id = wrong.json.split('"requestID":"')[1][:36]
    addendum = {
        "addendum": {
            "reason": "UPDATED_DATA",
            "updatedFields": "sourceIPAddress,userAgent",
            "originalRequestID": request_id,
            "originalEventID": wrong.event_id,
        }
    }
    fixed = api_event(
        rng,
        right,
        second,
        PROD,
        HOME_REGION,
        Call(call.source, call.name, call.request, extra=addendum),
        event_id=fixed_uuid("correction", digest("addendum")),
    )
    return [wrong, fixed._replace(second=second + 2 * HOUR)]
