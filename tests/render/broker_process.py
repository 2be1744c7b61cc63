"""A broker in a process of its own, for tests that kill it. Arguments: its socket, its cache's folder, its parent."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from imgsvc.coordination.one_host import OneHost
from imgsvc.render.allowances import Allowances
from imgsvc.render.broker import Broker
from imgsvc.render.pool import Pool
from imgsvc.render.process import die_with_parent
from imgsvc.render.queue import Queue
from imgsvc.render.worker_settings import WorkerSettings
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.quarantine import Quarantine


async def serve(socket: Path, root: Path) -> None:
    cache = DerivativeCache(root, budget=1 << 30)
    async with Pool(workers=1, deadline=30, settings=WorkerSettings()) as pool:
        queue = Queue(pool, bound=50, patience=30)
        await Broker(
            queue=queue,
            cache=cache,
            pyramids=None,
            coordinator=OneHost(seconds=120),
            aside=Quarantine(root / "quarantine", now=lambda: datetime.now(UTC)),
            allowances=Allowances(0),
            observe=_observe,
        ).serve(socket)


def _observe(outcome: str, seconds: float) -> None:
    """Nobody asks here."""


if __name__ == "__main__":
    die_with_parent(int(sys.argv[3]))
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
