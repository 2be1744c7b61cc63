"""A server process: uvicorn under the application, and what is done beside answering."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.app.application import make_app, make_broker_client, make_delivery, make_origin
from imgsvc.app.library import make_removal, open_library
from imgsvc.app.listening import SharingServer
from imgsvc.app.parts import afford_connections, derivatives_folder, make_bounds, metrics_folder
from imgsvc.app.purging import keep_purging
from imgsvc.app.works import at_work, sweep_at_times, tell_for_the_dead
from imgsvc.render.client import BrokerClient
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.memory import RecentBytes
from imgsvc.telemetry import Metrics
from imgsvc.web.connections import Connections
from imgsvc.web.prepared import PreparedAnswers

_log = structlog.get_logger(__name__)

_USES_SECONDS = 60


def run_server(settings: Settings, fds: Sequence[int]) -> None:
    """One server process, until SIGTERM. Requests under way are answered first.

    `fds` are listening sockets: its own, then those of the other server processes.
    """
    affordable = afford_connections(settings.connections)
    if affordable < settings.connections:
        _log.warning("connections.fewer", allowed=affordable, wanted=settings.connections, by="limit of open files")
    connections = Connections(replace(make_bounds(settings), connections=affordable))
    config = uvicorn.Config(
        _Service(settings, connections),
        loop="uvloop",
        http=connections.protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=_addresses_of(settings.proxies),
        timeout_graceful_shutdown=10,
    )
    with contextlib.ExitStack() as stack:
        own, *others = [stack.enter_context(socket.socket(fileno=fd)) for fd in fds]
        for listener in (own, *others):
            listener.setblocking(False)
        SharingServer(config, others=others).run(sockets=[own])


def _addresses_of(networks: Sequence[IPv4Network | IPv6Network]) -> list[str]:
    """IPv4 also as a socket of both families tells it (RFC 4291, section 2.5.5.2)."""
    mapped = [f"::ffff:{one.network_address}/{96 + one.prefixlen}" for one in networks if isinstance(one, IPv4Network)]
    return [*map(str, networks), *mapped]


class _Service:
    """What the application needs is opened when the server's lifespan begins and closed when it ends."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections
        self._lifespan = Starlette(lifespan=self._open)
        self._app: ASGIApp = self._lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._lifespan if scope["type"] == "lifespan" else self._app)(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Starlette) -> AsyncGenerator[None]:
        metrics = Metrics(metrics_folder(self._settings))
        async with (
            open_library(self._settings) as library,
            make_broker_client(self._settings) as renderer,
            make_origin(self._settings) as origin,
        ):
            answers = PreparedAnswers(
                generation=library.generation, bodies=RecentBytes(budget=self._settings.memory_bytes)
            )
            self._app = make_app(self._settings, library, renderer, origin, metrics, answers)
            files = DerivativeFiles(derivatives_folder(self._settings))
            delivery = make_delivery(self._settings, library, renderer, find=library.catalog.assets.find, files=files)
            async with at_work(
                self._connections.watch,
                partial(sweep_at_times, make_removal(library, renderer)),
                partial(keep_purging, self._settings, library, renderer, delivery, metrics),
                partial(_tell_at_times, metrics, answers, renderer),
                partial(tell_for_the_dead, library),
            ):
                yield
            metrics.write_answers()


async def _tell_at_times(metrics: Metrics, answers: PreparedAnswers, renderer: BrokerClient) -> None:
    """Others what this process has answered: who asks for metrics, and the broker, which evicts what nobody uses."""
    for second in itertools.count():
        await asyncio.sleep(1)
        metrics.write_answers()
        if second % _USES_SECONDS == 0 and (used := answers.take_used()):
            for key in used:
                renderer.note_use(key)
