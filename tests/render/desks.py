"""A broker on a socket of its own, in this process, with what it answers observed; and what to ask of it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from imgsvc.coordination.one_host import OneHost
from imgsvc.core.assets import Digest, ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan, plan_stripped_original
from imgsvc.core.transform import Transform
from imgsvc.core.variant import VariantKey, variant_key
from imgsvc.render.allowances import Allowances
from imgsvc.render.broker import Broker
from imgsvc.render.client import BrokerClient
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.queue import Queue
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.quarantine import Quarantine
from tests.originals import jpeg
from tests.render.darkroom import PATIENCE, is_listened_to, running_pool, until
from tests.strategies import original_of

DATA = jpeg()
INFO = ImageInfo(format=Format.JPEG, size=Size(400, 300))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`observed`: outcome of each render in the order of their ends."""

    socket: Path
    broker: Broker
    files: DerivativeFiles
    aside: Quarantine
    observed: list[str] = field(default_factory=list[str])

    def client(self, *, deadline: float = PATIENCE) -> BrokerClient:
        return BrokerClient(self.socket, limits=Limits(), deadline=deadline)


def key(name: str) -> VariantKey:
    return variant_key(Digest(name), stripping().canonical(), revision="1")


def stripping() -> Plan:
    """The bytes are read once and in one go, which a pipe allows."""
    return plan_stripped_original(original_of(INFO), defaults=Defaults(), limits=Limits())


def resizing(width: int) -> Plan:
    asked = Transform(width=width, format=Format.PNG)
    return make_plan(original_of(INFO), asked, defaults=Defaults(), limits=Limits())


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    workers: int = 1,
    queue_bound: int = 500,
    patience: float = PATIENCE,
    deadline: float = PATIENCE,
    pyramid_bytes: int = 1 << 30,
    client_renders: float = 0,
    client_renders_at_once: int = 0,
) -> AsyncGenerator[Desk]:
    """`folder` is a short path: a socket's has at most 107 bytes (unix(7))."""
    folder.mkdir(exist_ok=True)
    observed: list[str] = []
    with (
        closing(DerivativeCache(folder / "cache", budget=1 << 30)) as cache,
        closing(DerivativeCache(folder / "pyramids", budget=pyramid_bytes)) as levels,
    ):
        aside = Quarantine(folder / "quarantine", now=lambda: datetime.now(UTC))
        coordinator = OneHost(seconds=PATIENCE * 4)
        async with running_pool(workers=workers, deadline=deadline, aside=aside) as pool:

            def observe(outcome: str, seconds: float) -> None:
                observed.append(outcome)

            queue = Queue(pool, bound=queue_bound, patience=patience)
            pyramids = (
                Pyramids(queue=queue, cache=levels, coordinator=coordinator, aside=aside, observe=observe)
                if pyramid_bytes
                else None
            )
            broker = Broker(
                queue=queue,
                cache=cache,
                pyramids=pyramids,
                coordinator=coordinator,
                aside=aside,
                allowances=Allowances(client_renders, at_once=client_renders_at_once),
                observe=observe,
            )
            serving = asyncio.create_task(broker.serve(folder / "s"))
            desk = Desk(
                socket=folder / "s",
                aside=aside,
                broker=broker,
                files=DerivativeFiles(folder / "cache"),
                observed=observed,
            )
            try:
                await until(lambda: is_listened_to(desk.socket))
                yield desk
                await until(_nobody_talks, patience=5)
            finally:
                serving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await serving


async def _nobody_talks() -> bool:
    """The broker has seen that its callers hung up: asyncio wants every connection closed before its loop is."""
    return not any("converse" in repr(task.get_coro()) for task in asyncio.all_tasks())
