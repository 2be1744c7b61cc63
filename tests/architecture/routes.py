"""The routes of the real application, on an empty data folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
from starlette.routing import BaseRoute, Mount, Route

from imgsvc.app.application import make_broker_client, make_origin, make_router, make_services
from imgsvc.app.library import open_library
from imgsvc.settings import load_settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.telemetry import Metrics


def collect_routes(data: Path) -> set[tuple[str, str]]:
    """Path and method of each, as the router answers them. HEAD comes with GET, OPTIONS with every picture."""

    async def collect() -> set[tuple[str, str]]:
        settings = load_settings({}, data=str(data))
        files = DerivativeFiles(data / "derivatives")
        async with (
            open_library(settings) as library,
            make_broker_client(settings) as renderer,
            make_origin(settings) as origin,
        ):
            services = make_services(settings, library, renderer, origin, files=files)
            metrics = Metrics(data / "metrics")
            router = make_router(settings, services, library, renderer, metrics, remember=lambda *_: None)
            return set(_answered("", router.routes))

    return anyio.run(collect)


def _answered(prefix: str, routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        match route:
            case Mount():
                yield from _answered(prefix + route.path, route.routes)
            case Route():
                yield from ((prefix + route.path, method) for method in (route.methods or set()) - {"HEAD", "OPTIONS"})
            case _:
                raise AssertionError(f"a route of a kind that nobody looks into: {route}")
