"""The catalogue in SQLite: the contract, and many processes that write at the same time."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Collection
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.database import Database
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import SLUG_ALPHABET, SLUG_LENGTH, NewAsset
from imgsvc.core.errors import StoreFailure
from tests.catalog import conformance, conformance_assets, conformance_purges
from tests.catalog.records import SHOP, add, by_id, change, delete, make_folders, moving, setting
from tests.fakes import NOON, make_original

PROCESSES, EACH = 4, 25

ALL_DIGITS = UUID("00000000-0000-4000-8000-00000007a398")
"""The digest of this one gives a slug of digits alone."""


def opened(folder: Path, name: str = "catalog") -> AbstractAsyncContextManager[Catalog]:
    return open_catalog(f"sqlite:///{folder / name}.sqlite", changed=lambda *_: None)


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncGenerator[Catalog]:
    async with opened(tmp_path) as catalog:
        yield catalog


@pytest.fixture
async def another(tmp_path: Path, catalog: Catalog) -> AsyncGenerator[Catalog]:
    """With connections and threads of its own, as another process has."""
    async with opened(tmp_path) as another:
        yield another


class TestSqlAssets(conformance_assets.AssetsConformance):
    pass


class TestSqlAssetsChanging(conformance_assets.ChangingConformance):
    pass


class TestSqlAssetsListing(conformance_assets.ListingConformance):
    pass


class TestSqlAssetsIsolation(conformance_assets.IsolationConformance):
    pass


class TestSqlOriginals(conformance.OriginalsConformance):
    pass


class TestSqlChanges(conformance.ChangesConformance):
    pass


class TestSqlPurges(conformance_purges.PurgesConformance):
    pass


class TestSqlFolders(conformance.FoldersConformance):
    pass


class TestSqlFiles(conformance.FilesConformance):
    pass


class TestSqlLinks(conformance.LinksConformance):
    pass


class TestSqlDownloads(conformance.DownloadsConformance):
    pass


class TestSqlTokens(conformance.TokensConformance):
    pass


@pytest.mark.anyio
class TestSlugs:
    async def test_a_slug_depends_on_the_id_alone(self, catalog: Catalog, tmp_path: Path) -> None:
        """A library that is set up anew under the same ids has the same URLs."""
        asset_id = UUID("00000000-0000-4000-8000-000000000001")
        asset = await add(catalog, id=asset_id)

        async with opened(tmp_path, "fresh") as fresh:
            same = await add(fresh, "trousers.png", make_original(b"other"), id=asset_id)

        assert same.slug == asset.slug

    async def test_a_slug_that_is_taken_is_not_given_twice(self, catalog: Catalog, tmp_path: Path) -> None:
        """The next one is, and both are found."""
        asset_id = UUID("00000000-0000-4000-8000-000000000001")
        async with opened(tmp_path, "fresh") as fresh:
            slug = (await add(fresh, id=asset_id)).slug
        first = await add(catalog)
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as connection:
            connection.execute("UPDATE assets SET slug = ? WHERE id = ?", (slug, str(first.id)))

        second = await add(catalog, id=asset_id)

        assert second.slug != slug
        assert await catalog.assets.find(by_id(asset_id)) == second

    async def test_a_slug_is_never_made_of_digits_alone(self, catalog: Catalog) -> None:
        """It would be taken for a serial."""
        first = sha256(ALL_DIGITS.bytes).digest()[:SLUG_LENGTH]
        assert "".join(SLUG_ALPHABET[byte % len(SLUG_ALPHABET)] for byte in first).isdigit()

        asset = await add(catalog, id=ALL_DIGITS)

        assert len(asset.slug) == SLUG_LENGTH
        assert not asset.slug.isdigit()


@pytest.mark.anyio
class TestDatabase:
    async def test_what_was_added_outlives_the_process(self, catalog: Catalog, tmp_path: Path) -> None:
        asset = await add(catalog)

        async with opened(tmp_path) as reopened:
            assert await reopened.assets.find(by_id(asset.id)) == asset

    async def test_many_tasks_may_ask_at_once(self, catalog: Catalog) -> None:
        """More than it has threads for: they wait, none fails."""
        added = await asyncio.gather(*(add(catalog, f"{number}.png") for number in range(40)))
        found = await asyncio.gather(*(catalog.assets.find(by_id(asset.id)) for asset in added))

        assert found == added

    async def test_a_write_that_fails_leaves_nothing(self, catalog: Catalog, tmp_path: Path) -> None:
        """One transaction: not even the original's row, where the asset cannot be added."""
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as connection:
            connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON assets BEGIN SELECT raise(ABORT, 'no'); END")

            with pytest.raises(StoreFailure) as failed:
                await add(catalog, classifications=("new",))

            left = [connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in _TABLES]
        assert left == [(0,)] * len(_TABLES)
        assert str(failed.value) == "The catalogue does not answer at the moment."

    async def test_a_power_cut_takes_nothing_that_was_acknowledged(self, catalog: Catalog) -> None:
        """SQLite's own promise for WAL with synchronous = FULL (sqlite.org/pragma.html#pragma_synchronous)."""
        pragmas: set[tuple[object, ...]] = set()

        def look(_: object, cursor: sqlite3.Cursor, *_rest: object) -> None:
            names = ("journal_mode", "synchronous", "foreign_keys")
            pragmas.add(tuple(cursor.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names))

        event.listen(sa.Engine, "before_cursor_execute", look)
        await add(catalog)
        event.remove(sa.Engine, "before_cursor_execute", look)

        assert pragmas == {("wal", 2, 1)}

    async def test_a_change_of_what_was_found_is_told_once_it_is_durable(self, tmp_path: Path) -> None:
        """Changing and deleting assets, which others look up meanwhile; what is new was never found."""
        seen: list[str] = []

        def look(count: int, serials: Collection[int] | None) -> None:
            with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection:
                seen.extend(name for (name,) in connection.execute("SELECT name FROM assets ORDER BY serial"))
                seen.extend(f"change {number}" for (number,) in connection.execute("SELECT number FROM changes"))
            seen.extend(f"{serial} in {count}" for serial in serials or ())

        async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=look) as catalog:
            first, second = await add(catalog, "a.png"), await add(catalog, "b.png")
            (folder,) = await make_folders(catalog, "summer")
            await catalog.folders.change(SHOP, {folder.serial: moving(name="winter")})
            told_before = list(seen)
            await change(catalog, first, name="c.png")
            await delete(catalog, second)

        assert told_before == []
        assert seen == [
            "c.png",
            "b.png",
            "change 1",
            f"{first.serial} in 1",
            "c.png",
            "change 2",
            f"{second.serial} in 2",
        ]

    async def test_what_is_read_is_of_one_moment(self, tmp_path: Path) -> None:
        """A write in between does not show, and is not kept waiting."""
        url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
        count = sa.text("SELECT count(*) FROM tokens")
        insert = sa.text("INSERT INTO tokens (digest, name, instance, scopes, created) VALUES ('d', '', '', '', 0)")

        async with Database(url, changed=lambda *_: None) as reader, Database(url, changed=lambda *_: None) as writer:
            loop = asyncio.get_running_loop()

            def look(connection: sa.Connection) -> list[int]:
                before = connection.execute(count).scalar_one()
                asyncio.run_coroutine_threadsafe(writer.write(lambda c: c.execute(insert)), loop).result(30)
                return [before, connection.execute(count).scalar_one()]

            seen = await reader.read(look)
            after = await reader.read(lambda connection: connection.execute(count).scalar_one())

        assert (seen, after) == ([0, 0], 1)

    @pytest.mark.parametrize("method", ["find", "add", "change", "delete"])
    async def test_a_database_that_is_not_there_is_a_failure_of_the_store(
        self, catalog: Catalog, tmp_path: Path, method: str
    ) -> None:
        """One sentence, without a path and without the library's words."""
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as connection:
            connection.execute("ALTER TABLE originals RENAME TO lost")
        ref = by_id(uuid4())
        works = {
            "find": lambda: catalog.assets.find(ref),
            "add": lambda: catalog.assets.add(NewAsset(instance=SHOP, name="a.png"), make_original(), now=NOON),
            "change": lambda: catalog.assets.change({ref: setting()}, by=0, now=NOON),
            "delete": lambda: catalog.assets.delete([ref], now=NOON),
        }

        with pytest.raises(StoreFailure, match=r"^The catalogue does not answer at the moment\.$"):
            await works[method]()


