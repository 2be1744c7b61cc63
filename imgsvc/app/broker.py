"""The broker process: a pool of workers, the cache of derivatives, and the socket they are asked on."""

import asyncio
import contextlib
import shutil
import signal

from imgsvc.app.parts import broker_socket, derivatives_folder, pyramids_folder
from imgsvc.render.broker import Broker
from imgsvc.render.pool import Pool
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.queue import Queue
from imgsvc.render.worker_settings import WorkerSettings
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeCache
from imgsvc.telemetry import Metrics


async def run_broker(settings: Settings, metrics: Metrics) -> None:
    """Until SIGTERM. Renders under way are lost, and asked for again by whoever waits for them."""
    cache = DerivativeCache(derivatives_folder(settings), budget=settings.cache_bytes)
    levels = _open_pyramids(settings)
    try:
        async with make_pool(settings) as pool:
            queue = Queue(pool, bound=settings.render_queue, patience=settings.render_deadline)
            pyramids = levels and Pyramids(queue=queue, cache=levels, observe=metrics.pyramid_built)
            broker = Broker(queue=queue, cache=cache, pyramids=pyramids, observe=metrics.rendered)
            serving = asyncio.create_task(broker.serve(broker_socket(settings)))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await serving
    finally:
        cache.close()
        if levels is not None:
            levels.close()


def _open_pyramids(settings: Settings) -> DerivativeCache | None:
    """None where there are to be none; those of earlier times go."""
    folder = pyramids_folder(settings)
    if settings.pyramid_bytes:
        return DerivativeCache(folder, budget=settings.pyramid_bytes)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def make_pool(settings: Settings, *, workers: int | None = None) -> Pool:
    return Pool(
        workers=workers or settings.render_workers,
        deadline=settings.render_deadline,
        settings=WorkerSettings(memory=settings.render_memory, avif_input=settings.avif_input),
    )
