"""Which address a face has: absolute URLs for answers, and requests led to where the router has them."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.places import DEFAULT_PLACES, FACES, Face, Place, inner_path
from imgsvc.web.problems import problem_response


class Addresses:
    """`base_url`: the operator's public address without a slash at the end, or None for what a request came to.

    `link` makes of a picture's path one that is answered: signed, where pictures are answered only so.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        places: Mapping[Face, Place] = DEFAULT_PLACES,
        link: Callable[[str], str] = lambda path: path,
    ) -> None:
        self._base_url = base_url
        self._places = places
        self._link = link

    def url(self, request: Request, face: Face, path: str) -> str:
        """`path` as the service itself has it, `/images/…`; absolute, of the face's own host where it has one.

        Such a host has the port of the public address, unless it brings one.
        """
        base = self._base_url or str(request.base_url).rstrip("/")
        host = self._places[face].host
        if host is not None:
            parts = urlsplit(base)
            port = f":{parts.port}" if parts.port is not None and ":" not in host else ""
            base = f"{parts.scheme}://{host}{port}"
        return base + self.path(face, path)

    def picture(self, request: Request, face: Face, path: str) -> str:
        """As `url`, of a picture or another original, for whom an API tells where it is."""
        return self.url(request, face, self._link(path))

    def path(self, face: Face, path: str) -> str:
        """As `url`, from the host on."""
        return self._places[face].prefix + path[len(FACES[face].prefix) :]


class Placed:
    """Around everything, where any face is not at its default place."""

    def __init__(self, app: ASGIApp, places: Mapping[Face, Place]) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")
        # As it was sent: what is percent-encoded stays so, and is decoded once, by who routes it.
        path = inner_path(self._places, host, scope["path"])
        if path is None:
            await problem_response(404)(scope, receive, send)
            return
        if path != scope["path"]:
            raw = scope["raw_path"].decode("latin-1")
            scope = {**scope, "path": path, "raw_path": (inner_path(self._places, host, raw) or raw).encode("latin-1")}
        await self._app(scope, receive, send)
