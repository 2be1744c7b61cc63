"""In front of the router: a picture that this process has answered before is answered again without asking anew.

An entry holds for one generation of the catalogue, which every change on this host ends, so what was replaced is never
served from here. Whatever is not a plain GET or HEAD goes on to the router, as does a file that is not what it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from time import perf_counter
from typing import Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.negotiation import Accepted, accepted_by
from imgsvc.core.variant import Derivative
from imgsvc.service.delivery import Body
from imgsvc.web.middleware import Answered, route_label
from imgsvc.web.responses import PictureHead, RawHeaders

_ENTRIES = 20_000
_LEFT_TO_THE_ROUTER = frozenset((b"range", b"if-modified-since", b"if-match", b"if-unmodified-since"))


@dataclass(frozen=True, slots=True)
class _Entry:
    generation: int
    route: str
    etag: bytes
    derivative: Derivative
    found: RawHeaders
    not_modified: RawHeaders


class _Kind(Enum):
    NEGOTIATED = "negotiated"
    """In place of an entry: there is one for each class of Accept headers, with that in its key."""


_Target = tuple[bytes, bytes]


class PreparedAnswers:
    """The oldest go first: a look-up that reordered them would cost more than making an entry again.

    `generation` tells the catalogue's.
    """

    def __init__(self, *, generation: Callable[[], int]) -> None:
        self._generation = generation
        self._entries: dict[_Target | tuple[_Target, Accepted], _Entry | Literal[_Kind.NEGOTIATED]] = {}

    def remember(self, scope: Scope, head: PictureHead, body: Body, generation: int) -> None:
        """`generation` as it was before the request was identified.

        Originals, large files, and what is provisional are passed over.
        """
        if body.derivative is None or body.derivative.key != head.key or body.data is None:
            return
        if len(self._entries) >= _ENTRIES:
            del self._entries[next(iter(self._entries))]
        target = scope["raw_path"], scope["query_string"]
        if head.varies:
            self._entries[target] = _Kind.NEGOTIATED
        self._entries[(target, accepted_by(scope["headers"])) if head.varies else target] = _Entry(
            generation,
            route_label(scope["path"]),
            head.etag.encode(),
            body.derivative,
            [*head.headers(), (b"content-length", b"%d" % body.length)],
            head.validators(),
        )

    def find(self, scope: Scope) -> _Entry | None:
        target = scope["raw_path"], scope["query_string"]
        entry = self._entries.get(target)
        if entry is _Kind.NEGOTIATED:
            entry = self._entries.get((target, accepted_by(scope["headers"])))
        if entry is None or entry is _Kind.NEGOTIATED or entry.generation != self._generation():
            return None
        return entry


class Fastpath:
    """`read` gives a derivative's bytes, or None where its file is not what it should be; it blocks."""

    def __init__(
        self,
        app: ASGIApp,
        answers: PreparedAnswers,
        *,
        read: Callable[[Derivative], bytes | None],
        answered: Answered,
    ) -> None:
        self._app = app
        self._answers = answers
        self._read = read
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            started = perf_counter()
            entry = self._answers.find(scope)
            if entry is not None:
                status = await self._answer(entry, scope, send)
                if status is not None:
                    self._answered(entry.route, status, perf_counter() - started)
                    return
        await self._app(scope, receive, send)

    async def _answer(self, entry: _Entry, scope: Scope, send: Send) -> int | None:
        """The status that was sent; None where nothing was, and the router has to answer."""
        if_none_match = None
        for name, value in scope["headers"]:
            if name in _LEFT_TO_THE_ROUTER:
                return None
            if name == b"if-none-match":
                if_none_match = value
        if if_none_match is not None:
            if if_none_match != entry.etag:
                return None
            await send({"type": "http.response.start", "status": 304, "headers": entry.not_modified})
            await send({"type": "http.response.body"})
            return 304
        data = await asyncio.get_running_loop().run_in_executor(None, self._read, entry.derivative)
        if data is None:
            return None
        await send({"type": "http.response.start", "status": 200, "headers": entry.found})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
        return 200
