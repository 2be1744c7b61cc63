"""What went wrong, as API Platform says it: JSON-LD of Hydra's class Error, with the vendor's statuses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

import msgspec
from starlette.responses import Response

from imgsvc.apis.quable.hydra import LD_JSON
from imgsvc.core.errors import ImgsvcError, OriginFailure, UnsupportedMedia
from imgsvc.web.problems import Failures, failure_response


class HydraError(msgspec.Struct, kw_only=True):
    """`cause` is ours: why a `remotePath` could not be fetched."""

    context: Literal["/api/contexts/Error"] = msgspec.field(default="/api/contexts/Error", name="@context")
    type: Literal["hydra:Error"] = msgspec.field(default="hydra:Error", name="@type")
    title: str = msgspec.field(default="An error occurred", name="hydra:title")
    description: str = msgspec.field(name="hydra:description")
    cause: str | msgspec.UnsetType = msgspec.UNSET


def _respond(status: int, *, detail: str, error: ImgsvcError | None, headers: Mapping[str, str]) -> Response:
    described = HTTPStatus(status)
    shape = HydraError(
        description=detail or described.description or described.phrase,
        cause=error.cause if isinstance(error, OriginFailure) else msgspec.UNSET,
    )
    return failure_response(shape, status=status, headers=headers, media_type=LD_JSON)


# Bytes of a wrong format are well-formed requests that cannot be followed; 415 is not among the vendor's statuses.
QUABLE_FAILURES = Failures(status={UnsupportedMedia: 422}, respond=_respond)
