"""The routes of the real application, on an empty data folder."""

from pathlib import Path

import anyio
from starlette.routing import BaseRoute

from imgsvc.app.library import open_library
from imgsvc.app.server import make_broker_client, make_router
from imgsvc.settings import load_settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.telemetry import Metrics
from imgsvc.web.fastpath import PreparedAnswers


def collect_routes(data: Path) -> list[BaseRoute]:
    async def collect() -> list[BaseRoute]:
        settings = load_settings({}, data=str(data))
        async with open_library(settings) as library, make_broker_client(settings) as renderer:
            files = DerivativeFiles(data / "derivatives")
            answers = PreparedAnswers(generation=lambda: 0)
            metrics = Metrics(data / "metrics")
            return make_router(settings, library, renderer, metrics, files=files, answers=answers).routes

    return anyio.run(collect)
