"""Migrations: they end where the schema begins."""

from collections.abc import Generator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import imgsvc.catalog.migrate
from imgsvc.catalog.migrate import migrate
from imgsvc.catalog.schema import REVISION, metadata


@pytest.fixture
def engine(tmp_path: Path) -> Generator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(imgsvc.catalog.migrate.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


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


def _statements(engine: sa.Engine) -> set[str]:
    """What SQLite was told to create, spaces aside."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        return {" ".join(row.split()) for row in rows if "alembic_version" not in row}
