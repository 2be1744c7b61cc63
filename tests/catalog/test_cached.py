"""Assets that are remembered: what that saves, and that nothing stale is ever answered."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.cached import RememberedAssets
from imgsvc.catalog.sql import open_catalog
from imgsvc.coordination.local import Generation
from imgsvc.core.assets import Asset
from tests.catalog.records import PRESS, SHOP, add, by_id, change, delete, refs_of, some_id
from tests.fakes import make_original

pytestmark = pytest.mark.anyio


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.sqlite'}"


@pytest.fixture
def generation(tmp_path: Path) -> Iterator[Generation]:
    with closing(Generation(tmp_path / "generation")) as generation:
        yield generation


@pytest.fixture
async def catalog(tmp_path: Path, generation: Generation) -> AsyncGenerator[Catalog]:
    async with open_catalog(database(tmp_path), changed=generation.tell) as catalog:
        yield catalog


@pytest.fixture
def remembered(catalog: Catalog, generation: Generation) -> RememberedAssets:
    return RememberedAssets(catalog.assets, generation, remembered=10)


@pytest.fixture
def questions() -> Iterator[list[str]]:
    """What the database was asked, growing."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    yield asked
    event.remove(sa.Engine, "before_cursor_execute", note)


async def test_what_was_found_is_not_asked_for_again(
    catalog: Catalog, remembered: RememberedAssets, questions: list[str]
) -> None:
    """Under the very reference it was found by."""
    asset = await add(catalog)
    await remembered.find(by_id(asset.id))
    questions.clear()

    found = [await remembered.find(by_id(asset.id)) for _ in range(5)]

    assert found == [asset] * 5
    assert questions == []


async def test_every_reference_is_remembered_by_itself(catalog: Catalog, remembered: RememberedAssets) -> None:
    """What one instance was shown says nothing of another."""
    asset = await add(catalog)
    for ref in refs_of(asset, SHOP):
        await remembered.find(ref)

    found = [await remembered.find(ref) for ref in (*refs_of(asset, PRESS), *refs_of(asset, None))]

    assert found == [None] * 4 + [asset] * 3


async def test_what_was_not_found_is_asked_for_again(catalog: Catalog, remembered: RememberedAssets) -> None:
    """It may be added at any moment, by anybody."""
    asset_id = some_id()
    before = await remembered.find(by_id(asset_id))

    asset = await add(catalog, id=asset_id)

    assert before is None
    assert await remembered.find(by_id(asset_id)) == asset


async def test_adding_forgets_nothing(catalog: Catalog, remembered: RememberedAssets, questions: list[str]) -> None:
    """A long import leaves what is hot in memory."""
    asset = await add(catalog)
    await remembered.find(by_id(asset.id))
    await add(catalog, "trousers.png")
    questions.clear()

    await remembered.find(by_id(asset.id))

    assert questions == []


async def test_it_remembers_so_many_and_no_more(
    catalog: Catalog, remembered: RememberedAssets, questions: list[str]
) -> None:
    """Ten here: the least recently asked for is asked for again."""
    added = [await add(catalog) for _ in range(11)]
    for asset in added:
        await remembered.find(by_id(asset.id))
    questions.clear()

    await remembered.find(by_id(added[-1].id))
    assert questions == []
    await remembered.find(by_id(added[0].id))
    assert questions != []


async def test_changing_one_forgets_no_other(
    catalog: Catalog, remembered: RememberedAssets, questions: list[str]
) -> None:
    """A catalogue in the middle of a sync keeps what it does not touch in memory."""
    asset, other = await add(catalog), await add(catalog, "trousers.png")
    await remembered.find(by_id(asset.id))
    await change(catalog, other, name="shorts.png")
    await delete(catalog, other)
    questions.clear()

    await remembered.find(by_id(asset.id))

    assert questions == []


@pytest.mark.parametrize(
    "alter",
    [
        lambda catalog, asset: change(catalog, asset, original=make_original(b"new"), code="new"),
        delete,
    ],
    ids=["change", "delete"],
)
async def test_what_was_altered_shows_at_once(
    catalog: Catalog, remembered: RememberedAssets, alter: Callable[[Catalog, Asset], Awaitable[object]]
) -> None:
    """By every id it was found by before."""
    asset = await add(catalog)
    before = [await remembered.find(ref) for ref in refs_of(asset)]

    await alter(catalog, asset)

    assert before == [asset] * 4
    assert [await remembered.find(ref) for ref in refs_of(asset)] == await catalog.assets.find_many(refs_of(asset))


async def test_a_replacement_by_another_process_shows_at_once(
    catalog: Catalog, remembered: RememberedAssets, tmp_path: Path
) -> None:
    """On the very next look-up, time after time, by every id."""
    asset = await add(catalog)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as another:
        for number in range(5):
            for ref in refs_of(asset):
                await remembered.find(ref)

            await loop.run_in_executor(another, _replace, tmp_path, asset.id, number)

            for ref in refs_of(asset):
                found = await remembered.find(ref)
                assert found is not None
                assert found.original == make_original(bytes([number]))


async def test_an_answer_from_before_a_replacement_is_not_remembered(
    catalog: Catalog, remembered: RememberedAssets, tmp_path: Path
) -> None:
    """Look-ups that run while it is replaced may answer either; the first after it answers the new one."""
    asset = await add(catalog)
    with closing(Generation(tmp_path / "generation")) as generation:
        async with open_catalog(database(tmp_path), changed=generation.tell) as another:
            for number in range(20):
                under_way = [asyncio.create_task(remembered.find(by_id(asset.id))) for _ in range(5)]

                await change(another, asset, original=make_original(bytes([number])))

                found = await remembered.find(by_id(asset.id))
                assert found is not None
                assert found.original == make_original(bytes([number]))
                await asyncio.gather(*under_way)
                assert await remembered.find(by_id(asset.id)) == found


def _replace(folder: Path, asset_id: UUID, number: int) -> None:
    async def replace() -> None:
        with closing(Generation(folder / "generation")) as generation:
            async with open_catalog(database(folder), changed=generation.tell) as catalog:
                asset = await catalog.assets.find(by_id(asset_id))
                assert asset is not None
                await change(catalog, asset, original=make_original(bytes([number])))

    asyncio.run(replace())
