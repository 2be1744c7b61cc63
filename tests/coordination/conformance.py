"""What every Coordinator must do. A module inherits the class and says how two ends of one are opened."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import anyio
import pytest

from imgsvc.coordination.base import Coordinator
from imgsvc.core.errors import CorruptOriginal, RenderTimeout
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey

LONG = 30.0
"""Seconds: more than any test takes."""

Ends = list[Coordinator]
Open = Callable[[float], AbstractAsyncContextManager[Ends]]
"""Two coordinators that know of each other, or one twice, by the seconds that a making may take."""


@dataclass
class Making:
    """One that waits until it is let go. `ends` raises what it is to end with, each time it is begun the next one."""

    ends: list[BaseException | None] = field(default_factory=list[BaseException | None])
    begun: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Derivative:
        self.begun += 1
        end = self.ends.pop(0) if self.ends else None
        await self.let_go.wait()
        if end is not None:
            raise end
        return derivative(self.begun)


def derivative(number: int) -> Derivative:
    return Derivative(
        key=VariantKey(f"{number:032}"), format=Format.WEBP, length=number, crc32=number, size=Size(number, number)
    )


async def ask(ends: Ends, making: Making, count: int) -> list[asyncio.Task[Derivative]]:
    """From both ends; all wait when this returns."""
    asked = [asyncio.create_task(ends[number % 2].once("a", making)) for number in range(count)]
    await anyio.wait_all_tasks_blocked()
    return asked


class CoordinatorConformance:
    """Needs a fixture `open_ends`."""

    @pytest.fixture
    async def ends(self, open_ends: Open) -> AsyncGenerator[Ends]:
        async with open_ends(LONG) as ends:
            yield ends

    async def test_a_hundred_who_ask_at_once_are_given_what_one_makes(self, ends: Ends) -> None:
        making = Making()

        asked = await ask(ends, making, 100)
        making.let_go.set()

        assert await asyncio.gather(*asked) == [derivative(1)] * 100
        assert making.begun == 1

    async def test_different_things_are_made_side_by_side(self, ends: Ends) -> None:
        making = Making()

        asked = [asyncio.create_task(ends[0].once(name, making)) for name in "abc"]
        await anyio.wait_all_tasks_blocked()
        begun = making.begun
        making.let_go.set()
        await asyncio.gather(*asked)

        assert begun == 3

    async def test_nothing_is_kept(self, ends: Ends) -> None:
        """Who asks later looks for himself first, and makes it again."""
        making = Making()
        making.let_go.set()

        made = [await ends[number].once("a", making) for number in (0, 1)]

        assert made == [derivative(1), derivative(2)]

    async def test_what_is_under_way_is_known(self, ends: Ends) -> None:
        making = Making()

        before = ends[0].is_under_way("a")
        asked = await ask(ends, making, 1)
        meanwhile = ends[0].is_under_way("a"), ends[0].is_under_way("b")
        making.let_go.set()
        await asyncio.gather(*asked)

        assert (before, meanwhile, ends[0].is_under_way("a")) == (False, (True, False), False)

    async def test_who_goes_away_ends_it_for_nobody(self, ends: Ends) -> None:
        """Not even who asked first."""
        making = Making()

        first, *others = await ask(ends, making, 4)
        first.cancel()
        await anyio.wait_all_tasks_blocked()
        making.let_go.set()

        assert await asyncio.gather(*others) == [derivative(1)] * 3
        assert first.cancelled()

    async def test_a_failure_is_told_to_all_who_wait_and_is_not_kept(self, ends: Ends) -> None:
        """They would fare no better."""
        making = Making(ends=[CorruptOriginal("It is broken.")])

        asked = await ask(ends, making, 5)
        making.let_go.set()
        failures = await asyncio.gather(*asked, return_exceptions=True)
        afterwards = await ends[1].once("a", making)

        assert [(type(failure), str(failure)) for failure in failures] == [(CorruptOriginal, "It is broken.")] * 5
        assert afterwards == derivative(2)

    async def test_when_who_makes_it_dies_one_of_those_who_wait_takes_over(self, ends: Ends) -> None:
        """One, and all are given what that one makes; again and again, if need be."""
        making = Making(ends=[asyncio.CancelledError(), asyncio.CancelledError()])

        asked = await ask(ends, making, 5)
        making.let_go.set()

        assert await asyncio.gather(*asked) == [derivative(3)] * 5
        assert making.begun == 3

    async def test_nobody_waits_for_one_that_hangs_for_ever(self, open_ends: Open) -> None:
        """All are told, and who asks next has it made."""
        async with open_ends(0.05) as ends:
            making = Making()
            failures = await asyncio.gather(*await ask(ends, making, 3), return_exceptions=True)
            making.let_go.set()
            afterwards = await ends[1].once("a", making)

        assert [type(failure) for failure in failures] == [RenderTimeout] * 3
        assert afterwards == derivative(2)
