"""The one queue before the workers: bounded in length and in patience, and it knows how long it is in seconds."""

import time
from collections.abc import Callable
from math import ceil

from imgsvc.core.errors import Overloaded
from imgsvc.render.messages import Failed, Job, Result, error_from_failed
from imgsvc.render.pool import Lane, Pool, WaitedTooLong

LONG_SECONDS = 1.0
"""A job that may take that long leaves the last worker to others."""

_STEADINESS = 16
"""Over about how many jobs the pace of this machine is averaged."""


class Queue:
    """`bound`: how many jobs may wait or run at once. `patience`: seconds one may wait."""

    def __init__(self, pool: Pool, *, bound: int, patience: float) -> None:
        self._pool = pool
        self._bound = bound
        self._patience = patience
        self._jobs = 0
        self._seconds = 0.0
        self._estimated = 1.0
        self._taken = 1.0

    def refuse_when_full(self, *, asked: int = 0) -> None:
        """`asked`: questions under way, of which some wait for one another's jobs. Raises Overloaded."""
        if max(self._jobs, asked) >= self._bound:
            raise self._overloaded()

    async def run(self, job: Job, *, seconds: float, begun: Callable[[], None] = lambda: None) -> Result:
        """`seconds` it may take, as estimated. `begun` is told when it waits no longer. Never Failed: that is raised.

        Raises Overloaded, RenderTimeout, RenderCrashed, and what failed.
        """
        times: list[float] = []

        def begin() -> None:
            times.append(time.monotonic())
            begun()

        lane = Lane.LONG if seconds >= LONG_SECONDS else Lane.SHORT
        self._jobs += 1
        self._seconds += seconds
        try:
            result = await self._pool.run(job, lane=lane, patience=self._patience, begun=begin)
        except WaitedTooLong:
            raise self._overloaded() from None
        finally:
            self._jobs -= 1
            self._seconds -= seconds
        self._estimated += (seconds - self._estimated) / _STEADINESS
        self._taken += (time.monotonic() - times[-1] - self._taken) / _STEADINESS
        if isinstance(result, Failed):
            raise error_from_failed(result)
        return result

    async def wait_until_quiet(self) -> None:
        """Until a worker is idle and nobody waits for one."""
        await self._pool.wait_until_quiet()

    def _overloaded(self) -> Overloaded:
        """Told to come back when what is in the queue now will be done."""
        pace = self._taken / self._estimated
        seconds = self._seconds * pace / self._pool.workers
        return Overloaded("Too many pictures are being rendered.", retry_after=max(1, ceil(seconds)))
