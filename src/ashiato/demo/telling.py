"""The story of the sample incident, told by asking the lake: the statements are what a person would type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ashiato import engine
from ashiato.intake.coverage import digest_gaps
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A question, the statement that answers it, and the sentence made of the answer's rows."""

    title: str
    sql: str
    answer: Callable[[Rows], str]


def _clock(value: Any) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}Z"


#: The day of the incident.
DUTY_DAY = (datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))

_RECENT = "eventTime > (SELECT max(eventTime) FROM cloudtrail) - interval '5' day"

QUESTIONS = (
    Question(
        "Was a long-lived key used from an address it never used before?",
        """
        WITH used AS (
          SELECT userIdentity.accessKeyId AS key, userIdentity.userName AS "user", sourceIPAddress AS address,
                 min(eventTime) AS first, count(*) AS calls, count(DISTINCT eventName) AS operations,
                 count_if(errorCode IS NOT NULL) AS failed
          FROM cloudtrail WHERE userIdentity.accessKeyId LIKE 'AKIA%' AND sourceIPAddress LIKE '%.%.%.%'
            AND sourceIPAddress NOT LIKE '%.com' GROUP BY 1, 2, 3)
        SELECT u.key, u."user", u.address, u.first, u.calls, u.operations, u.failed FROM used u
        WHERE u.first > (SELECT max(eventTime) FROM cloudtrail) - interval '5' day
          AND EXISTS (SELECT 1 FROM used o WHERE o.key = u.key AND o.first < u.first - interval '7' day)
        ORDER BY u.calls DESC LIMIT 3
        """,
        lambda r: (
            f"{r[0]['user']}'s key {r[0]['key']} came from {r[0]['address']} for the first time at"
            f" {_clock(r[0]['first'])}: {r[0]['calls']} calls of {r[0]['operations']} operations, {r[0]['failed']} refused."
        ),
    ),
    Question(
        "Who signed in to the console without MFA?",
        f"""
        SELECT eventTime, userIdentity.userName AS "user", sourceIPAddress AS address,
               element_at(responseElements, 'ConsoleLogin') AS result
        FROM cloudtrail WHERE eventName = 'ConsoleLogin' AND element_at(additionalEventData, 'MFAUsed') = 'No'
          AND userIdentity.type = 'IAMUser' AND {_RECENT} ORDER BY eventTime LIMIT 5
        """,
        lambda r: f"{r[-1]['user']} signed in from {r[-1]['address']} at {_clock(r[-1]['eventTime'])}.",
    ),
    Question(
        "Which identities were made to stay?",
        f"""
        SELECT eventTime, eventName, userIdentity.userName AS by_user, sourceIPAddress AS address,
               element_at(requestParameters, 'userName') AS new_user, element_at(requestParameters, 'policyName') AS policy
        FROM cloudtrail WHERE eventSource = 'iam.amazonaws.com' AND errorCode IS NULL AND userIdentity.type = 'IAMUser'
          AND eventName IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile', 'CreatePolicy',
                            'AttachUserPolicy', 'PutUserPolicy')
          AND sourceIPAddress IN (SELECT sourceIPAddress FROM cloudtrail WHERE eventName = 'ConsoleLogin'
                AND userIdentity.type = 'IAMUser'
                AND element_at(additionalEventData, 'MFAUsed') = 'No' AND {_RECENT})
          AND {_RECENT} ORDER BY eventTime
        """,
        lambda r: (
            f"{len(r)} changes to IAM by {r[0]['by_user']}, the first at {_clock(r[0]['eventTime'])};"
            f" new user {next((x['new_user'] for x in r if x['eventName'] == 'CreateUser'), 'none')}."
        ),
    ),
    Question(
        "Who put out the lights?",
        f"""
        SELECT eventTime, eventName, userIdentity.userName AS by_user, sourceIPAddress AS address, requestParameters
        FROM cloudtrail WHERE eventName IN ('StopLogging', 'DeleteTrail', 'DeleteFlowLogs') AND errorCode IS NULL
          AND {_RECENT} ORDER BY eventTime
        """,
        lambda r: (
            "; ".join(f"{x['by_user']} called {x['eventName']} at {_clock(x['eventTime'])}" for x in r) + "."
        ),
    ),
    Question(
        "Which security group was opened to the world?",
        f"""
        SELECT e.eventTime, e.userIdentity.userName AS by_user, element_at(e.requestParameters, 'groupId') AS "group",
               c.configurationItemCaptureTime AS recorded, c.resourceName AS name
        FROM cloudtrail e LEFT JOIN config_items c
          ON c.resourceId = element_at(e.requestParameters, 'groupId')
         AND c.configurationItemCaptureTime BETWEEN e.eventTime AND e.eventTime + interval '15' minute
        WHERE e.eventName = 'AuthorizeSecurityGroupIngress' AND e.errorCode IS NULL
          AND e.requestParameters LIKE '%0.0.0.0/0%' AND e.requestParameters LIKE '%22%'
          AND e.{_RECENT} ORDER BY e.eventTime DESC LIMIT 3
        """,
        lambda r: (
            f"{r[0]['by_user']} opened {r[0]['group']} ({r[0]['name'] or 'name not recorded'}) at"
            f" {_clock(r[0]['eventTime'])}; AWS Config recorded the change at {_clock(r[0]['recorded'])}."
        ),
    ),
    Question(
        "Who knocked at port 22, and was let in?",
        """
        SELECT srcaddr, min(CASE WHEN action = 'REJECT' THEN start_time END) AS first_rejected,
               min(CASE WHEN action = 'ACCEPT' THEN start_time END) AS first_let_in,
               count_if(action = 'REJECT') AS rejected, count_if(action = 'ACCEPT') AS let_in, max(bytes) AS longest
        FROM vpc_flow_logs WHERE dstport = 22 AND protocol = 6 AND srcaddr NOT LIKE '10.%'
          AND start_time > (SELECT max(start_time) FROM vpc_flow_logs) - interval '5' day
        GROUP BY srcaddr HAVING count_if(action = 'ACCEPT') > 50 ORDER BY let_in DESC LIMIT 3
        """,
        lambda r: (
            f"{r[0]['srcaddr']} was rejected until {_clock(r[0]['first_let_in'])} and let in"
            f" {r[0]['let_in']} times after; the longest window moved {r[0]['longest']:,} bytes."
        ),
    ),
    Question(
        "Which instance calls outside like a clock?",
        """
        WITH calls AS (
          SELECT srcaddr, dstaddr, dstport, start, lag(start) OVER (PARTITION BY srcaddr, dstaddr, dstport ORDER BY start) AS before
          FROM (SELECT DISTINCT srcaddr, dstaddr, dstport, srcport, start FROM vpc_flow_logs
                WHERE action = 'ACCEPT' AND srcaddr LIKE '10.%' AND dstaddr NOT LIKE '10.%' AND dstport > 1024
                  AND start_time > (SELECT max(start_time) FROM vpc_flow_logs) - interval '5' day) AS windows)
        SELECT srcaddr, dstaddr, dstport, count(*) AS calls, round(avg(start - before), 1) AS every_seconds,
               round(stddev(start - before), 1) AS spread, from_unixtime(min(start)) AS first, from_unixtime(max(start)) AS last
        FROM calls WHERE start - before BETWEEN 5 AND 600 GROUP BY 1, 2, 3 HAVING count(*) > 100
        ORDER BY stddev(start - before) / avg(start - before) LIMIT 3
        """,
        lambda r: (
            f"{r[0]['srcaddr']} called {r[0]['dstaddr']}:{r[0]['dstport']} {r[0]['calls']} times, every"
            f" {r[0]['every_seconds']} s give or take {r[0]['spread']} s, from {_clock(r[0]['first'])} to {_clock(r[0]['last'])}."
        ),
    ),
    Question(
        "Who scanned the subnet?",
        """
        SELECT srcaddr, date_trunc('hour', start_time) AS hour, count(DISTINCT dstaddr) AS hosts,
               count(DISTINCT dstport) AS ports, count_if(action = 'REJECT') AS rejected
        FROM vpc_flow_logs WHERE srcaddr LIKE '10.%' AND dstaddr LIKE '10.%'
          AND start_time > (SELECT max(start_time) FROM vpc_flow_logs) - interval '5' day
        GROUP BY 1, 2 HAVING count(DISTINCT dstaddr) > 100 ORDER BY hosts DESC LIMIT 3
        """,
        lambda r: (
            f"{r[0]['srcaddr']} tried {r[0]['hosts']} hosts on {r[0]['ports']} ports in the hour of"
            f" {_clock(r[0]['hour'])}."
        ),
    ),
    Question(
        "Were an instance's credentials used outside it?",
        f"""
        SELECT split_part(userIdentity.principalId, ':', 2) AS instance, userIdentity.sessionContext.sessionIssuer.userName AS role,
               sourceIPAddress AS address, min(eventTime) AS first, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed
        FROM cloudtrail WHERE userIdentity.type = 'AssumedRole' AND userIdentity.principalId LIKE '%:i-%' AND {_RECENT}
          AND sourceIPAddress NOT LIKE '10.%'
          AND sourceIPAddress NOT IN (SELECT DISTINCT sourceIPAddress FROM cloudtrail
              WHERE userIdentity.principalId LIKE '%:i-%' AND eventTime < (SELECT max(eventTime) FROM cloudtrail) - interval '5' day)
        GROUP BY 1, 2, 3 ORDER BY first LIMIT 3
        """,
        lambda r: (
            f"The session {r[0]['instance']} of {r[0]['role']} called from {r[0]['address']} at"
            f" {_clock(r[0]['first'])}: {r[0]['calls']} calls, {r[0]['failed']} refused."
        ),
    ),
    Question(
        "Which volume was made without encryption?",
        f"""
        SELECT eventTime, userIdentity.userName AS by_user, element_at(responseElements, 'volumeId') AS volume,
               element_at(responseElements, 'size') AS gib
        FROM cloudtrail WHERE eventName = 'CreateVolume' AND errorCode IS NULL AND userIdentity.type = 'IAMUser'
          AND coalesce(element_at(responseElements, 'encrypted'), 'false') = 'false' AND {_RECENT}
        ORDER BY eventTime DESC LIMIT 3
        """,
        lambda r: (
            f"{r[0]['volume']} ({r[0]['gib']} GiB), by {r[0]['by_user']} at {_clock(r[0]['eventTime'])}."
        ),
    ),
    Question(
        "Was a bucket read or rewritten in bulk?",
        f"""
        SELECT element_at(requestParameters, 'bucketName') AS bucket, userIdentity.userName AS by_user, eventName,
               count(*) AS calls, count(DISTINCT element_at(requestParameters, 'key')) AS objects,
               min(eventTime) AS first, max(eventTime) AS last
        FROM cloudtrail WHERE eventCategory = 'Data' AND eventName IN ('GetObject', 'CopyObject', 'PutObject', 'DeleteObject')
          AND userIdentity.type = 'IAMUser' AND {_RECENT} GROUP BY 1, 2, 3 HAVING count(*) > 100 ORDER BY first
        """,
        lambda r: (
            "; ".join(
                f"{x['by_user']}: {x['calls']} × {x['eventName']} on {x['bucket']} from {_clock(x['first'])}"
                for x in r
            )
            + "."
        ),
    ),
    Question(
        "What did the people on duty do?",
        f"""
        WITH answer AS (SELECT userIdentity.principalId AS who, min(eventTime) AS began FROM cloudtrail
          WHERE eventName = 'UpdateAccessKey' AND errorCode IS NULL AND {_RECENT} GROUP BY 1)
        SELECT c.eventTime, split_part(c.userIdentity.principalId, ':', 2) AS who, c.eventName, c.eventSource
        FROM cloudtrail c JOIN answer a ON c.userIdentity.principalId = a.who
        WHERE c.eventTime BETWEEN a.began AND a.began + interval '1' hour AND c.readOnly = false
          AND c.errorCode IS NULL ORDER BY c.eventTime LIMIT 25
        """,
        lambda r: (
            f"{r[0]['who']} began at {_clock(r[0]['eventTime'])} and was done at {_clock(r[-1]['eventTime'])}:"
            f" {len(r)} changes."
        ),
    ),
)


