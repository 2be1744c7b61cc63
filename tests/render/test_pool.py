"""Workers that hang, die, grow or are given up: each harms one job at most, and that one is answered."""

import asyncio
import os
import signal
import zlib
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
import pyvips

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import Quarantined, RenderCrashed, RenderTimeout, TooManyPixels
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Fit, Orientation, Size
from imgsvc.core.harm import Harm
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan, plan_stripped_original
from imgsvc.core.transform import Transform
from imgsvc.render.aside import speaks_against
from imgsvc.render.local import PoolProber
from imgsvc.render.messages import Build, Failed, Job, Probe, Probed, Render, RenderSiblings, Result, Written
from imgsvc.render.pool import Lane, Pool, WaitedTooLong
from imgsvc.render.worker_settings import WorkerSettings
from imgsvc.storage.quarantine import Quarantine
from tests.originals import COLOURS, avif, close_to, corners, decode, gif, jpeg, svg, truncated
from tests.render.darkroom import HeldOriginal, is_gone, running_pool, worker_pids
from tests.strategies import original_of

pytestmark = pytest.mark.anyio

DATA = jpeg()
INFO = ImageInfo(format=Format.JPEG, size=Size(400, 300))


def stripping() -> Plan:
    """The bytes are read once and in one go, which a pipe allows."""
    return plan_stripped_original(original_of(INFO), defaults=Defaults(), limits=Limits())


def job(path: Path, output: Path, plan: Plan | None = None) -> Render:
    return Render(path=str(path), info=INFO, plan=plan or stripping(), output=str(output))


async def assert_works(pool: Pool, whole: Path, tmp_path: Path) -> None:
    result = await pool.run(job(whole, tmp_path / "afterwards"))

    assert isinstance(result, Written)
    assert (tmp_path / "afterwards").read_bytes() == DATA


async def test_a_job_is_done(whole: Path, tmp_path: Path) -> None:
    """The file is there and is what the answer says."""
    async with running_pool() as pool:
        result = await pool.run(job(whole, tmp_path / "out"))

    data = (tmp_path / "out").read_bytes()
    assert result == Written(length=len(data), crc32=zlib.crc32(data), size=Size(400, 300))


async def test_more_jobs_than_workers_wait_their_turn(tmp_path: Path) -> None:
    """And each gets its own answer."""
    for side in range(1, 13):
        (tmp_path / f"{side}.jpg").write_bytes(jpeg(side * 10, 50))

    async with running_pool(workers=2) as pool:
        results = await asyncio.gather(
            *(pool.run(Probe(str(tmp_path / f"{side}.jpg"), Format.JPEG, Limits())) for side in range(1, 13))
        )

    assert [result.info.size for result in results if isinstance(result, Probed)] == [
        Size(side * 10, 50) for side in range(1, 13)
    ]


