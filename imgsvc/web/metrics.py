"""`/metrics`, in Prometheus' text format, of all processes together."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.telemetry import Metrics


def metrics_route(metrics: Metrics) -> Route:
    async def expose(request: Request) -> Response:
        metrics.write_answers()
        text, media_type = await to_thread.run_sync(metrics.exposition)
        return Response(text, media_type=media_type, headers={"Cache-Control": "no-store"})

    return Route("/metrics", expose, methods=["GET"])
