"""Shapes as JSON answers, for APIs and health: theirs is the present, so nobody stores them."""

import msgspec
from starlette.responses import Response


def json_response(shape: msgspec.Struct, *, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(shape),
        status_code=status,
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
