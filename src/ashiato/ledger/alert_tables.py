"""Tables of the control database that alerts need: alerts and their findings, incidents, what people did and
decided, and what is to be sent. Levels are numbers here: the index into `findings.LEVELS`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from ashiato.ledger.tables import Id, Time, metadata

#: One row an alert: findings of one rule and subject, none further from the next than `alerts.join_within`.
#: `subject`: a short name of rule, account and principal (or group). `state`: open, acknowledged, closed,
#: planned, suppressed, withdrawn, merged. `first` … `rarity` are of the findings that stand. `told_level`: the
#: highest level that was handed to a channel, null while none was; `told_version` counts the tellings.
#: `merged_into`, `split_from`, `follows`: other alerts (the last one was closed before this one's findings came).
alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("title_ja", Text),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("closed_as", String(20)),
    Column("level", Integer, nullable=False),
    Column("account", String(20)),
    Column("region", String(40)),
    Column("principal", Text),
    Column("group_json", Text, nullable=False),
    Column("actor", String(20), nullable=False),
    Column("tags", Text, nullable=False),
    Column("first", Time, nullable=False),
    Column("last", Time, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("rarity", Float),
    Column("held_by", String(200)),
    Column("incident", Id),
    Column("merged_into", Id),
    Column("split_from", Id),
    Column("follows", Id),
    Column("assignee", String(200)),
    Column("told_level", Integer),
    Column("told_version", Integer, nullable=False),
    Column("told_at", Time),
    Column("amended_at", Time),
    Column("raised_at", Time, nullable=False),
    Column("changed_at", Time, nullable=False),
    Column("closed_at", Time),
    Index("alerts_by_subject", "subject", "last"),
    Index("alerts_by_state", "state", "last"),
    Index("alerts_by_incident", "incident"),
    Index("alerts_by_change", "changed_at"),
)

#: Which alert a finding belongs to, and what grouping needs of it. `held_by`: the suppression (S-2) or planned
#: work (P-3, or a ticket of the settings) that expects it; `held_as`: suppressed or planned.
alert_findings = Table(
    "alert_findings",
    metadata,
    Column("uid", String(40), primary_key=True),
    Column("alert", Id, nullable=False),
    Column("first", Time, nullable=False),
    Column("last", Time, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("actor", Integer, nullable=False),
    Column("rarity", Float),
    Column("held_as", String(20)),
    Column("held_by", String(200)),
    Index("alert_findings_by_alert", "alert"),
    Index("alert_findings_by_holder", "held_by"),
)

#: What a finding names, by which alerts are related. `kind`: principal, access_key, address, resource;
#: `hash`: of the value.
finding_entities = Table(
    "finding_entities",
    metadata,
    Column("uid", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("hash", LargeBinary(16), primary_key=True),
    Column("value", Text, nullable=False),
    Index("finding_entities_by_hash", "hash", "kind"),
)

#: Related alerts. `merged_into`: the incident that this one became part of; `dissolved_at`: nothing holds its
#: alerts together any more.
incidents = Table(
    "incidents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("first", Time, nullable=False),
    Column("last", Time, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("merged_into", Id),
    Column("split_from", Id),
    Column("dissolved_at", Time),
    Column("raised_at", Time, nullable=False),
    Column("changed_at", Time, nullable=False),
    Index("incidents_by_time", "last"),
)

#: What happened to an alert, by itself (`who` is null) or by a person; notes too.
alert_history = Table(
    "alert_history",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert", Id, nullable=False),
    Column("at", Time, nullable=False),
    Column("who", String(200)),
    Column("what", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Index("alert_history_by_alert", "alert", "at"),
)

#: Everything that people do. Rows are added, never changed. `account`: the AWS account that it was about, where
#: it was about one.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Time, nullable=False),
    Column("who", String(200), nullable=False),
    Column("what", String(40), nullable=False),
    Column("target", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("account", String(20)),
    Index("audit_log_by_time", "at"),
    Index("audit_log_by_target", "target"),
    Index("audit_log_by_account", "account"),
    Index("audit_log_by_who", "who"),
)

#: Findings that nobody wants to hear of until `until`. Patterns with *, as JSON lists; an empty list: any.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rules", Text, nullable=False),
    Column("principals", Text, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("addresses", Text, nullable=False),
    Column("resources", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("ended_at", Time),
)

#: Work that was announced by `ashiato alerts plan`; what the settings announce is not in here.
planned_work = Table(
    "planned_work",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", String(200), nullable=False),
    Column("start", Time, nullable=False),
    Column("end", Time, nullable=False),
    Column("who", Text, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("operations", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("ended_at", Time),
)

#: What is to be sent, written in the transaction that raised it. `key` goes with the message: a channel that
#: gets it twice can tell. `kind`: alert, more (for those beyond the cap), digest. `state`: pending, sending
#: (until `claimed_until`), sent, gathered (told in the message `gathered_into`), superseded (nothing to tell
#: any more), dead (given up at `give_up_at`).
outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("channel", String(70), nullable=False),
    Column("alert", Id),
    Column("version", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("give_up_at", Time),
    Column("claimed_by", String(200)),
    Column("claimed_until", Time),
    Column("sent_at", Time),
    Column("gathered_into", Id),
    Column("error", Text),
    Index("outbox_by_state", "state", "channel", "due_at"),
    Index("outbox_by_sending", "channel", "sent_at"),
    Index("outbox_by_alert", "alert"),
)
