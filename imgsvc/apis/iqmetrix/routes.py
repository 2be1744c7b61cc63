"""iQmetrix' Assets API: upload one, look one up. Its pictures are at `/images`, in `web.images`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from imgsvc.apis.iqmetrix.failures import IQMETRIX_FAILURES, NOT_FOUND
from imgsvc.apis.iqmetrix.shapes import AssetShape, shape_from_asset
from imgsvc.core.assets import Asset, AssetRef, NewAsset, ref_from_text
from imgsvc.core.errors import NotFound, NotPermitted
from imgsvc.core.places import Face
from imgsvc.core.tokens import Scope
from imgsvc.dialects.iqmetrix import read_guid, write_image_url
from imgsvc.dialects.struct import write_media_url
from imgsvc.web.auth import Caller
from imgsvc.web.json import json_response
from imgsvc.web.routing import resource
from imgsvc.web.services import Services
from imgsvc.web.uploads import spooled_upload

PART = "Filename"
"""The vendor's name for the part that holds the file."""


class IqmetrixAssets:
    def __init__(self, services: Services) -> None:
        self._services = services

    def mount(self) -> Mount:
        routes = [
            resource("/assets", POST=self.create),
            resource("/assets/{id}", GET=self.read),
        ]
        return IQMETRIX_FAILURES.mount("/iqmetrix", routes)

    async def create(self, request: Request) -> Response:
        services = self._services
        caller = await services.guard.demand(request, Scope.WRITE)
        async with spooled_upload(request, part=PART, blobs=services.blobs, limit=services.upload_limit) as upload:
            new = NewAsset(instance=caller.instance, name=upload.name, by=caller.user)
            asset = await services.ingest.add(upload.spooled, new)
        return json_response(self._shape(request, asset, caller, success=True), status=201)

    async def read(self, request: Request) -> Response:
        """Without a token, as the vendor documents it, by GUID; with one by any id, in its instance alone.

        A token that does not permit to read takes nothing from its holder that is there without one.
        """
        try:
            caller = await self._services.guard.caller(request, Scope.READ)
        except NotPermitted:
            caller = None
        asset = await self._services.catalog.assets.find(_read_id(request.path_params["id"], caller))
        if asset is None:
            raise NotFound(NOT_FOUND)
        return json_response(self._shape(request, asset, caller))

    def _shape(
        self, request: Request, asset: Asset, caller: Caller | None, *, success: bool | None = None
    ) -> AssetShape:
        """A picture is at `/images`, which answers nothing else; another file where Struct has it.

        Whoever has no token is told where it is, and given no signature.
        """
        addresses, info = self._services.addresses, asset.original.info
        write = addresses.url if caller is None else addresses.picture
        if info is None:
            href = write(request, Face.MEDIA, write_media_url(asset))
        else:
            href = write(request, Face.IMAGES, write_image_url(asset, info.format))
        return shape_from_asset(asset, href=href, success=success)


def _read_id(text: str, caller: Caller | None) -> AssetRef:
    """Raises NotFound."""
    ref = read_guid(text) if caller is None else ref_from_text(text, instance=caller.instance)
    if ref is None:
        raise NotFound(NOT_FOUND)
    return ref
