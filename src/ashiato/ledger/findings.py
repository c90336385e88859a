"""A finding: what a rule found, of one group, within one hour of event time. Every kind of detection yields
these, and alerts are made of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Level = Literal["informational", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")

#: match: records that a rule matches; correlation: windows; first_seen: what was never seen before; rate:
#: more than usual; silence: a source that fell silent.
Kind = Literal["match", "correlation", "first_seen", "rate", "silence"]

#: person: somebody at a console or terminal; automation: known tools and roles; service: AWS itself;
#: service_for_user: AWS on behalf of a principal.
Actor = Literal["person", "automation", "service", "service_for_user", "unknown"]

#: Event ids that a finding names, at most: the first by time, then id. `hits` counts all.
MOST_EVENT_IDS = 1000
MOST_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """What one rule found of one group in one hour.

    `uid` is made of rule, group and hour, so that the same finding has the same uid whoever finds it, in
    whatever order the records came. `group`: field → value as the rule groups. `first` and `last`: times of the
    first and last hit; `window_start`: begin of the first window (correlations), else `first`. `hits`: matching
    events, or matched windows. `examples`: the first records, as dictionaries with CloudTrail's (or the table's)
    own names. `explanation`: why it was raised, by kind: {"terms": …}, {"count", "threshold", "within"},
    {"usual", "seen"}; `rarity`: 0 common to 1 never seen. `delivered_at`, `ingested_at`: arrival of the newest
    of its records; `event_times` (microseconds since 1970) go with `event_ids`. A withdrawn finding was contradicted by records that came later.
    """

    uid: str
    rule: str
    title: str
    level: Level
    kind: Kind
    table: str
    group: Mapping[str, str]
    hour: datetime
    first: datetime
    last: datetime
    window_start: datetime
    hits: int
    event_ids: tuple[str, ...] = ()
    event_times: tuple[int, ...] = ()
    account: str | None = None
    region: str | None = None
    principal: str | None = None
    actor: Actor = "unknown"
    addresses: tuple[str, ...] = ()
    access_keys: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ()
    explanation: Mapping[str, Any] = field(default_factory=dict)
    rarity: float | None = None
    tags: tuple[str, ...] = ()
    delivered_at: datetime | None = None
    ingested_at: datetime | None = None
    standing: bool = True


@dataclass(frozen=True)
class FindingChange:
    """What an evaluation did to a finding: `new`, `grown` (more of the same), `amended` (other events or
    window than before), `withdrawn`. `live`: its records came in time, so that a person should be told."""

    change: Literal["new", "grown", "amended", "withdrawn"]
    finding: Finding
    before: Finding | None = None
    live: bool = True
