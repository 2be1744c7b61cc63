"""The tables, as they are after all migrations."""

import sqlalchemy as sa

REVISION = "0001"
"""The newest migration; a test compares it with the folder."""

metadata = sa.MetaData()

originals = sa.Table(
    "originals",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("md5", sa.String(32), nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("format", sa.String(16), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("orientation", sa.SmallInteger, nullable=False),
    sa.Column("frames", sa.Integer, nullable=False),
    sa.Column("has_alpha", sa.Boolean, nullable=False),
    sa.Column("is_srgb", sa.Boolean, nullable=False),
)

assets = sa.Table(
    "assets",
    metadata,
    # The number by which Struct and Qooly call it; never given twice.
    sa.Column("serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("slug", sa.String(8), nullable=False, unique=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("digest", sa.String(64), sa.ForeignKey("originals.digest"), nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("modified", sa.DateTime, nullable=False),
    sa.Index("assets_digest_name", "digest", "name"),
    sqlite_autoincrement=True,
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, index=True),
    sa.Column("scopes", sa.String(255), nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
)
