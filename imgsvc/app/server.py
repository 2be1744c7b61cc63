"""A server process: the ASGI application, and uvicorn under it."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.apis.iqmetrix.routes import IqmetrixAssets
from imgsvc.app.library import Library, make_ingest, open_library
from imgsvc.app.parts import (
    broker_socket,
    derivatives_folder,
    make_defaults,
    make_limits,
    metrics_folder,
)
from imgsvc.catalog.base import Catalog
from imgsvc.core.errors import ImgsvcError, StoreFailure
from imgsvc.openapi import openapi_route
from imgsvc.render.base import renderer_revision
from imgsvc.render.client import BrokerClient
from imgsvc.service.delivery import Delivery
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.telemetry import Metrics
from imgsvc.web.auth import Guard
from imgsvc.web.fastpath import Fastpath, PreparedAnswers
from imgsvc.web.health import Check, Health
from imgsvc.web.images import Images, ImageSettings
from imgsvc.web.metrics import metrics_route
from imgsvc.web.middleware import Measured
from imgsvc.web.problems import answer_bug, answer_failure, answer_http_exception

_QUEUEING = 60.0
"""Seconds that a server process waits for the broker beyond a render's own deadline."""


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


def make_app(settings: Settings, library: Library, renderer: BrokerClient, metrics: Metrics) -> ASGIApp:
    """The ASGI application of one server process; what it is given is open and stays the caller's."""
    files = DerivativeFiles(derivatives_folder(settings))
    answers = PreparedAnswers(generation=lambda: library.generation.value)
    router = make_router(settings, library, renderer, metrics, files=files, answers=answers)
    measured = Measured(router, answered=metrics.answered)
    return Fastpath(measured, answers, read=files.read, answered=metrics.answered)


def make_router(
    settings: Settings,
    library: Library,
    renderer: BrokerClient,
    metrics: Metrics,
    *,
    files: DerivativeFiles,
    answers: PreparedAnswers,
) -> Starlette:
    """All that is answered with care; what it has answered once is told to `answers`."""
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
    images = Images(
        delivery=delivery,
        settings=ImageSettings(presets=settings.presets, max_age=settings.max_age, base_url=settings.public_url),
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
    return Starlette(
        routes=[*images.routes(), *iqmetrix.routes(), *health.routes(), metrics_route(metrics), openapi_route()],
        exception_handlers={
            ImgsvcError: answer_failure,
            HTTPException: answer_http_exception,
            Exception: answer_bug,
        },
    )


def make_broker_client(settings: Settings) -> BrokerClient:
    return BrokerClient(
        broker_socket(settings), limits=make_limits(settings), deadline=settings.render_deadline + _QUEUEING
    )


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


def _catalog_check(catalog: Catalog) -> Check:
    async def check() -> bool:
        try:
            await catalog.is_empty()
        except StoreFailure:
            return False
        return True

    return check
