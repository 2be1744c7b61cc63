"""Renders that wait for the same source are made from one decode, and give what each of them gives alone."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from imgsvc.core.assets import ImageInfo
from imgsvc.core.cost import Cost
from imgsvc.core.errors import Overloaded, StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan
from imgsvc.core.transform import Transform
from imgsvc.render.messages import LevelLost, Render, StoredLevel, Written
from imgsvc.render.queue import Queue
from imgsvc.render.siblings import Siblings
from imgsvc.render.worker import do
from tests.originals import photograph
from tests.render.darkroom import PATIENCE, HeldOriginal, running_pool
from tests.render.desks import DATA, stripping
from tests.render.desks import INFO as HELD_INFO
from tests.strategies import original_of

pytestmark = pytest.mark.anyio

INFO = ImageInfo(format=Format.JPEG, size=Size(1200, 900))
HALF = photograph(600, 450).jpegsave_buffer(Q=75)
WIDTHS = (400, 300, 250)
DEAR_TO_READ = Cost(reading=0.1, writing=0.1)
DEAR_TO_WRITE = Cost(reading=0.1, writing=1)

Rendering = asyncio.Task[Written | LevelLost]


@pytest.fixture
def busy(tmp_path: Path) -> HeldOriginal:
    """Whoever renders it keeps a worker until it is released."""
    return HeldOriginal(tmp_path / "busy")


@pytest.fixture
def held(tmp_path: Path) -> HeldOriginal:
    """A level in whose place is a pipe: each time that it is read is seen."""
    return HeldOriginal(tmp_path / "level")


@asynccontextmanager
async def open_siblings(*, workers: int = 1, patience: float = PATIENCE) -> AsyncGenerator[Siblings]:
    async with running_pool(workers=workers) as pool:
        yield Siblings(Queue(pool, bound=100, patience=patience))


def plan_of(width: int) -> Plan:
    asked = Transform(width=width, format=Format.PNG)
    return make_plan(original_of(INFO), asked, defaults=Defaults(), limits=Limits())


def render_of(held: HeldOriginal, width: int, *, output: str | None = None) -> Render:
    level = StoredLevel(path=str(held.path), format=Format.JPEG, scale=2, crc32=zlib.crc32(HALF))
    path = held.path.parent / (output or f"{width}.png")
    return Render(path="/original", info=INFO, plan=plan_of(width), output=str(path), level=level)


async def ask(siblings: Siblings, job: Render, cost: Cost = DEAR_TO_READ) -> Rendering:
    """It waits for a worker, or has one, when this returns."""
    asked = asyncio.create_task(siblings.render(job, cost))
    await anyio.wait_all_tasks_blocked()
    return asked


async def keep_busy(siblings: Siblings, busy: HeldOriginal) -> Rendering:
    job = Render(path=str(busy.path), info=HELD_INFO, plan=stripping(), output=str(busy.path.with_name("other")))
    working = await ask(siblings, job)
    await busy.reached()
    return working


def made_alone(tmp_path: Path, width: int) -> bytes:
    level = tmp_path / "half.jpg"
    level.write_bytes(HALF)
    stored = StoredLevel(path=str(level), format=Format.JPEG, scale=2, crc32=zlib.crc32(HALF))
    output = tmp_path / "alone.png"
    assert isinstance(do(Render("/original", INFO, plan_of(width), str(output), level=stored)), Written)
    return output.read_bytes()


async def test_who_waits_for_the_same_source_shares_its_decode(
    tmp_path: Path, busy: HeldOriginal, held: HeldOriginal
) -> None:
    """The source is read once, and each gets the bytes that it would have got alone."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        asked = [await ask(siblings, render_of(held, width)) for width in WIDTHS]
        busy.release(DATA)
        await held.reached()
        held.release(HALF)

        results = await asyncio.gather(*asked, working)

    assert all(isinstance(result, Written) for result in results)
    for width in WIDTHS:
        assert (tmp_path / f"{width}.png").read_bytes() == made_alone(tmp_path, width)


async def test_who_comes_when_they_have_begun_is_rendered_by_himself(held: HeldOriginal) -> None:
    async with open_siblings() as siblings:
        first = await ask(siblings, render_of(held, 400))
        await held.reached()
        late = await ask(siblings, render_of(held, 300))
        held.release(HALF)
        assert isinstance(await first, Written)
        await held.reached()
        held.release(HALF)

        assert isinstance(await late, Written)


