"""A catalogue that remembers: the contract, what it saves, and that it never answers anything stale."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from imgsvc.catalog.cached import CachedCatalog
from imgsvc.catalog.sql import SqlCatalog
from imgsvc.coordination.local import Generation
from tests.catalog.conformance import LATER, CatalogConformance, by_id, by_slug
from tests.fakes import NOON, make_original


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.sqlite'}"


class TestCachedCatalog(CatalogConformance):
    @pytest.fixture
    async def sql(self, tmp_path: Path) -> AsyncGenerator[SqlCatalog]:
        async with SqlCatalog(database(tmp_path)) as catalog:
            yield catalog

    @pytest.fixture
    async def catalog(self, tmp_path: Path, sql: SqlCatalog) -> AsyncGenerator[CachedCatalog]:
        generation = Generation(tmp_path / "generation")
        yield CachedCatalog(sql, generation, assets=10)
        generation.close()

    @pytest.fixture
    def questions(self) -> Iterator[list[str]]:
        """What the database was asked, growing."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(sa.Engine, "before_cursor_execute", note)
        yield asked
        event.remove(sa.Engine, "before_cursor_execute", note)

    async def test_what_was_found_is_not_asked_for_again(self, catalog: CachedCatalog, questions: list[str]) -> None:
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        await catalog.find(by_id(asset.id))
        questions.clear()

        found = [await catalog.find(by_id(asset.id)) for _ in range(5)]

        assert found == [asset] * 5
        assert questions == []

    async def test_what_was_not_found_is_asked_for_again(self, catalog: CachedCatalog) -> None:
        """It may be added at any moment, by anybody."""
        asset_id = uuid4()
        before = await catalog.find(by_id(asset_id))

        asset = await catalog.add(asset_id, "shirt.png", make_original(), now=NOON)

        assert before is None
        assert await catalog.find(by_id(asset_id)) == asset

    async def test_adding_forgets_nothing(self, catalog: CachedCatalog, questions: list[str]) -> None:
        """A long import leaves what is hot in memory."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        await catalog.find(by_id(asset.id))
        await catalog.add(uuid4(), "trousers.png", make_original(), now=NOON)
        questions.clear()

        await catalog.find(by_id(asset.id))

        assert questions == []

    async def test_it_remembers_so_many_and_no_more(self, catalog: CachedCatalog, questions: list[str]) -> None:
        """Ten here: the least recently asked for is asked for again."""
        added = [await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON) for _ in range(11)]
        for asset in added:
            await catalog.find(by_id(asset.id))
        questions.clear()

        await catalog.find(by_id(added[-1].id))
        assert questions == []
        await catalog.find(by_id(added[0].id))
        assert questions != []

    async def test_a_replacement_by_another_process_shows_at_once(self, catalog: CachedCatalog, tmp_path: Path) -> None:
        """On the very next look-up, time after time, by id and by slug."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as another:
            for number in range(5):
                await catalog.find(by_id(asset.id))
                await catalog.find(by_slug(asset.slug))

                await loop.run_in_executor(another, _replace, tmp_path, asset.id, number)

                for ref in (by_id(asset.id), by_slug(asset.slug)):
                    found = await catalog.find(ref)
                    assert found is not None
                    assert found.original == make_original(bytes([number]))

    async def test_an_answer_from_before_a_replacement_is_not_remembered(
        self, catalog: CachedCatalog, sql: SqlCatalog, tmp_path: Path
    ) -> None:
        """Look-ups that run while it is replaced may answer either; the first after it answers the new one."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        generation = Generation(tmp_path / "generation")
        another = CachedCatalog(sql, generation)
        for number in range(20):
            under_way = [asyncio.create_task(catalog.find(by_id(asset.id))) for _ in range(5)]

            await another.replace(asset.id, make_original(bytes([number])), now=LATER)

            found = await catalog.find(by_id(asset.id))
            assert found is not None
            assert found.original == make_original(bytes([number]))
            await asyncio.gather(*under_way)
            assert await catalog.find(by_id(asset.id)) == found
        generation.close()


def _replace(folder: Path, asset_id: UUID, number: int) -> None:
    async def replace() -> None:
        generation = Generation(folder / "generation")
        async with SqlCatalog(database(folder)) as catalog:
            await CachedCatalog(catalog, generation).replace(asset_id, make_original(bytes([number])), now=LATER)
        generation.close()

    asyncio.run(replace())
