"""Purges, what caches in front are to be told of them and of changes, and how far each has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "purges",
        _serial(),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("receipt", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("finished", sa.DateTime),
        sa.Column("announced", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_purges_finished", "purges", ["finished"])
    op.create_table(
        "announcements",
        _serial(),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("soft", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hooks",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.Text, nullable=False),
    )


def _serial() -> "sa.Column[int]":
    return sa.Column("serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)
