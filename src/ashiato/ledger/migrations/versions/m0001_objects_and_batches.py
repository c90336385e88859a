"""Objects, batches, digests and corrections: what taking in needs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("id", Id, primary_key=True),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("file_name", sa.String(1024), nullable=False),
        sa.Column("log", sa.String(40)),
        sa.Column("etag", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32)),
        sa.Column("delivered_at", Time),
        sa.Column("taken_at", Time),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String(20)),
        sa.Column("region", sa.String(40)),
        sa.Column("newest_record", Time),
        sa.Column("group_id", sa.String(40)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("done", sa.Text),
    )
    op.create_index("objects_by_group", "objects", ["group_id"])
    op.create_index("objects_by_name", "objects", ["source", "name", "etag"], unique=True)
    op.create_index("objects_by_file_name", "objects", ["file_name"])
    op.create_index("objects_by_sha256", "objects", ["sha256"])
    op.create_index("objects_by_state", "objects", ["state"])
    op.create_table(
        "batches",
        sa.Column("id", Id, primary_key=True),
        sa.Column("uid", sa.String(40), nullable=False, unique=True),
        sa.Column("group_id", sa.String(40), nullable=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("variants", sa.BigInteger, nullable=False),
        sa.Column("snapshot_id", sa.BigInteger),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("committed_at", Time),
    )
    op.create_index("batches_by_state", "batches", ["state"])
    op.create_table(
        "digests",
        sa.Column("id", Id, primary_key=True),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("start", Time, nullable=False),
        sa.Column("end", Time, nullable=False),
        sa.Column("bucket", sa.String(255), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
    )
    op.create_index("digests_by_key", "digests", ["bucket", "key"], unique=True)
    op.create_index("digests_by_hour", "digests", ["account", "region", "end"])
    op.create_table(
        "digest_files",
        sa.Column("digest", Id, sa.ForeignKey("digests.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("bucket", sa.String(255), nullable=False),
        sa.Column("file_name", sa.String(1024), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_index("digest_files_by_file_name", "digest_files", ["file_name"])
    op.create_table(
        "corrections",
        sa.Column("original", sa.String(100), primary_key=True),
        sa.Column("correction", sa.String(100), primary_key=True),
    )
