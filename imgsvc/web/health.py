"""Whether the process lives, and whether it can do its work."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Check = Callable[[], Awaitable[bool]]


class Health:
    """`checks`: what the service cannot work without, by name."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.is_alive), Route("/readyz", self.is_ready)]

    async def is_alive(self, request: Request) -> Response:
        return _json({"status": "alive"}, 200)

    async def is_ready(self, request: Request) -> Response:
        """503 where a check fails; the body names each."""
        results = {name: await check() for name, check in self._checks.items()}
        ready = all(results.values())
        body = {"status": "ready" if ready else "not ready", "checks": results}
        return _json(body, 200 if ready else 503)


def _json(body: object, status: int) -> Response:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
