"""Failures as HTTP answers: RFC 9457 problem details, never stored by anyone."""

import http
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from imgsvc.core.errors import (
    Conflict,
    CorruptOriginal,
    ImgsvcError,
    InvalidParameter,
    InvalidSignature,
    NotAnImage,
    NotFound,
    NotPermitted,
    OriginalLost,
    OriginFailure,
    Overloaded,
    PayloadTooLarge,
    Quarantined,
    RenderCrashed,
    RenderTimeout,
    ServiceError,
    StoreFailure,
    TooManyPixels,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
)
from imgsvc.web.caching import NO_STORE
from imgsvc.web.cross_origin import OPEN
from imgsvc.web.targets import WellFormed, fault_of_path

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
        TooManyRequests: 429,
        NotAnImage: 422,
        CorruptOriginal: 422,
        TooManyPixels: 422,
        Quarantined: 422,
        OriginFailure: 502,
        Overloaded: 503,
        RenderTimeout: 503,
        RenderCrashed: 503,
        StoreFailure: 503,
        OriginalLost: 503,
    }
)


NO_ROUTE = "Nothing is at this path; /openapi.json lists what there is."


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457, section 3.1. `type` is left out, which means that `title` says what the status says."""

    title: str
    status: int
    detail: str = ""
    parameter: str = ""
    cause: str = ""


class Respond(Protocol):
    """A failure's answer in the words and the shape of one face."""

    def __call__(
        self, status: int, *, detail: str, error: ImgsvcError | None, headers: Mapping[str, str]
    ) -> Response: ...


class Failures:
    """How a face answers what went wrong. `status` holds where its vendor differs, and goes before `STATUS`.

    `missing`: the Cache-Control of NotFound. `headers`: of every answer.
    """

    def __init__(
        self,
        *,
        status: Mapping[type[ImgsvcError], int] = MappingProxyType({}),
        respond: Respond | None = None,
        missing: str = NO_STORE,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._status = {**STATUS, **status}
        self._respond = respond or problem_response
        self._missing = missing
        self._headers = headers

    def of_pictures(self, missing: str) -> "Failures":
        """The same, for any page to read; who asks for what is not there may be told to wait before asking again."""
        return Failures(status=self._status, respond=self._respond, missing=missing, headers=OPEN)

    def mount(self, prefix: str, routes: Sequence[BaseRoute]) -> Mount:
        """Of its own, so that unknown paths and methods below `prefix` are answered in the same words.

        So are paths that no URL can have.
        """
        app = Starlette(routes=routes, exception_handlers=self.handlers())
        # A path with a slash too many is another path; Starlette would redirect to where the face is inside.
        app.router.redirect_slashes = False
        return Mount(prefix, app=app, middleware=[Middleware(WellFormed, refuse=self._refuse)])

    def handlers(self) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
        return {
            ImgsvcError: self._answer_failure,
            HTTPException: self._answer_http_exception,
            Exception: self._answer_bug,
        }

    def status_of(self, error: ImgsvcError) -> int:
        """The nearest ancestor's; a test demands a row for every class."""
        return next((self._status[kind] for kind in type(error).__mro__ if kind in self._status), 500)

    def _refuse(self, detail: str) -> Response:
        return self._answer(400, detail=detail)

    async def _answer_failure(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ImgsvcError)
        headers: dict[str, str] = {}
        if isinstance(error, ServiceError | TooManyRequests):
            headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, ServiceError):
            _log.warning("request.failed", path=request.url.path, error=type(error).__name__, detail=error.detail)
        if isinstance(error, Unauthenticated):
            headers["WWW-Authenticate"] = 'Bearer realm="imgsvc"'
        if isinstance(error, NotFound) and self._missing != NO_STORE:
            headers["Cache-Control"] = self._missing
        return self._answer(self.status_of(error), detail=error.detail, error=error, headers=headers)

    async def _answer_http_exception(self, request: Request, error: Exception) -> Response:
        """Starlette's own: no such route, also for want of a path that any could have; method not allowed."""
        assert isinstance(error, HTTPException)
        fault = fault_of_path(request.scope.get("raw_path", b"")) if error.status_code == 404 else None
        if fault is not None:
            return self._refuse(fault)
        detail = NO_ROUTE if error.status_code == 404 else ""
        return self._answer(error.status_code, detail=detail, headers=error.headers or {})

    async def _answer_bug(self, request: Request, error: Exception) -> Response:
        """The body says nothing of what went wrong; the log says all."""
        _log.error("request.bug", path=request.url.path, exc_info=error)
        return self._answer(500, detail="The service made a mistake.")

    def _answer(
        self,
        status: int,
        *,
        detail: str = "",
        error: ImgsvcError | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        return self._respond(status, detail=detail, error=error, headers={**self._headers, **headers})


def problem_response(
    status: int,
    *,
    detail: str = "",
    error: ImgsvcError | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    problem = Problem(
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        parameter=error.name if isinstance(error, InvalidParameter) else "",
        cause=error.cause if isinstance(error, OriginFailure) else "",
    )
    return failure_response(problem, status=status, headers=headers, media_type="application/problem+json")


def failure_response(shape: msgspec.Struct, *, status: int, headers: Mapping[str, str], media_type: str) -> Response:
    """Of no use to any cache, unless `headers` say so."""
    return Response(
        msgspec.json.encode(shape),
        status_code=status,
        headers={"Cache-Control": NO_STORE, "X-Content-Type-Options": "nosniff", **headers},
        media_type=media_type,
    )
