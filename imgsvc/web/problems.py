"""Failures as HTTP answers: RFC 9457 problem details, never stored by anyone."""

import http
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from imgsvc.core.errors import (
    Conflict,
    CorruptOriginal,
    ImgsvcError,
    InvalidParameter,
    InvalidSignature,
    NotAnImage,
    NotFound,
    NotPermitted,
    OriginFailure,
    Overloaded,
    PayloadTooLarge,
    RenderCrashed,
    RenderTimeout,
    ServiceError,
    StoreFailure,
    TooManyPixels,
    Unauthenticated,
    UnsupportedMedia,
)

_log = structlog.get_logger(__name__)

STATUS: Mapping[type[ImgsvcError], int] = MappingProxyType(
    {
        InvalidParameter: 400,
        Unauthenticated: 401,
        NotPermitted: 403,
        InvalidSignature: 403,
        NotFound: 404,
        Conflict: 409,
        PayloadTooLarge: 413,
        UnsupportedMedia: 415,
        NotAnImage: 422,
        CorruptOriginal: 422,
        TooManyPixels: 422,
        OriginFailure: 502,
        Overloaded: 503,
        RenderTimeout: 503,
        RenderCrashed: 503,
        StoreFailure: 503,
    }
)


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457, section 3.1. `type` is left out, which means that `title` says what the status says."""

    title: str
    status: int
    detail: str = ""
    parameter: str = ""


def status_of(error: ImgsvcError) -> int:
    """The nearest ancestor's; a test demands a row for every class."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


async def answer_failure(request: Request, error: Exception) -> Response:
    assert isinstance(error, ImgsvcError)
    headers: dict[str, str] = {}
    if isinstance(error, ServiceError):
        headers["Retry-After"] = str(error.retry_after)
        _log.warning("request.failed", path=request.url.path, error=type(error).__name__, detail=error.detail)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="imgsvc"'
    parameter = error.name if isinstance(error, InvalidParameter) else ""
    return problem_response(status_of(error), detail=error.detail, parameter=parameter, headers=headers)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, method not allowed."""
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, headers=error.headers)


async def answer_bug(request: Request, error: Exception) -> Response:
    """The body says nothing of what went wrong; the log says all."""
    _log.error("request.bug", path=request.url.path, exc_info=error)
    return problem_response(500, detail="The service made a mistake.")


def problem_response(
    status: int, *, detail: str = "", parameter: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    problem = Problem(title=http.HTTPStatus(status).phrase, status=status, detail=detail, parameter=parameter)
    return Response(
        msgspec.json.encode(problem),
        status_code=status,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
        media_type="application/problem+json",
    )