async def test_a_corrupt_original_costs_no_worker(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(truncated(DATA))

    async with running_pool() as pool:
        await assert_works(pool, whole, tmp_path)
        before = worker_pids()
        result = await pool.run(Probe(str(tmp_path / "broken"), Format.JPEG, Limits()))

        assert isinstance(result, Failed)
        assert result.error == "CorruptOriginal"
        assert worker_pids() == before


async def test_what_is_not_there_is_a_typed_failure(tmp_path: Path) -> None:
    async with running_pool() as pool:
        result = await pool.run(job(tmp_path / "nowhere", tmp_path / "out"))
        unwritable = await pool.run(Probe(str(tmp_path), Format.PNG, Limits()))

    assert isinstance(result, Failed)
    assert isinstance(unwritable, Failed)
    assert str(tmp_path) not in result.detail + unwritable.detail


async def test_an_output_that_cannot_be_written_is_a_store_failure(whole: Path, tmp_path: Path) -> None:
    async with running_pool() as pool:
        result = await pool.run(job(whole, tmp_path / "no" / "folder"))

    assert isinstance(result, Failed)
    assert result.error == "StoreFailure"


async def test_long_jobs_leave_a_worker_to_short_ones(whole: Path, tmp_path: Path) -> None:
    """Of two workers one; a third long job waits although nobody else does."""
    held = [HeldOriginal(tmp_path / str(number)) for number in range(2)]

    async with running_pool(workers=2) as pool:
        long = [
            asyncio.create_task(pool.run(job(one.path, tmp_path / f"out {number}"), lane=Lane.LONG))
            for number, one in enumerate(held)
        ]
        await held[0].reached()
        await assert_works(pool, whole, tmp_path)
        waiting = not any(task.done() for task in long)
        held[0].release(DATA)
        await held[1].reached()
        held[1].release(DATA)
        results = await asyncio.gather(*long)

    assert waiting
    assert all(isinstance(result, Written) for result in results)


async def test_a_single_worker_takes_long_jobs_too(whole: Path, tmp_path: Path) -> None:
    async with running_pool(workers=1) as pool:
        assert isinstance(await pool.run(job(whole, tmp_path / "out"), lane=Lane.LONG), Written)


async def test_jobs_are_begun_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Of one lane, by one worker."""
    held = HeldOriginal(tmp_path / "held")
    begun: list[int] = []

    async with running_pool() as pool:
        first = asyncio.create_task(pool.run(job(held.path, tmp_path / "out")))
        await held.reached()
        others: list[asyncio.Task[Result]] = []
        for number in range(8):
            path = tmp_path / str(number)
            path.write_bytes(DATA)
            others.append(
                asyncio.create_task(
                    pool.run(job(path, tmp_path / f"{number} out"), begun=lambda number=number: begun.append(number))
                )
            )
            await anyio.wait_all_tasks_blocked()
        held.release(DATA)
        await asyncio.gather(first, *others)

    assert begun == list(range(8))


async def test_a_long_job_is_not_overtaken_for_ever(whole: Path, tmp_path: Path) -> None:
    """As soon as another long one ends it is its turn, before the short ones that came after it."""
    held = [HeldOriginal(tmp_path / str(number)) for number in range(2)]
    begun: list[str] = []

    async with running_pool(workers=2) as pool:
        long, blocking = (
            asyncio.create_task(pool.run(job(one.path, tmp_path / f"out {lane}"), lane=lane))
            for one, lane in zip(held, (Lane.LONG, Lane.SHORT), strict=True)
        )
        for one in held:
            await one.reached()
        waiting = [
            asyncio.create_task(
                pool.run(
                    job(whole, tmp_path / f"out {number}"),
                    lane=lane,
                    begun=lambda name=f"{lane.value} {number}": begun.append(name),
                )
            )
            for number, lane in enumerate((Lane.LONG, Lane.SHORT, Lane.SHORT))
        ]
        await anyio.wait_all_tasks_blocked()
        held[0].release(DATA)
        await asyncio.gather(long, *waiting)
        held[1].release(DATA)
        await blocking

    assert begun == ["long 0", "short 1", "short 2"]


@pytest.mark.parametrize("lane", Lane)
async def test_who_gives_up_waiting_leaves_nothing_behind(whole: Path, tmp_path: Path, lane: Lane) -> None:
    """Neither his place nor a worker: both are still there for whoever comes."""
    held = [HeldOriginal(tmp_path / str(number)) for number in range(2)]

    async with running_pool(workers=2) as pool:
        busy = [
            asyncio.create_task(pool.run(job(one.path, tmp_path / f"out {number}"), lane=kind))
            for number, (one, kind) in enumerate(zip(held, (Lane.LONG, Lane.SHORT), strict=True))
        ]
        for one in held:
            await one.reached()
        with pytest.raises(WaitedTooLong):
            await pool.run(job(whole, tmp_path / "never"), lane=lane, patience=0.05)
        cancelled = asyncio.create_task(pool.run(job(whole, tmp_path / "never"), lane=lane))
        await anyio.wait_all_tasks_blocked()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        for one in held:
            one.release(DATA)
        await asyncio.gather(*busy)

        await assert_has_all_workers(pool, tmp_path)
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("lane", Lane)
async def test_who_is_given_a_worker_and_goes_leaves_it_to_the_next(whole: Path, tmp_path: Path, lane: Lane) -> None:
    """Cancelled in the very moment in which it was handed out, so nobody has said so to anybody yet."""
    async with running_pool(workers=2) as pool:
        for _ in range(3):
            going = asyncio.create_task(pool.run(job(whole, tmp_path / "never"), lane=lane))
            # One step: it has asked for a worker, has been given it, and has not heard of it.
            await asyncio.sleep(0)
            going.cancel()
            await asyncio.wait([going])
            assert going.cancelled()

        await assert_has_all_workers(pool, tmp_path)
    assert not (tmp_path / "never").exists()


async def test_it_is_quiet_while_a_worker_is_idle_and_nobody_waits(whole: Path, tmp_path: Path) -> None:
    held = [HeldOriginal(tmp_path / str(number)) for number in range(2)]

    async with running_pool(workers=2) as pool:
        await pool.wait_until_quiet()
        first = asyncio.create_task(pool.run(job(held[0].path, tmp_path / "first")))
        await held[0].reached()
        await pool.wait_until_quiet()
        second = asyncio.create_task(pool.run(job(held[1].path, tmp_path / "second")))
        await held[1].reached()
        quiet = asyncio.create_task(pool.wait_until_quiet())
        await anyio.wait_all_tasks_blocked()
        was_quiet = quiet.done()
        held[0].release(DATA)
        await first
        await quiet
        held[1].release(DATA)
        await second

    assert not was_quiet


async def test_it_is_quiet_again_when_who_waited_goes_away(whole: Path, tmp_path: Path) -> None:
    """A long job waits beside an idle worker that it may not have; when it is given up nobody waits."""
    held = HeldOriginal(tmp_path / "held")

    async with running_pool(workers=2) as pool:
        long = asyncio.create_task(pool.run(job(held.path, tmp_path / "out"), lane=Lane.LONG))
        await held.reached()
        waiting = asyncio.create_task(pool.run(job(whole, tmp_path / "never"), lane=Lane.LONG))
        await anyio.wait_all_tasks_blocked()
        quiet = asyncio.create_task(pool.wait_until_quiet())
        await anyio.wait_all_tasks_blocked()
        was_quiet = quiet.done()
        waiting.cancel()
        await asyncio.wait([waiting])
        await anyio.wait_all_tasks_blocked()
        is_quiet = quiet.done()
        held.release(DATA)
        await long
        await quiet

    assert (was_quiet, is_quiet) == (False, True)


async def test_a_worker_that_holds_too_much_memory_is_replaced(whole: Path, tmp_path: Path) -> None:
    """After its job, which is answered: an animation leaves three hundred megabytes in pieces behind."""
    film = tmp_path / "film.gif"
    film.write_bytes(gif(600, 400, frames=200))
    info = ImageInfo(format=Format.GIF, size=Size(600, 400), frames=200)
    plan = make_plan(original_of(info), Transform(width=40, format=Format.WEBP), defaults=Defaults(), limits=Limits())

    async with running_pool() as pool:
        await assert_works(pool, whole, tmp_path)
        (before,) = worker_pids()
        await assert_works(pool, whole, tmp_path)
        assert worker_pids() == [before]
        result = await pool.run(Render(path=str(film), info=info, plan=plan, output=str(tmp_path / "out")))

        assert isinstance(result, Written)
        assert await is_gone(before)
        await assert_works(pool, whole, tmp_path)
        assert len(worker_pids()) == 1


async def test_a_job_that_hangs_is_stopped_at_the_deadline(whole: Path, tmp_path: Path) -> None:
    """Its worker is killed, and the next job finds another."""
    held = HeldOriginal(tmp_path / "held")

    async with running_pool(deadline=4) as pool:
        await assert_works(pool, whole, tmp_path)
        (hung,) = worker_pids()
        with pytest.raises(RenderTimeout, match="4 seconds"):
            await pool.run(job(held.path, tmp_path / "out"))

        assert await is_gone(hung)
        await assert_works(pool, whole, tmp_path)


async def test_a_worker_that_stands_still_is_stopped_at_the_deadline(whole: Path, tmp_path: Path) -> None:
    """SIGKILL reaches a stopped process too."""
    async with running_pool(deadline=4) as pool:
        await assert_works(pool, whole, tmp_path)
        (stopped,) = worker_pids()
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(RenderTimeout):
            await pool.run(job(whole, tmp_path / "out"))

        assert await is_gone(stopped)


async def test_a_job_whose_worker_dies_is_done_by_a_second(tmp_path: Path) -> None:
    """For the first may have died of something else: kill -9, half-way."""
    held = HeldOriginal(tmp_path / "held")
    results: list[Result] = []

    async with running_pool() as pool, anyio.create_task_group() as tasks:
        tasks.start_soon(_collect, pool, job(held.path, tmp_path / "out"), results)
        await held.reached()
        await held.kill_reader()
        await held.reached()
        held.release(DATA)

    assert [type(result) for result in results] == [Written]
    assert (tmp_path / "out").read_bytes() == DATA


async def test_a_job_whose_workers_die_twice_is_given_up_and_its_neighbour_is_not(whole: Path, tmp_path: Path) -> None:
    poison, neighbour = HeldOriginal(tmp_path / "poison"), HeldOriginal(tmp_path / "neighbour")
    failures: list[Exception] = []

    async def run_poison(pool: Pool) -> None:
        try:
            await pool.run(job(poison.path, tmp_path / "never"))
        except RenderCrashed as error:
            failures.append(error)

    results: list[Result] = []

    async with running_pool(workers=2) as pool:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_collect, pool, job(neighbour.path, tmp_path / "out"), results)
            await neighbour.reached()
            tasks.start_soon(run_poison, pool)
            for _ in range(2):
                await poison.reached()
                await poison.kill_reader()
            await anyio.wait_all_tasks_blocked()
            neighbour.release(DATA)

        assert [str(error) for error in failures] == ["The picture made the renderer end twice."]
        assert [type(result) for result in results] == [Written]
        assert (tmp_path / "out").read_bytes() == DATA
        assert not (tmp_path / "never").exists()
        await assert_works(pool, whole, tmp_path)


class TestHarm:
    """What is counted against an original, and what is not."""

    async def test_each_worker_that_a_picture_ends_is_counted(self, tmp_path: Path) -> None:
        """Two are enough, and it is given to none any more, whoever was waiting already."""
        poison, aside = HeldOriginal(tmp_path / "poison"), quarantine(tmp_path)

        async with running_pool(aside=aside) as pool:
            asked = [asyncio.create_task(pool.run(job(poison.path, tmp_path / "never"))) for _ in range(2)]
            for _ in range(2):
                await poison.reached()
                await poison.kill_reader()
            failures = await asyncio.gather(*asked, return_exceptions=True)

        found = aside.find("poison")
        assert found is not None
        assert found.harms == (Harm.CRASH, Harm.CRASH)
        assert [type(failure) for failure in failures] == [Quarantined] * 2

    async def test_a_time_out_is_counted(self, tmp_path: Path) -> None:
        held, aside = HeldOriginal(tmp_path / "held"), quarantine(tmp_path)

        async with running_pool(deadline=2, aside=aside) as pool:
            for _ in range(2):
                with pytest.raises(RenderTimeout):
                    await pool.run(job(held.path, tmp_path / "never"))

        found = aside.find("held")
        assert found is not None
        assert found.harms == (Harm.TIMEOUT, Harm.TIMEOUT)

    async def test_what_was_to_take_long_is_not_the_originals_fault(self, tmp_path: Path) -> None:
        """Else anybody could have any original set aside, by asking for what is dear to make of it."""
        held, aside = HeldOriginal(tmp_path / "held"), quarantine(tmp_path)
        info = ImageInfo(format=Format.JPEG, size=Size(8000, 6000))
        plan = make_plan(original_of(info), Transform(format=Format.AVIF), defaults=Defaults(), limits=Limits())
        dear = Render(path=str(held.path), info=info, plan=plan, output=str(tmp_path / "never"))

        async with running_pool(deadline=2, aside=aside) as pool:
            for _ in range(2):
                with pytest.raises(RenderTimeout):
                    await pool.run(dear)

        assert aside.find("held") is None

    async def test_workers_that_died_idle_are_nobodys_fault(self, whole: Path, tmp_path: Path) -> None:
        aside = quarantine(tmp_path)

        async with running_pool(aside=aside) as pool:
            for name in "abc":
                await pool.run(job(whole, tmp_path / name))
                (pid,) = worker_pids()
                os.kill(pid, signal.SIGKILL)
                assert await is_gone(pid)
            result = await pool.run(job(whole, tmp_path / "d"))

        assert isinstance(result, Written)
        assert not (tmp_path / "quarantine" / whole.name).exists()

    async def test_workers_that_cannot_start_are_nobodys_fault(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when the machine has no memory left: else every original that is asked for meanwhile were set aside."""
        aside = quarantine(tmp_path)
        monkeypatch.setenv("PYTHONHOME", str(tmp_path))

        async with running_pool(aside=aside) as pool:
            with pytest.raises(RenderCrashed):
                await pool.run(job(whole, tmp_path / "never"))

        assert not (tmp_path / "quarantine" / whole.name).exists()

    async def test_what_is_under_way_at_the_end_is_not_blamed(self, tmp_path: Path) -> None:
        """Who leaves ends all workers; nothing is begun any more, whoever waited for one."""
        held, aside = HeldOriginal(tmp_path / "held"), quarantine(tmp_path)

        async with running_pool(aside=aside) as pool:
            asked = [asyncio.create_task(pool.run(job(held.path, tmp_path / "never"))) for _ in range(3)]
            await held.reached()
        with anyio.fail_after(5):
            failures = await asyncio.gather(*asked, return_exceptions=True)

        assert [str(failure) for failure in failures] == ["The renderer is being stopped."] * 3
        assert worker_pids() == []
        assert not (tmp_path / "quarantine" / "held").exists()

    @pytest.mark.parametrize("harm", Harm)
    def test_uploads_and_crowds_are_not_blamed(self, whole: Path, tmp_path: Path, harm: Harm) -> None:
        """An upload is no original yet; of several renditions each is tried alone next, and then it is seen."""
        one = job(whole, tmp_path / "a")

        def blamed(what: Job) -> bool:
            return speaks_against(what, harm, deadline=30)

        assert not blamed(Probe(str(whole), Format.JPEG, Limits()))
        assert not blamed(RenderSiblings(path=one.path, renders=[one, one]))
        assert blamed(RenderSiblings(path=one.path, renders=[one]))
        assert blamed(one)
        assert blamed(Build(path=one.path, info=INFO, outputs=[])) is (harm is Harm.CRASH)


def quarantine(folder: Path) -> Quarantine:
    return Quarantine(folder / "quarantine", now=lambda: datetime.now(UTC))


async def test_idle_workers_that_died_cost_no_job(whole: Path, tmp_path: Path) -> None:
    """All of them, as when the machine ran out of memory."""
    async with running_pool(workers=2) as pool:
        await asyncio.gather(*(pool.run(job(whole, tmp_path / name)) for name in "ab"))
        dead = worker_pids()
        assert len(dead) == 2
        for pid in dead:
            os.kill(pid, signal.SIGKILL)

        results = await asyncio.gather(*(pool.run(job(whole, tmp_path / name)) for name in "cdef"))

        assert [type(result) for result in results] == [Written] * 4


async def test_a_job_given_up_does_not_answer_for_the_next(tmp_path: Path) -> None:
    """Cancelled half-way; the same worker's late answer would be another picture's."""
    held = HeldOriginal(tmp_path / "held")
    (tmp_path / "small.jpg").write_bytes(jpeg(20, 10))

    async with running_pool() as pool:
        given_up = asyncio.create_task(pool.run(job(held.path, tmp_path / "never")))
        await held.reached()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        held.drop()
        result = await pool.run(Probe(str(tmp_path / "small.jpg"), Format.JPEG, Limits()))

    assert isinstance(result, Probed)
    assert result.info.size == Size(20, 10)


async def test_a_job_given_up_while_it_waits_costs_nothing(tmp_path: Path, whole: Path) -> None:
    held = HeldOriginal(tmp_path / "held")

    async with running_pool() as pool:
        first = asyncio.create_task(pool.run(job(held.path, tmp_path / "out")))
        await held.reached()
        waiting = asyncio.create_task(pool.run(job(whole, tmp_path / "never")))
        await anyio.wait_all_tasks_blocked()
        waiting.cancel()
        held.release(DATA)

        assert isinstance(await first, Written)
        assert not (tmp_path / "never").exists()
        await assert_works(pool, whole, tmp_path)


async def test_a_job_that_needs_too_much_memory_is_a_typed_failure(whole: Path, tmp_path: Path) -> None:
    """And no other job feels it. 36 MP, turned, are 108 MB of pixels beside the decoder's own."""
    large = tmp_path / "large.png"
    pyvips.Image.black(6000, 6000, bands=3).copy(interpretation="srgb").pngsave(str(large), compression=1)
    info = ImageInfo(format=Format.PNG, size=Size(6000, 6000), orientation=Orientation.ROTATED_90)
    plan = make_plan(original_of(info), Transform(format=Format.BMP), defaults=Defaults(), limits=Limits())

    async with running_pool(settings=WorkerSettings(memory=256 << 20)) as pool:
        try:
            result: Result | RenderCrashed = await pool.run(job(large, tmp_path / "never", plan))
        except RenderCrashed as error:
            result = error

        assert isinstance(result, RenderCrashed | Failed)
        assert not (tmp_path / "never").exists()
        await assert_works(pool, whole, tmp_path)


async def test_too_little_memory_is_told_as_a_failure_of_this_picture(tmp_path: Path) -> None:
    """libvips does not tell a failed allocation from a broken file, so the sentence names both."""
    large = tmp_path / "large.png"
    pyvips.Image.black(6000, 6000, bands=3).copy(interpretation="srgb").pngsave(str(large), compression=1)
    info = ImageInfo(format=Format.PNG, size=Size(6000, 6000), orientation=Orientation.ROTATED_90)
    plan = make_plan(original_of(info), Transform(format=Format.BMP), defaults=Defaults(), limits=Limits())

    async with running_pool(settings=WorkerSettings(memory=256 << 20)) as pool:
        try:
            result = await pool.run(job(large, tmp_path / "never", plan))
        except RenderCrashed:
            return

    assert isinstance(result, Failed)
    assert "memory" in result.detail


async def test_a_thin_drawing_made_square_is_done_before_the_deadline(tmp_path: Path) -> None:
    """It is not drawn as wide as it is to become high first: that took a minute and a half."""
    thin = tmp_path / "thin.svg"
    thin.write_bytes(svg(1000, 5))
    info = ImageInfo(format=Format.SVG, size=Size(1000, 5), has_alpha=True)
    square = Transform(width=4000, height=4000, fit=Fit.FILL, format=Format.JPEG)
    plan = make_plan(original_of(info), square, defaults=Defaults(), limits=Limits())

    async with running_pool(deadline=30) as pool:
        result = await pool.run(job(thin, tmp_path / "square.jpg", plan))

    assert isinstance(result, Written)
    found = corners(decode((tmp_path / "square.jpg").read_bytes()))
    assert all(map(close_to, found, COLOURS))


async def test_avif_originals_can_be_refused(tmp_path: Path, whole: Path) -> None:
    (tmp_path / "picture.avif").write_bytes(avif())

    async with running_pool(settings=WorkerSettings(avif_input=False)) as pool:
        result = await pool.run(Probe(str(tmp_path / "picture.avif"), Format.AVIF, Limits()))
        await assert_works(pool, whole, tmp_path)

    assert isinstance(result, Failed)


async def test_leaving_ends_the_workers(whole: Path, tmp_path: Path) -> None:
    async with running_pool(workers=2) as pool:
        await asyncio.gather(*(pool.run(job(whole, tmp_path / name)) for name in "ab"))
        pids = worker_pids()

    assert len(pids) == 2
    for pid in pids:
        assert await is_gone(pid)


async def test_a_pool_of_ones_own_probes(whole: Path) -> None:
    """For commands without a broker."""
    async with running_pool() as pool:
        prober = PoolProber(pool, Limits())

        assert await prober.probe(whole, Format.JPEG) == INFO
        with pytest.raises(TooManyPixels):
            await PoolProber(pool, Limits(pixels=5)).probe(whole, Format.JPEG)


async def test_the_steps_are_those_of_this_process(whole: Path, tmp_path: Path) -> None:
    plan = make_plan(original_of(INFO), Transform(width=100, format=Format.PNG), defaults=Defaults(), limits=Limits())

    async with running_pool() as pool:
        await pool.run(job(whole, tmp_path / "out", plan))

    image = decode((tmp_path / "out").read_bytes())
    assert (image.width, image.height) == (100, 75)


async def assert_has_all_workers(pool: Pool, tmp_path: Path) -> None:
    """Both of two, and both lanes: a long job and a short one are worked at together, and then it is quiet."""
    held = [HeldOriginal(tmp_path / f"held {lane.value}") for lane in Lane]
    both = [
        asyncio.create_task(pool.run(job(one.path, tmp_path / f"out {lane.value}"), lane=lane))
        for one, lane in zip(held, Lane, strict=True)
    ]
    for one in held:
        await one.reached()
    for one in held:
        one.release(DATA)
    assert [type(result) for result in await asyncio.gather(*both)] == [Written] * 2
    with anyio.fail_after(5):
        await pool.wait_until_quiet()


async def _collect(pool: Pool, job: Render, results: list[Result]) -> None:
    results.append(await pool.run(job))


async def test_who_gives_up_as_a_worker_becomes_free_takes_none_along(whole: Path, tmp_path: Path) -> None:
    """Cancelled and released in one turn of the loop, before whoever waited has run again."""
    async with running_pool(workers=1) as pool:
        worker = await pool._acquire(Lane.SHORT)  # pyright: ignore[reportPrivateUsage]
        waiting = asyncio.create_task(pool._acquire(Lane.LONG))  # pyright: ignore[reportPrivateUsage]
        await anyio.wait_all_tasks_blocked()

        waiting.cancel()
        pool._release(worker, Lane.SHORT)  # pyright: ignore[reportPrivateUsage]

        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert isinstance(await pool.run(job(whole, tmp_path / "out"), lane=Lane.LONG), Written)
