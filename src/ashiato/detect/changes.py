"""What an evaluation did to findings: new, grown, amended, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.detect.gathering import Draft, joined
from ashiato.ledger.detection_tables import findings as t
from ashiato.ledger.finding_rows import read_findings, write_findings
from ashiato.ledger.findings import MOST_EVENT_IDS, Finding, FindingChange

_SLICE = 400
Change = Literal["new", "grown", "amended", "withdrawn"]


class FindingChanges:
    """Changes within one transaction; the last word on each finding counts. `news_since`: what happened later is
    news, and told."""

    def __init__(self, connection: Connection, news_since: datetime | None) -> None:
        self.connection = connection
        self.news_since = news_since
        self._before: dict[str, Finding | None] = {}
        self._after: dict[str, Finding] = {}
        self._by_rule: dict[str, dict[str, None]] = {}

    def add(self, drafts: Iterable[Draft]) -> None:
        """Further hits of findings."""
        by_uid: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_uid.setdefault(draft.uid, []).append(draft)
        self._read(by_uid)
        for uid, several in by_uid.items():
            for draft in several:
                known = self._after.get(uid) or self._before[uid]
                # One that was withdrawn has no hits any more.
                stands = known is not None and known.standing
                self._put(uid, joined(known, draft) if known is not None and stands else draft.finding())

    def replace(self, uids: Iterable[str], drafts: Iterable[Draft]) -> None:
        """The findings with these uids, as they are now; those without a draft are withdrawn."""
        made: dict[str, Draft] = {}
        for draft in drafts:
            if draft.uid in made:
                made[draft.uid].merge(draft)
            else:
                made[draft.uid] = draft
        everything = dict.fromkeys([*uids, *made])
        self._read(everything)
        for uid in everything:
            known = self._after.get(uid) or self._before[uid]
            if uid in made:
                self._put(uid, _kept(known, made[uid].finding()))
            elif known is not None and known.standing:
                self._put(uid, replace(known, standing=False))

    def uids(self, rule: str, hours: Iterable[datetime]) -> list[str]:
        """Uids of standing findings of a rule in these hours, those of this transaction too."""
        wanted = list(hours)
        among = set(wanted)
        found = [uid for uid, finding in self._made(rule) if finding.hour in among]
        for start in range(0, len(wanted), _SLICE):
            part = wanted[start : start + _SLICE]
            found += self.connection.scalars(
                sa.select(t.c.uid).where(t.c.rule == rule, t.c.hour.in_(part), t.c.standing == 1)
            )
        return found

    def uids_between(self, rule: str, first: datetime, last: datetime) -> list[str]:
        """Uids of standing findings of a rule in the hours from `first` to before `last`, those of this transaction
        too."""
        found = [uid for uid, finding in self._made(rule) if first <= finding.hour < last]
        found += self.connection.scalars(
            sa.select(t.c.uid).where(t.c.rule == rule, t.c.hour >= first, t.c.hour < last, t.c.standing == 1)
        )
        return found

    def uids_of(self, rule: str) -> list[str]:
        """Uids of all standing findings of a rule, those of this transaction too."""
        found = [uid for uid, _ in self._made(rule)]
        found += self.connection.scalars(sa.select(t.c.uid).where(t.c.rule == rule, t.c.standing == 1))
        return found

    def _made(self, rule: str) -> list[tuple[str, Finding]]:
        """Findings of a rule that this transaction made or changed, and that stand."""
        made = ((uid, self._after[uid]) for uid in self._by_rule.get(rule, ()))
        return [(uid, finding) for uid, finding in made if finding.standing]

    def _put(self, uid: str, finding: Finding) -> None:
        self._after[uid] = finding
        self._by_rule.setdefault(finding.rule, {})[uid] = None

    def _read(self, uids: Iterable[str] | Mapping[str, object]) -> None:
        missing = [u for u in uids if u not in self._before]
        if missing:
            found = read_findings(self.connection, missing)
            for uid in missing:
                self._before[uid] = found.get(uid)

    def write(self, moment: datetime) -> list[FindingChange]:
        """Write what changed; the changes, for alerts."""
        changes: list[FindingChange] = []
        rows: list[tuple[Finding, bool]] = []
        for uid, after in self._after.items():
            before = self._before[uid]
            kind = change_of(before, after)
            if kind is None:
                continue
            live = self.news_since is not None and after.last >= self.news_since
            rows.append((after, live))
            changes.append(FindingChange(kind, after, before, live))
        write_findings(self.connection, rows, moment)
        return changes


def _kept(known: Finding | None, made: Finding) -> Finding:
    """What was made anew, with what only the earlier evaluation had in hand."""
    if known is None or known.event_ids != made.event_ids:
        return made
    return replace(
        made,
        examples=made.examples or known.examples,
        delivered_at=made.delivered_at or known.delivered_at,
        ingested_at=made.ingested_at or known.ingested_at,
    )


def change_of(before: Finding | None, after: Finding) -> Change | None:
    """The kind of change, None where nothing that a person would see differs."""
    if before is None or not before.standing:
        return "new" if after.standing else None
    if not after.standing:
        return "withdrawn"
    same = (
        before.event_ids == after.event_ids
        and before.hits == after.hits
        and (before.first, before.last, before.window_start) == (after.first, after.last, after.window_start)
        and (before.level, before.rarity) == (after.level, after.rarity)
    )
    if same:
        return None
    # Of more than a finding names, earlier ones push out later ones.
    full = len(before.event_ids) == len(after.event_ids) == MOST_EVENT_IDS
    grown = after.hits >= before.hits and (full or set(before.event_ids) <= set(after.event_ids))
    return "grown" if grown else "amended"
