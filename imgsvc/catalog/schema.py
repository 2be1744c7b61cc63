"""The tables, as they are after all migrations."""

import sqlalchemy as sa

metadata = sa.MetaData()


def _serial() -> "sa.Column[int]":
    """A number that is never given twice, also after its row is gone."""
    return sa.Column("serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


originals = sa.Table(
    "originals",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("md5", sa.String(32), nullable=False),
    sa.Column("crc32", sa.BigInteger),
    sa.Column("length", sa.BigInteger, nullable=False),
    # What follows is of pictures alone.
    sa.Column("format", sa.String(16)),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("orientation", sa.SmallInteger),
    sa.Column("frames", sa.Integer),
    sa.Column("has_alpha", sa.Boolean),
    sa.Column("is_srgb", sa.Boolean),
)

retired_originals = sa.Table(
    "retired_originals",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("since", sa.DateTime, nullable=False),
)

folders = sa.Table(
    "folders",
    metadata,
    _serial(),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("parent", sa.BigInteger, sa.ForeignKey("folders.serial")),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Index("folders_parent_name", "instance", "parent", "name"),
    sqlite_autoincrement=True,
)

assets = sa.Table(
    "assets",
    metadata,
    _serial(),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("slug", sa.String(8), nullable=False, unique=True),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("code", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("digest", sa.String(64), sa.ForeignKey("originals.digest"), nullable=False),
    sa.Column("folder", sa.BigInteger, sa.ForeignKey("folders.serial")),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),
    sa.Column("classifications", sa.Text, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("modified", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.BigInteger, nullable=False),
    sa.Index("assets_digest_name", "digest", "name"),
    sa.Index("assets_instance_code", "instance", "code", unique=True),
    sa.Index("assets_instance_serial", "instance", "serial"),
    sa.Index("assets_folder_name", "instance", "folder", "name", "serial"),
    sqlite_autoincrement=True,
)

former_ids = sa.Table(
    "former_ids",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("instance", sa.String(63), nullable=False),
)

classifications = sa.Table(
    "classifications",
    metadata,
    _serial(),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("code", sa.String(255), nullable=False),
    sa.Index("classifications_code", "instance", "code", unique=True),
    sqlite_autoincrement=True,
)

links = sa.Table(
    "links",
    metadata,
    _serial(),
    sa.Column("target", sa.BigInteger, sa.ForeignKey("assets.serial"), nullable=False),
    sa.Column("origin", sa.String(255), nullable=False),
    sa.Column("link_type", sa.String(255), nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Index("links_target", "target", "origin", "link_type", unique=True),
    sqlite_autoincrement=True,
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("digest", sa.String(64), sa.ForeignKey("originals.digest"), nullable=False, index=True),
    # By an asset, which keeps the bytes from then on.
    sa.Column("used", sa.Boolean, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False, index=True),
)

downloads = sa.Table(
    "downloads",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("expires", sa.DateTime, nullable=False, index=True),
)

tokens = sa.Table(
    "tokens",
    metadata,
    _serial(),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(255), nullable=False, index=True),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("scopes", sa.String(255), nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sqlite_autoincrement=True,
)

purges = sa.Table(
    "purges",
    metadata,
    _serial(),
    sa.Column("instance", sa.String(63), nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("finished", sa.DateTime, index=True),
    sa.Column("announced", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

announcements = sa.Table(
    "announcements",
    metadata,
    _serial(),
    sa.Column("instance", sa.String(63), nullable=False),
    # With spaces between.
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("soft", sa.Boolean, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sqlite_autoincrement=True,
)

hooks = sa.Table(
    "hooks",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.Text, nullable=False),
)

# One row: of assets that may have been found before.
changes = sa.Table("changes", metadata, sa.Column("number", sa.BigInteger, nullable=False))
