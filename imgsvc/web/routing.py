"""Routes with an endpoint a method."""

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