@pytest.mark.anyio
async def test_processes_that_write_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    """They start together on a folder without a database: it is made once, and every asset is in it."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        added = [asset_id for ids in processes.map(_add_many, [tmp_path] * PROCESSES) for asset_id in ids]

    async with opened(tmp_path) as catalog:
        found = await catalog.assets.find_many(list(map(by_id, added)))

    assert len(set(added)) == PROCESSES * EACH
    assert None not in found
    assert len({asset.slug for asset in found if asset is not None}) == PROCESSES * EACH


@pytest.mark.anyio
async def test_processes_that_change_the_same_asset_lose_nothing(tmp_path: Path) -> None:
    """Each of a hundred increments is in the sum."""
    async with opened(tmp_path) as catalog:
        asset = await add(catalog, attributes={"n": 0})
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
            arguments = [tmp_path] * PROCESSES, [asset.id] * PROCESSES
            await asyncio.get_running_loop().run_in_executor(
                None, lambda: list(processes.map(_increment_many, *arguments))
            )

        found = await catalog.assets.find(by_id(asset.id))

    assert found is not None
    assert found.attributes == {"n": PROCESSES * EACH}


_TABLES = ("originals", "classifications", "assets")


def _add_many(folder: Path) -> list[UUID]:
    async def add_all() -> list[UUID]:
        async with opened(folder) as catalog:
            assets = [await add(catalog) for _ in range(EACH)]
            for asset in assets:
                await change(catalog, asset, original=make_original(asset.id.bytes))
            return [asset.id for asset in assets]

    return asyncio.run(add_all())


def _increment_many(folder: Path, asset_id: UUID) -> None:
    async def increment() -> None:
        async with opened(folder) as catalog:
            for _ in range(EACH):
                await catalog.assets.change(
                    {
                        by_id(asset_id): lambda asset: replace(
                            asset, attributes={"n": _count(asset.attributes["n"]) + 1}
                        )
                    },
                    by=0,
                    now=NOON,
                )

    asyncio.run(increment())


def _count(value: object) -> int:
    assert isinstance(value, int)
    return value
