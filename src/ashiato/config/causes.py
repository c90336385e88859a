"""The operations behind changes: which CloudTrail events explain what AWS Config recorded, ranked, with reasons.

AWS Config captures an item seconds to minutes after the call, once a day where recording is daily; CloudTrail
writes times in whole seconds. So the calls between the previous item and this one count, with some minutes
before it, for a call may come too late for an item that was being captured. What explains a change is judged
by `explaining`; where nothing does, `gaps` says whether CloudTrail was there to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ashiato.config.callers import Lead, leads
from ashiato.config.candidates import Span, hashes_of, writes
from ashiato.config.explaining import NOTHING, Asked, Explanation, Write, explain
from ashiato.config.gaps import Gap, gaps
from ashiato.config.history import Change
from ashiato.config.operations import GLOBAL, of_service
from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.formats.outcomes import Outcome, outcome
from ashiato.formats.principals import principal
from ashiato.formats.refs import event_ref
from ashiato.lake.plans import PinnedLake
from ashiato.words.messages import Language, Message, Phrase

__all__ = ["Cause", "Causes", "Gap", "Lead", "causes"]

#: A call this long before the previous item may have come too late for it.
LATE: Final = timedelta(minutes=10)
#: Clocks of two services, and event times cut to the second.
AFTER: Final = timedelta(seconds=5)
#: How long before its first item a resource may have been created, where nothing says when it was.
DISCOVERY: Final = timedelta(hours=24)
#: The same on both sides of `resourceCreationTime`: a database is there many minutes after the call.
AROUND_CREATION: Final = timedelta(hours=1)
#: Related resources are asked about for this long: their own story is theirs.
RELATED: Final = timedelta(hours=2)
#: The nearest part of a long span is read first; the rest only where that explains nothing.
NEAR: Final = timedelta(days=1)
#: Changes looked at together, and days that one of them may reach back.
PORTION: Final = 400
LONGEST: Final = timedelta(days=400)
MOST_OTHERS: Final = 10
MOST_CAUSES: Final = 10
#: Below this nothing is called a cause.
EXPLAINS: Final = 0.25
_SURE: Final = 0.6

# fmt: off
NAMED = Message("names the resource", "リソースを直接指定")
NAMED_RELATED = Message("names {name}, which it is related to", "関連する {name} を指定")
SECONDS_BEFORE = Message("{n} s before the capture", "記録の {n} 秒前")
MINUTES_BEFORE = Message("{n} min before the capture", "記録の {n} 分前")
HOURS_BEFORE = Message("{n} h before the capture", "記録の {n} 時間前")
DAYS_BEFORE = Message("{n} days before the capture", "記録の {n} 日前")
BEFORE_PREVIOUS = Message("before the previous item", "前回の記録より前")
FAILED = Message("failed: {code}", "失敗: {code}")
SAID_BY_CONFIG = Message("the item says that this event led to it", "構成項目がこのイベントを原因として記録")
UNEXPLAINED = Message("does not explain what differs", "差分の説明にはならない")
# fmt: on


@dataclass(frozen=True)
class Cause:
    """An operation behind a change. `rank`: 1 is the likeliest; `score` from 0 to 1; `reasons`: why, in either
    language; `row`: the event's columns; `behind`: who called, where a service called for somebody."""

    ref: str
    event_id: str
    rank: int
    score: float
    reasons: tuple[Phrase, ...]
    row: Mapping[str, Any] = field(hash=False, compare=False)
    direct: bool = True
    outcome: Outcome = "success"
    behind: tuple[Lead, ...] = ()

    @property
    def time(self) -> datetime:
        """When the call was made."""
        found: datetime = self.row["eventTime"]
        return found

    @property
    def name(self) -> str:
        """The operation."""
        return str(self.row.get("eventName") or "")

    @property
    def who(self) -> str:
        """The principal's short name."""
        return principal(self.row.get("userIdentity"), self.row.get("recipientAccountId")).name

    @property
    def why(self) -> str:
        """The reasons in English."""
        return self.why_in("en")

    def why_in(self, language: Language) -> str:
        """The reasons as one line."""
        return ("; " if language == "en" else "、").join(r.said(language) for r in self.reasons)

    def as_json(self) -> dict[str, Any]:
        """ref, rank and why, and what the event was."""
        return {
            "ref": self.ref,
            "rank": self.rank,
            "why": self.why,
            "score": round(self.score, 3),
            "time": self.time,
            "operation": self.name,
            "service": self.row.get("eventSource"),
            "who": self.who,
            "from": self.row.get("sourceIPAddress"),
            "result": self.outcome,
            "error": self.row.get("errorCode"),
            "behind": [b.as_json() for b in self.behind],
        }