def tell(folder: Path) -> list[dict[str, Any]]:
    """Ask every question of the home at `folder`: title, answer, sql and rows of each."""
    story = []
    with Home.open_for_reading(folder) as home, PinnedLake(home) as lake:
        for question in QUESTIONS:
            sql = " ".join(question.sql.split())
            rows = engine.run(sql, lake).to_pylist()
            answer = question.answer(rows) if rows else "Nothing of the kind is in the lake."
            story.append({"title": question.title, "answer": answer, "sql": sql, "rows": rows})
        story.append(_roads(home))
    return story


def _roads(home: Home) -> dict[str, Any]:
    """Which road saw what: the longest time without a record by each trail's bucket, and named gaps."""
    o = t.objects.c
    found = home.ledger.rows(
        sa.select(o.name, o.newest_record)
        .where(o.log == "cloudtrail", o.account == "111122223333", o.newest_record.between(*DUTY_DAY))
        .order_by(o.newest_record)
    )
    roads: dict[str, list[Any]] = {}
    for name, newest in found:
        roads.setdefault(name.split("/AWSLogs/")[0].rpartition("/")[2], []).append(utc(newest))
    rows = []
    for bucket, times in sorted(roads.items()):
        longest = max(((b - a, a, b) for a, b in pairwise(times)), default=(None, None, None))
        rows.append(
            {
                "bucket": bucket,
                "objects on 2026-11-19": len(times),
                "longest silence from": _clock(longest[1]),
                "to": _clock(longest[2]),
            }
        )
    rows_of_gaps = [
        f"{g['account']} {g['region']} {_clock(g['from'])} to {_clock(g['to'])}: {g['why']}"
        for g in digest_gaps(home)
    ]
    return {
        "title": "Which road saw it, and what is missing?",
        "answer": "The account's own trail fell silent; the organisation's went on. Gaps that the digests prove: "
        + ("; ".join(rows_of_gaps) or "none")
        + ".",
        "sql": "",
        "rows": rows,
    }
