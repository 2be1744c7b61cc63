"""A client that asks for one URL at a steady rate, whether or not the answers before have come.

Run as `python -m benchmarks.steady URL REQUESTS_PER_SECOND`. When its input ends it waits for the answers that are
missing and prints, as JSON, the seconds each took and by how many seconds the client itself asked late.
"""

import asyncio
import json
import sys
import urllib.parse
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import httptools

_CONNECTIONS = 16  # opened before the first is needed
_ANSWERED_WITHIN = 30.0


@dataclass(slots=True, kw_only=True)
class Timings:
    answers: list[float] = field(default_factory=list[float])
    lateness: list[float] = field(default_factory=list[float])
    failures: list[str] = field(default_factory=list[str])


class Connection(asyncio.Protocol):
    """Kept alive, one request at a time; puts itself among the `idle` whenever it can take one."""

    def __init__(self, request: bytes, *, idle: "list[Connection]", timings: Timings) -> None:
        self.answered = asyncio.Event()
        self.answered.set()
        self._request = request
        self._idle = idle
        self._timings = timings
        self._loop = asyncio.get_running_loop()
        self._asked = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def ask(self) -> None:
        assert self._transport is not None
        self.answered.clear()
        self._asked = self._loop.time()
        self._transport.write(self._request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.append(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        else:
            self._timings.failures.append("the server closed a connection that waited")
            self.answered.set()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._timings.answers.append(self._loop.time() - self._asked)
        if self._parser.get_status_code() != 200:
            self._timings.failures.append(f"the server answered {self._parser.get_status_code()}")
        self.answered.set()
        self._idle.append(self)


async def ask_steadily(url: str, *, rate: float, ended: asyncio.Future[str]) -> Timings:
    """Until `ended`; an answer that does not come is among the failures."""
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    opened: list[Connection] = []
    timings = Timings()

    async def connect() -> None:
        def make() -> Connection:
            return Connection(request, idle=idle, timings=timings)

        opened.append((await loop.create_connection(make, host, port))[1])

    for _ in range(_CONNECTIONS):
        await connect()
    started = loop.time()
    for number in count(1):
        due = started + number / rate
        await asyncio.wait((ended,), timeout=due - loop.time())
        if ended.done():
            break
        if not idle:
            await connect()
        timings.lateness.append(loop.time() - due)
        idle.pop().ask()
    try:
        async with asyncio.timeout(_ANSWERED_WITHIN):
            for connection in opened:
                await connection.answered.wait()
    except TimeoutError:
        timings.failures.append(f"an answer did not come within {_ANSWERED_WITHIN:.0f} s")
    return timings


async def _main(url: str, rate: float) -> None:
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    timings = await ask_steadily(url, rate=rate, ended=ended)
    if timings.failures:
        sys.exit(timings.failures[0])
    print(json.dumps({"answers": timings.answers, "lateness": timings.lateness}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2])))
