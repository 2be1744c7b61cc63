"""Large files are sent by the nginx in front: the service opens and verifies them, and says by X-Accel-Redirect which.

Inside the service it is ASGI's path send, which this offers as a server would that sends files itself.
"""

from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgsvc.service.delivery import Body

_PATHSEND = "http.response.pathsend"
_OFFER = (b"x-sendfile-type", b"X-Accel-Redirect")
"""Whoever comes to the service by another way is sent bytes."""

_PRECONDITIONS = frozenset((b"if-match", b"if-unmodified-since"))
"""nginx would judge them by a file's own time, and by an ETag that it does not know yet."""

_OF_THE_BODY = frozenset((b"content-length", b"accept-ranges"))
"""nginx says them itself."""


def path_to_send(scope: Scope, body: Body, *, in_part: bool) -> str | None:
    """The path of a file that whoever is in front will send; None where the body is to be sent here.

    `in_part`: a range of it was asked for and lies within it.
    """
    taken = scope.get("extensions", {}).get(_PATHSEND)
    if taken is None or body.file is None or scope["method"] != "GET" or (in_part and not taken.get("ranges")):
        return None
    path = str(body.file.name)
    return path if path.startswith(taken.get("below", "")) else None


class Accelerated:
    """Around the router. `location` is nginx' name for `folder`, with a slash at its end."""

    def __init__(self, app: ASGIApp, *, folder: Path, location: str) -> None:
        self._app = app
        self._folder = f"{folder}/"
        self._location = location

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_offered(scope):
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # nginx cuts ranges out of what it is told to send, and sees one folder.
        extensions = {**scope.get("extensions", {}), _PATHSEND: {"ranges": True, "below": self._folder}}
        start: Message | None = None

        async def sent(message: Message) -> None:
            """Holds the head back until it is known who sends the body."""
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] == _PATHSEND and start is not None:
                headers = [(name, value) for name, value in start["headers"] if name not in _OF_THE_BODY]
                headers += [(b"content-length", b"0"), (b"x-accel-redirect", self._redirect(message["path"]))]
                await send({**start, "headers": headers})
                await send({"type": "http.response.body"})
                return
            if start is not None:
                await send(start)
                start = None
            await send(message)

        await self._app({**scope, "extensions": extensions}, receive, sent)

    def _redirect(self, path: str) -> bytes:
        return (self._location + path.removeprefix(self._folder)).encode()


def _is_offered(scope: Scope) -> bool:
    headers = scope["headers"]
    return _OFFER in headers and not any(name in _PRECONDITIONS for name, _ in headers)
