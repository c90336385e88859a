"""What a channel gets: a message as lines of text, in English or Japanese.

The first line says who did what to which resource, when, from where and with what result. Everything in it may
come from a log: `escaping` bounds it here and takes it apart for its channel when it is sent.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ashiato.alerts import texts_en, texts_ja
from ashiato.alerts.escaping import one_line
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.telling import Tell, names_of, teller
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.ledger.findings import LEVELS, Finding
from ashiato.words import Language

_log = logging.getLogger(__name__)

#: Lines of what to check next, at most.
_MOST_STEPS = 6


@dataclass(frozen=True)
class Text:
    """A message before it is fitted to its channel: subject, lines, the last ones that must not be cut (`tail`),
    and a link of our own. `key`: the same whenever the same message is sent again."""

    subject: str
    lines: tuple[str, ...]
    tail: tuple[str, ...]
    key: str
    level: str
    link: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """An alert as a message needs it. `alert`: its row; `findings`: those that stand; `incident_alerts`: how many
    alerts its incident has."""

    alert: Any
    findings: Sequence[Finding]
    incident_alerts: int = 0


class Writer:
    """Writes messages in one language, with the names and the zone of the settings."""

    def __init__(
        self, settings: Settings, language: Language | None = None, tell: Tell | None = None
    ) -> None:
        self.settings = settings
        self.language: Language = language or settings.language
        self.texts = texts_ja.TEXTS if self.language == "ja" else texts_en.TEXTS
        self.names = names_of(settings)
        self.tell = tell or teller(self.names)
        self.zone = zone_of(settings)

    def text(self, name: str, **values: Any) -> str:
        """A sentence; what comes from logs is on one line and of bounded length."""
        return self.texts[name].format(**{k: one_line(str(v)) for k, v in values.items()})

    def alert(self, told: Told, key: str, now: datetime, *, risen: bool = False) -> Text:
        """The message of one alert. `now`: when it is told."""
        alert = told.alert
        number, incident = alert_id(alert.id), incident_id(alert.incident)
        shown = example_of(told.findings)
        lines = [self.first_line(told)]
        lines.append(self.what(alert))
        if risen:
            lines.append(self.text("risen"))
        if alert.follows is not None:
            lines.append(self.text("followed", id=alert_id(alert.follows)))
        if alert.hits > 1:
            first, last = self.utc(alert.first), self.utc(alert.last)
            lines.append(self.text("count", hits=f"{alert.hits:,}", first=first, last=last))
        if shown is not None:
            lines += self.why(shown)
            if f"actor.{alert.actor}" in self.texts:
                lines.append(self.text(f"actor.{alert.actor}"))
            lines += self.rarity(alert.rarity, alert.kind)
            lines.append(self.lag(told.findings, now))
        if alert.amended_at is not None:
            lines.append(self.text("amended"))
        if incident is not None and told.incident_alerts > 1:
            lines.append(self.text("incident", id=incident, count=told.incident_alerts))
        lines += self.next_steps(alert, shown)
        command = (
            self.text("command.incident", id=number, incident=incident)
            if incident
            else self.text("command", id=number)
        )
        return Text(
            subject=self.subject(alert),
            lines=tuple(lines),
            tail=(command, self.text("key", key=key)),
            key=key,
            level=LEVELS[alert.level],
            link=self.link(number),
            attributes={
                "alert": number,
                "rule": alert.rule,
                **({"account": alert.account} if alert.account else {}),
            },
        )

    def first_line(self, told: Told) -> str:
        """Who did what to which resource, when, from where, with what result."""
        alert, shown = told.alert, example_of(told.findings)
        when = alert.first if shown is None else shown.first
        sentence = self.sentence(alert, shown)
        if self.zone is UTC:
            return self.text("when.utc", utc=self.utc(when), sentence=sentence)
        local = f"{when.astimezone(self.zone):%Y-%m-%d %H:%M:%S %Z}"
        same_day = when.astimezone(self.zone).date() == when.date()
        utc = f"{when:%H:%M:%S}" if same_day else self.utc(when)
        return self.text("when", local=local, utc=utc, sentence=sentence)

    def what(self, alert: Any) -> str:
        """Level, rule, account and region."""
        values = {
            "level": self.level(alert.level),
            "title": self.title(alert),
            "rule": alert.rule,
            "id": alert_id(alert.id),
        }
        if alert.account is None:
            return self.text("what.no_account", **values)
        place = " ".join(p for p in (self.account(alert.account), alert.region) if p)
        return self.text("what", place=place, **values)

    def sentence(self, alert: Any, shown: Finding | None) -> str:
        """The record in one sentence, or the rule's title where it stands for no single record."""
        if shown is not None and shown.examples and shown.kind not in ("rate", "silence"):
            said = self.sentence_of(shown.examples[0])
            if said is not None:
                return said
        if alert.kind == "silence":
            return self.text("sentence.silence", who=self.who(alert))
        name = "sentence.group" if alert.account else "sentence.group.no_account"
        return self.text(
            name, title=self.title(alert), who=self.who(alert), account=self.account(alert.account)
        )

    def sentence_of(self, record: Mapping[str, Any]) -> str | None:
        """A record in one sentence; None for one that nobody thought of, which must not keep an alert from being
        told."""
        try:
            return self.tell(record, self.language)
        except Exception:
            _log.exception("a record cannot be put into a sentence")
            return None

    def subject(self, alert: Any) -> str:
        """One line, short enough for a mailbox."""
        values = {
            "level": self.level(alert.level),
            "title": one_line(self.title(alert), 90),
            "id": alert_id(alert.id),
        }
        who = one_line(self.who(alert), 40)
        if alert.account is None:
            return self.text("subject.no_account", who=who, **values)
        return self.text("subject", who=who, account=one_line(self.account(alert.account), 40), **values)

    def line(self, alert: Any) -> str:
        """An alert among others."""
        values = {
            "id": alert_id(alert.id),
            "level": self.level(alert.level),
            "when": f"{alert.first:%Y-%m-%d %H:%M}",
            "title": one_line(self.title(alert), 90),
            "who": one_line(self.who(alert), 60),
        }
        if alert.account is None:
            return self.text("line.no_account", **values)
        return self.text("line", account=self.account(alert.account), **values)

    def why(self, finding: Finding) -> list[str]:
        """Why the rule raised it, by the kind of rule."""
        facts, kind = finding.explanation, finding.kind
        described = facts.get("description_ja" if self.language == "ja" else "description")
        if kind == "correlation":
            said = self._counted(facts)
        elif kind == "first_seen":
            terms = self.terms(facts.get("terms"))
            days = facts.get("history_days")
            name = "why.first_seen.days" if isinstance(days, int | float) else "why.first_seen"
            said = self.text(name, terms=terms, days=_number(days)) if terms else None
        elif kind == "rate" and {"usual", "seen"} <= facts.keys():
            said = self.text("why.rate", usual=_number(facts["usual"]), seen=_number(facts["seen"]))
        elif kind == "silence":
            said = self._silent(facts)
        else:
            said = None
        because = (
            self.text("why.rule", description=described)
            if isinstance(described, str)
            else self.text(f"why.{kind}.bare")
        )
        return [because] if said is None else [because, said]

    def _silent(self, facts: Mapping[str, Any]) -> str | None:
        """Which kind of knowledge a silence rests on: digests, the source's habit, or the settings."""
        spans = {
            name: self.span(timedelta(seconds=value))
            for name, value in (("usual", facts.get("usual_gap")), ("threshold", facts.get("threshold")))
            if isinstance(value, int | float)
        }
        needed: dict[str, set[str]] = {
            "digest": set(),
            "habit": {"usual", "threshold"},
            "setting": {"threshold"},
        }
        rests_on = str(facts.get("rests_on"))
        if rests_on not in needed or not needed[rests_on] <= spans.keys():
            return None
        return self.text(f"why.silence.{rests_on}", **spans)

    def _counted(self, facts: Mapping[str, Any]) -> str | None:
        """What a correlation counted; of those in time order (`temporal`) the count says nothing."""
        span = facts.get("within_seconds")
        if not isinstance(span, int | float):
            return None
        within = self.span(timedelta(seconds=span))
        if str(facts.get("type", "")).startswith("temporal"):
            return self.text("why.temporal", within=within)
        if {"count", "threshold"} <= facts.keys():
            count, threshold = _number(facts["count"]), str(facts["threshold"])
            return self.text("why.correlation", count=count, threshold=threshold, within=within)
        return None

    def terms(self, terms: Any) -> str:
        """`eventName RunInstances, awsRegion eu-north-1`; of several, the first."""
        first = terms[0] if isinstance(terms, list | tuple) and terms else terms
        if not isinstance(first, Mapping):
            return ""
        said = [
            self.text("term", field=k, value=self.names.said(str(v), self.language))
            for k, v in list(first.items())[:6]
        ]
        more = (
            [self.text("terms.more", count=len(terms) - 1)] if len(terms) > 1 and first is not terms else []
        )
        return self.texts["list"].join(one_line(t, 120) for t in [*said, *more])

    def rarity(self, rarity: float | None, kind: str) -> list[str]:
        """How unusual it is, in words and on the scale; nothing where nobody knows."""
        if rarity is None:
            return []
        if rarity < 1 and kind == "first_seen":
            return [self.text("rarity.peers")]
        if rarity >= 1:
            return [self.text("rarity.never")]
        name = "high" if rarity >= 0.9 else "middle" if rarity >= 0.5 else "low"
        return [self.text(f"rarity.{name}", rarity=f"{rarity:.2f}")]

    def lag(self, findings: Sequence[Finding], now: datetime) -> str:
        """From the event to AWS's delivery, to Ashiato, to this message; of the newest of its records."""
        newest = max(findings, key=lambda f: (f.last, f.uid))
        if newest.kind == "silence":
            return self.text("lag.silence", told=self.span(now - newest.last))
        event, told = self.utc(newest.last) + " UTC", self.span(now - newest.last)
        if newest.ingested_at is None:
            return self.text("lag.bare", event=event, told=told)
        ingested = self.span(newest.ingested_at - newest.last)
        if newest.delivered_at is None:
            return self.text("lag.delivered", event=event, ingested=ingested, told=told)
        delivered = self.span(newest.delivered_at - newest.last)
        return self.text("lag", event=event, delivered=delivered, ingested=ingested, told=told)

    def next_steps(self, alert: Any, finding: Finding | None) -> list[str]:
        """What to check next: as the rule says, else what is right for its kind."""
        said = finding.explanation.get("next") if finding is not None else None
        steps = said.get(self.language) or said.get("en") if isinstance(said, Mapping) else None
        if isinstance(steps, str):
            steps = [steps]
        if not isinstance(steps, list | tuple) or not steps:
            steps = (
                [self.text("next.default.silence")]
                if alert.kind == "silence"
                else [self.text("next.default.match", who=self.who(alert)), self.text("next.default.see")]
                if alert.principal
                else [self.text("next.default.group", who=self.who(alert))]
            )
        return [self.text("next"), *(f"- {one_line(str(step), 400)}" for step in steps[:_MOST_STEPS])]

    def title(self, alert: Any) -> str:
        """The rule's title in this language, where the rule has one."""
        if self.language != "ja":
            return str(alert.title)
        if alert.kind == "silence" and not alert.title_ja:
            return self.texts["title.silence"]
        return str(alert.title_ja or alert.title)

    def level(self, level: int) -> str:
        return self.texts[f"level.{LEVELS[level]}"]

    def who(self, alert: Any) -> str:
        """The principal without its ARN, or what the rule groups by."""
        if alert.principal:
            return self.names.said(alert.principal, self.language)
        group = json.loads(alert.group_json).values()
        values = [self.names.said(str(v), self.language) for v in group if v and v != alert.account]
        return self.texts["list"].join(values) or self.texts["nobody"]

    def account(self, account: str | None) -> str:
        """An account's name; its digits only where the settings have no name for them."""
        return self.names.account(account or "")

    def link(self, number: str) -> str | None:
        base = self.settings.alerts.link
        return None if base is None else f"{base.rstrip('/')}/alerts/{number}"

    def utc(self, time: datetime) -> str:
        return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    def span(self, span: timedelta) -> str:
        """Seconds to two minutes, minutes to two hours, hours to two days, days.

        >>> Writer(Settings()).span(timedelta(seconds=319))
        '5 min'
        """
        seconds = max(span.total_seconds(), 0.0)
        for name, size, limit in (("seconds", 1, 120), ("minutes", 60, 7200), ("hours", 3600, 172800)):
            if seconds < limit:
                return self.text(f"span.{name}", n=f"{seconds / size:.0f}")
        return self.text("span.days", n=f"{seconds / 86400:.0f}")


def example_of(findings: Sequence[Finding]) -> Finding | None:
    """The finding that a message shows: of the highest level, the first by time."""
    return min(findings, key=lambda f: (-LEVELS.index(f.level), f.first, f.uid), default=None)


def zone_of(settings: Settings) -> tzinfo:
    """The zone of times in messages. Raises WrongUse where there is no such zone."""
    name = settings.detect.time_zone
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongUse(
            f"there is no time zone {name}", where="detect.time_zone", remedy="Write one such as Asia/Tokyo."
        ) from error


def _number(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.1f}"
    return str(value)
