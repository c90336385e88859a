"""Whose control database this is: two homes in one would each take the other's objects for its own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table("homes", sa.Column("id", sa.String(40), primary_key=True))
