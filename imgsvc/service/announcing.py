"""Caches in front, told of every change and every purge, in order, until they have taken it.

At least once: who dies after a call and before it is noted has it made again by whoever comes next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from imgsvc.catalog.base import Purges
from imgsvc.core.errors import OriginFailure
from imgsvc.core.purges import MOST_TAGS, Announcement, HookAddress, HookState
from imgsvc.origin.hooks import Told

_log = structlog.get_logger(__name__)

_AT_ONCE = 100
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_GIVEN_UP_AFTER = timedelta(days=1)


class Listener(Protocol):
    """A hook."""

    @property
    def address(self) -> HookAddress: ...

    async def tell(self, told: Told) -> None:
        """Raises OriginFailure."""
        ...


class Announcer:
    """Of one hook, so that no hook waits for another. `observe` is told each call's outcome."""

    def __init__(
        self,
        *,
        purges: Purges,
        hook: Listener,
        observe: Callable[[str, str], None],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._purges = purges
        self._hook = hook
        self._observe = observe
        self._now = now
        self._sleep = sleep
        self._pause = _FIRST_PAUSE

    async def tell_all(self) -> None:
        """Until there is nothing left to tell. Raises StoreFailure."""
        address = self._hook.address.url
        while True:
            state = (await self._purges.hooks()).get(address, HookState(0, ""))
            left = await self._purges.announcements(after=state.told, limit=_AT_ONCE)
            if not left:
                return
            batch = _first_alike(left)
            last = batch[-1].serial
            failure = await self._call(batch)
            if failure is None:
                self._pause = _FIRST_PAUSE
                await self._purges.note(address, HookState(last, ""))
            elif batch[0].created < self._now() - _GIVEN_UP_AFTER:
                self._say("given-up", failure)
                await self._purges.note(address, HookState(last, failure))
            else:
                self._say("failed", failure)
                await self._purges.note(address, HookState(state.told, failure))
                await self._sleep(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _call(self, batch: Sequence[Announcement]) -> str | None:
        """Why it did not succeed, or None where it did."""
        tags = dict.fromkeys(tag for one in batch for tag in one.tags)
        told = Told(id=batch[-1].serial, instance=batch[0].instance, tags=list(tags), soft=batch[0].soft)
        try:
            await self._hook.tell(told)
        except OriginFailure as error:
            return error.detail
        self._observe(self._hook.address.kind, "told")
        return None

    def _say(self, outcome: str, failure: str) -> None:
        self._observe(self._hook.address.kind, outcome)
        _log.warning("hook.failed", hook=self._hook.address.label, outcome=outcome, detail=failure)


def _first_alike(announcements: Sequence[Announcement]) -> Sequence[Announcement]:
    """As many as one call can carry."""
    first = announcements[0]
    number = 0
    for at, one in enumerate(announcements):
        number += len(one.tags)
        if (one.instance, one.soft) != (first.instance, first.soft) or number > MOST_TAGS:
            return announcements[: max(at, 1)]
    return announcements
