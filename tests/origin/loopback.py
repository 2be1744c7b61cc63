"""Other people's servers: real ones on loopback that say exactly the bytes a test gives them."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

_PATIENCE = 10.0


@dataclass(kw_only=True)
class Loopback:
    """`heads` are the requests as they came; `asked` is set by the first, `left` by the first that ended."""

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list[str])
    server_names: list[str | None] = field(default_factory=list[str | None])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, *, host: str = "shop.example", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def until_left(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self.left.wait()

    def header(self, name: str) -> list[str | None]:
        """Its value in each request."""
        fields = [dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line) for head in self.heads]
        return [found.get(name) for found in fields]


@dataclass(kw_only=True)
class FakeResolver:
    """Every name is 127.0.0.1, but for those in `names`, whose answers come one after the other, the last for ever."""

    names: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict[str, Sequence[Sequence[str]]])
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        answers = self.names.get(host, [["127.0.0.1"]])
        answer = answers[min(self.asked.count(host), len(answers) - 1)]
        self.asked.append(host)
        return answer


@asynccontextmanager
async def serving(
    answers: Mapping[str, bytes | Answer], *, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Loopback]:
    """Answers by path. After one the connection stays open until the client leaves, or the answer has closed it."""
    loopback = Loopback()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        loopback.connections += 1
        # A client that goes away in the middle is what many tests are about.
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            loopback.heads.append(head)
            loopback.asked.set()
            answer = answers[head.split()[1]]
            await (answer if callable(answer) else says(answer))(writer)
            if not writer.is_closing():
                await reader.read()
        loopback.left.set()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    if tls is not None:
        tls.sni_callback = lambda _, name, __: loopback.server_names.append(name)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    loopback.port = server.sockets[0].getsockname()[1]
    async with server:
        yield loopback
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*handlers)


def says(data: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def says_and_leaves(data: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer


def says_for_ever(head: bytes, part: bytes) -> Answer:
    """Until the client is gone."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    return answer


def http(body: bytes = PICTURE, status: str = "200 OK", **headers: str) -> bytes:
    """An answer with its length. Header names with `_` for `-`."""
    fields = {"Content_Length": str(len(body))} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body


def redirect(location: str, status: str = "302 Found", **headers: str) -> bytes:
    return http(b"", status, Location=location, **headers)


def chunked(*parts: bytes) -> bytes:
    """An answer that does not tell its length (RFC 9112, section 7.1)."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Signed by itself."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def make_certificate(folder: Path, names: str) -> Certificate:
    """`names` as openssl's subjectAltName has them: `DNS:shop.example`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    made = Certificate(certificate=folder / "certificate.pem", key=folder / "key.pem")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", made.key, "-out", made.certificate, "-days", "2"),
            *("-subj", "/CN=imgsvc test", "-addext", f"subjectAltName={names}"),
        ],
        check=True,
        capture_output=True,
    )
    return made
