"""Where listings stand and what they cost; days whose footprints are to be built."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "listings",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("prefix", sa.String(1100), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dirty_days",
        sa.Column("table_name", sa.String(40), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("settled_at", Time),
        sa.Column("dirty", sa.Integer, nullable=False),
    )
