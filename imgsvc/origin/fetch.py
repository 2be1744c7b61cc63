"""An original from another server, by the URL that a client gave: no address goes unchecked, nothing is unbounded."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from types import TracebackType
from typing import Self

import httpx
import structlog

from imgsvc.core.errors import InvalidParameter, OriginCause, OriginFailure
from imgsvc.origin.answer import REDIRECTS, bounded, check_head, follow_redirect, is_of_tls, read_body
from imgsvc.origin.guard import Address, AddressGuard
from imgsvc.origin.target import MAX_LENGTH, Target

_log = structlog.get_logger(__name__)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a host for a port, best first. Raises OSError where it has none."""

_MAX_REDIRECTS = 5
_MAX_ADDRESSES = 4
"""Of one name, tried in turn; more would make a port scanner of us."""

_CONNECT_SECONDS = 5.0
"""For one address; TLS may take as long again."""

_READ_SECONDS = 15.0
"""Between bytes."""

_SHOWN_HOST = 60
_SHOWN_WORDS = 200

_NOT_RESOLVED = "{} has, or redirects to, a name that has no address."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """A body on its way.

    `file_name` is the last segment of the URL that was asked for, wherever it redirected to; decoded, not cleaned,
    maybe empty. `chunks` are of 64 KiB, the last of what is left; they raise what `Origin.open` does.
    """

    file_name: str
    chunks: AsyncIterator[bytes]


async def resolve_name(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Origin:
    """Originals that live elsewhere.

    `deadline`: seconds for the whole of one fetch, that is names, connections, redirects and body, the reader's pauses
    included. `verify`: whose certificates are trusted; None means those that httpx brings.

    A name is resolved once a request and what was checked is called, so that an answer which changes meanwhile (DNS
    rebinding) changes nothing; Host header and certificate are the name's. Neither proxies nor other settings are
    taken from the environment; cookies, credentials and connections are not kept from one request to the next.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard,
        deadline: float,
        resolve: Resolve = resolve_name,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._deadline = deadline
        self._resolve = resolve
        self._verify = verify

    async def __aenter__(self) -> Self:
        self._agent = f"imgsvc/{version('imgsvc')}"
        # The bare transport: a client would keep cookies, follow redirects and decode on its own.
        self._transport = httpx.AsyncHTTPTransport(
            verify=True if self._verify is None else self._verify, trust_env=False
        )
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def open(self, url: str, *, name: str, limit: int) -> AsyncGenerator[Fetching]:
        """What a GET of `url` answers with status 200; the connection is closed afterwards, read to its end or not.

        `name` is the parameter's that gave `url`; `limit` is the body's, in bytes. Redirects are followed, up to five,
        each checked like the first; none from https to http. Raises InvalidParameter, OriginFailure, PayloadTooLarge.
        """
        try:
            target = Target.parse(url)
        except ValueError as error:
            expected = f"an http or https URL, {MAX_LENGTH} characters at most, no user, port 80, 443 or above 1023"
            raise InvalidParameter(name, expected=expected, received=url) from error
        host = target.host[:_SHOWN_HOST]
        ends = asyncio.get_running_loop().time() + self._deadline
        with _logged(host) as progress:
            async with bounded(host, ends):
                response = await self._follow(target, host)
            progress.response = response
            async with aclosing(response):
                check_head(response, host, limit)
                async with aclosing(read_body(response, host, ends, limit)) as chunks:
                    yield Fetching(file_name=target.file_name, chunks=chunks)

    async def _follow(self, target: Target, host: str) -> httpx.Response:
        """The first answer that does not redirect."""
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._ask(target, host)
            if response.status_code not in REDIRECTS:
                return response
            await response.aclose()
            target = follow_redirect(target, response, host)
        raise OriginFailure(OriginCause.REDIRECT, f"{host} redirects more than {_MAX_REDIRECTS} times.")

    async def _ask(self, target: Target, host: str) -> httpx.Response:
        addresses = await self._find_addresses(target, host)
        for address in addresses[:-1]:
            try:
                return await self._transport.handle_async_request(self._request(target, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if is_of_tls(error):
                    raise
        return await self._transport.handle_async_request(self._request(target, addresses[-1]))

    async def _find_addresses(self, target: Target, host: str) -> Sequence[Address]:
        """One at least."""
        if not self._guard.permits_host(target.host):
            raise OriginFailure(
                OriginCause.HOST_NOT_ALLOWED, f"{host} is, or redirects to, a host that is not allowed here."
            )
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise OriginFailure(OriginCause.NAME_NOT_RESOLVED, _NOT_RESOLVED.format(host)) from error
        if not found:
            raise OriginFailure(OriginCause.NAME_NOT_RESOLVED, _NOT_RESOLVED.format(host))
        addresses = self._guard.permitted(found)
        if not addresses:
            raise OriginFailure(
                OriginCause.ADDRESS_NOT_ALLOWED, f"{host} has, or redirects to, an address that is not allowed here."
            )
        return addresses[:_MAX_ADDRESSES]

    def _request(self, target: Target, address: Address) -> httpx.Request:
        return httpx.Request(
            "GET",
            target.at(address),
            headers={
                "Host": target.url.netloc.decode("ascii"),
                "User-Agent": self._agent,
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                # Kept, it would be found by address and reused for another name, whose certificate nobody looked at.
                "Connection": "close",
            },
            extensions={
                "sni_hostname": target.host,
                "timeout": httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS).as_dict(),
            },
        )


@dataclass(slots=True)
class _Progress:
    response: httpx.Response | None = None

    @property
    def length(self) -> int:
        return 0 if self.response is None else self.response.num_bytes_downloaded


@contextmanager
def _logged(host: str) -> Generator[_Progress]:
    """One event a fetch, however it ends. The libraries' words are for the log alone."""
    began = monotonic()
    progress = _Progress()
    try:
        yield progress
    except BaseException as error:
        _log.warning(
            "origin.failed",
            host=host,
            outcome=error.cause if isinstance(error, OriginFailure) else type(error).__name__,
            words=str(error.__cause__ or "")[:_SHOWN_WORDS],
            seconds=round(monotonic() - began, 4),
            length=progress.length,
        )
        raise
    _log.info("origin.fetched", host=host, seconds=round(monotonic() - began, 4), length=progress.length)
