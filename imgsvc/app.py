"""Where the parts are chosen and put together: from settings to a server, a broker, or what a command needs."""

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.apis.iqmetrix.routes import IqmetrixAssets
from imgsvc.catalog.base import Catalog
from imgsvc.catalog.cached import CachedCatalog
from imgsvc.catalog.sql import SqlCatalog
from imgsvc.coordination.local import Generation
from imgsvc.core.errors import ImgsvcError, InvalidParameter, StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults
from imgsvc.core.transform import Transform
from imgsvc.dialects.struct import read_transform
from imgsvc.openapi import openapi_route
from imgsvc.render.base import Prober, renderer_revision
from imgsvc.render.broker import Broker
from imgsvc.render.client import BrokerClient
from imgsvc.render.pool import Pool
from imgsvc.render.worker import WorkerSettings
from imgsvc.service.delivery import Delivery
from imgsvc.service.ingest import Ingest
from imgsvc.settings import Settings, SettingsError
from imgsvc.storage.blobs import BlobStore, LocalBlobs
from imgsvc.storage.derivatives import DerivativeCache, DerivativeFiles
from imgsvc.telemetry import Metrics
from imgsvc.web.auth import Guard
from imgsvc.web.fastpath import Fastpath, PreparedAnswers
from imgsvc.web.health import Check, Health
from imgsvc.web.images import Images, ImageSettings
from imgsvc.web.metrics import metrics_route
from imgsvc.web.middleware import Measured
from imgsvc.web.problems import answer_bug, answer_failure, answer_http_exception

_SOCKET_PATH_LENGTH = 100
"""Longest path of a Unix socket that is sure to be taken (107 bytes on Linux: unix(7))."""

_QUEUEING = 60.0
"""Seconds that a server process waits for the broker beyond a render's own deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Assets and originals: what commands and server share."""

    catalog: Catalog
    blobs: BlobStore
    generation: Generation


@asynccontextmanager
async def open_library(settings: Settings) -> AsyncGenerator[Library]:
    settings.run.mkdir(parents=True, exist_ok=True)
    generation = Generation(settings.run / "generation")
    try:
        async with SqlCatalog(f"sqlite:///{settings.data / 'catalog.sqlite'}") as catalog:
            yield Library(
                catalog=CachedCatalog(catalog, generation),
                blobs=LocalBlobs(settings.data / "originals"),
                generation=generation,
            )
    finally:
        generation.close()


def make_ingest(library: Library, prober: Prober) -> Ingest:
    return Ingest(catalog=library.catalog, blobs=library.blobs, prober=prober, now=lambda: datetime.now(UTC))


def make_pool(settings: Settings, *, workers: int | None = None) -> Pool:
    return Pool(
        workers=workers or settings.render_workers,
        deadline=settings.render_deadline,
        settings=WorkerSettings(memory=settings.render_memory, avif_input=settings.avif_input),
    )


def make_app(settings: Settings, library: Library, renderer: BrokerClient, metrics: Metrics) -> ASGIApp:
    """The ASGI application of one server process; what it is given is open and stays the caller's."""
    files = DerivativeFiles(derivatives_folder(settings))
    delivery = Delivery(
        catalog=library.catalog,
        blobs=library.blobs,
        files=files,
        renderer=renderer,
        defaults=make_defaults(settings),
        limits=make_limits(settings),
        revision=renderer_revision(),
        strip_originals=settings.strip_originals,
    )
    answers = PreparedAnswers(generation=lambda: library.generation.value)
    images = Images(
        delivery=delivery,
        settings=ImageSettings(presets=make_presets(settings), max_age=settings.max_age, base_url=settings.public_url),
        generation=lambda: library.generation.value,
        remember=answers.remember,
    )
    iqmetrix = IqmetrixAssets(
        catalog=library.catalog,
        ingest=make_ingest(library, renderer),
        blobs=library.blobs,
        guard=Guard(operator_token=settings.token, find_token=library.catalog.find_token),
        upload_limit=settings.upload_bytes,
        base_url=settings.public_url,
    )
    health = Health({"catalogue": _catalog_check(library.catalog), "renderer": renderer.is_reachable})
    router = Starlette(
        routes=[*images.routes(), *iqmetrix.routes(), *health.routes(), metrics_route(metrics), openapi_route()],
        exception_handlers={
            ImgsvcError: answer_failure,
            HTTPException: answer_http_exception,
            Exception: answer_bug,
        },
    )
    measured = Measured(router, answered=metrics.answered)
    return Fastpath(measured, answers, read=files.read, answered=metrics.answered)


def run_server(settings: Settings, fd: int) -> None:
    """One server process on a listening socket, until SIGTERM. Requests under way are answered first."""
    config = uvicorn.Config(
        _Service(settings),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    with socket.socket(fileno=fd) as listener:
        uvicorn.Server(config).run(sockets=[listener])


class _Service:
    """What the application needs is opened when the server's lifespan begins and closed when it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lifespan = Starlette(lifespan=self._open)
        self._app: ASGIApp = self._lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._lifespan if scope["type"] == "lifespan" else self._app)(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Starlette) -> AsyncGenerator[None]:
        metrics = Metrics(metrics_folder(self._settings))
        async with open_library(self._settings) as library, make_broker_client(self._settings) as renderer:
            self._app = make_app(self._settings, library, renderer, metrics)
            yield


def make_broker_client(settings: Settings) -> BrokerClient:
    return BrokerClient(
        broker_socket(settings), limits=make_limits(settings), deadline=settings.render_deadline + _QUEUEING
    )


async def run_broker(settings: Settings, metrics: Metrics) -> None:
    """Until cancelled."""
    cache = DerivativeCache(derivatives_folder(settings), budget=settings.cache_bytes)
    try:
        async with make_pool(settings) as pool:
            broker = Broker(pool=pool, cache=cache, queue_bound=settings.render_queue, observe=metrics.rendered)
            await broker.serve(broker_socket(settings))
    finally:
        cache.close()


def make_limits(settings: Settings) -> Limits:
    return Limits(
        upload_bytes=settings.upload_bytes,
        pixels=settings.max_pixels,
        frames=settings.max_frames,
        output_side=settings.max_output_side,
        surrender_side=settings.surrender_side,
    )


def make_defaults(settings: Settings) -> Defaults:
    quality = {
        Format.JPEG: settings.quality_jpeg,
        Format.WEBP: settings.quality_webp,
        Format.AVIF: settings.quality_avif,
    }
    return Defaults(quality=quality, background=settings.background)


def make_presets(settings: Settings) -> Mapping[str, Transform]:
    """Each is a query in Struct's words. Raises SettingsError."""
    presets: dict[str, Transform] = {}
    for name, query in settings.presets.items():
        try:
            presets[name] = read_transform(query, presets=presets)
        except InvalidParameter as error:
            raise SettingsError(f"IMGSVC_PRESETS: in {name}, {error}") from error
    return presets


def derivatives_folder(settings: Settings) -> Path:
    return settings.data / "derivatives"


def metrics_folder(settings: Settings) -> Path:
    return settings.run / "metrics"


def broker_socket(settings: Settings) -> Path:
    """In the data folder, or where that is too deep for a socket's path, in a private folder of its own."""
    path = settings.run / "broker.sock"
    if len(str(path)) <= _SOCKET_PATH_LENGTH:
        return path
    folder = Path(gettempdir()) / f"imgsvc-{sha256(str(settings.data).encode()).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "broker.sock"


def _catalog_check(catalog: Catalog) -> Check:
    async def check() -> bool:
        try:
            await catalog.is_empty()
        except StoreFailure:
            return False
        return True

    return check
