"""`/ladder.json`: the sizes that a floating signature holds for, and URLs without one where they are bounded."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.core.bounds import OffLadder


class LadderShape(msgspec.Struct):
    """`sizes` in px of the result, ascending. `off_ladder`: what becomes of any other."""

    sizes: tuple[int, ...]
    off_ladder: OffLadder


def ladder_route(shape: LadderShape) -> Route:
    text = msgspec.json.encode(shape)

    async def show(request: Request) -> Response:
        return Response(
            text,
            media_type="application/json",
            headers={"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"},
        )

    return Route("/ladder.json", show, methods=["GET"])