@dataclass(frozen=True)
class Causes:
    """What is known of a change's origin.

    `found`: operations that explain it, the likeliest first. `others`: writes that named the resource in that
    time and do not explain it, failed calls among them; their ranks go on from those of `found`. `none`:
    CloudTrail was there, and holds no operation that explains the change. `gap`: nothing explains it, and CloudTrail
    has a gap in that time. All empty and False for the first known item of a resource: that is no change.
    """

    change: Change
    found: list[Cause]
    others: list[Cause]
    gap: Gap | None
    none: bool
    #: The time that was searched.
    first: datetime | None = None
    last: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The change, what differs, and the operations behind it."""
        after = self.change.after
        return {
            "time": after.captured,
            "resource": after.key.as_json(),
            "type": after.key.type,
            "status": after.status,
            "kind": self.change.kind,
            "diff": [p.as_json() for p in self.change.differences],
            "causes": [c.as_json() for c in self.found],
            "others": [c.as_json() for c in self.others],
            "none": self.none,
            "gap": None if self.gap is None else self.gap.as_json(),
            "ref": after.ref,
        }


def causes(lake: PinnedLake, changes: Sequence[Change], scope: AccountScope) -> list[Causes]:
    """The causes of each change, in the order given. Reads the lake in portions, each day as few times as can be."""
    found: list[Causes | None] = [None] * len(changes)
    order = sorted(range(len(changes)), key=lambda i: changes[i].after.captured)
    for start in range(0, len(order), PORTION):
        places = order[start : start + PORTION]
        for i, made in zip(places, _portion(lake, [changes[i] for i in places], scope), strict=True):
            found[i] = made
    return [c for c in found if c is not None]


class _Search:
    """One change: its time, its names, and what was found so far."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.asked = Asked(change)
        key = change.after.key
        self.own = hashes_of((key.id, key.name, key.arn))
        self.kin = {h: n for h, n in hashes_of(self.asked.related).items() if h not in self.own}
        self.first, self.last = _time(change)
        self.best: list[tuple[Explanation, dict[str, Any], str | None]] = []
        self.failed: list[tuple[Explanation, dict[str, Any], str | None]] = []
        self.rest: list[tuple[dict[str, Any], str | None]] = []

    @property
    def open(self) -> bool:
        """Whether nothing yet explains the change surely."""
        return self.change.kind != "first known" and not any(e.score >= _SURE for e, _, _ in self.best)

    def take(self, row: dict[str, Any], related: str | None) -> None:
        """Judge one event; `related` is the related resource that it names, None where it names this one."""
        write = Write(row)
        key = self.change.after.key
        if not _same_region(row, key.region, write.source):
            return
        explanation = explain(self.asked, write, direct=related is None)
        if row["eventID"] in self.change.after.related_events:
            explanation = Explanation(1.0, (Phrase(SAID_BY_CONFIG), *explanation.reasons), proven=True)
        if related is None and explanation.score and not explanation.proven:
            explanation = self._doubted(explanation, row)
        previous = self.change.before
        if explanation.score and previous is not None and row["eventTime"] < _second(previous.captured):
            # The previous item had the time to show it: only what it says it set speaks for it.
            explanation = (
                Explanation(explanation.score - 0.3, (*explanation.reasons, Phrase(BEFORE_PREVIOUS)))
                if explanation.proven
                else NOTHING
            )
        if outcome(row) != "success":
            if related is None:
                self.failed.append((explanation, row, related))
        elif explanation.score >= EXPLAINS:
            self.best.append((explanation, row, related))
        elif related is None and (previous is None or row["eventTime"] >= _second(previous.captured)):
            self.rest.append((row, related))

    def _doubted(self, explanation: Explanation, row: Mapping[str, Any]) -> Explanation:
        """A name alone may be that of another service's resource."""
        if of_service(row.get("eventSource") or "", self.change.after.key.type):
            return explanation
        return NOTHING

    def ranked(self) -> tuple[list[Cause], list[Cause]]:
        """Causes, and other writes."""
        captured = self.change.after.captured
        daily = self.change.after.recording_frequency == "DAILY"

        def order(e: tuple[Explanation, dict[str, Any], str | None]) -> tuple[float, float, str]:
            away = abs((captured - e[1]["eventTime"]).total_seconds())
            near = 0.0 if daily else 0.02 / (1 + away / 600)
            return (-round(e[0].score + near, 6), away, str(e[1]["eventID"]))

        found = [
            self._cause(n, explanation, row, related)
            for n, (explanation, row, related) in enumerate(sorted(self.best, key=order)[:MOST_CAUSES], 1)
        ]
        others = [(e, r, k) for e, r, k in sorted(self.failed, key=order)]
        others += [
            (NOTHING, r, k) for r, k in sorted(self.rest, key=lambda x: x[0]["eventTime"], reverse=True)
        ]
        return found, [
            self._cause(n, e, row, related)
            for n, (e, row, related) in enumerate(others[:MOST_OTHERS], len(found) + 1)
        ]

    def _cause(self, rank: int, explanation: Explanation, row: dict[str, Any], related: str | None) -> Cause:
        came = outcome(row)
        reasons = [Phrase(NAMED) if related is None else Phrase(NAMED_RELATED, {"name": related})]
        if came != "success":
            code = row.get("errorCode") or came
            reasons.append(Phrase(FAILED, {"code": str(code)[:100]}))
        reasons += explanation.reasons or (() if came != "success" else (Phrase(UNEXPLAINED),))
        reasons.append(_away(self.change.after.captured - row["eventTime"]))
        ref = event_ref(row)
        return Cause(ref, row["eventID"], rank, explanation.score, tuple(reasons), row, related is None, came)


