"""Findings that are expected: suppressed by a person, or part of planned work."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.settings import Settings
from ashiato.ledger.alert_tables import planned_work, suppressions
from ashiato.ledger.findings import Finding

#: CloudTrail adds an API version to some names: UpdateFunctionCode20150331v2.
_VERSION = re.compile(r"20\d{2}_?\d{2}_?\d{2}(v\d+)?$")


@dataclass(frozen=True)
class Held:
    """Why a finding is not told: `held_as` suppressed or planned, by `ref` (S-2, P-3, or ticket:NUMBER of the settings)."""

    held_as: Literal["suppressed", "planned"]
    ref: str


@dataclass(frozen=True)
class Suppression:
    """Patterns with *; an empty list matches anything."""

    ref: str
    rules: Sequence[str]
    principals: Sequence[str]
    accounts: Sequence[str]
    addresses: Sequence[str]
    resources: Sequence[str]

    def expects(self, finding: Finding) -> bool:
        """Every field that it names matches. Of several addresses or resources, every one must."""
        return (
            _one_of(finding.rule, self.rules)
            and matches_principal(finding.principal, self.principals)
            and (not self.accounts or finding.account in self.accounts)
            and (not self.addresses or _all(finding.addresses, self.addresses, matches_address))
            and (not self.resources or _all(finding.resources, self.resources, matches_name))
        )


@dataclass(frozen=True)
class Work:
    """Planned work: a window of event time, and who does what where; an empty list: anybody, anything."""

    ref: str
    ticket: str
    start: datetime
    end: datetime
    who: Sequence[str]
    accounts: Sequence[str]
    operations: Sequence[str]

    def expects(self, finding: Finding) -> bool:
        """All of the finding is in the window, by those who were named, in those accounts, by those operations.

        Operations are those that the rule lists in its explanation (`operations`), else those of the examples.
        """
        if not (self.start <= finding.first and finding.last <= self.end):
            return False
        if self.accounts and finding.account not in self.accounts:
            return False
        if not matches_principal(finding.principal, self.who):
            return False
        if not self.operations:
            return True
        done = operations_of(finding)
        return bool(done) and all(any(_is_operation(o, p) for p in self.operations) for o in done)


class Holds:
    """The suppressions and planned work that are in force."""

    def __init__(self, suppressions: Sequence[Suppression], work: Sequence[Work]) -> None:
        self.suppressions = suppressions
        self.work = work

    @classmethod
    def load(cls, connection: Connection, settings: Settings, now: datetime) -> Holds:
        """Those of the control database and of the settings."""
        s, w = suppressions.c, planned_work.c
        asked = sa.select(suppressions).where(s.ended_at.is_(None), s.until > now).order_by(s.id)
        planned = sa.select(planned_work).where(w.ended_at.is_(None)).order_by(w.id)
        return cls(
            [suppression_of(row) for row in connection.execute(asked)],
            [work_of(row) for row in connection.execute(planned)] + work_of_settings(settings),
        )

    def of(self, finding: Finding) -> Held | None:
        """What expects a finding; planned work before suppressions, for it says more."""
        for work in self.work:
            if work.expects(finding):
                return Held("planned", work.ref)
        for suppression in self.suppressions:
            if suppression.expects(finding):
                return Held("suppressed", suppression.ref)
        return None


def suppression_of(row: Any) -> Suppression:
    lists = (json.loads(v) for v in (row.rules, row.principals, row.accounts, row.addresses, row.resources))
    return Suppression(f"S-{row.id}", *lists)


def work_of(row: Any) -> Work:
    lists = (json.loads(v) for v in (row.who, row.accounts, row.operations))
    return Work(f"P-{row.id}", row.ticket, row.start, row.end, *lists)


def work_of_settings(settings: Settings) -> list[Work]:
    """Work that the settings announce; its ticket names it."""
    return [
        Work(
            f"ticket:{p.ticket}"[:200],
            p.ticket,
            _zoned(p.from_),
            _zoned(p.to),
            p.who,
            p.accounts,
            p.operations,
        )
        for p in settings.planned_work
    ]


def _zoned(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def matches_principal(principal: str | None, patterns: Sequence[str]) -> bool:
    """A pattern is of the whole ARN or of its last part.

    >>> matches_principal("arn:aws:iam::111111111111:role/ops/deploy", ["deploy"])
    True
    """
    return not patterns or (principal is not None and any(matches_name(principal, p) for p in patterns))


def matches_name(value: str, pattern: str) -> bool:
    """A pattern with * matches an ARN, or what stands after its last slash or colon."""
    return fnmatchcase(value, pattern) or fnmatchcase(re.split("[/:]", value)[-1], pattern)


def matches_address(value: str, pattern: str) -> bool:
    """
    >>> matches_address("203.0.113.5", "203.0.113.0/24"), matches_address("203.0.113.5", "203.0.*")
    (True, True)
    """
    if "/" in pattern:
        try:
            return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    return fnmatchcase(value, pattern)


def operations_of(finding: Finding) -> set[str]:
    """Operations such as ec2:RunInstances."""
    listed = finding.explanation.get("operations")
    if isinstance(listed, list | tuple) and listed:
        return {str(o) for o in listed}
    return {o for o in map(operation_of, finding.examples) if o}


def operation_of(record: Mapping[str, Any]) -> str | None:
    """
    >>> operation_of({"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"})
    'ec2:RunInstances'
    """
    source, name = record.get("eventSource"), record.get("eventName")
    if not isinstance(source, str) or not isinstance(name, str):
        return None
    return f"{source.split('.')[0]}:{name}"


def _is_operation(operation: str, pattern: str) -> bool:
    bare = _VERSION.sub("", operation)
    names = {operation, bare} if ":" in pattern else {n.partition(":")[2] for n in (operation, bare)}
    return any(fnmatchcase(n, pattern) for n in names)


def _one_of(value: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(value, p) for p in patterns)


def _all(values: Iterable[str], patterns: Sequence[str], matches: Any) -> bool:
    listed = list(values)
    return bool(listed) and all(any(matches(v, p) for p in patterns) for v in listed)
