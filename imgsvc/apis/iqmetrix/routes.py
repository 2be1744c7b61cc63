"""iQmetrix' Assets API: upload one, look one up. Its pictures are at `/images`, in `web.images`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.apis.iqmetrix.shapes import AssetShape, shape_from_asset
from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset
from imgsvc.core.errors import NotFound
from imgsvc.core.tokens import Scope
from imgsvc.dialects.iqmetrix import read_guid, write_image_url
from imgsvc.service.ingest import Ingest
from imgsvc.storage.blobs import BlobStore
from imgsvc.web.addresses import public_url
from imgsvc.web.auth import Guard
from imgsvc.web.json import json_response
from imgsvc.web.uploads import spooled_upload

PART = "Filename"
"""The vendor's name for the part that holds the file."""


class IqmetrixAssets:
    """`upload_limit` in bytes; `base_url` without a slash at the end, or None for the request's own."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        ingest: Ingest,
        blobs: BlobStore,
        guard: Guard,
        upload_limit: int,
        base_url: str | None,
    ) -> None:
        self._catalog = catalog
        self._ingest = ingest
        self._blobs = blobs
        self._guard = guard
        self._upload_limit = upload_limit
        self._base_url = base_url

    def routes(self) -> list[Route]:
        return [
            Route("/iqmetrix/assets", self.create, methods=["POST"]),
            Route("/iqmetrix/assets/{guid}", self.read, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        await self._guard.demand(request, Scope.WRITE)
        async with spooled_upload(request, part=PART, blobs=self._blobs, limit=self._upload_limit) as upload:
            asset = await self._ingest.add(upload.spooled, upload.name)
        return json_response(self._shape(request, asset, success=True), status=201)

    async def read(self, request: Request) -> Response:
        """Without a token, as the vendor documents it."""
        asset = await self._catalog.find(read_guid(request.path_params["guid"]))
        if asset is None:
            raise NotFound("Asset Media Service Error: Resource not found")
        return json_response(self._shape(request, asset))

    def _shape(self, request: Request, asset: Asset, *, success: bool | None = None) -> AssetShape:
        path = write_image_url(asset, asset.original.info.format)
        return shape_from_asset(asset, href=public_url(request, path, base_url=self._base_url), success=success)
