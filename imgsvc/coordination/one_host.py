"""The Coordinator of one host, of which one process alone, the broker, makes anything."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from imgsvc.coordination.base import Made
from imgsvc.core.errors import RenderTimeout


class OneHost:
    """`seconds` that one making may take. Used in one event loop; when the process dies, nobody is left to be told."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[str, asyncio.Task[Any]] = {}

    def is_under_way(self, name: str) -> bool:
        return name in self._under_way

    async def once(self, name: str, make: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
        while True:
            making: asyncio.Task[Made] = self._under_way.get(name) or self._begin(name, make)
            try:
                # Who goes away must not end it for the others.
                return await asyncio.shield(making)
            except asyncio.CancelledError:
                if not making.cancelled() or _is_cancelled():
                    raise

    def _begin(self, name: str, make: Callable[[], Coroutine[Any, Any, Made]]) -> asyncio.Task[Made]:
        making = asyncio.create_task(self._make(make))
        self._under_way[name] = making

        def end(_: asyncio.Task[Made]) -> None:
            del self._under_way[name]
            if not making.cancelled():
                # Looked at, else asyncio logs what nobody waits for any more.
                making.exception()

        making.add_done_callback(end)
        return making

    async def _make(self, make: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
        try:
            async with asyncio.timeout(self._seconds):
                return await make()
        except TimeoutError:
            raise RenderTimeout(f"It was not made within {self._seconds:g} seconds.") from None


def _is_cancelled() -> bool:
    """Whoever asks this, himself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
