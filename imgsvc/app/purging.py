"""The one process of a host that carries out purges and tells caches in front, whichever server process it is."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from imgsvc.app.library import Library, utc_now
from imgsvc.core.errors import ServiceError
from imgsvc.origin.hooks import Hook
from imgsvc.render.client import BrokerClient
from imgsvc.service.announcing import Announcer
from imgsvc.service.delivery import Delivery
from imgsvc.service.purging import Purging
from imgsvc.settings import Settings
from imgsvc.telemetry import Metrics

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.1
"""At a word in memory, which tells of every change on the host."""

_LONGEST_REST = 30.0
"""Who dies between a change and its news is caught up with after that time."""

_AGAIN_SECONDS = 1.0


def purging_lock(settings: Settings) -> Path:
    """Held by who carries out purges. The kernel takes it back from the dead."""
    return settings.run / "purging.lock"


def is_purging(settings: Settings) -> bool:
    """Whether any process does."""
    settings.run.mkdir(parents=True, exist_ok=True)
    lock = os.open(purging_lock(settings), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


async def keep_purging(
    settings: Settings, library: Library, renderer: BrokerClient, delivery: Delivery, metrics: Metrics
) -> None:
    """For ever, as soon as no other process does."""
    purging = Purging(
        catalog=library.catalog,
        blobs=library.blobs,
        files=renderer,
        variant=delivery.variant,
        presets=settings.presets,
        now=utc_now,
    )
    async with _alone(purging_lock(settings)), AsyncExitStack() as stack:
        hooks = [
            await stack.enter_async_context(Hook(address, key=settings.purge_key)) for address in settings.purge_hooks
        ]
        addresses = [hook.address.url for hook in hooks]

        async def keep_hooks() -> None:
            """Without any, what is announced is forgotten."""
            await library.catalog.purges.keep_hooks(addresses)

        async def carry_out() -> None:
            while (purge := await library.catalog.purges.unfinished()) is not None:
                await purging.carry_out(purge)

        await _try(keep_hooks)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_at_every_change(carry_out, library))
            if not hooks:
                tasks.create_task(_at_every_change(keep_hooks, library))
            for hook in hooks:
                announcer = Announcer(
                    purges=library.catalog.purges, hook=hook, observe=metrics.hook_called, now=utc_now
                )
                tasks.create_task(_at_every_change(announcer.tell_all, library))


async def _at_every_change(work: Callable[[], Awaitable[None]], library: Library) -> None:
    loop = asyncio.get_running_loop()
    while True:
        seen, began = library.generation.value, loop.time()
        await _try(work)
        while library.generation.value == seen and loop.time() < began + _LONGEST_REST:
            await asyncio.sleep(_LOOK_SECONDS)


async def _try(work: Callable[[], Awaitable[None]]) -> None:
    """Until it is done: whoever it needs may be away for a while."""
    while True:
        try:
            return await work()
        except ServiceError as error:
            _log.warning("purging.failed", error=type(error).__name__, detail=error.detail)
        except Exception:
            _log.exception("purging.failed")
        await asyncio.sleep(_AGAIN_SECONDS)


@asynccontextmanager
async def _alone(path: Path) -> AsyncGenerator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _is_taken(lock):
            await asyncio.sleep(_AGAIN_SECONDS)
        yield
    finally:
        os.close(lock)


def _is_taken(lock: int) -> bool:
    """By this process."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
