"""Pictures as ASGI answers.

Starlette's FileResponse is not used: it stats, opens and reads in several thread hops and was measured at ten times the
cost of one hop that reads a small file whole.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Self

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.service.delivery import Body
from imgsvc.web.caching import PROVISIONAL
from imgsvc.web.conditional import ByteRange, UnsatisfiableRange, http_date, is_not_modified, select_range

_CHUNK = 1 << 20

RawHeaders = list[tuple[bytes, bytes]]

SECURITY_HEADERS: Mapping[str, tuple[tuple[bytes, bytes], ...]] = MappingProxyType(
    {
        # A drawing opened by itself is a document of our origin: nothing in it may run or load.
        FORMATS[Format.SVG].media_type: (
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHead:
    """All of a picture's answer that is known before its bytes. `disposition`: Content-Disposition, or None.

    `modified` None: not told, so that nobody asks whether it was. `brief`: Cache-Control of what stands in for it.
    `varies`: another Accept header may get another.
    """

    key: VariantKey
    media_type: str
    modified: datetime | None
    cache_control: str
    brief: str = PROVISIONAL
    disposition: str | None = None
    varies: bool = False

    @property
    def etag(self) -> str:
        """Strong: equal keys, equal bytes."""
        return f'"{self.key}"'

    def validators(self) -> RawHeaders:
        """What 200, 206 and 304 have in common (RFC 9110, section 15.4.5)."""
        validators = [
            (b"etag", self.etag.encode()),
            (b"cache-control", self.cache_control.encode()),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if self.modified is not None:
            validators.append((b"last-modified", http_date(self.modified).encode()))
        if self.varies:
            validators.append((b"vary", b"Accept"))
        return validators

    def provisional(self, derivative: Derivative) -> Self:
        """Of what stands in, which may be of another format."""
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
    """Answers 304 before `load` is called; `load` may render. A Response for the router's sake alone."""

    def __init__(self, head: PictureHead, load: Callable[[], Awaitable[Body]]) -> None:
        super().__init__()
        self._head = head
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head, sent = self._head, _headers(scope)
        if is_not_modified(
            if_none_match=sent.get(b"if-none-match"),
            if_modified_since=sent.get(b"if-modified-since"),
            etag=head.etag,
            modified=head.modified,
        ):
            await _send_head(send, 304, head.validators())
            await send({"type": "http.response.body"})
            return
        body = await self._load()
        if body.derivative is not None and body.derivative.key != head.key:
            head = head.provisional(body.derivative)
        try:
            await _send(send, head, body, sent, with_content=scope["method"] != "HEAD")
        finally:
            body.close()


async def _send(send: Send, head: PictureHead, body: Body, sent: Mapping[bytes, str], *, with_content: bool) -> None:
    try:
        selected = select_range(
            header=sent.get(b"range"),
            if_range=sent.get(b"if-range"),
            length=body.length,
            etag=head.etag,
            modified=head.modified,
        )
    except UnsatisfiableRange:
        total = f"bytes */{body.length}".encode()
        await _send_head(send, 416, [(b"content-range", total), (b"cache-control", b"no-store")])
        await send({"type": "http.response.body"})
        return
    await _send_body(send, head, body, selected, with_content=with_content)


async def _send_body(
    send: Send, head: PictureHead, body: Body, selected: ByteRange | None, *, with_content: bool
) -> None:
    headers = head.headers()
    start, stop = selected or ByteRange(0, body.length)
    headers.append((b"content-length", b"%d" % (stop - start)))
    if selected is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, body.length)))
    await _send_head(send, 200 if selected is None else 206, headers)
    if not with_content:
        await send({"type": "http.response.body"})
    elif body.data is not None:
        await send({"type": "http.response.body", "body": body.data[start:stop]})
    elif body.file is not None:
        await _stream(send, body.file.fileno(), start, stop)


async def _stream(send: Send, descriptor: int, start: int, stop: int) -> None:
    """A chunk at a time; the server's flow control holds `send` back while the client is slow."""
    while start < stop:
        chunk = await to_thread.run_sync(os.pread, descriptor, min(_CHUNK, stop - start), start)
        if not chunk:
            # The length was promised: breaking off is the only honest end.
            raise OSError(f"a file ended {stop - start} bytes early")
        start += len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": start < stop})


async def _send_head(send: Send, status: int, headers: RawHeaders) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


def _headers(scope: Scope) -> dict[bytes, str]:
    """By name in lower case, as ASGI has them; a name that comes twice is a list (RFC 9110, section 5.3)."""
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
