"""iQmetrix' words and codes for what went wrong ("Assets", Errors)."""

from collections.abc import Mapping

from starlette.responses import Response

from imgsvc.core.errors import (
    CorruptOriginal,
    ImgsvcError,
    NotAnImage,
    NotFound,
    TooManyPixels,
    UnsupportedMedia,
)
from imgsvc.web.problems import Failures, problem_response

NOT_FOUND = "Asset Media Service Error: Resource not found"


def _respond(status: int, *, detail: str, error: ImgsvcError | None, headers: Mapping[str, str]) -> Response:
    """How the vendor shapes a body is not documented."""
    words = NOT_FOUND if isinstance(error, NotFound) else detail
    return problem_response(status, detail=words, error=error, headers=headers)


IQMETRIX_FAILURES = Failures(
    status={NotAnImage: 400, UnsupportedMedia: 400, CorruptOriginal: 400, TooManyPixels: 400}, respond=_respond
)
