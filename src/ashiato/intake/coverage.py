"""Coverage: what comes from where, how late, what is missing, and how the disk will fill."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pyiceberg.expressions import AlwaysTrue

from ashiato.core.clock import now
from ashiato.formats.tables import ACCOUNT_REGION, LOG_TABLES, TABLES
from ashiato.intake.lags import KEPT_STAGES, Place, kept_lags
from ashiato.intake.watched import read_process, read_watched
from ashiato.lake.by_file import counted
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import at_least, equal
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc

#: Lags are taken over the newest days of each table: older ones say nothing of today's delivery.
LAG_DAYS = 7
MAX_GAPS = 200
#: An hour that a digest vouches for is told of for so long.
QUIET_DAYS = 14
SKIPDATA_RUN = 900


def coverage(home: Home) -> dict[str, Any]:
    """The report of `ashiato sources`; docs/commands.md gives its JSON.

    Lags are seconds: `delivered` from the record's time to AWS's delivery, `taken` from delivery to the lake,
    `evaluated` and `alerted` from there on. An hour whose digest came is quiet, whatever it held: `quiet_until`.
    """
    moment = now()
    with PinnedLake(home) as lake:
        lags = _lags(home, lake)
        skipped = _skipdata(home, lake)
        disk = _disk(home, lake)
    return {
        "sources": _sources(home, lags, moment),
        "gaps": [*digest_gaps(home), *skipped][:MAX_GAPS],
        "failed": _failed(home),
        "list_requests": _requests(home),
        "disk": disk,
        "watch": read_process(home.ledger, moment),
        "watched": read_watched(home.ledger),
    }


def _places(home: Home, log: str, since: datetime | None = None) -> pa.Table:
    """Account and region of the objects of a log by the folder they lay in; only those with records `since`."""
    o = t.objects.c
    wanted = (o.state == "taken") & (o.log == log) & (o.account.is_not(None) | o.region.is_not(None))
    if since is not None:
        wanted &= o.newest_record >= since
    rows = home.ledger.rows(sa.select(o.source, o.name, o.account, o.region).where(wanted))
    names = ("source", "name", "account", "region")
    return pa.table({n: pa.array([row[i] for row in rows], pa.string()) for i, n in enumerate(names)})


def _lags(home: Home, lake: PinnedLake) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """By (source, log, account, region): newest record, quantiles of both lags over the newest days."""
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for name in LOG_TABLES:
        description = TABLES[name]
        time = description.time_column
        newest = lake.newest(name)
        if newest is None:
            continue
        # A clock that was wrong once must not hide the days that are.
        since = min(newest, now()) - timedelta(days=LAG_DAYS)
        plan = lake.plan(name, at_least(time, since.isoformat()))
        account, region = ACCOUNT_REGION[name]
        sql = f"""
            SELECT r.source, coalesce(p.account, r."{account}", '') AS account,
                   coalesce(p.region, r."{region}", '') AS region, max(r."{time}") AS newest,
                   quantile_cont(epoch(r.delivered_at) - epoch(r."{time}"), [0.5, 0.95, 1.0]) AS delivered,
                   quantile_cont(epoch(r.ingested_at) - epoch(r.delivered_at), [0.5, 0.95, 1.0]) AS taken
            FROM {relation(plan.files, plan.iceberg_schema)} r
            LEFT JOIN places p ON p.source = r.source AND p.name = r.object
            WHERE r."{time}" >= $since GROUP BY ALL
        """
        with reading() as connection:
            connection.register("places", _places(home, name, since))
            for source, acc, reg, last, delivered, taken in connection.execute(
                sql, {"since": since}
            ).fetchall():
                found[source, name, acc, reg] = {
                    "newest": last,
                    "delivered": _quantiles(delivered),
                    "taken": _quantiles(taken),
                }
    return found


def _quantiles(values: Sequence[float] | None) -> dict[str, float] | None:
    if not values or values[0] is None:
        return None
    return {k: round(v, 1) for k, v in zip(("p50", "p95", "max"), values, strict=True)}


def _sources(
    home: Home, lags: Mapping[tuple[str, str, str, str], Mapping[str, Any]], moment: datetime
) -> list[dict[str, Any]]:
    o = t.objects.c
    day_count = sa.func.count(sa.distinct(sa.func.substr(sa.cast(o.delivered_at, sa.String), 1, 10)))
    rows = home.ledger.rows(
        sa.select(
            o.source, o.log, o.account, o.region, sa.func.count(), sa.func.sum(o.size), sa.func.sum(o.records),
            sa.func.max(o.newest_record), sa.func.max(o.delivered_at), day_count,
        )
        .where(o.state == "taken", o.log.is_not(None))
        .group_by(o.source, o.log, o.account, o.region)
        .order_by(o.source, o.log, o.account, o.region)
    )  # fmt: skip
    by_key: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for source, log, account, region, count, size, records, newest, delivered, days in rows:
        by_key[source, log, account or "", region or ""] = {
            "objects": count,
            "bytes": int(size or 0),
            "records": int(records or 0),
            "newest": newest,
            "last_delivery": delivered,
            "objects_a_day": round(count / max(days, 1), 1),
            "bytes_a_day": int((size or 0) / max(days, 1)),
        }
    result = []
    later = kept_lags(home.ledger, moment)
    vouched = vouched_until(home.ledger, moment - timedelta(days=QUIET_DAYS))
    for key in sorted(set(by_key) | set(lags)):
        source, log, account, region = key
        facts = by_key.get(key, {})
        lag = lags.get(key, {})
        result.append(
            {
                "source": source,
                "log": log,
                "account": account or None,
                "region": region or None,
                "newest": lag.get("newest") or facts.get("newest"),
                "lag": {
                    "delivered": lag.get("delivered"),
                    "taken": lag.get("taken"),
                    **{stage: later.get(Place(*key), {}).get(stage) for stage in KEPT_STAGES},
                },
                "quiet_until": vouched.get((account, region)) if log == "cloudtrail" else None,
                "objects": facts.get("objects", 0),
                "records": facts.get("records", 0),
                "bytes": facts.get("bytes", 0),
                "objects_a_day": facts.get("objects_a_day", 0),
                "bytes_a_day": facts.get("bytes_a_day", 0),
            }
        )
    return result


#: `…/<account>_CloudTrail-Digest_<region>_<trail>_<home region>_<time>.json.gz`: a trail's digests are a chain.
_CHAIN = re.compile(r"_CloudTrail-Digest_[a-z0-9-]+_(.+)_[a-z]{2}(?:-[a-z]+)+-\d_\d{8}T\d{6}Z")
#: A digest comes an hour after its hour; one that is so much behind the others does not come any more.
SILENT = timedelta(hours=3)


def digest_gaps(home: Home, accounts: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Hours without a digest, and files that a digest names and that never came; of these accounts, or of all.

    CloudTrail writes a digest an hour for each trail, account and region, even for an hour without events:
    its absence is silence. Each trail is looked at by itself, for another one may go on; one that ends
    before the others do is a gap to the newest hour that any digest covers.
    """
    d, f, o = t.digests.c, t.digest_files.c, t.objects.c
    gaps: list[dict[str, Any]] = []
    of_accounts = sa.true() if accounts is None else d.account.in_(sorted(accounts))
    rows = home.ledger.rows(
        sa.select(d.account, d.region, d.bucket, d.key, d.start, d.end)
        .where(of_accounts)
        .order_by(d.start, d.end)
    )
    before: dict[tuple[str, str, str], datetime] = {}
    for account, region, bucket, key, start, end in rows:
        chain = account, region, trail_of(bucket, key)
        last = before.get(chain)
        if last is not None and start > last:
            gaps.append(
                _gap(
                    "cloudtrail", account, region, last, start, f"no digest of {chain[2]} came for this time"
                )
            )
        before[chain] = end if last is None else max(end, last)
    # Of any account: one whose trails all fell silent is told by the others.
    newest = max(before.values(), default=None)
    if accounts is not None and newest is not None:
        newest = max(newest, utc(home.ledger.scalar(sa.select(sa.func.max(d.end)))) or newest)
    for (account, region, trail), last in before.items():
        if newest is not None and newest - last > SILENT:
            why = f"no digest of {trail} came any more"
            gaps.append(_gap("cloudtrail", account, region, last, newest, why))
    gaps.sort(key=lambda gap: (gap["account"], gap["region"], gap["from"]))
    # By the file's name alone, which AWS makes unique: a copy of the bucket, or another road, will do.
    came = sa.select(o.id).where(o.file_name == f.file_name, o.state.in_(("taken", "skipped", "quarantined")))
    missing = home.ledger.rows(
        sa.select(d.account, d.region, d.start, d.end, f.bucket, f.key)
        .join(t.digest_files, f.digest == d.id)
        .where(~came.exists(), of_accounts)
        .order_by(d.start, f.key)
        .limit(MAX_GAPS)
    )
    for account, region, start, end, bucket, key in missing:
        why = f"the digest names s3://{bucket}/{key}, which never came"
        gaps.append(_gap("cloudtrail", account, region, start, end, why))
    return gaps


