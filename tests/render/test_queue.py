"""The queue before the workers: it has an end, says when to come again, and forgets whoever has left it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from imgsvc.core.errors import CorruptOriginal, Overloaded, RenderTimeout
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.render.messages import Probe, Probed, Render, Result, Written
from imgsvc.render.queue import LONG_SECONDS, Queue
from tests.originals import truncated
from tests.render.darkroom import PATIENCE, HeldOriginal, running_pool
from tests.render.desks import DATA, INFO, stripping

pytestmark = pytest.mark.anyio

SHORT_SECONDS = LONG_SECONDS / 10


@pytest.fixture
def held(tmp_path: Path) -> list[HeldOriginal]:
    return [HeldOriginal(tmp_path / f"held {number}") for number in range(3)]


def job(path: Path, output: str = "out") -> Render:
    return Render(path=str(path), info=INFO, plan=stripping(), output=str(path.with_name(output)))


@asynccontextmanager
async def open_queue(
    *, workers: int = 1, bound: int = 50, patience: float = PATIENCE, deadline: float = PATIENCE
) -> AsyncGenerator[Queue]:
    async with running_pool(workers=workers, deadline=deadline) as pool:
        yield Queue(pool, bound=bound, patience=patience)


async def ask(queue: Queue, held: HeldOriginal, *, seconds: float) -> asyncio.Task[Result]:
    """In the queue when this returns; `seconds` it is estimated to take."""
    asked = asyncio.create_task(queue.run(job(held.path, f"{held.path.name} out"), seconds=seconds))
    await anyio.wait_all_tasks_blocked()
    return asked


async def release(held: HeldOriginal, asked: asyncio.Task[Result]) -> None:
    await held.reached()
    held.release(DATA)
    assert isinstance(await asked, Written)


def told_to_come_again(queue: Queue) -> int:
    """Seconds, of a queue that is full."""
    with pytest.raises(Overloaded) as refused:
        queue.refuse_when_full()
    return refused.value.retry_after


async def test_who_waits_and_who_is_worked_for_both_count(held: list[HeldOriginal]) -> None:
    """One less than the bound is let in."""
    async with open_queue(bound=2) as queue:
        first = await ask(queue, held[0], seconds=SHORT_SECONDS)
        queue.refuse_when_full()
        second = await ask(queue, held[1], seconds=SHORT_SECONDS)
        with pytest.raises(Overloaded):
            queue.refuse_when_full()
        await release(held[0], first)
        queue.refuse_when_full()
        await release(held[1], second)


async def test_it_says_to_come_again_when_what_is_in_it_is_done(held: list[HeldOriginal]) -> None:
    """The longer the work that waits, the later; never sooner than in a second."""
    async with open_queue(bound=1) as queue:
        brief = await ask(queue, held[0], seconds=0.01)
        soon = told_to_come_again(queue)
        long = await ask(queue, held[1], seconds=40)
        later = told_to_come_again(queue)
        longer = await ask(queue, held[2], seconds=100)
        latest = told_to_come_again(queue)
        for one, asked in zip(held, (brief, long, longer), strict=True):
            await release(one, asked)

    assert (soon, later, latest) == (1, 41, 141)


async def test_more_workers_are_done_sooner(held: list[HeldOriginal]) -> None:
    async with open_queue(workers=2, bound=1) as queue:
        asked = await ask(queue, held[0], seconds=40)
        told = told_to_come_again(queue)
        await release(held[0], asked)

    assert told == 20


async def test_who_has_waited_too_long_is_told_when_to_come_again(held: list[HeldOriginal], tmp_path: Path) -> None:
    """Nothing is begun for him, and who is worked for is not disturbed."""
    async with open_queue(patience=0.2) as queue:
        first = await ask(queue, held[0], seconds=40)
        await held[0].reached()
        with pytest.raises(Overloaded) as refused:
            await queue.run(job(held[1].path, "never"), seconds=20)
        held[0].release(DATA)

        assert isinstance(await first, Written)
    assert refused.value.retry_after == 60
    assert not (tmp_path / "never").exists()


async def test_what_went_well_is_in_the_queue_no_more(held: list[HeldOriginal], whole: Path) -> None:
    async with open_queue(bound=1) as queue:
        assert isinstance(await queue.run(job(whole), seconds=1000), Written)
        queue.refuse_when_full()
        asked = await ask(queue, held[0], seconds=10)
        told = told_to_come_again(queue)
        await release(held[0], asked)

    assert told <= 10


async def test_what_failed_is_in_the_queue_no_more(held: list[HeldOriginal], tmp_path: Path) -> None:
    """The failure is raised as what it is."""
    broken = tmp_path / "broken"
    broken.write_bytes(truncated(DATA))

    async with open_queue(bound=1) as queue:
        with pytest.raises(CorruptOriginal):
            await queue.run(Probe(str(broken), Format.JPEG, Limits()), seconds=1000)
        queue.refuse_when_full()
        asked = await ask(queue, held[0], seconds=10)
        told = told_to_come_again(queue)
        await release(held[0], asked)

    assert told <= 10


async def test_what_was_stopped_is_in_the_queue_no_more(held: list[HeldOriginal]) -> None:
    """At the deadline of a job."""
    async with open_queue(bound=1, deadline=2) as queue:
        with pytest.raises(RenderTimeout):
            await queue.run(job(held[0].path), seconds=1000)
        queue.refuse_when_full()
        given_up = await ask(queue, held[1], seconds=10)
        told = told_to_come_again(queue)
        given_up.cancel()
        await asyncio.wait([given_up])

    assert told == 10


@pytest.mark.parametrize("begun", [False, True], ids=["waiting", "worked for"])
async def test_what_is_given_up_is_in_the_queue_no_more(held: list[HeldOriginal], begun: bool) -> None:
    """Whether or not a worker had it."""
    async with open_queue(bound=2) as queue:
        first = await ask(queue, held[0], seconds=10)
        await held[0].reached()
        second = await ask(queue, held[1], seconds=1000)
        full = told_to_come_again(queue)
        given_up = first if begun else second
        given_up.cancel()
        await asyncio.wait([given_up])
        queue.refuse_when_full()
        third = await ask(queue, held[2], seconds=5)
        told = told_to_come_again(queue)
        for one in (first, second, third):
            one.cancel()
        await asyncio.wait([first, second, third])
        queue.refuse_when_full()
        held[0].drop()

    assert (full, told) == (1010, 1005 if begun else 15)


async def test_starting_a_worker_is_no_measure_of_its_pace(held: list[HeldOriginal], whole: Path) -> None:
    """The first job of all is short and waits for its worker to start: that is not how long others will take."""
    async with open_queue(bound=1) as queue:
        assert isinstance(await queue.run(Probe(str(whole), Format.JPEG, Limits()), seconds=0.001), Probed)
        asked = await ask(queue, held[0], seconds=10)
        told = told_to_come_again(queue)
        await release(held[0], asked)

    assert told <= 60


async def test_long_jobs_leave_a_worker_to_short_ones(held: list[HeldOriginal], whole: Path) -> None:
    """By what they are estimated to take."""
    async with open_queue(workers=2) as queue:
        first, second = [await ask(queue, one, seconds=LONG_SECONDS) for one in held[:2]]
        await held[0].reached()

        assert isinstance(await queue.run(job(whole), seconds=SHORT_SECONDS), Written)

        assert not first.done()
        held[0].release(DATA)
        await first
        await release(held[1], second)


async def test_it_is_quiet_when_a_worker_has_nothing_to_do(held: list[HeldOriginal]) -> None:
    async with open_queue() as queue:
        await queue.wait_until_quiet()
        asked = await ask(queue, held[0], seconds=SHORT_SECONDS)
        quiet = asyncio.create_task(queue.wait_until_quiet())
        await held[0].reached()
        was_quiet = quiet.done()
        held[0].release(DATA)
        await asked

        await quiet
    assert not was_quiet
