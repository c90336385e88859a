"""Alerts: findings grouped, related, told; what people did and decided; the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Time = sa.DateTime(timezone=True)
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", Id, primary_key=True),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("rule", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_ja", sa.Text),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("closed_as", sa.String(20)),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("account", sa.String(20)),
        sa.Column("region", sa.String(40)),
        sa.Column("principal", sa.Text),
        sa.Column("group_json", sa.Text, nullable=False),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("first", Time, nullable=False),
        sa.Column("last", Time, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("rarity", sa.Float),
        sa.Column("held_by", sa.String(200)),
        sa.Column("incident", Id),
        sa.Column("merged_into", Id),
        sa.Column("split_from", Id),
        sa.Column("follows", Id),
        sa.Column("assignee", sa.String(200)),
        sa.Column("told_level", sa.Integer),
        sa.Column("told_version", sa.Integer, nullable=False),
        sa.Column("told_at", Time),
        sa.Column("amended_at", Time),
        sa.Column("raised_at", Time, nullable=False),
        sa.Column("changed_at", Time, nullable=False),
        sa.Column("closed_at", Time),
    )
    op.create_index("alerts_by_change", "alerts", ["changed_at"])
    op.create_index("alerts_by_incident", "alerts", ["incident"])
    op.create_index("alerts_by_state", "alerts", ["state", "last"])
    op.create_index("alerts_by_subject", "alerts", ["subject", "last"])
    op.create_table(
        "alert_findings",
        sa.Column("uid", sa.String(40), primary_key=True),
        sa.Column("alert", Id, nullable=False),
        sa.Column("first", Time, nullable=False),
        sa.Column("last", Time, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("standing", sa.Integer, nullable=False),
        sa.Column("actor", sa.Integer, nullable=False),
        sa.Column("rarity", sa.Float),
        sa.Column("held_as", sa.String(20)),
        sa.Column("held_by", sa.String(200)),
    )
    op.create_index("alert_findings_by_alert", "alert_findings", ["alert"])
    op.create_index("alert_findings_by_holder", "alert_findings", ["held_by"])
    op.create_table(
        "finding_entities",
        sa.Column("uid", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("hash", sa.LargeBinary(16), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("finding_entities_by_hash", "finding_entities", ["hash", "kind"])
    op.create_table(
        "incidents",
        sa.Column("id", Id, primary_key=True),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("first", Time, nullable=False),
        sa.Column("last", Time, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("merged_into", Id),
        sa.Column("split_from", Id),
        sa.Column("dissolved_at", Time),
        sa.Column("raised_at", Time, nullable=False),
        sa.Column("changed_at", Time, nullable=False),
    )
    op.create_index("incidents_by_time", "incidents", ["last"])
    op.create_table(
        "alert_history",
        sa.Column("id", Id, primary_key=True),
        sa.Column("alert", Id, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("who", sa.String(200)),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("alert_history_by_alert", "alert_history", ["alert", "at"])
    op.create_table(
        "audit_log",
        sa.Column("id", Id, primary_key=True),
        sa.Column("at", Time, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_log_by_target", "audit_log", ["target"])
    op.create_index("audit_log_by_time", "audit_log", ["at"])
    op.create_table(
        "suppressions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("principals", sa.Text, nullable=False),
        sa.Column("accounts", sa.Text, nullable=False),
        sa.Column("addresses", sa.Text, nullable=False),
        sa.Column("resources", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", Time, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("ended_at", Time),
    )
    op.create_table(
        "planned_work",
        sa.Column("id", Id, primary_key=True),
        sa.Column("ticket", sa.String(200), nullable=False),
        sa.Column("start", Time, nullable=False),
        sa.Column("end", Time, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("accounts", sa.Text, nullable=False),
        sa.Column("operations", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("ended_at", Time),
    )
    op.create_table(
        "outbox",
        sa.Column("id", Id, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(70), nullable=False),
        sa.Column("alert", Id),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("due_at", Time, nullable=False),
        sa.Column("give_up_at", Time),
        sa.Column("claimed_by", sa.String(200)),
        sa.Column("claimed_until", Time),
        sa.Column("sent_at", Time),
        sa.Column("gathered_into", Id),
        sa.Column("error", sa.Text),
    )
    op.create_index("outbox_by_alert", "outbox", ["alert"])
    op.create_index("outbox_by_sending", "outbox", ["channel", "sent_at"])
    op.create_index("outbox_by_state", "outbox", ["state", "channel", "due_at"])
