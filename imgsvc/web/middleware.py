"""Around the router: every answer is counted and timed."""

from collections.abc import Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Answered = Callable[[str, int, float], None]
"""Told of each answer: route label, status, seconds."""


class Measured:
    """Pure ASGI: Starlette's BaseHTTPMiddleware would put a task and a stream around each answer."""

    def __init__(self, app: ASGIApp, *, answered: Answered) -> None:
        self._app = app
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = perf_counter()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            self._answered(route_label(scope["path"]), status, perf_counter() - started)


def route_label(path: str) -> str:
    """The first folder alone: a label a picture would be a time series a picture."""
    first = path[1:].partition("/")[0]
    return first if first in _ROUTES else "other"


_ROUTES = frozenset(("images", "media", "cdn", "struct", "iqmetrix", "quable", "qooly", "healthz", "readyz", "metrics"))
