"""The catalogue in SQLite: the contract, and many processes that write at the same time."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from imgsvc.catalog.sql import SqlCatalog
from imgsvc.core.errors import StoreFailure
from tests.catalog.conformance import CatalogConformance, by_id
from tests.fakes import NOON, make_original

PROCESSES, EACH = 4, 25


class TestSqlCatalog(CatalogConformance):
    @pytest.fixture
    async def catalog(self, tmp_path: Path) -> AsyncGenerator[SqlCatalog]:
        async with SqlCatalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
            yield catalog

    async def test_a_slug_depends_on_the_id_alone(self, catalog: SqlCatalog, tmp_path: Path) -> None:
        """A library that is set up anew under the same ids has the same URLs."""
        asset_id = UUID("00000000-0000-4000-8000-000000000001")
        asset = await catalog.add(asset_id, "shirt.png", make_original(), now=NOON)

        async with SqlCatalog(f"sqlite:///{tmp_path / 'another.sqlite'}") as another:
            same = await another.add(asset_id, "trousers.png", make_original(b"other"), now=NOON)

        assert same.slug == asset.slug

    async def test_a_slug_that_is_taken_is_not_given_twice(self, catalog: SqlCatalog, tmp_path: Path) -> None:
        """The next one is, and both are found."""
        asset_id = UUID("00000000-0000-4000-8000-000000000001")
        async with SqlCatalog(f"sqlite:///{tmp_path / 'another.sqlite'}") as another:
            slug = (await another.add(asset_id, "shirt.png", make_original(), now=NOON)).slug
        first = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as connection:
            connection.execute("UPDATE assets SET slug = ? WHERE id = ?", (slug, str(first.id)))

        second = await catalog.add(asset_id, "trousers.png", make_original(), now=NOON)

        assert second.slug != slug
        assert await catalog.find(by_id(asset_id)) == second

    async def test_what_was_added_outlives_the_process(self, catalog: SqlCatalog, tmp_path: Path) -> None:
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        async with SqlCatalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as reopened:
            assert await reopened.find(by_id(asset.id)) == asset

    async def test_many_tasks_may_ask_at_once(self, catalog: SqlCatalog) -> None:
        """More than it has threads for: they wait, none fails."""
        added = await asyncio.gather(
            *(catalog.add(uuid4(), f"{number}.png", make_original(), now=NOON) for number in range(40))
        )
        found = await asyncio.gather(*(catalog.find(by_id(asset.id)) for asset in added))

        assert found == added

    async def test_a_write_that_fails_leaves_nothing(self, catalog: SqlCatalog, tmp_path: Path) -> None:
        """One transaction: not even the original's row, where the asset cannot be added."""
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as connection:
            connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON assets BEGIN SELECT raise(ABORT, 'no'); END")

            with pytest.raises(StoreFailure) as failed:
                await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

            assert connection.execute("SELECT count(*) FROM originals").fetchone() == (0,)
        assert str(failed.value) == "The catalogue does not answer at the moment."

    async def test_a_power_cut_takes_nothing_that_was_acknowledged(self, catalog: SqlCatalog) -> None:
        """SQLite's own promise for WAL with synchronous = FULL (sqlite.org/pragma.html#pragma_synchronous)."""
        pragmas: set[tuple[object, ...]] = set()

        def look(_: object, cursor: sqlite3.Cursor, *_rest: object) -> None:
            names = ("journal_mode", "synchronous", "foreign_keys")
            pragmas.add(tuple(cursor.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names))

        event.listen(sa.Engine, "before_cursor_execute", look)
        await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        event.remove(sa.Engine, "before_cursor_execute", look)

        assert pragmas == {("wal", 2, 1)}


@pytest.mark.anyio
async def test_processes_that_write_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    """They start together on a folder without a database: it is made once, and every asset is in it."""
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        added = [asset_id for ids in processes.map(_add_many, [url] * PROCESSES) for asset_id in ids]

    async with SqlCatalog(url) as catalog:
        found = [await catalog.find(by_id(asset_id)) for asset_id in added]

    assert len(set(added)) == PROCESSES * EACH
    assert None not in found
    assert len({asset.slug for asset in found if asset is not None}) == PROCESSES * EACH


def _add_many(url: str) -> list[UUID]:
    async def add() -> list[UUID]:
        async with SqlCatalog(url) as catalog:
            ids = [uuid4() for _ in range(EACH)]
            for asset_id in ids:
                await catalog.add(asset_id, "shirt.png", make_original(), now=NOON)
                await catalog.replace(asset_id, make_original(asset_id.bytes), now=NOON)
            return ids

    return asyncio.run(add())
