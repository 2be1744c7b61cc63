"""Pictures as ASGI answers.

Starlette's FileResponse is not used: it stats, opens and reads in several thread hops and was measured at ten times the
cost of one hop that reads a small file whole.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from time import perf_counter
from types import MappingProxyType
from typing import Self

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.service.delivery import Body
from imgsvc.web.acceleration import path_to_send
from imgsvc.web.caching import NO_STORE, PROVISIONAL
from imgsvc.web.conditional import Outcome, evaluate, http_date, range_holds
from imgsvc.web.cross_origin import OPEN, OPEN_FIELDS
from imgsvc.web.problems import problem_response
from imgsvc.web.ranges import ByteRange, Multipart, UnsatisfiableRange, content_range, select_ranges

_CHUNK = 1 << 20

RawHeaders = list[tuple[bytes, bytes]]

SECURITY_HEADERS: Mapping[str, tuple[tuple[bytes, bytes], ...]] = MappingProxyType(
    {
        # A drawing opened by itself is a document of our origin: nothing in it may run, or load what it does not hold.
        FORMATS[Format.SVG].media_type: (
            (
                b"content-security-policy",
                b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox",
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHead:
    """All of a picture's answer that is known before its bytes. `disposition`: Content-Disposition, or None.

    `modified` None: not told, so that nobody asks whether it was. `brief`: Cache-Control of what stands in for it.
    `varies`: another Accept header may get another. `tags`: header fields for caches that are purged by them.
    """

    key: VariantKey
    media_type: str
    modified: datetime | None
    cache_control: str
    brief: str = PROVISIONAL
    disposition: str | None = None
    varies: bool = False
    tags: Sequence[tuple[bytes, bytes]] = ()

    @property
    def etag(self) -> str:
        """Strong: equal keys, equal bytes."""
        return f'"{self.key}"'

    def validators(self) -> RawHeaders:
        """What 200, 206 and 304 have in common (RFC 9110, section 15.4.5)."""
        validators = [
            (b"etag", self.etag.encode()),
            (b"cache-control", self.cache_control.encode()),
            *OPEN_FIELDS,
            *self.tags,
        ]
        if self.modified is not None:
            validators.append((b"last-modified", http_date(self.modified).encode()))
        if self.varies:
            validators.append((b"vary", b"Accept"))
        return validators

    def provisional(self, derivative: Derivative) -> Self:
        """Of what stands in, which may be of another format, or is to be made again."""
        return replace(
            self,
            key=derivative.key,
            media_type=FORMATS[derivative.format].media_type,
            modified=None,
            cache_control=self.brief,
        )

    def headers(self) -> RawHeaders:
        """Of 200 and 206, but for the length."""
        headers = self.validators()
        headers += [
            (b"content-type", self.media_type.encode()),
            (b"accept-ranges", b"bytes"),
            (b"x-content-type-options", b"nosniff"),
        ]
        headers += SECURITY_HEADERS.get(self.media_type, ())
        if self.disposition is not None:
            headers.append((b"content-disposition", self.disposition.encode()))
        return headers


class PictureResponse(Response):
    """Answers 304 before `load` is called; `load` may render. A Response for the router's sake alone.

    `is_current` is asked after `load`: where the asset has changed meanwhile, caches have been told to drop what they
    had, and are not to keep this. `started`: when the request came, by `perf_counter`.
    """

    def __init__(
        self,
        head: PictureHead,
        load: Callable[[], Awaitable[Body]],
        *,
        is_current: Callable[[], bool],
        started: float,
    ) -> None:
        super().__init__()
        self._head = head
        self._load = load
        self._is_current = is_current
        self._started = started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = _headers(scope)
        outcome = evaluate(sent, etag=self._head.etag, modified=self._head.modified)
        if outcome is Outcome.NOT_MODIFIED:
            timing = _timing(total=perf_counter() - self._started)
            await _send_head(send, 304, self._head.validators() + timing)
            await send({"type": "http.response.body"})
            return
        asked = perf_counter()
        body = await self._load()
        loaded = perf_counter()
        timing = _timing(
            found=None if body.derivative is None else not body.asked,
            render=loaded - asked if body.asked else None,
            total=loaded - self._started,
        )
        try:
            await self._answer(scope, receive, send, sent, body, timing)
        finally:
            body.close()

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, sent: Mapping[bytes, str], body: Body, timing: RawHeaders
    ) -> None:
        head = self._head
        if body.derivative is not None and (body.derivative.key != head.key or body.derivative.stale):
            head = head.provisional(body.derivative)
        if not self._is_current():
            head = replace(head, cache_control=NO_STORE)
        if evaluate(sent, etag=head.etag, modified=head.modified) is Outcome.FAILED:
            await _FAILED(scope, receive, send)
            return
        try:
            part = _select(scope["method"], sent, head, body)
        except UnsatisfiableRange:
            await _unsatisfiable(body.length)(scope, receive, send)
            return
        path = path_to_send(scope, body, in_part=part is not None)
        await _send_start(send, head, body, part if path is None else None, timing)
        if path is not None:
            await send({"type": "http.response.pathsend", "path": path})
            return
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
        else:
            await _send_content(receive, send, body, part)


_FAILED = problem_response(
    412, detail="The picture is not the one that If-Match or If-Unmodified-Since names.", headers=OPEN
)


def _unsatisfiable(length: int) -> Response:
    return problem_response(
        416,
        detail=f"Range must name some of the {length} bytes there are.",
        headers={"Content-Range": f"bytes */{length}", **OPEN},
    )


def _select(method: str, sent: Mapping[bytes, str], head: PictureHead, body: Body) -> ByteRange | Multipart | None:
    """None: the whole. Ranges have a meaning for GET alone (RFC 9110, section 14.2). Raises UnsatisfiableRange."""
    if method != "GET" or not range_holds(sent.get(b"if-range"), etag=head.etag, modified=head.modified):
        return None
    ranges = select_ranges(sent.get(b"range"), length=body.length)
    if len(ranges) < 2:
        return ranges[0] if ranges else None
    several = Multipart(ranges=ranges, boundary=token_hex(16), media_type=head.media_type, whole=body.length)
    return several if several.length < body.length else None


async def _send_start(
    send: Send, head: PictureHead, body: Body, part: ByteRange | Multipart | None, timing: RawHeaders
) -> None:
    headers = head.headers() + timing
    match part:
        case None:
            headers.append((b"content-length", b"%d" % body.length))
        case ByteRange():
            headers.append((b"content-length", b"%d" % (part.stop - part.start)))
            headers.append((b"content-range", content_range(part, body.length).encode()))
        case Multipart():
            headers = [(name, value) for name, value in headers if name != b"content-type"]
            headers.append((b"content-type", part.content_type.encode()))
            headers.append((b"content-length", b"%d" % part.length))
    await _send_head(send, 200 if part is None else 206, headers)


async def _send_content(receive: Receive, send: Send, body: Body, part: ByteRange | Multipart | None) -> None:
    pieces: Sequence[bytes | ByteRange]
    if isinstance(part, Multipart):
        pieces = part.pieces()
    else:
        pieces = (part or ByteRange(0, body.length),)
    if body.data is not None:
        content = b"".join(body.data[one.start : one.stop] if isinstance(one, ByteRange) else one for one in pieces)
        await send({"type": "http.response.body", "body": content})
    elif body.file is not None:
        gone = asyncio.create_task(_disconnected(receive))
        try:
            for one in pieces:
                if isinstance(one, ByteRange):
                    await _stream(send, body.file.fileno(), one, until=gone)
                else:
                    await send({"type": "http.response.body", "body": one, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            gone.cancel()


async def _stream(send: Send, descriptor: int, part: ByteRange, *, until: asyncio.Task[None]) -> None:
    """A chunk at a time; the server's flow control holds `send` back while the client is slow.

    `until` is done when the client has gone: uvicorn lets one send to nobody without a word.
    """
    start, stop = part
    while start < stop and not until.done():
        chunk = await to_thread.run_sync(os.pread, descriptor, min(_CHUNK, stop - start), start)
        if not chunk:
            # The length was promised: breaking off is the only honest end.
            raise OSError(f"a file ended {stop - start} bytes early")
        start += len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_head(send: Send, status: int, headers: RawHeaders) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


def _timing(*, found: bool | None = None, render: float | None = None, total: float) -> RawHeaders:
    """Server-Timing (W3C), from seconds to milliseconds; `total` until the answer could begin.

    `found`: whether this process knew the rendition; None where nothing was looked for.
    """
    metrics: list[str] = []
    if found is not None:
        metrics.append(f"cache;desc={'hit' if found else 'miss'}")
    if render is not None:
        metrics.append(f"render;dur={render * 1000:.1f}")
    metrics.append(f"total;dur={total * 1000:.1f}")
    return [(b"server-timing", ", ".join(metrics).encode())]


def _headers(scope: Scope) -> dict[bytes, str]:
    """By name in lower case, as ASGI has them; a name that comes twice is a list (RFC 9110, section 5.3)."""
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
