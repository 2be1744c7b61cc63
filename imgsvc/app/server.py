"""A server process: the ASGI application, and uvicorn under it."""

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

from imgsvc.apis.iqmetrix.failures import IQMETRIX_FAILURES
from imgsvc.apis.iqmetrix.routes import IqmetrixAssets
from imgsvc.apis.qooly.routes import QoolyAssets
from imgsvc.apis.quable.routes import QuableAssets
from imgsvc.apis.struct.routes import StructAssets
from imgsvc.app.gate import load_signing_keys, make_gate
from imgsvc.app.library import Library, make_ingest, make_removal, open_library, utc_now
from imgsvc.app.listening import SharingServer
from imgsvc.app.parts import (
    broker_socket,
    derivatives_folder,
    make_bounds,
    make_defaults,
    make_lifetimes,
    make_limits,
    metrics_folder,
    overflow_folder,
    raise_open_files,
)
from imgsvc.app.purging import keep_purging
from imgsvc.catalog.base import Catalog
from imgsvc.catalog.cached import RememberedAssets
from imgsvc.core.errors import StoreFailure
from imgsvc.core.places import DEFAULT_PLACES
from imgsvc.openapi.document import openapi_route
from imgsvc.origin.fetch import Origin
from imgsvc.origin.guard import AddressGuard
from imgsvc.render.base import renderer_revision
from imgsvc.render.client import BrokerClient
from imgsvc.service.batches import Batches
from imgsvc.service.delivery import Delivery, Find
from imgsvc.service.imports import Imports
from imgsvc.service.purge_orders import PurgeOrders
from imgsvc.service.removal import Removal
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.memory import RecentBytes
from imgsvc.telemetry import Metrics
from imgsvc.web.acceleration import Accelerated
from imgsvc.web.addresses import Addresses, Placed
from imgsvc.web.auth import Guard
from imgsvc.web.caching import UrlClass, cache_control
from imgsvc.web.connections import Connections
from imgsvc.web.fastpath import Fastpath
from imgsvc.web.health import Check, Health
from imgsvc.web.images import Images, ImageSettings, Remember
from imgsvc.web.ladder import LadderShape, ladder_route
from imgsvc.web.metrics import metrics_route
from imgsvc.web.middleware import Measured
from imgsvc.web.prepared import PreparedAnswers
from imgsvc.web.problems import Failures
from imgsvc.web.purge import PurgeRoutes
from imgsvc.web.services import Services

_QUEUEING = 60.0
"""Seconds that a server process waits for the broker beyond a render's own deadline."""

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


def make_app(
    settings: Settings,
    library: Library,
    renderer: BrokerClient,
    origin: Origin,
    metrics: Metrics,
    answers: PreparedAnswers,
) -> ASGIApp:
    """The ASGI application of one server process; what it is given is open and stays the caller's."""
    files = DerivativeFiles(derivatives_folder(settings), overflow=overflow_folder(settings), used=renderer.note_use)
    services = make_services(settings, library, renderer, origin, files=files)
    router: ASGIApp = make_router(settings, services, library, renderer, metrics, remember=answers.remember)
    if settings.accel_redirect is not None:
        router = Accelerated(router, folder=settings.data, location=settings.accel_redirect)
    measured = Measured(router, answered=metrics.answered)
    fastpath = Fastpath(measured, answers, files=files, answered=metrics.answered)
    return fastpath if settings.places == DEFAULT_PLACES else Placed(fastpath, settings.places)


def make_services(
    settings: Settings, library: Library, renderer: BrokerClient, origin: Origin, *, files: DerivativeFiles
) -> Services:
    remembered = RememberedAssets(library.catalog.assets, library.generation)
    keys = load_signing_keys(settings)
    gate = make_gate(settings, keys)
    delivery = make_delivery(settings, library, renderer, find=remembered.find, files=files)
    return Services(
        catalog=library.catalog,
        ingest=make_ingest(library, renderer),
        removal=make_removal(library, renderer),
        imports=Imports(origin=origin, blobs=library.blobs, limit=settings.upload_bytes),
        delivery=delivery,
        batches=Batches(find_many=remembered.find_many, delivery=delivery, blobs=library.blobs, files=files),
        blobs=library.blobs,
        guard=Guard(
            operator_token=settings.token,
            operator_instance=settings.instance,
            find_token=library.catalog.tokens.find,
        ),
        addresses=Addresses(base_url=settings.public_url, places=settings.places, link=gate.link),
        gate=gate,
        presets=settings.presets,
        upload_limit=settings.upload_bytes,
        signing_keys=keys,
        link_seconds=settings.link_seconds,
        now=utc_now,
    )


def make_delivery(
    settings: Settings, library: Library, renderer: BrokerClient, *, find: Find, files: DerivativeFiles
) -> Delivery:
    return Delivery(
        find=find,
        blobs=library.blobs,
        files=files,
        renderer=renderer,
        defaults=make_defaults(settings),
        limits=make_limits(settings),
        revision=renderer_revision(with_pyramids=settings.pyramid_bytes > 0),
        strip_originals=settings.strip_originals,
    )


def make_router(
    settings: Settings,
    services: Services,
    library: Library,
    renderer: BrokerClient,
    metrics: Metrics,
    *,
    remember: Remember,
) -> Starlette:
    """All that is answered with care; `remember` is told what it has answered once."""
    lifetimes = make_lifetimes(settings)
    images = Images(
        delivery=services.delivery,
        settings=ImageSettings(
            presets=settings.presets,
            lifetimes=lifetimes,
            negotiate=settings.negotiate,
            patience=settings.avif_seconds,
            tag_headers=settings.cache_tags,
        ),
        addresses=services.addresses,
        gate=services.gate,
        generation=library.generation,
        remember=remember,
        now=services.now,
    )
    failures = Failures()
    missing = cache_control(UrlClass.MISSING, lifetimes)
    health = Health({"catalogue": _catalog_check(library.catalog), "renderer": renderer.is_reachable})
    orders = PurgeOrders(catalog=library.catalog, presets=settings.presets, hooks=settings.purge_hooks, now=utc_now)
    routes = [
        failures.kept(missing).mount("/media", images.media_routes()),
        IQMETRIX_FAILURES.kept(missing).mount("/images", images.image_routes()),
        failures.kept(missing).mount("/cdn", images.cdn_routes()),
        StructAssets(services).mount(),
        IqmetrixAssets(services).mount(),
        QuableAssets(services).mount(),
        QoolyAssets(services).mount(),
        *health.routes(),
        *PurgeRoutes(orders=orders, guard=services.guard).routes(),
        metrics_route(metrics),
        openapi_route(),
        ladder_route(LadderShape(sizes=settings.ladder.rungs, off_ladder=settings.off_ladder)),
    ]
    router = Starlette(routes=routes, exception_handlers=failures.handlers())
    router.router.redirect_slashes = False
    return router


def make_broker_client(settings: Settings) -> BrokerClient:
    return BrokerClient(
        broker_socket(settings), limits=make_limits(settings), deadline=settings.render_deadline + _QUEUEING
    )


def make_origin(settings: Settings) -> Origin:
    guard = AddressGuard(allowed_hosts=settings.import_hosts, private=settings.import_private)
    return Origin(guard=guard, deadline=settings.import_deadline)


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


def _catalog_check(catalog: Catalog) -> Check:
    async def check() -> bool:
        try:
            await catalog.assets.is_empty()
        except StoreFailure:
            return False
        return True

    return check