async def test_what_is_dear_to_write_is_made_side_by_side(busy: HeldOriginal, held: HeldOriginal) -> None:
    """One worker for two of them would take longer than two."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        asked = [await ask(siblings, render_of(held, width), DEAR_TO_WRITE) for width in WIDTHS]
        busy.release(DATA)
        for one in asked:
            await held.reached()
            held.release(HALF)
            assert isinstance(await one, Written)
        await working


async def test_not_too_many_ride_together(busy: HeldOriginal, held: HeldOriginal) -> None:
    """The ninth is the first of another group."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        asked = [await ask(siblings, render_of(held, width)) for width in range(200, 210)]
        busy.release(DATA)
        for group in (asked[:8], asked[8:]):
            assert not any(one.done() for one in group)
            await held.reached()
            held.release(HALF)
            assert all(isinstance(result, Written) for result in await asyncio.gather(*group))
        await working


async def test_one_that_fails_fails_alone(busy: HeldOriginal, held: HeldOriginal) -> None:
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        first, second, third = [
            await ask(siblings, job)
            for job in (render_of(held, 400), render_of(held, 300, output="nowhere/300.png"), render_of(held, 250))
        ]
        busy.release(DATA)
        await held.reached()
        held.release(HALF)

        with pytest.raises(StoreFailure):
            await second
        assert [type(result) for result in (await first, await third, await working)] == [Written] * 3


async def test_a_damaged_level_is_lost_to_all_of_them(tmp_path: Path, busy: HeldOriginal) -> None:
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(HALF[:-1])
    level = StoredLevel(path=str(damaged), format=Format.JPEG, scale=2, crc32=zlib.crc32(HALF))
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        jobs = [Render("/original", INFO, plan_of(width), str(tmp_path / "out"), level=level) for width in WIDTHS]
        asked = [await ask(siblings, job) for job in jobs]
        busy.release(DATA)

        assert await asyncio.gather(*asked) == [LevelLost()] * 3
        await working


async def test_when_the_worker_dies_twice_each_is_tried_alone(busy: HeldOriginal, held: HeldOriginal) -> None:
    """It may have been the fault of one of them."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        asked = [await ask(siblings, render_of(held, width)) for width in WIDTHS]
        busy.release(DATA)
        for _ in range(2):
            await held.reached()
            await held.kill_reader()
        waiting = set(asked)
        while waiting:
            await held.reached()
            held.release(HALF)
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert len(ended) == 1

        assert [type(result) for result in await asyncio.gather(*asked)] == [Written] * 3
        await working


async def test_all_of_them_are_told_that_it_takes_too_long(busy: HeldOriginal, held: HeldOriginal) -> None:
    async with open_siblings(patience=0.2) as siblings:
        working = await keep_busy(siblings, busy)
        asked = [await ask(siblings, render_of(held, width)) for width in WIDTHS]

        refused = await asyncio.gather(*asked, return_exceptions=True)
        busy.release(DATA)
        await working

    assert [type(error) for error in refused] == [Overloaded] * 3


async def test_the_others_do_not_wait_for_who_was_first_and_gave_up(busy: HeldOriginal, held: HeldOriginal) -> None:
    """Nor for ever for an answer that nobody gives."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        first, *others = [await ask(siblings, render_of(held, width)) for width in WIDTHS]
        first.cancel()
        await asyncio.wait([first])
        busy.release(DATA)
        for _ in others:
            await held.reached()
            held.release(HALF)
            with anyio.fail_after(PATIENCE):
                await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)

        assert [type(result) for result in await asyncio.gather(*others)] == [Written] * 2
        await working


async def test_what_nobody_waits_for_any_more_leaves_no_file(
    tmp_path: Path, busy: HeldOriginal, held: HeldOriginal
) -> None:
    """Its asker has swept up before it was written."""
    async with open_siblings() as siblings:
        working = await keep_busy(siblings, busy)
        first, second, third = [await ask(siblings, render_of(held, width)) for width in WIDTHS]
        second.cancel()
        busy.release(DATA)
        await held.reached()
        held.release(HALF)
        await asyncio.gather(first, third, working)

    assert [(tmp_path / f"{width}.png").exists() for width in WIDTHS] == [True, False, True]
