"""What a server process does besides answering: each of its works goes on, whatever befalls one of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from imgsvc.app.library import Library
from imgsvc.core.errors import StoreFailure
from imgsvc.service.removal import Removal

_log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_SWEEP_SECONDS = 300.0

Work = Callable[[], Awaitable[None]]
"""For ever."""


@asynccontextmanager
async def at_work(*works: Work) -> AsyncGenerator[None]:
    """Until the context is left. One that fails is logged and begun anew: nobody would miss a task that has ended."""
    tasks = [asyncio.create_task(_keep_at(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def sweep_at_times(removal: Removal) -> None:
    """At the start what a process that died had left to do, later what was replaced or sent ahead in vain."""
    while True:
        await removal.sweep()
        await asyncio.sleep(_SWEEP_SECONDS)


async def tell_for_the_dead(library: Library) -> None:
    """Who died between a change and telling of it."""
    generation = library.generation
    while True:
        # Who cannot look now looks again.
        with contextlib.suppress(StoreFailure):
            told = generation.told
            count = await library.catalog.changes.count()
            # What was changed meanwhile is told by others.
            if not told <= count <= generation.told:
                generation.catch_up(count)
        await asyncio.sleep(_LOOK_SECONDS)


async def _keep_at(work: Work) -> None:
    while True:
        try:
            await work()
        except Exception:
            _log.exception("work.failed")
        await asyncio.sleep(_AGAIN_SECONDS)
