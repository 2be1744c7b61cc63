"""Routes with an endpoint a method, and those of pictures, which any page may ask for."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]


def resource(path: str, **endpoints: Endpoint) -> Route:
    """By method in upper case; HEAD comes with GET.

    One route, so that the Allow of a 405 names all of them (RFC 9110, section 15.5.6); of several routes Starlette
    names those of the first.
    """

    async def answer(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, answer, methods=list(endpoints))


_METHODS = "GET, HEAD, OPTIONS"
_PREFLIGHT = {
    "Allow": _METHODS,
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}
"""What a browser asks before it sends fields that are not on every page's list (Fetch, "CORS-preflight request")."""


def picture_route(path: str, endpoint: Endpoint) -> Route:
    """OPTIONS says what may be asked of it, whether the picture is there or not."""

    async def preflight(request: Request) -> Response:
        return options_response()

    return resource(path, GET=endpoint, OPTIONS=preflight)


def options_response() -> Response:
    return Response(status_code=204, headers=_PREFLIGHT)
