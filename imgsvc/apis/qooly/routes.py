"""Qooly's Asset API: all assets, one, and one less, as documented; and what must be there although it is not.

Silent in the document, decided here: a token is demanded, which the samples leave out; assets are made by POST and
changed by PUT or PATCH, as the vendor's other entities are, with the file by URL or as a form's part; 201 for a new
one; `page` and `limit` for those who do not want all at once; failures as problem details (RFC 9457).
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from imgsvc.apis.qooly.shapes import (
    AssetFields,
    AssetShape,
    NewAssetFields,
    check_fields,
    file_name,
    shape_from_asset,
)
from imgsvc.catalog.base import Edit
from imgsvc.core.assets import Asset, AssetRef, Instance, NewAsset, name_extension, ref_from_text
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import sniff_format
from imgsvc.core.places import Face
from imgsvc.core.tokens import Scope
from imgsvc.dialects.struct import write_media_url
from imgsvc.service.ingest import clean_name
from imgsvc.storage.spool import Spooled
from imgsvc.web.auth import Caller
from imgsvc.web.json import json_array_response, json_response, read_json
from imgsvc.web.problems import Failures
from imgsvc.web.routing import resource
from imgsvc.web.services import Services
from imgsvc.web.uploads import spooled_upload

PART = "file"
"""Of a form: the part that holds the file. The vendor documents none."""

LARGEST_PAGE = 1000
DEFAULT_PAGE = 100

_LAST_PAGE = 1_000_000_000
"""No library has as many, and no database is asked to pass over more rows than it can count."""

_AT_ONCE = 500
"""Assets that are held while all are sent."""

_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_NO_SUCH_ASSET = "There is no asset of that id."


class SentFile(NamedTuple):
    """`name`: what it was called where it came from, perhaps nothing."""

    name: str
    spooled: Spooled


class QoolyAssets:
    def __init__(self, services: Services) -> None:
        self._services = services

    def mount(self) -> Mount:
        routes = [
            resource("/v1/assets", GET=self.read_all, POST=self.create),
            resource("/v1/assets/{id}", GET=self.read, PUT=self.update, PATCH=self.update, DELETE=self.delete),
        ]
        return Failures().mount("/qooly", routes)

    async def read_all(self, request: Request) -> Response:
        """Oldest first; one page of them where `page` or `limit` is given."""
        caller = await self._services.guard.demand(request, Scope.READ)
        page = _read_number(request, "page", default=1, most=_LAST_PAGE)
        limit = _read_number(request, "limit", default=DEFAULT_PAGE, most=LARGEST_PAGE)
        if not request.query_params.keys() & {"page", "limit"}:
            return await json_array_response(self._pages(request, caller.instance))
        assets = self._services.catalog.assets
        found = await assets.page(caller.instance, offset=(page - 1) * limit, limit=limit)
        return json_response([self._shape(request, asset) for asset in found])

    async def create(self, request: Request) -> Response:
        services = self._services
        caller = await services.guard.demand(request, Scope.WRITE)
        async with self._sent(request, NewAssetFields) as (fields, file):
            if file is None:
                raise InvalidParameter("url", expected="from where the file is fetched", received="")
            own = clean_name(file.name)
            name = file_name(clean_name(fields.name or own), source=sniff_format(file.spooled.head), own=own)
            new = NewAsset(instance=caller.instance, name=name, description=fields.description or "", by=caller.user)
            asset = await services.ingest.add(file.spooled, new)
        return json_response(self._shape(request, asset), status=201)

    async def read(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.READ)
        return json_response(self._shape(request, await self._find(_read_id(request, caller))))

    async def update(self, request: Request) -> Response:
        """PUT as PATCH: what is left out stays. What was answered may be sent back: its `url` fetches nothing."""
        caller = await self._services.guard.demand(request, Scope.WRITE)
        ref = _read_id(request, caller)
        asset = await self._find(ref)
        async with self._sent(request, AssetFields, of=asset) as (fields, file):
            if file is not None:
                # A file that came without an extension is what its asset's name says.
                own = file.name if name_extension(file.name) else fields.name or asset.name
                edit = _edit_from_fields(fields)
                asset = await self._services.ingest.replace(ref, file.spooled, own, by=caller.user, edit=edit)
            elif fields.name is not None or fields.description is not None:
                edits = {ref: _edit_from_fields(fields)}
                (asset,) = await self._services.catalog.assets.change(edits, by=caller.user, now=self._services.now())
        return json_response(self._shape(request, asset))

    async def delete(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.DELETE)
        await self._services.removal.delete([_read_id(request, caller)])
        return json_response({})

    async def _pages(self, request: Request, instance: Instance) -> AsyncIterator[list[AssetShape]]:
        """One at least, the last of them perhaps empty."""
        after: int | None = 0
        while after is not None:
            found = await self._services.catalog.assets.following(instance, after=after, limit=_AT_ONCE)
            yield [self._shape(request, asset) for asset in found]
            after = found[-1].serial if len(found) == _AT_ONCE else None

    @asynccontextmanager
    async def _sent(
        self, request: Request, shape: type[NewAssetFields | AssetFields], *, of: Asset | None = None
    ) -> AsyncGenerator[tuple[NewAssetFields | AssetFields, SentFile | None]]:
        """A form, or JSON and what is at its `url`; no file where that is left out, or the asset's own.

        The file is gone afterwards unless a store kept it. Raises InvalidParameter, OriginFailure, PayloadTooLarge,
        StoreFailure.
        """
        services = self._services
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            async with spooled_upload(request, part=PART, blobs=services.blobs, limit=services.upload_limit) as upload:
                fields = msgspec.convert(upload.fields, AssetFields)
                check_fields(fields)
                if fields.url is not None:
                    raise InvalidParameter("url", expected="left out where a file is sent", received=fields.url)
                yield fields, SentFile(upload.name, upload.spooled)
            return
        fields = await read_json(request, shape)
        check_fields(fields)
        if fields.url is None or (of is not None and _is_own(fields.url, of)):
            yield fields, None
            return
        async with services.imports.spooled(fields.url, of="url") as imported:
            yield fields, SentFile(imported.name, imported.spooled)

    async def _find(self, ref: AssetRef) -> Asset:
        asset = await self._services.catalog.assets.find(ref)
        if asset is None:
            raise NotFound(_NO_SUCH_ASSET)
        return asset

    def _shape(self, request: Request, asset: Asset) -> AssetShape:
        return shape_from_asset(asset, url=self._url(request, asset))

    def _url(self, request: Request, asset: Asset) -> str:
        return self._services.addresses.picture(request, Face.MEDIA, write_media_url(asset))


def _edit_from_fields(fields: NewAssetFields | AssetFields) -> Edit:
    def edit(asset: Asset) -> Asset:
        name, info = asset.name, asset.original.info
        if fields.name is not None:
            name = clean_name(fields.name)
            name = clean_name(file_name(name, source=None if info is None else info.format, own=asset.name))
        description = asset.description if fields.description is None else fields.description
        return replace(asset, name=name, description=description)

    return edit


def _read_id(request: Request, caller: Caller) -> AssetRef:
    """In the caller's instance. Raises NotFound."""
    ref = ref_from_text(request.path_params["id"], instance=caller.instance)
    if ref is None:
        raise NotFound(_NO_SUCH_ASSET)
    return ref


def _read_number(request: Request, name: str, *, default: int, most: int) -> int:
    """More than the most is the most. Raises InvalidParameter."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if number < 1:
        raise InvalidParameter(name, expected="a whole number from 1", received=text)
    return min(number, most)


def _is_own(url: str, asset: Asset) -> bool:
    """Whether that is where the asset is served, under whatever host and file name: what was answered once."""
    return urlsplit(url).path.rpartition("/")[0].endswith(write_media_url(asset).rpartition("/")[0])
