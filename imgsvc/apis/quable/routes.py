"""Quable's API: files sent ahead, assets that show them, links to them. Its pictures are at `/cdn`, in `web.images`."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from imgsvc.apis.quable.attributes import attributes_from_shape
from imgsvc.apis.quable.describing import Descriptions, Iris, describe_file, describe_link
from imgsvc.apis.quable.details import Details
from imgsvc.apis.quable.entering import Entering, edit_from_fields, has_bytes, new_from_body, read_fields
from imgsvc.apis.quable.failures import QUABLE_FAILURES
from imgsvc.apis.quable.hydra import LD_JSON, make_view, read_page
from imgsvc.apis.quable.ids import check_code, find_asset, lasting_ref
from imgsvc.apis.quable.shapes import AssetCollection, AssetInput, AssetOutput, LinkInput
from imgsvc.core.assets import Asset, AssetKind, AssetRef
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.tokens import Scope
from imgsvc.web.auth import Caller
from imgsvc.web.json import json_response, read_json
from imgsvc.web.routing import resource
from imgsvc.web.services import Services
from imgsvc.web.uploads import spooled_upload

PART = "file"
"""The vendor's name for the part that holds the file."""

_LINK_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


class QuableAssets:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._entering = Entering(ingest=services.ingest, imports=services.imports)
        details = Details(locate=services.blobs.local_path)
        self._descriptions = Descriptions(catalog=services.catalog, details=details, presets=services.presets)

    def mount(self) -> Mount:
        routes = [
            resource("/api/files", POST=self.send_file),
            resource("/api/assets", GET=self.list, POST=self.create),
            resource("/api/assets/{id}", GET=self.read, PUT=self.change, DELETE=self.delete),
            resource("/api/links", POST=self.link),
            resource("/api/links/{id}", GET=self.read_link, DELETE=self.unlink),
        ]
        return QUABLE_FAILURES.mount("/quable", routes)

    async def send_file(self, request: Request) -> Response:
        services = self._services
        caller = await services.guard.demand(request, Scope.WRITE)
        async with spooled_upload(request, part=PART, blobs=services.blobs, limit=services.upload_limit) as upload:
            file_type = upload.fields.get("fileType", "asset")
            if file_type != "asset":
                raise InvalidParameter("fileType", expected="asset", received=file_type)
            file = await services.ingest.send_ahead(upload.spooled, upload.name, caller.instance)
        return _answer(describe_file(file, caller.instance), status=201)

    async def create(self, request: Request) -> Response:
        assets = self._services.catalog.assets
        caller = await self._services.guard.demand(request, Scope.WRITE)
        body = await read_json(request, AssetInput)
        asset = await self._entering.add(body, await new_from_body(body, caller, assets))
        return _answer(await self._describe(request, asset), status=201)

    async def list(self, request: Request) -> Response:
        """Oldest first; beyond the last page there are no members."""
        assets = self._services.catalog.assets
        caller = await self._services.guard.demand(request, Scope.READ)
        page, iris = read_page(request.query_params), self._iris(request)
        total = await assets.count(caller.instance)
        found = await assets.page(caller.instance, offset=page.offset, limit=page.limit)
        collection = AssetCollection(
            context=iris.path("contexts", "Asset"),
            iri=iris.path("assets"),
            member=await self._descriptions.of_assets(found, caller.instance, iris),
            total_items=total,
            view=make_view(iris.path("assets"), page, total),
        )
        return _answer(collection)

    async def read(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.READ)
        return _answer(await self._describe(request, await self._find(request, caller)))

    async def change(self, request: Request) -> Response:
        """What the body names changes, the rest stays. Two changes of one asset at the same time both hold."""
        services = self._services
        caller = await services.guard.demand(request, Scope.WRITE)
        body = await read_json(request, AssetInput)
        replaces, fields = has_bytes(body), read_fields(body)
        asset = await self._find(request, caller)
        if body.id not in (None, request.path_params["id"], asset.code):
            raise InvalidParameter("id", expected="left out, or that of the path", received=body.id or "")
        ref = lasting_ref(asset)
        if replaces:
            asset = await self._entering.replace(body, ref, caller, edit_from_fields(fields))
        elif not fields.says_nothing:
            edits = {ref: edit_from_fields(fields)}
            (asset,) = await services.catalog.assets.change(edits, by=caller.user, now=services.now())
        return _answer(await self._describe(request, asset))

    async def delete(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.DELETE)
        asset = await self._find(request, caller)
        await self._services.removal.delete([lasting_ref(asset)])
        return _nothing()

    async def link(self, request: Request) -> Response:
        """From the same origin to the same asset with the same type again: the link that is there, changed."""
        catalog = self._services.catalog
        caller = await self._services.guard.demand(request, Scope.WRITE)
        body = await read_json(request, LinkInput)
        origin = check_code("origin.id", str(body.origin.id))
        link_type = check_code("linkType.id", str(body.link_type.id))
        attributes = attributes_from_shape(body.attributes)
        target = await find_asset(catalog.assets, str(body.target.id), caller.instance)
        link = await catalog.links.add(
            lasting_ref(target), origin=origin, link_type=link_type, attributes=attributes, sequence=body.sequence
        )
        return _answer(describe_link(link, target, self._iris(request)), status=201)

    async def read_link(self, request: Request) -> Response:
        catalog = self._services.catalog
        caller = await self._services.guard.demand(request, Scope.READ)
        link = await catalog.links.find(caller.instance, _link_id(request))
        target = None
        if link is not None:
            target = await catalog.assets.find(AssetRef(AssetKind.SERIAL, str(link.target), caller.instance))
        if link is None or target is None:
            raise _no_such_link()
        return _answer(describe_link(link, target, self._iris(request)))

    async def unlink(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.DELETE)
        if not await self._services.catalog.links.delete(caller.instance, _link_id(request)):
            raise _no_such_link()
        return _nothing()

    async def _find(self, request: Request, caller: Caller) -> Asset:
        """Raises NotFound."""
        return await find_asset(self._services.catalog.assets, request.path_params["id"], caller.instance)

    async def _describe(self, request: Request, asset: Asset) -> AssetOutput:
        (shape,) = await self._descriptions.of_assets([asset], asset.instance, self._iris(request))
        return shape

    def _iris(self, request: Request) -> Iris:
        return Iris(self._services.addresses, request)


def _answer(shape: object, *, status: int = 200) -> Response:
    return json_response(shape, status=status, media_type=LD_JSON)


def _nothing() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _link_id(request: Request) -> int:
    """Raises NotFound."""
    text = request.path_params["id"]
    if not _LINK_ID.fullmatch(text):
        raise _no_such_link()
    return int(text)


def _no_such_link() -> NotFound:
    return NotFound("There is no link of that id.")
