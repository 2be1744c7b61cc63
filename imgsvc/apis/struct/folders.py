"""Struct PIM's Assets API: folders and what lies in them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import PurePosixPath

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.apis.struct.bodies import MOST_READ, read_body, read_ids
from imgsvc.apis.struct.ids import read_folder_id, read_keys, read_parent
from imgsvc.apis.struct.names import is_called, read_folder_name
from imgsvc.apis.struct.pages import assets_in_folder, folders_by_id
from imgsvc.apis.struct.shapes import (
    FolderUpdate,
    NewFolder,
    StructAsset,
    StructFolder,
    shape_from_asset,
    shape_from_folder,
)
from imgsvc.core.assets import Asset, Folder, Instance
from imgsvc.core.errors import Conflict, NotFound
from imgsvc.core.tokens import Scope
from imgsvc.web.auth import Caller
from imgsvc.web.json import json_array_response, json_response
from imgsvc.web.routing import resource
from imgsvc.web.services import Services


class StructFolders:
    """The root is no folder: things lie in it, and it can be neither read nor changed."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            resource("/assets/folders", POST=self.create, PUT=self.update_many, DELETE=self.delete_many),
            resource("/assets/folders/batch", POST=self.read_many),
            resource("/assets/folders/{id}", GET=self.read, PUT=self.update, DELETE=self.delete),
            resource("/assets/folders/{id}/subfolders", GET=self.list_folders),
            resource("/assets/folders/{id}/assets", GET=self.list_assets),
            resource("/assets/folders/{id}/assets/{filename}", GET=self.read_asset),
        ]

    async def create(self, request: Request) -> Response:
        """The answer has each id under its folder's name, so no two of a request can have the same."""
        caller = await self._demand(request, Scope.WRITE)
        wanted = await read_body(request, list[NewFolder])
        new = [(read_parent(folder.parent_id), read_folder_name(folder.name)) for folder in wanted]
        if len({name for _, name in new}) < len(new):
            raise Conflict("Two of the new folders have the same name; the answer can hold one of them alone.")
        folders = await self._services.catalog.folders.add(caller.instance, new)
        return json_response({folder.name: str(folder.serial) for folder in folders})

    async def read(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        folder = await self._find(read_folder_id(request.path_params["id"]), caller.instance)
        return json_response(shape_from_folder(folder))

    async def read_many(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        ids = await read_ids(request, most=MOST_READ)

        async def pages() -> AsyncIterator[list[StructFolder]]:
            async for page in folders_by_id(self._services.catalog.folders, caller.instance, ids):
                yield list(map(shape_from_folder, page))

        return await json_array_response(pages())

    async def update(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.WRITE)
        serial = read_folder_id(request.path_params["id"])
        return await self._change({serial: await read_body(request, FolderUpdate)}, caller)

    async def update_many(self, request: Request) -> Response:
        """All of them or none."""
        caller = await self._demand(request, Scope.WRITE)
        return await self._change(read_keys(await read_body(request, dict[str, FolderUpdate]), read_folder_id), caller)

    async def delete(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.DELETE)
        await self._services.catalog.folders.delete(caller.instance, [read_folder_id(request.path_params["id"])])
        return Response()

    async def delete_many(self, request: Request) -> Response:
        """All of them or none; a folder may hold others that go with it."""
        caller = await self._demand(request, Scope.DELETE)
        ids = await read_ids(request)
        await self._services.catalog.folders.delete(caller.instance, {read_folder_id(text) for text in ids})
        return Response()

    async def list_folders(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        parent = read_parent(request.path_params["id"])
        folders = await self._services.catalog.folders.children(caller.instance, parent)
        return json_response(list(map(shape_from_folder, folders)))

    async def list_assets(self, request: Request) -> Response:
        caller = await self._demand(request, Scope.READ)
        folder = await self._find_place(request, caller)

        async def pages() -> AsyncIterator[list[StructAsset]]:
            async for page in assets_in_folder(self._services.catalog.assets, caller.instance, folder):
                yield [self._shape(request, asset) for asset in page]

        return await json_array_response(pages())

    async def read_asset(self, request: Request) -> Response:
        """By its name as it is kept, by that alone, and by name and extension as they are answered."""
        caller = await self._demand(request, Scope.READ)
        folder = await self._find_place(request, caller)
        name = request.path_params["filename"]
        find = self._services.catalog.assets.find_in_folder
        asset = await find(caller.instance, folder, name)
        if asset is None:
            asset = await find(caller.instance, folder, PurePosixPath(name).stem)
            if asset is None or not is_called(asset, name):
                raise NotFound("There is no asset of that name in the folder.")
        return json_response(self._shape(request, asset))

    async def _demand(self, request: Request, scope: Scope) -> Caller:
        return await self._services.guard.demand(request, scope, raw_key=True)

    async def _find(self, serial: int, instance: Instance) -> Folder:
        """Raises NotFound."""
        (folder,) = await self._services.catalog.folders.find_many(instance, [serial])
        if folder is None:
            raise NotFound("There is no folder of that id.")
        return folder

    async def _find_place(self, request: Request, caller: Caller) -> int | None:
        """The folder of a path, or the root. Raises NotFound."""
        serial = read_parent(request.path_params["id"])
        return None if serial is None else (await self._find(serial, caller.instance)).serial

    async def _change(self, updates: dict[int, FolderUpdate], caller: Caller) -> Response:
        edits = {serial: _make_edit(update) for serial, update in updates.items()}
        await self._services.catalog.folders.change(caller.instance, edits)
        return Response()

    def _shape(self, request: Request, asset: Asset) -> StructAsset:
        return shape_from_asset(asset, request=request, addresses=self._services.addresses)


def _make_edit(update: FolderUpdate) -> Callable[[Folder], Folder]:
    """Raises InvalidParameter, NotFound."""
    name = None if update.name is None else read_folder_name(update.name)
    parent = UNSET if update.parent_id is None else read_parent(update.parent_id)

    def edit(folder: Folder) -> Folder:
        return replace(
            folder,
            parent=folder.parent if parent is UNSET else parent,
            name=folder.name if name is None else name,
        )

    return edit
