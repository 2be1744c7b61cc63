"""Migrations: they end where the schema begins, and what was there before is there afterwards."""

import asyncio
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import imgsvc.catalog.migrate
from imgsvc.catalog.migrate import migrate
from imgsvc.catalog.revision import REVISION, check_catalog
from imgsvc.catalog.schema import metadata
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Digest, ImageInfo, Instance, Original, Slug
from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.tokens import Scope, Token, TokenDigest
from tests.catalog.records import add, by_code, by_id

DEFAULT = Instance("default")
"""Whose everything is that there was before instances."""

CREATED, MODIFIED = datetime(2025, 6, 1, 12, 30, 15, 123_456, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
IDS = {serial: UUID(int=serial) for serial in (2, 5, 9)}
SOURCES = tuple(name for name, row in FORMATS.items() if row.decodes)


@pytest.fixture
def engine(tmp_path: Path) -> Generator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(imgsvc.catalog.migrate.__file__).parent / "migrations"))
    return config


@pytest.fixture
def script(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


@pytest.fixture
def first_library(engine: sa.Engine, config: Config) -> sa.Engine:
    """Of the first schema: an original of every format, three assets, two tokens; the asset of the last serial gone."""
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for number, source in enumerate(SOURCES):
            _insert(connection, "originals", _original_row(number, source))
        for serial, asset_id in (*IDS.items(), (12, UUID(int=12))):
            _insert(connection, "assets", _asset_row(serial, asset_id))
        connection.execute(sa.text("DELETE FROM assets WHERE serial = 12"))
        for token in TOKENS:
            _insert(connection, "tokens", token)
    return engine


def test_the_newest_migration_is_the_one_the_schema_names(script: ScriptDirectory) -> None:
    """One head: no two branches of history."""
    assert script.get_heads() == [REVISION]


def test_the_migrated_schema_is_the_one_the_code_works_with(engine: sa.Engine) -> None:
    """Tables, columns, types, indexes, keys."""
    migrate(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrated_schema_reads_like_one_that_was_made_at_once(engine: sa.Engine, tmp_path: Path) -> None:
    """Also in what alembic does not compare: autoincrement, primary keys."""
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    metadata.create_all(fresh)
    migrate(engine)

    statements = [_statements(one) for one in (engine, fresh)]
    fresh.dispose()

    assert statements[0] == statements[1]


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    """And touches no row."""
    migrate(engine)
    before = _statements(engine)
    migrate(engine)

    with engine.connect() as connection:
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    assert version == [REVISION]
    assert _statements(engine) == before


def test_a_migrated_library_has_the_schema_of_a_new_one(first_library: sa.Engine, tmp_path: Path) -> None:
    """Nothing of the old one is left."""
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    migrate(fresh)
    migrate(first_library)

    statements = [_statements(one) for one in (first_library, fresh)]
    fresh.dispose()

    assert statements[0] == statements[1]


def test_a_migrated_library_holds_what_refers_to_what(first_library: sa.Engine) -> None:
    """SQLite's own check of its foreign keys and pages."""
    migrate(first_library)

    with first_library.connect() as connection:
        assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]


def test_an_asset_keeps_its_ids_and_its_times(first_library: sa.Engine, tmp_path: Path) -> None:
    """Its URLs hold; its code is its id, it is active and in the root of the first instance."""
    assets = asyncio.run(_all_assets(tmp_path))

    assert assets == [
        Asset(
            id=asset_id,
            serial=serial,
            slug=Slug(f"aaaaaa{serial:02}".replace("9", "e")),
            instance=DEFAULT,
            code=str(asset_id),
            name=f"Red Shirt {serial} größer.png",
            original=_original(serial % len(SOURCES)),
            created=CREATED,
            modified=MODIFIED,
        )
        for serial, asset_id in IDS.items()
    ]


def test_the_checksum_of_an_old_original_is_not_known(first_library: sa.Engine) -> None:
    """Of no format."""
    migrate(first_library)

    with first_library.connect() as connection:
        rows = connection.execute(sa.text("SELECT format, crc32 FROM originals"))
        assert {row.format: row.crc32 for row in rows} == dict.fromkeys(map(str, SOURCES))


def test_a_token_opens_what_it_opened(first_library: sa.Engine, tmp_path: Path) -> None:
    """By the same digest and scopes; the oldest has the smallest serial."""
    tokens = asyncio.run(_all_tokens(tmp_path))

    assert tokens == [
        Token(
            digest=TokenDigest("b" * 64),
            name="older",
            instance=DEFAULT,
            scopes=frozenset({Scope.READ, Scope.WRITE}),
            created=CREATED,
            serial=1,
        ),
        Token(
            digest=TokenDigest("a" * 64),
            name="newer",
            instance=DEFAULT,
            scopes=frozenset({Scope.ADMIN}),
            created=MODIFIED,
            serial=2,
        ),
    ]


def test_a_serial_that_was_given_is_not_given_again(first_library: sa.Engine, tmp_path: Path) -> None:
    """Not even that of an asset that was gone before: people hold it."""

    async def add_one() -> Asset:
        async with open_catalog(_url(tmp_path), changed=lambda *_: None) as catalog:
            return await add(catalog, instance=DEFAULT)

    assert asyncio.run(add_one()).serial > 12


def test_a_migration_that_fails_leaves_the_library_as_it_was(first_library: sa.Engine) -> None:
    """One transaction: the release before can go on with it."""
    with first_library.begin() as connection:
        connection.execute(sa.text("CREATE TABLE downloads (in_the_way INTEGER)"))
    before = _dump(first_library)

    with pytest.raises(StoreFailure):
        asyncio.run(_open(first_library.url.render_as_string()))

    assert _dump(first_library) == before


TOKENS = (
    {"digest": "a" * 64, "name": "newer", "scopes": "admin", "created": MODIFIED},
    {"digest": "b" * 64, "name": "older", "scopes": "read write", "created": CREATED},
)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.sqlite'}"


async def _open(url: str) -> None:
    async with open_catalog(url, changed=lambda *_: None):
        pass


async def _all_assets(folder: Path) -> list[Asset]:
    """By page, and each by its GUID, its slug and its code."""
    async with open_catalog(_url(folder), changed=lambda *_: None) as catalog:
        assets = await catalog.assets.page(DEFAULT, offset=0, limit=10)
        for asset in assets:
            refs = [by_id(asset.id), AssetRef(AssetKind.SLUG, asset.slug), by_code(str(asset.id), DEFAULT)]
            assert await catalog.assets.find_many(refs) == [asset] * 3
        return assets


async def _all_tokens(folder: Path) -> list[Token]:
    async with open_catalog(_url(folder), changed=lambda *_: None) as catalog:
        return await catalog.tokens.list()


def _original(number: int) -> Original:
    source = SOURCES[number]
    return Original(
        digest=Digest(f"{number:064x}"),
        md5=f"{number:032x}",
        crc32=None,
        length=5_000_000_000 + number,
        info=ImageInfo(
            format=source,
            size=Size(100 + number, 200),
            orientation=Orientation.ROTATED_180,
            frames=1 + number,
            has_alpha=bool(number % 2),
            is_srgb=not number % 3,
        ),
    )


def _original_row(number: int, source: Format) -> Mapping[str, object]:
    original = _original(number)
    info = original.picture
    return {
        "digest": original.digest,
        "md5": original.md5,
        "length": original.length,
        "format": str(source),
        "width": info.size.width,
        "height": info.size.height,
        "orientation": int(info.orientation),
        "frames": info.frames,
        "has_alpha": info.has_alpha,
        "is_srgb": info.is_srgb,
    }


def _asset_row(serial: int, asset_id: UUID) -> Mapping[str, object]:
    return {
        "serial": serial,
        "id": str(asset_id),
        "slug": f"aaaaaa{serial:02}".replace("9", "e"),
        "name": f"Red Shirt {serial} größer.png",
        "digest": f"{serial % len(SOURCES):064x}",
        "created": CREATED,
        "modified": MODIFIED,
    }


def _insert(connection: sa.Connection, table: str, row: Mapping[str, object]) -> None:
    """Times as the first release wrote them: UTC that does not say so."""
    values = {
        name: value.replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


def _dump(engine: sa.Engine) -> list[str]:
    with closing(sqlite3.connect(engine.url.database or "")) as connection:
        return list(connection.iterdump())


def _statements(engine: sa.Engine) -> set[str]:
    """What SQLite was told to create, spaces aside."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        return {" ".join(row.split()) for row in rows if "alembic_version" not in row}


def test_a_catalogue_of_a_later_release_is_refused_and_left_as_it_is(engine: sa.Engine, tmp_path: Path) -> None:
    """In words that say what to do, before and after SQLAlchemy opens it."""
    migrate(engine)
    check_catalog(tmp_path / "catalog.sqlite")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreFailure, match="later release"):
        check_catalog(tmp_path / "catalog.sqlite")
    with pytest.raises(StoreFailure, match="later release"):
        migrate(engine)

    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"
