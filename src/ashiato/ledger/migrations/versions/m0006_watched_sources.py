"""What watching needs: how sources fare, the process that watches, lags after taking in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("objects_by_delivery", "objects", ["delivered_at"])
    op.create_table(
        "watched_sources",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("type", sa.String(40), primary_key=True),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("since", Time),
        sa.Column("last_poll", Time),
        sa.Column("last_arrival", Time),
        sa.Column("error", sa.Text),
        sa.Column("error_since", Time),
        sa.Column("retry_at", Time),
        sa.Column("backlog", sa.BigInteger),
        sa.Column("forecast", sa.Text),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
    )
    op.create_table(
        "watch_process",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("since", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.Column("last_commit", Time),
        sa.Column("commit_error", sa.Text),
        sa.Column("commit_error_since", Time),
        sa.Column("waiting_objects", sa.BigInteger, nullable=False),
        sa.Column("waiting_bytes", sa.BigInteger, nullable=False),
        sa.Column("oldest_waiting", Time),
        sa.Column("heartbeat_mailed_at", Time),
    )
    op.create_table(
        "arrival_lags",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("log", sa.String(40), primary_key=True),
        sa.Column("account", sa.String(20), primary_key=True),
        sa.Column("region", sa.String(40), primary_key=True),
        sa.Column("stage", sa.String(20), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("longest", sa.Float, nullable=False),
        sa.Column("buckets", sa.Text, nullable=False),
    )
