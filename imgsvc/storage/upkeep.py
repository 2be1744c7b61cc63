"""What a cache needs besides questions: it is opened again, held below its budget, and compared with its folder
whenever it was opened.

All of it on the event loop that asks the cache, in steps of about a millisecond with rests of the same length, so that
whoever asks hardly waits; what takes longer in threads.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from time import perf_counter

import structlog

from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.shelf import Shelf

_log = structlog.get_logger(__name__)

_PAUSE = 1.0
_STEPS = 200
"""Of tidying, between looks at everything else."""

_SHARDS = tuple(f"{number:02x}" for number in range(256))


async def keep_in_order(cache: DerivativeCache, *, measured: Callable[[int], None]) -> None:
    """For ever. `measured` is told the cache's length in bytes about every second."""
    async with asyncio.TaskGroup() as tasks:
        compared: Shelf | None = None
        while True:
            try:
                cache.mend()
                if cache.shelf is not None and cache.shelf is not compared:
                    compared = cache.shelf
                    tasks.create_task(_compare(cache, compared))
                await _step_through(islice(iter(cache.tidy, False), _STEPS))
                shelf = cache.shelf
                if shelf is not None and shelf.index.is_due():
                    await asyncio.to_thread(shelf.index.checkpoint)
                measured(cache.length)
                pause = 0.0 if cache.tidy() else _PAUSE
            except Exception:
                _log.exception("cache.upkeep_failed")
                pause = _PAUSE
            await asyncio.sleep(pause)


async def _compare(cache: DerivativeCache, shelf: Shelf) -> None:
    """With its folder, and its total with its rows: what was changed while no broker was there, or it was away.

    Until another one is opened, which is compared in its turn.
    """
    for shard in _SHARDS:
        try:
            listed = await asyncio.to_thread(shelf.listed, shard)
            if shelf is not cache.shelf:
                return
            await _step_through(shelf.compare(shard, listed))
        except sqlite3.Error as error:
            if shelf is cache.shelf:
                cache.complain(error)
        except Exception:
            _log.exception("cache.not_compared", shard=shard)
    await _count(cache, shelf)


async def _count(cache: DerivativeCache, shelf: Shelf) -> None:
    try:
        missing = await asyncio.to_thread(shelf.index.miscounted)
        if missing and shelf is cache.shelf:
            shelf.index.count_in(missing)
            _log.warning("cache.miscounted", length=missing)
    except sqlite3.Error as error:
        if shelf is cache.shelf:
            cache.complain(error)


async def _step_through(steps: Iterator[object]) -> None:
    started = perf_counter()
    for _ in steps:
        await asyncio.sleep(perf_counter() - started)
        started = perf_counter()
