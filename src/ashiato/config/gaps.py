"""Whether CloudTrail was there to tell: what its digests, its own trails and its days say of a time.

A time is vouched for where the digests of one trail cover it and every file that they name came. Without
digests, a UTC day with events of the account counts as covered. Only what is left is a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa

from ashiato.config import heard
from ashiato.config.item import ResourceKey
from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.lake.plans import PinnedLake
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc
from ashiato.words.messages import Language, Message, Phrase

#: Digests hold times in whole seconds, and follow one another by up to some minutes.
JOIN: Final = timedelta(minutes=5)
#: Digests are of times of delivery: an event is delivered within so many minutes, so that the end of what digests
#: vouch for is not yet told; and a file that never came may hold what is hours older than its digest.
DELIVERY: Final = timedelta(minutes=15)
LATE_FILE: Final = timedelta(hours=6)
#: A trail that was stopped and is heard of again within so long has left nothing to miss.
_SILENT: Final = timedelta(hours=1)
_GLOBAL_TYPES: Final = ("AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::", "AWS::Organizations::")


# fmt: off
NO_DIGEST = Message("no digest of {trail} vouches for this time", "この時間帯を保証する {trail} のダイジェストがない")
FILE_MISSING = Message("the digest names {file}, which never came", "ダイジェストに記載された {file} が届いていない")
NOTHING_CAME = Message("no CloudTrail event of this account has come at all", "このアカウントの CloudTrail イベントは一件も届いていない")
BEGINS = Message("CloudTrail of this account begins at {time} UTC", "このアカウントの CloudTrail は {time} UTC から始まる")
ONLY_UP_TO = Message("CloudTrail of this account has come up to {time} UTC only", "このアカウントの CloudTrail は {time} UTC の分までしか届いていない")
STOPPED = Message("a trail was stopped at {time} UTC, and no event came until {until} UTC",
                  "証跡が {time} UTC に停止され、{until} UTC までイベントが届いていない")
NO_EVENTS = Message("no CloudTrail event of this account and region came for these days",
                    "この期間、このアカウントとリージョンの CloudTrail イベントは届いていない")
# fmt: on


@dataclass(frozen=True)
class Gap:
    """A time in which CloudTrail cannot tell what happened in a region of an account, and why."""

    account: str
    region: str
    first: datetime
    last: datetime
    reason: Phrase
    log: str = "cloudtrail"

    @property
    def why(self) -> str:
        """The reason in English."""
        return self.reason.said("en")

    def why_in(self, language: Language) -> str:
        """The reason."""
        return self.reason.said(language)

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """log, account, region, from, to, why."""
        return {
            "log": self.log, "account": self.account, "region": self.region, "from": self.first, "to": self.last,
            "why": self.why_in(language),
        }  # fmt: skip


Asked = tuple[ResourceKey, datetime, datetime]
Stretch = tuple[datetime, datetime]


def gaps(lake: PinnedLake, asked: Sequence[Asked], scope: AccountScope) -> list[Gap | None]:
    """For each resource and time the first gap of CloudTrail in its account and region; None where there is none."""
    if not asked:
        return []
    known = _Known(lake, asked, scope)
    return [known.gap(key, first, last) for key, first, last in asked]


def _region(key: ResourceKey) -> str:
    """Where events of a resource are: those of services with one endpoint are written in us-east-1."""
    return "us-east-1" if _one_endpoint(key) else key.region


def _one_endpoint(key: ResourceKey) -> bool:
    return key.type.startswith(_GLOBAL_TYPES) or key.region in ("", "global")


class _Known:
    """Digests, files that never came, and days with events, of the accounts and time asked about."""

    def __init__(self, lake: PinnedLake, asked: Sequence[Asked], scope: AccountScope) -> None:
        self.lake = lake
        self.accounts = sorted({k.account for k, _, _ in asked if scope.allows(k.account)})
        self.first, self.last = min(f for _, f, _ in asked), max(t_ for _, _, t_ in asked)
        self.chains = _chains(lake, self.accounts, self.first, self.last)

    @cached_property
    def spans(self) -> dict[str, Stretch]:
        """Account → its first and last event."""
        return heard.spans(self.lake, self.accounts)

    @cached_property
    def days(self) -> dict[tuple[str, str], set[date]]:
        """(account, region) → UTC days with events; region "": any."""
        return heard.days(self.lake, self.accounts, self.first.date(), self.last.date())

    @cached_property
    def stops(self) -> dict[str, list[Stretch]]:
        return _stops(self.lake, self.accounts, self.first, self.last)

    def gap(self, key: ResourceKey, first: datetime, last: datetime) -> Gap | None:
        account, region = key.account, _region(key)
        # Services with one endpoint have it in another region in other partitions.
        spoken_in = "" if _one_endpoint(key) else region
        left = [(first, last)]
        told: list[Stretch] = []
        reasons: list[tuple[Stretch, Phrase]] = []
        for (a, r, trail), (covered, missing) in self.chains.items():
            if (a, r) == (account, region):
                lost = [m for m, _ in missing]
                left = _without(left, _without(covered, lost))
                told += [*covered, *lost]
                reasons += [*missing, ((first, last), Phrase(NO_DIGEST, {"trail": trail}))]
        if told:
            # Digests speak for the time between their first and last; before and after, days do.
            chain = (min(s[0] for s in told), max(s[1] for s in told))
            left = sorted(
                [*_within(left, *chain), *self._silent(account, spoken_in, _without(left, [chain]))]
            )
        else:
            left = sorted(self._silent(account, spoken_in, left))
        if not left:
            return None
        start, end = left[0]
        return Gap(account, region, start, end, self._why(account, start, end, reasons))

    def _silent(self, account: str, region: str, left: Sequence[Stretch]) -> list[Stretch]:
        if not left:
            return []
        days = self.days.get((account, region), set())
        spoken: list[Stretch] = []
        for day in days:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            spoken.append((start, shifted(start, timedelta(days=1))))
        silent = _without(list(left), _joined(spoken, timedelta(0)))
        # The account's last event is looked for only where none of this time or later is at hand.
        if (
            not heard.since(self.lake, account, shifted(max(e for _, e in left), -JOIN))
            and account in self.spans
        ):
            newest = self.spans[account][1]
            late = [(max(s, newest), e) for s, e in left if e > shifted(newest, JOIN)]
            silent = sorted([*silent, *_without(late, silent)])
        stopped = [s for s in self.stops.get(account, []) for s in _within_any(left, [s])]
        silent = sorted([*silent, *_without(stopped, silent)])
        return [s for s in silent if s[1] - s[0] > JOIN]

    def _why(
        self,
        account: str,
        start: datetime,
        end: datetime,
        reasons: Sequence[tuple[Stretch, Phrase]],
    ) -> Phrase:
        for (a, b), why in reasons:
            if a < end and b > start:
                return why
        if account not in self.spans:
            return Phrase(NOTHING_CAME)
        oldest, newest = self.spans[account]
        if end <= shifted(oldest, timedelta(days=1)) and start < oldest:
            return Phrase(BEGINS, {"time": f"{oldest:%Y-%m-%d %H:%M}"})
        if start >= shifted(newest, -JOIN):
            return Phrase(ONLY_UP_TO, {"time": f"{newest:%Y-%m-%d %H:%M}"})
        for a, b in self.stops.get(account, []):
            if a < end and b > start:
                return Phrase(STOPPED, {"time": f"{a:%Y-%m-%d %H:%M}", "until": f"{b:%Y-%m-%d %H:%M}"})
        return Phrase(NO_EVENTS)


def _chains(
    lake: PinnedLake, accounts: Sequence[str], first: datetime, last: datetime
) -> dict[tuple[str, str, str], tuple[list[Stretch], list[tuple[Stretch, Phrase]]]]:
    """(account, region, trail) → times that digests vouch for, and those whose files never came."""
    from ashiato.intake.coverage import trail_of

    d, f, o = t.digests.c, t.digest_files.c, t.objects.c
    wanted = (
        d.account.in_(accounts)
        & (d.end >= shifted(first, timedelta(days=-2)))
        & (d.start <= shifted(last, timedelta(days=2)))
    )
    rows = lake.home.ledger.rows(
        sa.select(d.id, d.account, d.region, d.bucket, d.key, d.start, d.end).where(wanted).order_by(d.start)
    )
    came = sa.select(o.id).where(o.file_name == f.file_name, o.state.in_(("taken", "skipped")))
    lost = lake.home.ledger.rows(
        sa.select(d.id, f.bucket, f.key).join(t.digest_files, f.digest == d.id).where(wanted, ~came.exists())
    )
    missing = {number: f"s3://{bucket}/{key}" for number, bucket, key in lost}
    found: dict[tuple[str, str, str], tuple[list[Stretch], list[tuple[Stretch, Phrase]]]] = {}
    for number, account, region, bucket, key, start, end in rows:
        begin, until = utc(start), utc(end)
        if begin is None or until is None:
            continue
        covered, without = found.setdefault((account, region, trail_of(bucket, key)), ([], []))
        if number in missing:
            without.append(((begin - LATE_FILE, until), Phrase(FILE_MISSING, {"file": missing[number]})))
        else:
            covered.append((begin, until))
    vouched = {k: _joined(c, timedelta(seconds=1)) for k, (c, _) in found.items()}
    return {k: ([(a, b - DELIVERY) for a, b in vouched[k]], m) for k, (_, m) in found.items()}


def _stops(
    lake: PinnedLake, accounts: Sequence[str], first: datetime, last: datetime
) -> dict[str, list[Stretch]]:
    """Account → times from a StopLogging or DeleteTrail to the account's next event, where that took an hour."""
    found: dict[str, list[Stretch]] = {}
    stops = heard.stops(lake, accounts, shifted(first, timedelta(days=-90)), last)
    # A stop within the hour is an event that ends the silence of the one before it.
    for account, stopped in _without_a_next_within_an_hour(stops):
        end = heard.following(lake, account, stopped + timedelta(minutes=1), within_days=92) or last
        if end - stopped > _SILENT:
            found.setdefault(account, []).append((stopped, end))
    return found


