"""Archives as ASGI answers: of exact length and resumable where all of it is known, else as long as they become."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from hashlib import sha256

from anyio import CancelScope, create_task_group
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imgsvc.core.zip import ZipLayout
from imgsvc.service.archive import GrowingArchive, KnownArchive
from imgsvc.web.conditional import matches_weakly, range_holds
from imgsvc.web.ranges import ByteRange, UnsatisfiableRange, content_range, select_range
from imgsvc.web.responses import RawHeaders

_UNSTORED = (b"cache-control", b"no-store")


class ArchiveResponse(Response):
    """`filename`, in ASCII and without quotes, is what a client saves it as. A Response for the router's sake alone.

    Ranges are honoured for POST too, which RFC 9110, section 14.2, leaves to whoever defines what is posted: ids that
    fit no URL are posted again to resume. A precondition is a safe method's alone.
    """

    def __init__(self, archive: KnownArchive | GrowingArchive, *, filename: str = "assets.zip") -> None:
        super().__init__()
        self._archive = archive
        self._filename = filename

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(self._archive, KnownArchive):
            chunks = await self._begin_known(self._archive, scope, send)
        else:
            await _send_head(send, 200, self._headers())
            chunks = self._archive.stream()
        if chunks is None or scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
        else:
            await _send_chunks(receive, send, chunks)

    async def _begin_known(self, archive: KnownArchive, scope: Scope, send: Send) -> AsyncGenerator[bytes] | None:
        """Sends the head; None where nothing follows."""
        sent, length, etag = Headers(scope=scope), archive.layout.length, _etag(archive.layout)
        none_match = sent.get("if-none-match")
        if scope["method"] in ("GET", "HEAD") and none_match is not None and matches_weakly(none_match, etag):
            await _send_head(send, 304, [(b"etag", etag.encode()), _UNSTORED])
            return None
        try:
            selected = None if scope["method"] == "HEAD" else _select_range(sent, length=length, etag=etag)
        except UnsatisfiableRange:
            await _send_head(send, 416, [(b"content-range", b"bytes */%d" % length), _UNSTORED])
            return None
        start, stop = selected or ByteRange(0, length)
        headers = self._headers()
        headers += [
            (b"etag", etag.encode()),
            (b"accept-ranges", b"bytes"),
            (b"content-length", b"%d" % (stop - start)),
        ]
        if selected is not None:
            headers.append((b"content-range", content_range(selected, length).encode()))
        await _send_head(send, 200 if selected is None else 206, headers)
        return archive.stream(start, stop)

    def _headers(self) -> RawHeaders:
        return [
            (b"content-type", b"application/zip"),
            (b"content-disposition", f'attachment; filename="{self._filename}"'.encode()),
            (b"x-content-type-options", b"nosniff"),
            _UNSTORED,
        ]


def _etag(layout: ZipLayout) -> str:
    """The directory has every member's name, length, CRC-32 and time of modification."""
    return f'"{sha256(layout.directory).hexdigest()[:32]}"'


def _select_range(sent: Headers, *, length: int, etag: str) -> ByteRange | None:
    """If-Range by date never holds: a member that left makes no archive younger. Raises UnsatisfiableRange."""
    if not range_holds(sent.get("if-range"), etag=etag, modified=None):
        return None
    return select_range(sent.get("range"), length=length)


async def _send_chunks(receive: Receive, send: Send, chunks: AsyncGenerator[bytes]) -> None:
    """Until the client goes: uvicorn lets one send to nobody without a word."""
    broken_off: Exception | None = None
    async with create_task_group() as tasks:
        tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})
        except Exception as error:
            # Raised outside: the group would wrap it, and nobody above looks for a group.
            broken_off = error
        tasks.cancel_scope.cancel()
    if broken_off is not None:
        raise broken_off


async def _cancel_when_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send_head(send: Send, status: int, headers: RawHeaders) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