def _portion(lake: PinnedLake, changes: Sequence[Change], scope: AccountScope) -> list[Causes]:
    searches = [_Search(c) for c in changes]
    _look(lake, [(s, max(s.first, shifted(s.last, -NEAR)), s.last, True) for s in searches if s.open], scope)
    long = [s for s in searches if s.open and s.first < shifted(s.last, -NEAR)]
    _look(lake, [(s, s.first, shifted(s.last, -NEAR), False) for s in long], scope)
    ranked = [s.ranked() for s in searches]
    behind = leads(
        lake,
        [(found[0].row, s.change) if found else None for s, (found, _) in zip(searches, ranked, strict=True)],
        scope,
    )
    missing = [i for i, (found, _) in enumerate(ranked) if not found and changes[i].kind != "first known"]
    of_gaps = dict(
        zip(
            missing,
            gaps(lake, [(changes[i].after.key, searches[i].first, searches[i].last) for i in missing], scope),
            strict=True,
        )
    )
    made = []
    for i, (search, (found, others)) in enumerate(zip(searches, ranked, strict=True)):
        if found and behind[i]:
            found[0] = _with(found[0], behind[i])
        gap = of_gaps.get(i)
        none = i in of_gaps and gap is None
        made.append(Causes(search.change, found, others, gap, none, search.first, search.last))
    return made


def _with(cause: Cause, behind: tuple[Lead, ...]) -> Cause:
    from dataclasses import replace

    return replace(cause, behind=behind)


def _look(
    lake: PinnedLake, asked: Sequence[tuple[_Search, datetime, datetime, bool]], scope: AccountScope
) -> None:
    spans = []
    for search, first, last, near in asked:
        account = search.change.after.key.account
        spans.append(Span(account, first, last, search.own))
        since = max(first, shifted(last, -RELATED))
        spans.append(Span(account, since, last, search.kin if near else {}))
    found = writes(lake, spans, scope)
    for n, (search, *_) in enumerate(asked):
        direct = {row["eventID"] for row, _ in found[2 * n]}
        for row, _ in found[2 * n]:
            search.take(row, None)
        for row, names in found[2 * n + 1]:
            if row["eventID"] not in direct:
                search.take(row, min(names))


def _time(change: Change) -> tuple[datetime, datetime]:
    """The time in which the cause of a change may lie."""
    after = change.after
    last = shifted(after.captured, AFTER)
    if change.before is not None:
        first = shifted(change.before.captured, -LATE)
    elif after.created is not None and after.created <= last:
        first = shifted(after.created, -AROUND_CREATION)
        last = min(last, shifted(after.created, AROUND_CREATION))
    else:
        first = shifted(after.captured, -DISCOVERY)
    return max(first, shifted(last, -LONGEST)), last


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _same_region(row: Mapping[str, Any], region: str, source: str) -> bool:
    return row.get("awsRegion") == region or source.partition(".")[0] in GLOBAL or region in ("", "global")


def _away(span: timedelta) -> Phrase:
    seconds = max(0, round(span.total_seconds()))
    for message, unit, least in (
        (DAYS_BEFORE, 86400, 172_800), (HOURS_BEFORE, 3600, 7200), (MINUTES_BEFORE, 60, 180),
    ):  # fmt: skip
        if seconds >= least:
            return Phrase(message, {"n": f"{round(seconds / unit):,}"})
    return Phrase(SECONDS_BEFORE, {"n": str(seconds)})
