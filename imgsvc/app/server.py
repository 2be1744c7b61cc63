"""A server process: uvicorn under the application, and what is done beside answering."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network, IPv6Network

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.app.application import make_app, make_broker_client, make_delivery, make_origin
from imgsvc.app.library import make_removal, open_library
from imgsvc.app.listening import SharingServer
from imgsvc.app.parts import derivatives_folder, make_bounds, metrics_folder, raise_open_files
from imgsvc.app.purging import keep_purging
from imgsvc.render.client import BrokerClient
from imgsvc.service.removal import Removal
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.memory import RecentBytes
from imgsvc.telemetry import Metrics
from imgsvc.web.connections import Connections
from imgsvc.web.prepared import PreparedAnswers

_SWEEP_SECONDS = 300.0
_USES_SECONDS = 60

_OTHER_FILES = 512
"""Descriptors beside those of connections and of the files they are sent: sockets, catalogue, files being read."""


def run_server(settings: Settings, fds: Sequence[int]) -> None:
    """One server process, until SIGTERM. Requests under way are answered first.

    `fds` are listening sockets: its own, then those of the other server processes.
    """
    connections = Connections(make_bounds(settings))
    raise_open_files(2 * settings.connections + _OTHER_FILES)
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
            # This one may take the place of one that died between a change and telling of it.
            library.generation.bump_everything()
            answers = PreparedAnswers(
                generation=library.generation, bodies=RecentBytes(budget=self._settings.memory_bytes)
            )
            self._app = make_app(self._settings, library, renderer, origin, metrics, answers)
            files = DerivativeFiles(derivatives_folder(self._settings))
            delivery = make_delivery(self._settings, library, renderer, find=library.catalog.assets.find, files=files)
            works = [
                asyncio.create_task(self._connections.watch()),
                asyncio.create_task(_sweep_at_times(make_removal(library, renderer))),
                asyncio.create_task(keep_purging(self._settings, library, renderer, delivery, metrics)),
                asyncio.create_task(_tell_at_times(metrics, answers, renderer)),
            ]
            yield
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            metrics.write_answers()


async def _sweep_at_times(removal: Removal) -> None:
    """At the start what a process that died had left to do, later what was replaced or sent ahead in vain."""
    while True:
        await removal.sweep()
        await asyncio.sleep(_SWEEP_SECONDS)


async def _tell_at_times(metrics: Metrics, answers: PreparedAnswers, renderer: BrokerClient) -> None:
    """Others what this process has answered: who asks for metrics, and the broker, which evicts what nobody uses."""
    for second in itertools.count():
        await asyncio.sleep(1)
        metrics.write_answers()
        if second % _USES_SECONDS == 0 and (used := answers.take_used()):
            for key in used:
                renderer.note_use(key)
