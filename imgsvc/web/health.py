"""Whether the process lives, and whether it can do its work."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.web.json import json_response

Check = Callable[[], Awaitable[bool]]


class HealthShape(msgspec.Struct, omit_defaults=True):
    """`checks`: what the service cannot work without, by name, and whether it answered."""

    status: str
    checks: dict[str, bool] = {}


class Health:
    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.is_alive, methods=["GET"]),
            Route("/readyz", self.is_ready, methods=["GET"]),
        ]

    async def is_alive(self, request: Request) -> Response:
        return json_response(HealthShape(status="alive"))

    async def is_ready(self, request: Request) -> Response:
        """503 where a check fails; the body names each."""
        results = {name: await check() for name, check in self._checks.items()}
        if all(results.values()):
            return json_response(HealthShape(status="ready", checks=results))
        return json_response(HealthShape(status="not ready", checks=results), status=503)
