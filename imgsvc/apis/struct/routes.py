"""Struct PIM's Assets API: assets, their data and their references. Its folders are in `folders`."""

from collections.abc import AsyncIterator
from dataclasses import replace

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from imgsvc.apis.struct.batches import StructBatches
from imgsvc.apis.struct.bodies import MOST_READ, read_body, read_ids
from imgsvc.apis.struct.folders import StructFolders
from imgsvc.apis.struct.ids import read_asset_id, read_keys, read_parent
from imgsvc.apis.struct.names import read_file_name, renamed
from imgsvc.apis.struct.pages import asset_serials, assets_by_id
from imgsvc.apis.struct.references import references_from_links
from imgsvc.apis.struct.shapes import AssetUpdate, StructAsset, shape_from_asset
from imgsvc.catalog.base import Edit
from imgsvc.core.assets import Asset, AssetRef, NewAsset
from imgsvc.core.errors import NotFound
from imgsvc.core.tokens import Scope
from imgsvc.web.auth import Caller
from imgsvc.web.json import json_array_response, json_response
from imgsvc.web.problems import Failures
from imgsvc.web.routing import resource
from imgsvc.web.services import Services
from imgsvc.web.uploads import spooled_upload

PART = "uploadedFile"
"""The vendor's name for the part that holds the file."""


class StructAssets:
    def __init__(self, services: Services) -> None:
        self._services = services

    def mount(self) -> Mount:
        """What is a word goes before what is an id."""
        routes = [
            *StructBatches(self._services).routes(),
            *StructFolders(self._services).routes(),
            resource("/assets", POST=self.create, PUT=self.update_many, DELETE=self.delete_many),
            resource("/assets/ids", GET=self.list_ids),
            resource("/assets/batch", POST=self.read_many),
            resource("/assets/{id}", GET=self.read, PUT=self.update, DELETE=self.delete),
            resource("/assets/{id}/data", PUT=self.replace_data),
            resource("/assets/{id}/references", GET=self.read_references),
        ]
        return Failures().mount("/struct", routes)

    async def create(self, request: Request) -> Response:
        services = self._services
        caller = await self._demand(request, Scope.WRITE)
        folder = read_parent(_query_word(request, "folderId"))
        async with spooled_upload(request, part=PART, blobs=services.blobs, limit=services.upload_limit) as upload:
            new = NewAsset(instance=caller.instance, name=upload.name, by=caller.user, folder=folder)
            asset = await services.ingest.add(upload.spooled, new)
        return json_response(self._shape(request, asset))

    async def read(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        return json_response(self._shape(request, await self._find(request, caller)))

    async def read_many(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        ids = await read_ids(request, most=MOST_READ)

        async def pages() -> AsyncIterator[list[StructAsset]]:
            async for page in assets_by_id(self._services.catalog.assets, caller.instance, ids):
                yield [self._shape(request, asset) for asset in page]

        return await json_array_response(pages())

    async def list_ids(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)

        async def pages() -> AsyncIterator[list[str]]:
            async for page in asset_serials(self._services.catalog.assets, caller.instance):
                yield list(map(str, page))

        return await json_array_response(pages())

    async def update(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.WRITE)
        ref = read_asset_id(request.path_params["id"], instance=caller.instance)
        return await self._change({ref: _make_edit(await read_body(request, AssetUpdate))}, caller)

    async def update_many(self, request: Request) -> Response:
        """All of them or none."""
        caller = await self._demand(request, Scope.WRITE)
        updates = read_keys(
            await read_body(request, dict[str, AssetUpdate]),
            lambda text: read_asset_id(text, instance=caller.instance),
        )
        return await self._change({ref: _make_edit(update) for ref, update in updates.items()}, caller)

    async def replace_data(self, request: Request) -> Response:
        services = self._services
        caller = await self._demand(request, Scope.WRITE)
        ref = read_asset_id(request.path_params["id"], instance=caller.instance)
        async with spooled_upload(request, part=PART, blobs=services.blobs, limit=services.upload_limit) as upload:
            await services.ingest.replace(ref, upload.spooled, upload.name, by=caller.user)
        return Response()

    async def delete(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.DELETE)
        await self._services.removal.delete([read_asset_id(request.path_params["id"], instance=caller.instance)])
        return Response()

    async def delete_many(self, request: Request) -> Response:
        """All of them or none."""
        caller = await self._demand(request, Scope.DELETE)
        ids = await read_ids(request)
        await self._services.removal.delete({read_asset_id(text, instance=caller.instance) for text in ids})
        return Response()

    async def read_references(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        asset = await self._find(request, caller)
        links = await self._services.catalog.links.of_assets([asset.serial])
        return json_response(references_from_links(links.get(asset.serial, [])))

    async def _demand(self, request: Request, scope: Scope) -> Caller:
        return await self._services.guard.demand(request, scope, raw_key=True)

    async def _find(self, request: Request, caller: Caller) -> Asset:
        """Raises NotFound."""
        ref = read_asset_id(request.path_params["id"], instance=caller.instance)
        asset = await self._services.catalog.assets.find(ref)
        if asset is None:
            raise NotFound("There is no asset of that id.")
        return asset

    async def _change(self, edits: dict[AssetRef, Edit], caller: Caller) -> Response:
        await self._services.catalog.assets.change(edits, by=caller.user, now=self._services.now())
        return Response()

    def _shape(self, request: Request, asset: Asset) -> StructAsset:
        return shape_from_asset(asset, request=request, addresses=self._services.addresses)


def _make_edit(update: AssetUpdate) -> Edit:
    """Raises InvalidParameter, NotFound."""
    name = None if update.filename is None else read_file_name(update.filename)
    folder = UNSET if update.folder_id is None else read_parent(update.folder_id)

    def edit(asset: Asset) -> Asset:
        return replace(
            asset,
            folder=asset.folder if folder is UNSET else folder,
            name=asset.name if name is None else renamed(asset, name),
        )

    return edit


def _query_word(request: Request, name: str) -> str | None:
    """In any case, as ASP.NET, which Struct is made with, reads a query."""
    return next((text for key, text in request.query_params.items() if key.lower() == name.lower()), None)
