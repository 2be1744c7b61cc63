"""Connections bounded in number, size and time: what uvicorn leaves to a proxy in front, where there may be none.

Requests pay nothing for it: sizes are looked at where a head comes in more than one piece or is long, and times by one
look a second over all connections, which compares what it finds with what it found before.
"""

import asyncio
import fcntl
import socket
import sys
import termios
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

import httptools
import structlog
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from imgsvc.web import heads

_MAX_PIPELINED = 64
"""Requests that wait behind one that is being answered."""

_LEAST_RATE = 500
"""Bytes a second that a client sends of a body or takes of an answer: mod_reqtimeout's MinRate."""

_LINGER = 2.0
"""Seconds in which a client that was refused may read why, before what it still sends is answered by a reset."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one process. Seconds: `header` until a head is there, `stall` while little moves, `keep_alive` in between."""

    connections: int
    header: float
    stall: float
    keep_alive: float


class Connections:
    """Those of one process. `protocol` is for uvicorn's `http`; `watch` has to run for times to be kept."""

    def __init__(self, bounds: Bounds) -> None:
        self._open: set[BoundedProtocol] = set()

        class Protocol(BoundedProtocol):
            bounds_of_all: ClassVar = bounds
            open_connections: ClassVar = self._open

        self.protocol: type[asyncio.Protocol] = Protocol
        self._period = min(1.0, bounds.header / 4, bounds.stall / 4)

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(self._period)
            now = asyncio.get_running_loop().time()
            for connection in tuple(self._open):
                try:
                    connection.look(now)
                except Exception as error:
                    _log.error("connection.bug", exc_info=error)


class _Phase(Enum):
    """What a connection is at, and so who is waited for."""

    IDLE = auto()
    HEAD = auto()
    """Also the rest of a request that was answered before it had come."""
    BODY = auto()
    ANSWERING = auto()
    SENDING = auto()
    REFUSED = auto()


class _Trailers(list[tuple[bytes, bytes]]):
    """Takes none: fields behind a body are no header fields (RFC 9110, section 6.5.1), and could be any number."""

    def append(self, field: tuple[bytes, bytes], /) -> None:
        pass


