"""Silence, told from quiet: findings about sources that should have delivered and did not.

An hour whose digest came is quiet, however few events it had: AWS vouches for it. Where a log has no digests,
its account-regions are compared with their own habit at this hour of the week, or with the setting
`silent_after` of their source. Each finding says which of the three it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ashiato.core.settings import Settings, WatchedSource
from ashiato.formats.tables import LOG_TABLES
from ashiato.intake.coverage import SILENT, vouched_until
from ashiato.intake.watched import read_watched
from ashiato.lake.home import Home
from ashiato.ledger import Ledger
from ashiato.ledger.finding_rows import finding_uid
from ashiato.ledger.findings import Finding
from ashiato.watch.habits import FORGOTTEN, Habit, Habits, Series

RULE = "ashiato-silence"
#: Silence is said when it is half as long again as usual, and an hour longer.
FACTOR = 1.5
MARGIN = timedelta(hours=1)
#: Types that are pushed to: nothing is asked, so nothing is known but that the process listens.
PUSHED = frozenset({"firehose"})
#: Roads that look at the whole place: a complete poll says what is there. Another road's poll takes what it is
#: given, and after a stop what waited must come first: it is judged by after GRACE.
LISTED = frozenset({"files", "s3"})
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class _Judged:
    """A source of the settings: what its objects are called, and until when it is known what came."""

    settings: WatchedSource
    origins: frozenset[str]
    since: datetime
    until: datetime


def silent(home: Home, settings: Settings, now: datetime, habits: Habits | None = None) -> list[Finding]:
    """Account-regions and sources that are silent at `now`, by what the ledger holds.

    Only sources of the settings are judged, and only up to their last complete poll: what this machine could
    not ask for is an error of the source, no silence. The same silence has the same uid each time. `habits`
    keeps what was learnt between calls.
    """
    judged = _judged(home.ledger, settings, now)
    if not judged:
        return []
    habits = habits or Habits()
    habits.refresh(home.ledger, now)
    found: list[Finding] = []
    for source in judged:
        series = {key: habit for key, habit in habits.series.items() if key[0] in source.origins}
        if source.settings.silent_after is not None:
            found += _by_setting(source, source.settings.silent_after, series)
            continue
        vouched = _vouched(home.ledger, series, now)
        found += _by_digests(source, vouched)
        found += _by_habit(source, series, vouched)
    return found


def not_judged(ledger: Ledger, settings: Settings, now: datetime) -> set[str]:
    """Watched sources of which it is not known now whether they are silent: nothing was asked since the start, or
    not for long enough."""
    judged = {source.settings.name for source in _judged(ledger, settings, now)}
    return {source.name for source in settings.sources if source.enabled} - judged


def _judged(ledger: Ledger, settings: Settings, now: datetime) -> list[_Judged]:
    roads: dict[str, list[dict[str, Any]]] = {}
    for row in read_watched(ledger):
        roads.setdefault(row["name"], []).append(row)
    judged = []
    for source in settings.sources:
        rows = roads.get(source.name, [])
        listed = [r for r in rows if r["type"] in LISTED]
        known = [r["updated_at"] if source.type in PUSHED else r["last_poll"] for r in listed or rows]
        until = max((k for k in known if k is not None), default=None)
        since = min((r["since"] for r in rows if r["since"]), default=None)
        if source.enabled and until is not None and since is not None and (listed or until - since >= GRACE):
            origins = frozenset(o for r in rows for o in r["origins"])
            judged.append(_Judged(source, origins, since, min(until, now)))
    return judged


def _by_setting(source: _Judged, limit: timedelta, series: Mapping[Series, Habit]) -> list[Finding]:
    """The whole source, all its logs together."""
    wholes = {key: habit for key, habit in series.items() if key[2] is None}
    newest = max(wholes, key=lambda key: wholes[key].last, default=None)
    last = _heard(source, wholes[newest].last if newest else source.since)
    if source.until - last <= limit:
        return []
    log = newest[1] if newest and newest[1] in LOG_TABLES else LOG_TABLES[0]
    return [_finding(source, log, None, last, "setting", threshold=limit)]


def _heard(source: _Judged, last: datetime) -> datetime:
    """Since when it could have been heard of: what is pushed was not heard before the process began."""
    return max(last, source.since) if source.settings.type in PUSHED else last


def _vouched(
    ledger: Ledger, series: Mapping[Series, Habit], now: datetime
) -> dict[tuple[str, str], datetime]:
    """Account-regions whose digests are among `series`, and until when they vouch."""
    here = {(key[2] or "", key[3] or "") for key in series if key[1] == "digest" and key[2] is not None}
    if not here:
        return {}
    return {place: end for place, end in vouched_until(ledger, now - FORGOTTEN).items() if place in here}


def _by_digests(source: _Judged, vouched: Mapping[tuple[str, str], datetime]) -> list[Finding]:
    gone = {place: end for place, end in vouched.items() if source.until - end > SILENT}
    hour = timedelta(hours=1)
    if len(gone) > 1 and len(gone) == len(vouched):
        # The trail or its bucket, not each region by itself.
        last = max(gone.values())
        return [_finding(source, "cloudtrail", None, last, "digest", hour, SILENT, places=sorted(gone))]
    return [_finding(source, "cloudtrail", place, end, "digest", hour, SILENT) for place, end in gone.items()]


def _by_habit(
    source: _Judged, series: Mapping[Series, Habit], vouched: Mapping[tuple[str, str], datetime]
) -> list[Finding]:
    found: list[Finding] = []
    whole: set[tuple[str, str]] = set()
    # The source as a whole first: where it is silent, its account-regions say nothing new.
    for key, habit in sorted(series.items(), key=lambda item: (item[0][2] is not None, str(item[0]))):
        origin, log, account, region = key
        if log not in LOG_TABLES or (origin, log) in whole:
            continue
        if log == "cloudtrail" and (vouched if account is None else (account, region) in vouched):
            continue
        last = _heard(source, habit.last)
        if not habit.learnt or source.until - last > FORGOTTEN:
            continue
        usual = habit.usual_gap(source.until)
        limit = max(usual * FACTOR, usual + MARGIN)
        if source.until - last > limit:
            if account is None:
                whole.add((origin, log))
            place = None if account is None else (account, region or "")
            found.append(_finding(source, log, place, last, "habit", usual, limit))
    return found


def _finding(
    source: _Judged,
    log: str,
    place: tuple[str, str] | None,
    last: datetime,
    rests_on: str,
    usual: timedelta | None = None,
    threshold: timedelta | None = None,
    *,
    places: Sequence[tuple[str, str]] = (),
) -> Finding:
    account, region = place or (None, None)
    group = {"source": source.settings.name, "log": log}
    if place is not None:
        group |= {"account": account or "", "region": region or ""}
    hour = last.replace(minute=0, second=0, microsecond=0)
    return Finding(
        uid=finding_uid(RULE, group, hour),
        rule=RULE,
        title="A source of logs fell silent",
        level="medium" if rests_on == "habit" else "high",
        kind="silence",
        table=log,
        group=group,
        hour=hour,
        first=last,
        last=last,
        window_start=last,
        hits=1,
        account=account or None,
        region=region or None,
        explanation={
            "rests_on": rests_on,
            "silent_since": last.isoformat(),
            "usual_gap": None if usual is None else int(usual.total_seconds()),
            "threshold": None if threshold is None else int(threshold.total_seconds()),
            "account_regions": [list(p) for p in places],
        },
    )
