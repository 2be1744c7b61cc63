"""Pyramids: built once however many wait, in a quiet moment where nobody does, and never kept of what was freed."""

import asyncio
import sqlite3
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from imgsvc.coordination.one_host import OneHost
from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import Overloaded
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.harm import Harm
from imgsvc.core.pyramid import levels_of
from imgsvc.render.messages import Render, Result
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.queue import Queue
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.quarantine import Quarantine
from tests.originals import decode, jpeg, png, truncated
from tests.render.darkroom import PATIENCE, HeldOriginal, running_pool, until
from tests.render.desks import DATA, INFO, stripping

pytestmark = pytest.mark.anyio

LARGE = jpeg(1600, 1200)
"""Fits into a pipe; its levels are of 800 x 600 and 400 x 300 px."""

LARGE_INFO = ImageInfo(format=Format.JPEG, size=Size(1600, 1200))
LEVELS = levels_of(LARGE_INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`observed`: outcome of each building in the order of their ends. `folder`: the levels'."""

    pyramids: Pyramids
    queue: Queue
    cache: DerivativeCache
    aside: Quarantine
    folder: Path
    observed: list[str] = field(default_factory=list[str])

    def has(self, path: Path) -> bool:
        return all(self.pyramids.find(path, level) is not None for level in LEVELS)

    def stored(self) -> list[Path]:
        return list(self.folder.glob("??/??/*"))

    async def has_observed(self, count: int) -> None:
        async def observed() -> bool:
            return len(self.observed) >= count

        await until(observed)

    def occupy(self, held: HeldOriginal) -> asyncio.Task[Result]:
        """A worker, until the test lets the bytes come."""
        job = Render(path=str(held.path), info=INFO, plan=stripping(), output=f"{held.path}.out")
        return asyncio.create_task(self.queue.run(job, seconds=0.1))


@asynccontextmanager
async def open_bench(
    folder: Path, *, patience: float = PATIENCE, budget: int = 1 << 30, in_quiet_moments: bool = False
) -> AsyncGenerator[Bench]:
    """With one worker. `in_quiet_moments`: what is expected is built."""
    observed: list[str] = []
    with closing(DerivativeCache(folder, budget=budget)) as cache:
        async with running_pool() as pool:
            queue = Queue(pool, bound=50, patience=patience)

            def observe(outcome: str, seconds: float) -> None:
                observed.append(outcome)

            aside = Quarantine(folder.with_name("quarantine"), now=lambda: datetime.now(UTC))
            pyramids = Pyramids(
                queue=queue, cache=cache, coordinator=OneHost(seconds=PATIENCE), aside=aside, observe=observe
            )
            bench = Bench(pyramids=pyramids, queue=queue, cache=cache, aside=aside, folder=folder, observed=observed)
            if not in_quiet_moments:
                yield bench
                return
            async with building_expected(pyramids):
                yield bench


@asynccontextmanager
async def building_expected(pyramids: Pyramids) -> AsyncGenerator[asyncio.Task[None]]:
    building = asyncio.create_task(pyramids.build_expected())
    try:
        yield building
    finally:
        building.cancel()
        await asyncio.wait([building])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pyramids"


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return original(tmp_path, "whole")


@pytest.fixture
def held(tmp_path: Path) -> HeldOriginal:
    return HeldOriginal(tmp_path / "held")


def original(folder: Path, name: str, data: bytes = LARGE) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def test_every_level_is_stored(folder: Path, whole: Path) -> None:
    """At half the original's sides, a quarter and so on, each vouched for by its checksum."""
    async with open_bench(folder) as bench:
        assert not bench.has(whole)
        await bench.pyramids.build(whole, LARGE_INFO)

        found = [bench.pyramids.find(whole, level) for level in LEVELS]
    pictures = [decode(Path(one.path).read_bytes()) for one in found if one is not None]
    assert [(picture.width, picture.height) for picture in pictures] == [(800, 600), (400, 300)]
    assert [one and (one.scale, one.format) for one in found] == [(2, Format.JPEG), (4, Format.JPEG)]
    assert [one and one.crc32 for one in found] == [one and zlib.crc32(Path(one.path).read_bytes()) for one in found]
    assert bench.observed == ["built"]


async def test_a_pyramid_is_known_by_its_originals_name(folder: Path, whole: Path, tmp_path: Path) -> None:
    """Wherever that lies; another original has none of it."""
    async with open_bench(folder) as bench:
        await bench.pyramids.build(whole, LARGE_INFO)

        assert bench.has(tmp_path / "elsewhere" / "whole")
        assert bench.pyramids.find(tmp_path / "other", LEVELS[0]) is None


async def test_it_is_built_once_however_many_wait(folder: Path, held: HeldOriginal) -> None:
    """Those who come while it is being built wait for the same."""
    async with open_bench(folder) as bench:
        waiting = [asyncio.create_task(bench.pyramids.build(held.path, LARGE_INFO)) for _ in range(10)]
        await held.reached()
        waiting += [asyncio.create_task(bench.pyramids.build(held.path, LARGE_INFO)) for _ in range(10)]
        await anyio.wait_all_tasks_blocked()
        held.release(LARGE)
        await asyncio.gather(*waiting)

        assert bench.has(held.path)
    assert bench.observed == ["built"]


async def test_who_goes_away_does_not_end_it_for_the_others(folder: Path, held: HeldOriginal) -> None:
    async with open_bench(folder) as bench:
        leaving, staying = [asyncio.create_task(bench.pyramids.build(held.path, LARGE_INFO)) for _ in range(2)]
        await held.reached()
        leaving.cancel()
        await asyncio.wait([leaving])
        held.release(LARGE)
        await staying

        assert bench.has(held.path)
    assert bench.observed == ["built"]


async def test_what_cannot_be_built_is_not_tried_again(folder: Path, tmp_path: Path) -> None:
    """It would cost a decode each time somebody asks; whoever waits for it learns that it did not come to be."""
    broken = original(tmp_path, "broken", truncated(LARGE))

    async with open_bench(folder) as bench:
        for _ in range(3):
            await bench.pyramids.build(broken, LARGE_INFO)

        assert bench.stored() == []
    assert bench.observed == ["CorruptOriginal"]


async def test_of_an_original_that_is_set_aside_none_is_built(folder: Path, whole: Path) -> None:
    """Not until it is released."""
    async with open_bench(folder) as bench:
        for harm in (Harm.CRASH, Harm.TIMEOUT):
            bench.aside.strike(whole.name, harm)
        await bench.pyramids.build(whole, LARGE_INFO)
        while_aside = bench.has(whole), list(bench.observed)
        bench.aside.release(whole.name)
        await bench.pyramids.build(whole, LARGE_INFO)

        assert while_aside == (False, [])
        assert bench.has(whole)


async def test_what_no_worker_had_time_for_is_tried_again(folder: Path, whole: Path, held: HeldOriginal) -> None:
    """That says nothing of the original."""
    async with open_bench(folder, patience=0.2) as bench:
        occupied = bench.occupy(held)
        await held.reached()
        with pytest.raises(Overloaded):
            await bench.pyramids.build(whole, LARGE_INFO)
        held.release(DATA)
        await occupied
        await bench.pyramids.build(whole, LARGE_INFO)

        assert bench.has(whole)
    assert bench.observed == ["Overloaded", "built"]


async def test_what_could_not_be_stored_is_tried_again(folder: Path, whole: Path) -> None:
    """A disk that was full for a moment says nothing of the original either."""
    async with open_bench(folder) as bench:
        (folder / "scratch").rmdir()
        await bench.pyramids.build(whole, LARGE_INFO)
        await bench.pyramids.build(whole, LARGE_INFO)

        assert bench.has(whole)
    assert bench.observed == ["StoreFailure", "built"]


async def test_nothing_is_kept_of_an_original_that_was_freed_meanwhile(folder: Path, held: HeldOriginal) -> None:
    """Nobody would ever discard it."""
    async with open_bench(folder) as bench:
        building = asyncio.create_task(bench.pyramids.build(held.path, LARGE_INFO))
        await held.reached()
        held.path.unlink()
        bench.pyramids.discard(held.path)
        held.release(LARGE)
        await building

        assert not bench.has(held.path)
        assert bench.stored() == []
        assert bench.cache.length == 0


async def test_an_original_that_was_freed_and_taken_in_again_has_its_pyramid(
    folder: Path, tmp_path: Path, held: HeldOriginal
) -> None:
    """Its name is its digest's, so the same bytes come back under the same name: that they were gone is no mark."""
    async with open_bench(folder) as bench:
        occupied = bench.occupy(held)
        await held.reached()
        path = original(tmp_path, "back")
        building = asyncio.create_task(bench.pyramids.build(path, LARGE_INFO))
        await anyio.wait_all_tasks_blocked()
        path.unlink()
        bench.pyramids.discard(path)
        held.release(DATA)
        await occupied
        await building

        await bench.pyramids.build(original(tmp_path, "back"), LARGE_INFO)

        assert bench.has(path)


async def test_what_is_discarded_is_gone_and_built_again(folder: Path, whole: Path, tmp_path: Path) -> None:
    """All its levels' files; another's stay."""
    other = original(tmp_path, "other")
    async with open_bench(folder) as bench:
        await bench.pyramids.build(whole, LARGE_INFO)
        await bench.pyramids.build(other, LARGE_INFO)

        bench.pyramids.discard(whole)
        left = len(bench.stored())
        found = [bench.has(path) for path in (whole, other)]
        await bench.pyramids.build(whole, LARGE_INFO)

        assert bench.has(whole)
    assert (left, found) == (len(LEVELS), [False, True])


async def test_no_scratch_file_stays(folder: Path, whole: Path, tmp_path: Path) -> None:
    """Neither of what was built nor of what failed."""
    broken = original(tmp_path, "broken", truncated(LARGE))
    async with open_bench(folder) as bench:
        await bench.pyramids.build(whole, LARGE_INFO)
        await bench.pyramids.build(broken, LARGE_INFO)

        assert list((folder / "scratch").iterdir()) == []


async def test_what_has_alpha_loses_none_of_it(folder: Path, tmp_path: Path) -> None:
    """Levels of what was lossless are lossless."""
    path = original(tmp_path, "clear", png(1600, 1200, alpha=True))
    info = ImageInfo(format=Format.PNG, size=Size(1600, 1200), has_alpha=True)
    async with open_bench(folder) as bench:
        await bench.pyramids.build(path, info)

        found = [bench.pyramids.find(path, level) for level in levels_of(info)]
    assert [one and one.format for one in found] == [Format.PNG] * 2
    assert all(one is not None and decode(Path(one.path).read_bytes()).bands == 4 for one in found)


class TestExpected:
    async def test_it_is_built_when_there_is_nothing_else_to_do(
        self, folder: Path, whole: Path, held: HeldOriginal
    ) -> None:
        """Not while a worker is wanted for something else."""
        async with open_bench(folder, in_quiet_moments=True) as bench:
            occupied = bench.occupy(held)
            await held.reached()
            bench.pyramids.expect(whole, LARGE_INFO)
            await anyio.wait_all_tasks_blocked()
            before = list(bench.observed)
            held.release(DATA)
            await occupied
            await bench.has_observed(1)

            assert bench.has(whole)
        assert (before, bench.observed) == ([], ["built"])

    async def test_what_is_there_already_is_not_built_again(self, folder: Path, whole: Path, tmp_path: Path) -> None:
        """Nor what is expected twice."""
        other = original(tmp_path, "other")
        async with open_bench(folder) as bench:
            await bench.pyramids.build(whole, LARGE_INFO)
            for path in (whole, other, whole, other):
                bench.pyramids.expect(path, LARGE_INFO)
            async with building_expected(bench.pyramids):
                await bench.has_observed(2)
                bench.pyramids.expect(whole, LARGE_INFO)
                bench.pyramids.expect(original(tmp_path, "third"), LARGE_INFO)
                await bench.has_observed(3)

            assert bench.has(other)
        assert bench.observed == ["built"] * 3

    async def test_what_is_not_whole_is_built_again(self, folder: Path, whole: Path) -> None:
        """One level's file is gone."""
        async with open_bench(folder, in_quiet_moments=True) as bench:
            await bench.pyramids.build(whole, LARGE_INFO)
            level = bench.pyramids.find(whole, LEVELS[1])
            assert level is not None
            Path(level.path).unlink()
            bench.pyramids.expect(whole, LARGE_INFO)
            await bench.has_observed(2)

            assert bench.has(whole)

    async def test_what_has_no_levels_is_not_expected(self, folder: Path, whole: Path, tmp_path: Path) -> None:
        """A picture that is small already."""
        async with open_bench(folder, in_quiet_moments=True) as bench:
            bench.pyramids.expect(original(tmp_path, "small", DATA), INFO)
            bench.pyramids.expect(whole, LARGE_INFO)
            await bench.has_observed(1)

            assert bench.has(whole)
        assert bench.observed == ["built"]

    async def test_as_many_may_be_expected_and_no_more(self, folder: Path, whole: Path, tmp_path: Path) -> None:
        """The others are built when they are wanted."""
        late, last = original(tmp_path, "late"), original(tmp_path, "last")
        async with open_bench(folder) as bench:
            await bench.pyramids.build(whole, LARGE_INFO)
            for number in range(9_999):
                bench.pyramids.expect(tmp_path / str(number) / whole.name, LARGE_INFO)
            bench.pyramids.expect(last, LARGE_INFO)
            bench.pyramids.expect(late, LARGE_INFO)
            async with building_expected(bench.pyramids):
                await bench.has_observed(2)
                bench.pyramids.expect(original(tmp_path, "next"), LARGE_INFO)
                await bench.has_observed(3)

            assert [bench.has(path) for path in (last, late, tmp_path / "next")] == [True, False, True]

    async def test_one_that_fails_does_not_keep_the_next_from_being_built(
        self, folder: Path, whole: Path, tmp_path: Path
    ) -> None:
        async with open_bench(folder, in_quiet_moments=True) as bench:
            bench.pyramids.expect(original(tmp_path, "broken", truncated(LARGE)), LARGE_INFO)
            bench.pyramids.expect(tmp_path / "never there", LARGE_INFO)
            bench.pyramids.expect(whole, LARGE_INFO)

            async def has_whole() -> bool:
                return bench.has(whole)

            await until(has_whole)
        assert bench.observed[0] == "CorruptOriginal"

    async def test_what_was_freed_is_expected_no_more(self, folder: Path, tmp_path: Path, held: HeldOriginal) -> None:
        """Nobody tries to build it; taken in again it is expected anew."""
        async with open_bench(folder, in_quiet_moments=True) as bench:
            occupied = bench.occupy(held)
            await held.reached()
            path = original(tmp_path, "back")
            bench.pyramids.expect(path, LARGE_INFO)
            await anyio.wait_all_tasks_blocked()
            path.unlink()
            bench.pyramids.discard(path)
            held.release(DATA)
            await occupied
            await anyio.wait_all_tasks_blocked()
            before = list(bench.observed)
            bench.pyramids.expect(original(tmp_path, "back"), LARGE_INFO)
            await bench.has_observed(1)

            assert bench.has(path)
        assert (before, bench.observed) == ([], ["built"])

    async def test_a_failure_nobody_foresaw_does_not_keep_the_next_from_being_built(
        self, folder: Path, whole: Path, tmp_path: Path
    ) -> None:
        """The index cannot be written for a moment: the broker must not end of it."""
        async with open_bench(folder) as bench, building_expected(bench.pyramids) as building:
            refuse_to_enter(folder / "index.sqlite", "unlucky")
            bench.pyramids.expect(original(tmp_path, "unlucky"), LARGE_INFO)
            bench.pyramids.expect(whole, LARGE_INFO)
            await bench.has_observed(1)
            await asyncio.wait([building, asyncio.create_task(bench.has_observed(2))], return_when="FIRST_COMPLETED")

            assert not building.done()
            assert bench.has(whole)


def refuse_to_enter(index: Path, source: str) -> None:
    """What was made from that, as where the disk is full: SQLite rolls the transaction back (lang_transaction.html)."""
    with closing(sqlite3.connect(index, isolation_level=None)) as connection:
        connection.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON derivatives WHEN NEW.source = '{source}' "
            "BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        )
