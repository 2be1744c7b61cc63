"""Whether the process lives, and whether it can do its work."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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
        return _json(HealthShape(status="alive"), 200)

    async def is_ready(self, request: Request) -> Response:
        """503 where a check fails; the body names each."""
        results = {name: await check() for name, check in self._checks.items()}
        if all(results.values()):
            return _json(HealthShape(status="ready", checks=results), 200)
        return _json(HealthShape(status="not ready", checks=results), 503)


def _json(shape: HealthShape, status: int) -> Response:
    return Response(
        msgspec.json.encode(shape),
        status_code=status,
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