def vouched_until(ledger: Ledger, since: datetime) -> Mapping[tuple[str, str], datetime]:
    """(account, region) → end of the newest hour for which a digest came, of those that end after `since`."""
    d = t.digests.c
    rows = ledger.rows(
        sa.select(d.account, d.region, sa.func.max(d.end)).where(d.end >= since).group_by(d.account, d.region)
    )
    return {(account, region): end for account, region, end in rows}


def trail_of(bucket: str, key: str) -> str:
    """A trail by its digests' keys, in words."""
    found = _CHAIN.search(key)
    return f"trail {found[1]}" if found else f"s3://{bucket}/{key.partition('/CloudTrail-Digest/')[0]}"


def _gap(
    log: str, account: str | None, region: str | None, from_: object, to: object, why: str
) -> dict[str, Any]:
    return {"log": log, "account": account, "region": region, "from": from_, "to": to, "why": why}


def _skipdata(home: Home, lake: PinnedLake) -> list[dict[str, Any]]:
    """Windows for which AWS could not record the flows of an interface."""
    plan = lake.plan("vpc_flow_logs", equal("log_status", "SKIPDATA"))
    if not plan.files:
        return []
    window = (
        "account_id, region, interface_id, source, object, start_time AS first,"
        ' to_timestamp(coalesce("end", start, epoch(start_time)::BIGINT)) AS last, count(*) AS records'
    )
    with reading() as connection:
        source, parameters = counted(connection, plan, window, "log_status = 'SKIPDATA'", {})
        if not connection.execute(f"SELECT 1 FROM {source} LIMIT 1", parameters).fetchall():
            return []
        connection.register("places", _places(home, "vpc_flow_logs"))
        # Windows that follow one another within SKIPDATA_RUN are one gap; a month with ten windows is ten gaps.
        sql = f"""
            WITH windows AS (
              SELECT r.account_id, coalesce(p.region, r.region) AS region, r.interface_id, r.first, r.last, r.records
              FROM {source} r LEFT JOIN places p ON p.source = r.source AND p.name = r.object),
            marked AS (
              SELECT *, coalesce(first > max(last) OVER (PARTITION BY account_id, region, interface_id
                     ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                     + INTERVAL {SKIPDATA_RUN} SECOND, true)::INT AS begins FROM windows),
            runs AS (
              SELECT *, sum(begins) OVER (PARTITION BY account_id, region, interface_id ORDER BY first, last) AS run
              FROM marked)
            SELECT account_id, region, interface_id, min(first), max(last), sum(records)::BIGINT
            FROM runs GROUP BY account_id, region, interface_id, run ORDER BY 4 DESC LIMIT {MAX_GAPS}
        """
        return [
            _gap(
                "vpc_flow_logs", account, region, first, last,
                f"SKIPDATA at {interface}: AWS left out records in {count:,} windows",
            )
            for account, region, interface, first, last, count in connection.execute(sql, parameters).fetchall()
        ]  # fmt: skip