def _without_a_next_within_an_hour(stops: Sequence[tuple[str, datetime]]) -> Iterator[tuple[str, datetime]]:
    """Those (account, time), sorted, that no other of the account follows within an hour."""
    for stop, following in pairwise([*stops, None]):
        if stop and not (following and following[0] == stop[0] and following[1] - stop[1] <= _SILENT):
            yield stop


def _joined(stretches: Sequence[Stretch], slack: timedelta) -> list[Stretch]:
    out: list[Stretch] = []
    for start, end in sorted(stretches):
        if out and start <= out[-1][1] + slack:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def _without(left: Sequence[Stretch], covered: Sequence[Stretch]) -> list[Stretch]:
    """What of `left` is in none of `covered`."""
    out = list(left)
    for start, end in covered:
        kept: list[Stretch] = []
        for a, b in out:
            if b <= start or a >= end:
                kept.append((a, b))
                continue
            if a < start:
                kept.append((a, start))
            if b > end:
                kept.append((end, b))
        out = kept
    return out


def _within(left: Sequence[Stretch], low: datetime, high: datetime) -> list[Stretch]:
    return [(max(a, low), min(b, high)) for a, b in left if a < high and b > low]


def _within_any(left: Sequence[Stretch], spans: Sequence[Stretch]) -> list[Stretch]:
    return [s for low, high in spans for s in _within(left, low, high)]
