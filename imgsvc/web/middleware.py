"""Around the router: every answer is counted and timed."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgsvc.telemetry import Metrics


class Measured:
    """Pure ASGI: Starlette's BaseHTTPMiddleware would put a task and a stream around each answer."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

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
            # First folder alone: a label a picture would be a time series a picture.
            first = scope["path"].split("/", 2)[1]
            route = first if first in _ROUTES else "other"
            self._metrics.requests.labels(route, status).inc()
            self._metrics.request_seconds.labels(route).observe(perf_counter() - started)


_ROUTES = frozenset(("images", "media", "iqmetrix", "healthz", "readyz", "metrics"))
