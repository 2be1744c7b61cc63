"""The broker process: a pool of workers, the cache of derivatives, and the socket they are asked on."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import structlog

from imgsvc.app.parts import broker_socket, derivatives_folder, open_quarantine, overflow_folder, pyramids_folder
from imgsvc.coordination.one_host import OneHost
from imgsvc.render.allowances import Allowances
from imgsvc.render.aside import Aside
from imgsvc.render.broker import Broker
from imgsvc.render.pool import Pool
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.queue import Queue
from imgsvc.render.worker_settings import WorkerSettings
from imgsvc.settings import Settings
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.overflow import Overflow
from imgsvc.storage.upkeep import keep_in_order
from imgsvc.telemetry import Metrics

_log = structlog.get_logger(__name__)

_DERIVATIVES = "derivatives"
_PYRAMIDS = "pyramids"

_LONGEST = 4.0
"""Of the render deadline, which is the queue's patience, too: a pyramid and a rendition, each after waiting."""


async def run_broker(settings: Settings, metrics: Metrics) -> None:
    """Until SIGTERM. Renders under way are lost, and asked for again by whoever waits for them."""
    quarantine = open_quarantine(settings, observe=metrics.set_aside)
    coordinator = OneHost(seconds=settings.render_deadline * _LONGEST)
    with _open_overflow(settings) as overflow, ExitStack() as opened:
        cache = opened.enter_context(closing(_open_cache(settings, metrics, overflow)))
        levels = _open_pyramids(settings, metrics)
        if levels is not None:
            opened.enter_context(closing(levels))
        async with make_pool(settings, aside=quarantine) as pool:
            queue = Queue(pool, bound=settings.render_queue, patience=settings.render_deadline)
            pyramids = levels and Pyramids(
                queue=queue,
                cache=levels,
                coordinator=coordinator,
                aside=quarantine,
                observe=metrics.pyramid_built,
            )
            broker = Broker(
                queue=queue,
                cache=cache,
                pyramids=pyramids,
                coordinator=coordinator,
                aside=quarantine,
                allowances=Allowances(settings.client_renders, at_once=settings.client_renders_at_once),
                observe=metrics.rendered,
            )
            serving = asyncio.create_task(_serve(broker, broker_socket(settings), cache, levels, metrics))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await serving


async def _serve(
    broker: Broker, socket: Path, cache: DerivativeCache, levels: DerivativeCache | None, metrics: Metrics
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.serve(socket))
        tasks.create_task(keep_in_order(cache, measured=partial(metrics.cache_measured, _DERIVATIVES)))
        if levels is not None:
            tasks.create_task(keep_in_order(levels, measured=partial(metrics.cache_measured, _PYRAMIDS)))


@contextmanager
def _open_overflow(settings: Settings) -> Generator[Overflow | None]:
    """None where there is no place for it: renders fail while the cache's folder does."""
    try:
        overflow = Overflow(overflow_folder(settings))
    except OSError as error:
        _log.warning("overflow.unusable", error=str(error))
        yield None
        return
    with closing(overflow):
        yield overflow


def _open_cache(settings: Settings, metrics: Metrics, overflow: Overflow | None) -> DerivativeCache:
    return DerivativeCache(
        derivatives_folder(settings),
        budget=settings.cache_bytes,
        overflow=overflow,
        observe=partial(metrics.cache_noticed, _DERIVATIVES),
    )


def _open_pyramids(settings: Settings, metrics: Metrics) -> DerivativeCache | None:
    """None where there are to be none; those of earlier times go."""
    folder = pyramids_folder(settings)
    if settings.pyramid_bytes:
        observe = partial(metrics.cache_noticed, _PYRAMIDS)
        return DerivativeCache(folder, budget=settings.pyramid_bytes, observe=observe)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def make_pool(settings: Settings, *, workers: int | None = None, aside: Aside | None = None) -> Pool:
    return Pool(
        workers=workers or settings.render_workers,
        deadline=settings.render_deadline,
        aside=aside,
        settings=WorkerSettings(memory=settings.render_memory, avif_input=settings.avif_input),
    )