_NO_TRAILERS = _Trailers()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A subclass has the bounds, and the set that all are in while they are open."""

    bounds_of_all: ClassVar[Bounds]
    open_connections: ClassVar["set[BoundedProtocol]"]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._service = self.app
        self._is_crowded = False
        self._is_refused = False
        self._head_bytes = 0
        """Since the last message ended; as many as the parser may hold of a head, which it does not tell."""
        self._body_bytes = 0
        self._drained = 0
        self._whole: object = None
        self._seen: tuple[_Phase, object, int] = (_Phase.IDLE, None, 0)
        self._since = self.loop.time()
        self._moved = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.open_connections.add(self)
        self._is_crowded = len(self.open_connections) > self.bounds_of_all.connections
        if len(self.open_connections) > 2 * self.bounds_of_all.connections:
            # Not even a refusal can be waited for.
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._head_bytes += len(data)
        assert self.parser is not None, "uvicorn has one until the connection is lost"
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # To no other protocol: answered as it stands (RFC 9110, section 7.8).
            self.cycle.keep_alive = False
        except httptools.HttpParserInvalidMethodError:
            self._refuse(heads.refusal_of_unknown_method(data))
        except httptools.HttpParserError:
            self._refuse(heads.MALFORMED)
        else:
            if not self.scope or "method" in self.scope:
                self._head_bytes = 0
            elif len(self.url) > heads.MAX_TARGET:
                self._refuse(heads.TARGET_TOO_LONG)
            elif self._head_bytes > heads.MAX_TARGET + heads.MAX_FIELDS:
                self._refuse(heads.FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        answer = self._read_head()
        self.app = self._service if answer is None else answer
        if answer is not None:
            # Never routed, but uvicorn wants a path.
            self.url = b"/"
        super().on_headers_complete()
        if answer is not None and answer is not heads.SERVER_WIDE:
            self.cycle.keep_alive = False
        if len(self.pipeline) > _MAX_PIPELINED:
            self.transport.abort()
        self.headers = _NO_TRAILERS

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """As uvicorn has it, which also asks whether the request is a WebSocket's."""
        self._whole = self.scope
        self._head_bytes = 0
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """As uvicorn has it, but for a timer an answer: `look` closes what is idle."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                cycle, app = self.pipeline.pop()
                self._start_asgi_task(cycle, app)

    def resume_writing(self) -> None:
        self._drained += 1
        super().resume_writing()

    def look(self, now: float) -> None:
        """Ends what has taken too long since it began, or since a look at which enough had come or gone."""
        seen = phase, scope, _ = (self._phase(), self.scope, self._drained)
        moved = self._bytes_moved(phase)
        if phase is not self._seen[0] or scope is not self._seen[1] or self._drained != self._seen[2]:
            self._seen, self._since, self._moved = seen, now, moved
            return
        seconds = self._allowed(phase)
        if seconds is None or now - self._since < seconds:
            return
        if phase in (_Phase.BODY, _Phase.SENDING) and moved - self._moved >= _LEAST_RATE * (now - self._since):
            self._since, self._moved = now, moved
        else:
            self._end(phase)

    def _phase(self) -> _Phase:
        cycle = self.cycle
        if self.flow.write_paused or self.transport.is_closing():
            return _Phase.SENDING
        if cycle and not cycle.disconnected and (self.pipeline or not cycle.response_complete):
            waits_for_us = self.flow.read_paused or cycle.waiting_for_100_continue
            return _Phase.BODY if cycle.more_body and not waits_for_us else _Phase.ANSWERING
        if self._is_refused:
            return _Phase.REFUSED
        return _Phase.IDLE if self._whole is self.scope else _Phase.HEAD

    def _bytes_moved(self, phase: _Phase) -> int:
        """Grows as bytes come, or go: those that the kernel holds have not gone, and are megabytes."""
        match phase:
            case _Phase.BODY:
                return self._body_bytes
            case _Phase.SENDING:
                return -self.transport.get_write_buffer_size() - _unsent(self.transport)
            case _:
                return 0

    def _allowed(self, phase: _Phase) -> float | None:
        """Seconds; None where nobody waits for the client."""
        match phase:
            case _Phase.IDLE:
                return self.bounds_of_all.keep_alive if self.scope else self.bounds_of_all.header
            case _Phase.HEAD:
                return self.bounds_of_all.header
            case _Phase.BODY | _Phase.SENDING:
                return self.bounds_of_all.stall
            case _Phase.REFUSED:
                return _LINGER
            case _Phase.ANSWERING:
                return None

    def _end(self, phase: _Phase) -> None:
        is_in_head = phase is _Phase.HEAD and "method" not in self.scope
        if phase is _Phase.SENDING:
            self.transport.abort()
        elif phase is _Phase.BODY or is_in_head:
            self._refuse(heads.TOO_SLOW)
        else:
            self.transport.close()

    def _read_head(self) -> Response | None:
        """What answers the request instead of the service, if anything; else the target is a path."""
        assert self.parser is not None
        if self._is_crowded:
            return heads.CROWDED
        if self._head_bytes > heads.MAX_TARGET and (refusal := heads.refusal_of_size(self.url, self.headers)):
            return refusal
        if (version := self.parser.get_http_version()) not in ("1.1", "1.0"):
            return heads.NO_VERSION
        hosts = [value for name, value in self.headers if name == b"host"]
        if not heads.are_one_host(hosts) and (hosts or version != "1.0"):
            return heads.NO_HOST
        if self.url.startswith(b"/") and b"#" not in self.url:
            return None
        absolute = heads.read_absolute(self.url)
        if absolute is None:
            return heads.answer_without_path(self.parser.get_method(), self.url)
        authority, self.url = absolute
        self.headers[:] = [(b"host", authority), *(field for field in self.headers if field[0] != b"host")]
        return None

    def _refuse(self, refusal: Response) -> None:
        """Nothing more is read. Said at once, unless earlier requests are being answered: those are the last then."""
        self._is_refused = True
        cycle = self.cycle
        if cycle and not cycle.response_complete:
            if self.pipeline or not cycle.more_body:
                cycle.keep_alive = False
                return
            if cycle.response_started:
                self.transport.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if not self.transport.is_closing():
            fields = (*self.server_state.default_headers, *refusal.raw_headers)
            head = b"".join(b"%b: %b\r\n" % field for field in fields)
            is_head = self.url and self.parser is not None and self.parser.get_method() == b"HEAD"
            body = b"" if is_head else bytes(refusal.body)
            self.transport.write(STATUS_LINE[refusal.status_code] + head + b"\r\n" + body)
            self.transport.write_eof()


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes in the kernel that the client has not acknowledged (tcp(7), SIOCOUTQ); none once it is gone."""
    connection: socket.socket = transport.get_extra_info("socket")
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
