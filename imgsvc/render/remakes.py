"""Derivatives that were purged softly, made again once somebody asks for them, while what is there is answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from cachetools import LRUCache

from imgsvc.core.errors import ImgsvcError, Overloaded
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.render.messages import Wanted
from imgsvc.render.queue import Queue
from imgsvc.render.stored import Cache

_log = structlog.get_logger(__name__)

_EXPECTED = 10_000
"""That may wait; one more is expected when it is asked for again."""

_FAILED = 10_000
_FAILED_SECONDS = 60.0
"""After which it is tried again, if it is asked for: an original that is not there now may be there then."""


class Remakes:
    """`remake` gives the derivative of the wanted key, or another where that cannot be made for now."""

    def __init__(self, *, queue: Queue, cache: Cache, remake: Callable[[Wanted], Awaitable[Derivative]]) -> None:
        self._queue = queue
        self._cache = cache
        self._remake = remake
        self._expected: dict[VariantKey, Wanted] = {}
        self._is_any_expected = asyncio.Event()
        self._failed: LRUCache[VariantKey, float] = LRUCache(_FAILED)

    def expect(self, wanted: Wanted) -> None:
        """It is made before long, once however often this is asked for, when there is nothing else to do."""
        if len(self._expected) < _EXPECTED and time.monotonic() >= self._failed.get(wanted.key, 0.0):
            self._expected.setdefault(wanted.key, wanted)
            self._is_any_expected.set()

    async def make_expected(self) -> None:
        """For ever. One at a time, so that a worker is left to who comes meanwhile."""
        while True:
            # Thousands may be there that need not be made, and each look blocks briefly.
            await asyncio.sleep(0)
            await self._is_any_expected.wait()
            await self._queue.wait_until_quiet()
            wanted = next(iter(self._expected.values()), None)
            if wanted is None:
                self._is_any_expected.clear()
                continue
            # It may be gone by now, or made again by who found it damaged.
            if self._is_stale(wanted.key):
                await self._make(wanted)
            del self._expected[wanted.key]

    async def _make(self, wanted: Wanted) -> None:
        """What fails leaves what is there as it is."""
        try:
            derivative = await self._remake(wanted)
        except Overloaded:
            # Others need the workers; who asks next brings it back.
            return
        except ImgsvcError as error:
            outcome = type(error).__name__
        except Exception:
            _log.exception("remake.failed", key=wanted.key)
            outcome = "failed"
        else:
            outcome = "made" if derivative.key == wanted.key else "provisional"
        if outcome != "made":
            self._failed[wanted.key] = time.monotonic() + _FAILED_SECONDS
        _log.info("remake", key=wanted.key, outcome=outcome)

    def _is_stale(self, key: VariantKey) -> bool:
        found = self._cache.find(key)
        return found is not None and found.stale