def _failed(home: Home) -> list[dict[str, Any]]:
    o = t.objects.c
    rows = home.ledger.rows(
        sa.select(o.source, o.name, o.reason, o.delivered_at)
        .where(o.state == "failed")
        .order_by(o.delivered_at.desc())
        .limit(MAX_GAPS)
    )
    return [{"source": s, "object": n, "reason": r, "delivered": when} for s, n, r, when in rows]


def _requests(home: Home) -> list[dict[str, Any]]:
    r = t.requests.c
    rows = home.ledger.rows(
        sa.select(r.source, r.day, sa.func.sum(r.count))
        .group_by(r.source, r.day)
        .order_by(r.source, r.day.desc())
    )
    return [{"source": s, "day": d, "requests": int(n)} for s, d, n in rows][:MAX_GAPS]


def _disk(home: Home, lake: PinnedLake) -> dict[str, Any]:
    """Bytes now, and what they will be if the newest thirty days go on."""
    sizes: dict[str, int] = {}
    daily = 0.0
    today = now()
    for name in TABLES:
        whole = lake.plan(name, AlwaysTrue())
        sizes[name] = whole.bytes
        newest = lake.newest(name)
        if newest is None or not whole.rows:
            continue
        until = min(newest, today)
        since = until - timedelta(days=30)
        recent = lake.plan(name, at_least(TABLES[name].time_column, since.isoformat()))
        days = (
            max(1, len({_day_of(path) for path in recent.files})) if TABLES[name].partition == "day" else 30
        )
        daily += recent.bytes / days
    archive = _folder_size(home.archive)
    total = _folder_size(home.folder)
    return {
        "home_bytes": total,
        "table_bytes": sizes,
        "archive_bytes": archive,
        "bytes_a_day": int(daily),
        "in_30_days": int(total + 30 * daily),
        "in_365_days": int(total + 365 * daily),
    }


def _day_of(path: str) -> date | str:
    return path.rpartition("/")[0].rpartition("=")[2]


def _folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; what goes away meanwhile is left out."""
    size = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        size += _folder_size(Path(entry.path))
                    elif entry.is_file():
                        size += entry.stat().st_size
    except OSError:
        return size
    return size


__all__ = ["coverage", "digest_gaps", "trail_of", "vouched_until"]
