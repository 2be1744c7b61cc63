"""A client that asks for one URL again and again, for machines without wrk. It costs more than some servers do.

Run as `python -m benchmarks.keepalive URL CONNECTIONS SECONDS [HEADER]`.
"""

import asyncio
import sys
import urllib.parse
from contextlib import suppress
from typing import cast

import httptools


class Connection(asyncio.Protocol):
    """Asks again whenever an answer is complete. Ends the loop on any answer that is neither 200 nor 304."""

    def __init__(self, request: bytes, failed: asyncio.Future[None]) -> None:
        self.answers = 0
        self._request = request
        self._failed = failed
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the server closed a connection")

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._parser.get_status_code() not in (200, 304):
            self._fail(f"the server answered {self._parser.get_status_code()}")
            return
        assert self._transport is not None
        self.answers += 1
        self._transport.write(self._request)

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(ConnectionError(reason))


async def ask_repeatedly(url: str, *, connections: int, seconds: float, headers: list[str]) -> int:
    """How many answers came. Raises ConnectionError when one was not 200 or 304, or a connection was closed."""
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    head = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}", *headers, "", ""]
    request = "\r\n".join(head).encode()
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    opened = [
        (await loop.create_connection(lambda: Connection(request, failed), host, port))[1] for _ in range(connections)
    ]
    with suppress(TimeoutError):
        await asyncio.wait_for(failed, seconds)
    return sum(connection.answers for connection in opened)


if __name__ == "__main__":
    answers = asyncio.run(
        ask_repeatedly(sys.argv[1], connections=int(sys.argv[2]), seconds=float(sys.argv[3]), headers=sys.argv[4:])
    )
    print(f"{answers} requests in {sys.argv[3]}s")
