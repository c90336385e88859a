"""Long jobs, and entries of the quarantine that were tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Time = sa.DateTime(timezone=True)
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", Id, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("started_at", Time),
        sa.Column("ended_at", Time),
        sa.Column("step", sa.String(40)),
        sa.Column("fraction", sa.Float),
        sa.Column("counted", sa.BigInteger),
        sa.Column("unit", sa.String(20)),
        sa.Column("owner", sa.String(200)),
        sa.Column("beat_at", Time),
        sa.Column("cancelled_by", sa.String(200)),
        sa.Column("result", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("again_of", Id),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "created_at"])
    op.create_index("jobs_by_time", "jobs", ["created_at"])
    op.create_table(
        "quarantine_tries",
        sa.Column("entry", sa.String(100), primary_key=True),
        sa.Column("at", Time, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
    )
