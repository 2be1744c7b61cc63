"""In front of the router: a picture that this process has answered before is answered again without asking anew.

An entry holds for one generation of the catalogue, which every change on this host ends, so what was replaced is never
served from here. Whatever is not a plain GET or HEAD goes on to the router, as does a file that is not what it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.variant import Derivative
from imgsvc.service.delivery import Body
from imgsvc.web.responses import PictureHead, RawHeaders

_ENTRIES = 20_000
_LEFT_TO_THE_ROUTER = frozenset((b"range", b"if-modified-since"))


@dataclass(frozen=True, slots=True)
class _Entry:
    generation: int
    etag: bytes
    derivative: Derivative
    found: RawHeaders
    not_modified: RawHeaders


class PreparedAnswers:
    """Least recently used out first. `generation` tells the catalogue's."""

    def __init__(self, *, generation: Callable[[], int]) -> None:
        self._generation = generation
        self._entries: LRUCache[tuple[bytes, bytes], _Entry] = LRUCache(_ENTRIES)

    def remember(self, scope: Scope, head: PictureHead, body: Body, generation: int) -> None:
        """`generation` as it was before the request was identified. Originals and large files are passed over."""
        if body.derivative is None or body.data is None:
            return
        self._entries[scope["raw_path"], scope["query_string"]] = _Entry(
            generation,
            head.etag.encode(),
            body.derivative,
            [*head.headers(), (b"content-length", b"%d" % body.length)],
            head.validators(),
        )

    def find(self, scope: Scope) -> _Entry | None:
        entry = self._entries.get((scope["raw_path"], scope["query_string"]))
        return entry if entry is not None and entry.generation == self._generation() else None


class Fastpath:
    """`read` gives a derivative's body, or None where its file is not what it should be; it blocks."""

    def __init__(self, app: ASGIApp, answers: PreparedAnswers, *, read: Callable[[Derivative], Body | None]) -> None:
        self._app = app
        self._answers = answers
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            entry = self._answers.find(scope)
            if entry is not None and await self._answered(entry, scope, send):
                return
        await self._app(scope, receive, send)

    async def _answered(self, entry: _Entry, scope: Scope, send: Send) -> bool:
        if_none_match = None
        for name, value in scope["headers"]:
            if name in _LEFT_TO_THE_ROUTER:
                return False
            if name == b"if-none-match":
                if_none_match = value
        if if_none_match is not None:
            if if_none_match != entry.etag:
                return False
            await send({"type": "http.response.start", "status": 304, "headers": entry.not_modified})
            await send({"type": "http.response.body"})
            return True
        body = await asyncio.get_running_loop().run_in_executor(None, self._read, entry.derivative)
        if body is None or body.data is None:
            return False
        await send({"type": "http.response.start", "status": 200, "headers": entry.found})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body.data})
        return True
