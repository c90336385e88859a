"""Tables of the control database that detection needs: findings, and what rules remember."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from ashiato.ledger.tables import Time, metadata

#: One row a finding (see `ledger/findings.py`), JSON where a field is a list or mapping. `live`: raised while
#: it was news. `changed_at`: the evaluation that last touched it.
findings = Table(
    "findings",
    metadata,
    Column("uid", String(40), primary_key=True),
    Column("rule", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("level", String(20), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("group_json", Text, nullable=False),
    Column("group_key", String(40), nullable=False),
    Column("hour", Time, nullable=False),
    Column("first", Time, nullable=False),
    Column("last", Time, nullable=False),
    Column("window_start", Time, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("event_ids", Text, nullable=False),
    Column("event_times", Text, nullable=False),
    Column("account", String(20)),
    Column("region", String(40)),
    Column("principal", Text),
    Column("actor", String(20), nullable=False),
    Column("addresses", Text, nullable=False),
    Column("access_keys", Text, nullable=False),
    Column("resources", Text, nullable=False),
    Column("examples", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("rarity", Float),
    Column("tags", Text, nullable=False),
    Column("delivered_at", Time),
    Column("ingested_at", Time),
    Column("standing", Integer, nullable=False, default=1),
    Column("live", Integer, nullable=False, default=1),
    Column("changed_at", Time, nullable=False),
    Index("findings_by_rule", "rule", "hour"),
    Index("findings_by_time", "last"),
)

#: Rules as the lake was evaluated with them. `fingerprint`: of the rule with its filters and lists; another one
#: means that history has to be evaluated anew. `enabled`: what a person said, else null.
rule_states = Table(
    "rule_states",
    metadata,
    Column("rule", String(200), primary_key=True),
    Column("fingerprint", String(64)),
    Column("enabled", Integer),
    Column("reason", Text),
    Column("changed_at", Time),
)

#: First seen: a run is a chain of sightings of one term, none further from the next than the rule's history.
#: The finding is the run's first event. `first` in microseconds, `last_day` in days since 1970; `detail` is empty
#: while the rule only learns.
sightings = Table(
    "sightings",
    metadata,
    Column("rule", String(200), primary_key=True),
    Column("term", LargeBinary(16), primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("first_event", String(100), nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("scope", LargeBinary(16), nullable=False),
    Column("detail", Text, nullable=False),
    Index("sightings_by_time", "rule", "first"),
)

#: Rates: how many events of a group in an hour (hours since 1970).
rate_counts = Table(
    "rate_counts",
    metadata,
    Column("rule", String(200), primary_key=True),
    Column("group_key", LargeBinary(16), primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("group_json", Text, nullable=False),
)

#: Spans of event time (microseconds since 1970) in which a rule's windows have to be made anew from the lake.
open_spans = Table(
    "open_spans",
    metadata,
    Column("rule", String(200), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("live", Integer, nullable=False, default=0),
)
