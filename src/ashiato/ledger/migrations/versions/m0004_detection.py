"""What detection needs: batches that know whether they were evaluated, findings, and what rules remember."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("batches") as batches:
        batches.add_column(sa.Column("stamp", Time))
        batches.add_column(sa.Column("files", sa.Text))
        batches.add_column(sa.Column("evaluated_at", Time))
    op.create_index("batches_by_evaluation", "batches", ["evaluated_at"])
    op.create_table(
        "findings",
        sa.Column("uid", sa.String(40), primary_key=True),
        sa.Column("rule", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("group_json", sa.Text, nullable=False),
        sa.Column("group_key", sa.String(40), nullable=False),
        sa.Column("hour", Time, nullable=False),
        sa.Column("first", Time, nullable=False),
        sa.Column("last", Time, nullable=False),
        sa.Column("window_start", Time, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("event_ids", sa.Text, nullable=False),
        sa.Column("event_times", sa.Text, nullable=False),
        sa.Column("account", sa.String(20)),
        sa.Column("region", sa.String(40)),
        sa.Column("principal", sa.Text),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("addresses", sa.Text, nullable=False),
        sa.Column("access_keys", sa.Text, nullable=False),
        sa.Column("resources", sa.Text, nullable=False),
        sa.Column("examples", sa.Text, nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column("rarity", sa.Float),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("delivered_at", Time),
        sa.Column("ingested_at", Time),
        sa.Column("standing", sa.Integer, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("changed_at", Time, nullable=False),
    )
    op.create_index("findings_by_rule", "findings", ["rule", "hour"])
    op.create_index("findings_by_time", "findings", ["last"])
    op.create_table(
        "rule_states",
        sa.Column("rule", sa.String(200), primary_key=True),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("enabled", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("changed_at", Time),
    )
    op.create_table(
        "sightings",
        sa.Column("rule", sa.String(200), primary_key=True),
        sa.Column("term", sa.LargeBinary(16), primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True),
        sa.Column("first_event", sa.String(100), nullable=False),
        sa.Column("last_day", sa.Integer, nullable=False),
        sa.Column("scope", sa.LargeBinary(16), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("sightings_by_time", "sightings", ["rule", "first"])
    op.create_table(
        "rate_counts",
        sa.Column("rule", sa.String(200), primary_key=True),
        sa.Column("group_key", sa.LargeBinary(16), primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("group_json", sa.Text, nullable=False),
    )
    op.create_table(
        "open_spans",
        sa.Column("rule", sa.String(200), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
    )
