"""Ids and words for every face, folders, links, files sent ahead, originals that are no pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PICTURE = "format, width, height, orientation, frames, has_alpha, is_srgb"


def upgrade() -> None:
    """Tables whose columns change are made anew: SQLite cannot change a column."""
    op.drop_index("assets_digest_name", "assets")
    op.drop_index("ix_tokens_name", "tokens")
    for name in ("assets", "originals", "tokens"):
        op.rename_table(name, f"{name}_0001")
    _create_originals()
    _create_assets()
    _create_tokens()
    _keep_serials()
    for name in ("assets", "originals", "tokens"):
        op.drop_table(f"{name}_0001")
    _create_what_assets_have()
    _create_what_passes()


def _serial() -> "sa.Column[int]":
    return sa.Column("serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


def _create_originals() -> None:
    op.create_table(
        "originals",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("md5", sa.String(32), nullable=False),
        sa.Column("crc32", sa.BigInteger),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("format", sa.String(16)),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("orientation", sa.SmallInteger),
        sa.Column("frames", sa.Integer),
        sa.Column("has_alpha", sa.Boolean),
        sa.Column("is_srgb", sa.Boolean),
    )
    op.execute(
        f"INSERT INTO originals (digest, md5, length, {_PICTURE}) "
        f"SELECT digest, md5, length, {_PICTURE} FROM originals_0001"
    )
    op.create_table(
        "retired_originals",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
    )


def _create_assets() -> None:
    op.create_table(
        "folders",
        _serial(),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("parent", sa.BigInteger, sa.ForeignKey("folders.serial")),
        sa.Column("name", sa.String(255), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("folders_parent_name", "folders", ["instance", "parent", "name"])
    op.create_table(
        "assets",
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
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO assets (serial, id, slug, instance, code, name, digest, description, active, attributes, "
        "classifications, created, modified, created_by, updated_by) "
        "SELECT serial, id, slug, 'default', id, name, digest, '', true, '{}', '[]', created, modified, 0, 0 "
        "FROM assets_0001"
    )
    op.create_index("assets_digest_name", "assets", ["digest", "name"])
    op.create_index("assets_instance_code", "assets", ["instance", "code"], unique=True)
    op.create_index("assets_instance_serial", "assets", ["instance", "serial"])
    op.create_index("assets_folder_name", "assets", ["instance", "folder", "name", "serial"])

    op.create_table(
        "former_ids",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("instance", sa.String(63), nullable=False),
    )


def _keep_serials() -> None:
    """SQLite knows the last one by the table's name; those of assets that are gone are not to be given again."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'assets'")
    op.execute("INSERT INTO sqlite_sequence SELECT 'assets', seq FROM sqlite_sequence WHERE name = 'assets_0001'")


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        _serial(),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("scopes", sa.String(255), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO tokens (digest, name, instance, scopes, created) "
        "SELECT digest, name, 'default', scopes, created FROM tokens_0001 ORDER BY created"
    )
    op.create_index("ix_tokens_name", "tokens", ["name"])


def _create_what_assets_have() -> None:
    op.create_table(
        "classifications",
        _serial(),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("code", sa.String(255), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("classifications_code", "classifications", ["instance", "code"], unique=True)
    op.create_table(
        "links",
        _serial(),
        sa.Column("target", sa.BigInteger, sa.ForeignKey("assets.serial"), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("link_type", sa.String(255), nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("links_target", "links", ["target", "origin", "link_type"], unique=True)


def _create_what_passes() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), sa.ForeignKey("originals.digest"), nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_index("ix_files_digest", "files", ["digest"])
    op.create_index("ix_files_created", "files", ["created"])
    op.create_table(
        "downloads",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("instance", sa.String(63), nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
    )
    op.create_index("ix_downloads_expires", "downloads", ["expires"])
