"""Where evidence is missing in a trace: files that never came, trails without digests, windows that AWS left out, hours
of a host without any flow record, logs that an account does not have at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from ashiato.core.spans import shifted
from ashiato.formats.tables import LOG_TABLES
from ashiato.intake.coverage import digest_gaps
from ashiato.lake.held import has_records, skipping
from ashiato.lake.predicates import everything
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc
from ashiato.trace.reading import Asked, newest
from ashiato.trace.subjects import Subject
from ashiato.words.messages import Language, Message

_MOST: Final = 200
_MOST_SKIPPED: Final = 100
_HOUR: Final = timedelta(hours=1)

# fmt: off
NO_LOG = Message("no {log} of this account is on record", "このアカウントの {log} の記録がありません")
NO_DIGEST = Message("no digest of {trail} came for this time, and no other trail vouches for it",
                    "この期間の {trail} のダイジェストがなく、ほかの証跡も裏付けていません")
LOST_FILE = Message("a file that a digest names never came: {file}", "ダイジェストに記載されたファイルが届いていません: {file}")
SKIPDATA = Message("AWS left out flow records of {interface} (SKIPDATA)",
                   "AWS が {interface} のフローログを記録できませんでした (SKIPDATA)")
NO_FLOWS = Message("no flow record of {host} for these hours, while there are some before and after",
                   "前後には記録がありますが、この時間帯の {host} のフローログがありません")
# fmt: on
_NAMES: Final = {"cloudtrail": "CloudTrail", "config_items": "AWS Config", "vpc_flow_logs": "VPC Flow Logs"}


@dataclass(frozen=True)
class Span:
    """The time that a trace speaks of; both ends included."""

    first: datetime
    last: datetime

    def meets(self, start: datetime, end: datetime) -> bool:
        return start < self.last and end > self.first


def gaps(
    asked: Asked,
    subject: Subject,
    found: pa.Table,
    span: Span | None,
    language: Language,
    flows: pa.Table | None = None,
) -> list[dict[str, Any]]:
    """The JSON of the gaps in the accounts that the subject is seen in, newest first. `flows`: its flow records, where
    all of them are at hand."""
    if span is None:
        return []
    accounts = {a for a in found["account"].to_pylist() if a and asked.scope.allows(a)}
    if subject.account and asked.scope.allows(subject.account):
        accounts.add(subject.account)
    if not accounts:
        return []
    made = _of_digests(asked, accounts, span, language)
    made += _skipped(asked, found, flows, language)
    if subject.is_host:
        made += _without_flows(found, subject, span, language)
    made += _no_log(asked, found, accounts, span, language)
    made.sort(key=lambda gap: (gap["to"], gap["from"], gap["log"]), reverse=True)
    return made[:_MOST]


def _gap(
    log: str, account: str | None, region: str | None, first: datetime, last: datetime, why: str
) -> dict[str, Any]:
    return {"log": log, "account": account, "region": region, "from": first, "to": last, "why": why}


def _of_digests(
    asked: Asked, accounts: Collection[str], span: Span, language: Language
) -> list[dict[str, Any]]:
    vouched = _vouched(asked.lake.home.ledger, accounts, span)
    made = []
    for gap in digest_gaps(asked.lake.home, accounts):
        start, end = utc(gap["from"]), utc(gap["to"])
        if gap["account"] not in accounts or start is None or end is None or not span.meets(start, end):
            continue
        lost = "never came" in gap["why"]
        if not lost and _covered(vouched.get((gap["account"], gap["region"]), []), start, end):
            continue
        if lost:
            file = gap["why"].removeprefix("the digest names ").removesuffix(", which never came")
            why = LOST_FILE.said(language, {"file": file})
        else:
            trail = gap["why"].removeprefix("no digest of ").removesuffix(" came for this time")
            why = NO_DIGEST.said(language, {"trail": trail.removesuffix(" came any more")})
        made.append(_gap("cloudtrail", gap["account"], gap["region"], start, end, why))
    return made


def _vouched(
    ledger: Ledger, accounts: Collection[str], span: Span
) -> dict[tuple[str, str], list[tuple[datetime, datetime]]]:
    """(account, region) → times that digests of any trail cover, joined."""
    d = t.digests.c
    rows = ledger.rows(
        sa.select(d.account, d.region, d.start, d.end)
        .where(
            d.account.in_(sorted(accounts)),
            d.end >= shifted(span.first, -_DAY),
            d.start <= shifted(span.last, _DAY),
        )
        .order_by(d.start)
    )
    found: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for account, region, start, end in rows:
        first, last = utc(start), utc(end)
        if first is None or last is None:
            continue
        runs = found.setdefault((account, region), [])
        if runs and first <= runs[-1][1] + timedelta(seconds=1):
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return found


_DAY: Final = timedelta(days=1)


def _covered(runs: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    return any(a <= start and end <= b for a, b in runs)


def _skipped(
    asked: Asked, found: pa.Table, flows: pa.Table | None, language: Language
) -> list[dict[str, Any]]:
    if flows is None:
        among = partial(skipping, hashes={key.hash for key in asked.keys})
        where = "log_status = 'SKIPDATA'"
        rows = newest(asked, "vpc_flow_logs", found, _MOST_SKIPPED, where=where, among=among)
    else:
        rows = flows.filter(pc.equal(flows["log_status"], "SKIPDATA")).slice(0, _MOST_SKIPPED)
    made = []
    for row in rows.to_pylist() if rows.num_rows else []:
        start = row["start_time"]
        end = start if row["end"] is None else max(start, _at(row["end"]) or start)
        why = SKIPDATA.said(language, {"interface": row["interface_id"] or "?"})
        made.append(_gap("vpc_flow_logs", row["account_id"], row["region"], start, end, why))
    return made


def _at(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _without_flows(found: pa.Table, subject: Subject, span: Span, language: Language) -> list[dict[str, Any]]:
    """Whole hours between the first and the last flow record of a host that have none: also a quiet interface has
    NODATA records, where its log is written."""
    hours: set[datetime] = set()
    accounts: set[str] = set()
    for row in found.select(["table", "day", "hours", "account", "role"]).to_pylist():
        if row["table"] != "vpc_flow_logs" or row["role"] != "target":
            continue
        midnight = datetime.combine(row["day"], time(), UTC)
        hours |= {midnight + n * _HOUR for n in range(24) if row["hours"] >> n & 1}
        accounts.add(row["account"])
    ordered = sorted(hours)
    account = accounts.pop() if len(accounts) == 1 else subject.account
    made = []
    for before, after in pairwise(ordered):
        start, end = before + _HOUR, after
        if end > start and span.meets(start, end):
            why = NO_FLOWS.said(language, {"host": subject.value})
            made.append(_gap("vpc_flow_logs", account, None, start, end, why))
    # A log that is written only now and then (a sample, an archive) has no hours that are missing.
    return made if len(made) * 4 <= len(ordered) else []


def _no_log(
    asked: Asked, found: pa.Table, accounts: Collection[str], span: Span, language: Language
) -> list[dict[str, Any]]:
    made = []
    for table in LOG_TABLES:
        # Where the subject is seen in a log, there is one.
        seen = set(found.filter(pc.equal(found["table"], table))["account"].to_pylist())
        made += [
            _gap(table, account, None, span.first, span.last, NO_LOG.said(language, {"log": _NAMES[table]}))
            for account in sorted(set(accounts) - seen)
            if not _has(asked, table, account)
        ]
    return made


def _has(asked: Asked, table: str, account: str) -> bool:
    """Whether any record of an account is on record."""
    return has_records(asked.lake.plan(table, everything()), [account])
