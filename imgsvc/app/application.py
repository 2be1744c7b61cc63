"""What answers requests in one server process: the parts put together, the routes, and what stands in front."""

from starlette.applications import Starlette
from starlette.types import ASGIApp

from imgsvc.apis.iqmetrix.failures import IQMETRIX_FAILURES
from imgsvc.apis.iqmetrix.routes import IqmetrixAssets
from imgsvc.apis.qooly.routes import QoolyAssets
from imgsvc.apis.quable.routes import QuableAssets
from imgsvc.apis.struct.routes import StructAssets
from imgsvc.app.gate import load_signing_keys, make_gate
from imgsvc.app.library import Library, make_ingest, make_removal, utc_now
from imgsvc.app.parts import (
    broker_socket,
    derivatives_folder,
    make_defaults,
    make_lifetimes,
    make_limits,
    overflow_folder,
)
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
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.telemetry import Metrics
from imgsvc.web.acceleration import Accelerated
from imgsvc.web.addresses import Addresses, Placed
from imgsvc.web.auth import Guard
from imgsvc.web.caching import UrlClass, cache_control
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
        purged=lambda: library.generation.last_of_everything,
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
        failures.of_pictures(missing).mount("/media", images.media_routes()),
        IQMETRIX_FAILURES.of_pictures(missing).mount("/images", images.image_routes()),
        failures.of_pictures(missing).mount("/cdn", images.cdn_routes()),
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


def _catalog_check(catalog: Catalog) -> Check:
    async def check() -> bool:
        try:
            await catalog.assets.is_empty()
        except StoreFailure:
            return False
        return True

    return check
