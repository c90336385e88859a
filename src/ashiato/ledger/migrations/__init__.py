"""Migrations of the control database (Alembic), run when a home is opened for writing."""
