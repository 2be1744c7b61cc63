"""Clients that hang up, read slowly, or send what is no request."""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event
from urllib.parse import urlsplit

from tests.servers import TOKEN, Service
from tests.soak.record import Record

_PAUSE = 0.05
_SECONDS = 30.0
_LINGER = struct.pack("ii", 1, 0)
"""Closing sends a reset: socket(7)."""

_BROKEN = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET /images/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /images/x.webp?width=-1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    b"POST /iqmetrix/assets HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    b"POST /iqmetrix/assets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"FLY / HTTP/1.1\r\nHost: a\r\n\r\n",
)


@dataclass
class Boor:
    service: Service
    record: Record
    seed: int
    random: Random = field(init=False)

    def work(self, stop: Event) -> None:
        """Until `stop` is set. Nothing that befalls him counts; what he does to others they will tell."""
        self.random = Random(self.seed)
        ways: tuple[Callable[[Event], None], ...] = (self.hang_up, self.read_slowly, self.babble, self.leave_off)
        while not stop.wait(self.random.random() * 2 * _PAUSE):
            way = self.random.choice(ways)
            self.record.count(way.__name__.replace("_", " "))
            with suppress(OSError):
                way(stop)

    def hang_up(self, stop: Event) -> None:
        """Before the answer, or in its midst, in good order or not."""
        with self._connect() as connection:
            connection.sendall(self._ask_for_much())
            for _ in range(self.random.choice((0, 0, 1, 3))):
                connection.recv(20_000)
            if self.random.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)

    def read_slowly(self, stop: Event) -> None:
        """Some kilobytes a second, for some seconds."""
        with self._connect(small=True) as connection:
            connection.sendall(self._ask_for_much())
            for _ in range(self.random.randint(5, 50)):
                if stop.wait(0.1) or not connection.recv(2_000):
                    return

    def babble(self, stop: Event) -> None:
        """What is no request, or none that can be answered with more than a refusal."""
        with self._connect() as connection:
            connection.sendall(self.random.choice(_BROKEN))
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(100)
            if answer and not answer.startswith(b"HTTP/1.1 4") and not answer.startswith(b"HTTP/1.1 501"):
                self.record.complain(f"a broken request was answered {answer!r}")

    def leave_off(self, stop: Event) -> None:
        """In the midst of an upload."""
        head = (
            f"POST /iqmetrix/assets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 400000\r\n"
        )
        part = "--b\r\nContent-Disposition: form-data; name=Filename; filename=a.png\r\n\r\n"
        with self._connect() as connection:
            connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n{part}".encode())
            connection.sendall(self.random.randbytes(self.random.randrange(200_000)))

    def _ask_for_much(self) -> bytes:
        """Some megabytes, new or known."""
        asset = self.random.choice(list(self.record.assets))
        width = self.random.choice((1000, 1001, self.random.randint(900, 1400)))
        path = self.random.choice((f"{asset.guid}.bmp?width={width}&upscale=true", f"{asset.guid}.webp?width={width}"))
        return f"GET /images/{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    def _connect(self, *, small: bool = False) -> socket.socket:
        address = urlsplit(self.service.url)
        connection = socket.socket()
        connection.settimeout(_SECONDS)
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        return connection
