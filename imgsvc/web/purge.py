"""`/purge`: what caches are to drop, ours and those in front, and the receipt for it."""

import asyncio
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.core.errors import NotFound
from imgsvc.core.tokens import Scope
from imgsvc.service.purge_orders import PurgeOrders, PurgeReport, Wish
from imgsvc.web.auth import Guard
from imgsvc.web.json import json_response, read_json
from imgsvc.web.routing import resource

_PATIENCE = 10.0
"""Seconds after which a purge that goes on is answered with where to ask after it."""

_LOOK_SECONDS = 0.05

_Ids = Annotated[list[str | int], msgspec.Meta(max_length=10_000)]
_Names = Annotated[list[str], msgspec.Meta(max_length=10_000)]


class PurgeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One of them at least. `soft`: what is there is served until it is made again."""

    assets: _Ids = []
    folders: _Ids = []
    presets: _Names = []
    tags: _Names = []
    everything: bool = False
    soft: bool = False


class RemovedShape(msgspec.Struct):
    """`bytes` of both."""

    derivatives: int
    levels: int
    bytes: int


class HookShape(msgspec.Struct, omit_defaults=True):
    """`told` once it took all tags; `failed`: why its last call did not succeed, which is repeated."""

    hook: str
    told: bool
    failed: str = ""


class PurgeShape(msgspec.Struct):
    """`done`: our own files are. `assets` were looked at, of `total`; `stale` are to be made again."""

    id: str
    done: bool
    soft: bool
    assets: int
    total: int
    removed: RemovedShape
    stale: int
    tags: list[str]
    hooks: list[HookShape]


class PurgeRoutes:
    def __init__(self, *, orders: PurgeOrders, guard: Guard) -> None:
        self._orders = orders
        self._guard = guard

    def routes(self) -> list[Route]:
        return [resource("/purge", POST=self.order), resource("/purge/{id}", GET=self.show)]

    async def order(self, request: Request) -> Response:
        """200 when it is settled, 202 where that takes longer."""
        caller = await self._guard.demand(request, Scope.DELETE)
        body = await read_json(request, PurgeBody)
        wish = Wish(
            assets=list(map(str, body.assets)),
            folders=list(map(str, body.folders)),
            presets=body.presets,
            tags=body.tags,
            everything=body.everything,
            soft=body.soft,
        )
        report = await self._orders.add(caller.instance, wish)
        ends = asyncio.get_running_loop().time() + _PATIENCE
        while not report.is_settled and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(_LOOK_SECONDS)
            report = await self._orders.find(caller.instance, report.purge.serial)
        response = json_response(_shape(report), status=200 if report.is_settled else 202)
        response.headers["Location"] = f"/purge/{report.purge.serial}"
        return response

    async def show(self, request: Request) -> Response:
        caller = await self._guard.demand(request, Scope.DELETE)
        text = request.path_params["id"]
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise NotFound("There is no purge of that id.")
        return json_response(_shape(await self._orders.find(caller.instance, int(text))))


def _shape(report: PurgeReport) -> PurgeShape:
    purge, receipt = report.purge, report.purge.receipt
    return PurgeShape(
        id=str(purge.serial),
        done=purge.finished is not None,
        soft=purge.order.soft,
        assets=receipt.assets,
        total=receipt.total,
        removed=RemovedShape(derivatives=receipt.derivatives, levels=receipt.levels, bytes=receipt.length),
        stale=receipt.stale,
        tags=list(receipt.tags),
        hooks=[HookShape(*hook) for hook in report.hooks],
    )
