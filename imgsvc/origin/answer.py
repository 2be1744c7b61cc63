"""What another server answers: what of it is believed, how long it is waited for, what a caller is told of it."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx

from imgsvc.core.errors import OriginCause, OriginFailure, PayloadTooLarge
from imgsvc.origin.target import Target

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_CHUNK = 64 * 1024


@asynccontextmanager
async def bounded(host: str, ends: float) -> AsyncGenerator[None]:
    """Around each step that waits for the other server, and never around the reader's: the one translation of errors.

    `ends` on the loop's clock.
    """
    try:
        async with asyncio.timeout_at(ends):
            yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise OriginFailure(OriginCause.TIMEOUT, f"{host} did not deliver in time.") from error
    except (httpx.TransportError, OSError, UnicodeError) as error:
        if is_of_tls(error):
            raise OriginFailure(OriginCause.TLS, f"{host} offers no connection that can be trusted.") from error
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ConnectError):
            raise OriginFailure(OriginCause.PROTOCOL, f"{host} gave no complete HTTP answer.") from error
        raise OriginFailure(OriginCause.UNREACHABLE, f"{host} could not be reached.") from error


def is_of_tls(error: BaseException | None) -> bool:
    """httpx has one error for a connection refused and a certificate refused; what it was made of tells them apart."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def follow_redirect(target: Target, response: httpx.Response, host: str) -> Target:
    """Where `target` redirects to: another host, maybe, which `host` does not tell."""
    location = response.headers.get("location", "")
    if not location:
        raise OriginFailure(OriginCause.REDIRECT, f"{host} redirects without saying where to.")
    try:
        found = target.join(location)
    except ValueError as error:
        raise OriginFailure(OriginCause.REDIRECT, f"{host} redirects to what is no http or https URL.") from error
    if target.is_secure and not found.is_secure:
        raise OriginFailure(OriginCause.REDIRECT, f"{host} redirects from https to http.")
    return found


def check_head(response: httpx.Response, host: str, limit: int) -> None:
    if response.status_code != HTTPStatus.OK:
        raise OriginFailure(OriginCause.STATUS, f"{host} answered {response.status_code}.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        # A few bytes of it may decode to any number.
        raise OriginFailure(OriginCause.PROTOCOL, f"{host} answered with an encoding that was not asked for.")
    if int(response.headers.get("content-length", "0")) > limit:
        raise _too_large(limit)


async def read_body(response: httpx.Response, host: str, ends: float, limit: int) -> AsyncGenerator[bytes]:
    """A timeout must not span a yield, so each step has what is left of it."""
    chunks = response.aiter_raw(_CHUNK)
    length = 0
    while True:
        async with bounded(host, ends):
            chunk = await anext(chunks, b"")
        if not chunk:
            return
        length += len(chunk)
        if length > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The file is larger than {limit} bytes, the most that is taken in.")
