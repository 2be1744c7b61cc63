"""Struct's batches of data: many assets as one zip, and links to one for browsers, which send no token.

The links are ours: `POST …/batch/data/link` takes what `POST …/batch/data` takes and answers a URL.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.apis.struct.bodies import MOST_READ, read_ids
from imgsvc.apis.struct.ids import read_asset_id
from imgsvc.core.assets import Download, Instance
from imgsvc.core.errors import InvalidParameter, InvalidSignature, NotFound
from imgsvc.core.places import Face
from imgsvc.core.signing import sign
from imgsvc.core.tokens import Scope
from imgsvc.dialects.struct import read_transform
from imgsvc.service.archive import GrowingArchive, KnownArchive
from imgsvc.web.archives import ArchiveResponse
from imgsvc.web.json import json_response
from imgsvc.web.routing import resource
from imgsvc.web.services import Services


class LinkShape(msgspec.Struct, rename="pascal"):
    """`expires` as ISO 8601, UTC."""

    url: str
    expires: str


class _Request(msgspec.Struct):
    """What is kept of a link: serials, and the query as it was sent."""

    ids: list[str]
    query: str


class StructBatches:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            resource("/assets/batch/data", POST=self.data),
            resource("/assets/batch/data/link", POST=self.link),
            resource("/assets/batch/data/{download}", GET=self.download),
        ]

    async def data(self, request: Request) -> Response:
        caller = await self._services.guard.demand(request, Scope.READ, raw_key=True)
        ids = await _read_ids(request)
        archive = await self._pack(ids, _query(request), caller.instance)
        return ArchiveResponse(archive)

    async def link(self, request: Request) -> Response:
        """A link is made only to what can be packed now."""
        services = self._services
        caller = await services.guard.demand(request, Scope.READ, raw_key=True)
        ids, query = await _read_ids(request), _query(request)
        read_transform(query, presets=services.presets)
        serials = await self._find_serials(ids, caller.instance)
        now = services.now()
        expires = (now + timedelta(seconds=services.link_seconds)).replace(microsecond=0)
        download = Download(
            id=token_urlsafe(16),
            instance=caller.instance,
            request=msgspec.json.encode(_Request(ids=serials, query=query)),
            expires=expires,
        )
        await services.catalog.downloads.add(download, now=now)
        until = str(int(expires.timestamp()))
        key = services.signing_keys.signing()
        named = "" if key.id is None else f"&kid={key.id}"
        signature = sign(key.secret, "download", download.id, until)
        path = f"/struct/assets/batch/data/{download.id}?expires={until}{named}&signature={signature}"
        url = services.addresses.url(request, Face.STRUCT, path)
        return json_response(LinkShape(url=url, expires=expires.isoformat()))

    async def download(self, request: Request) -> Response:
        """Without a token: the signature is the right to it."""
        services = self._services
        download_id, until = request.path_params["download"], request.query_params.get("expires", "")
        signature, key_id = request.query_params.get("signature", ""), request.query_params.get("kid")
        if not services.signing_keys.is_signed(signature, key_id, "download", download_id, until):
            raise InvalidSignature("The link's signature is not right.")
        now = services.now()
        if datetime.fromtimestamp(int(until), UTC) < now:
            raise InvalidSignature("The link has expired.")
        download = await services.catalog.downloads.find(download_id, now=now)
        if download is None:
            raise NotFound("There is no such download.")
        wanted = msgspec.json.decode(download.request, type=_Request)
        return ArchiveResponse(await self._pack(wanted.ids, wanted.query, download.instance))

    async def _pack(self, ids: Sequence[str], query: str, instance: Instance) -> KnownArchive | GrowingArchive:
        transform = read_transform(query, presets=self._services.presets)
        return await self._services.batches.pack([read_asset_id(one, instance=instance) for one in ids], transform)

    async def _find_serials(self, ids: Sequence[str], instance: Instance) -> list[str]:
        """Each once. Raises NotFound."""
        refs = [read_asset_id(one, instance=instance) for one in ids]
        found = await self._services.catalog.assets.find_many(refs)
        for asked, asset in zip(ids, found, strict=True):
            if asset is None:
                raise NotFound(f"There is no asset of id {asked}.")
        return list(dict.fromkeys(str(asset.serial) for asset in found if asset is not None))


async def _read_ids(request: Request) -> Sequence[str]:
    ids = await read_ids(request, most=MOST_READ)
    if not ids:
        raise InvalidParameter("body", expected=f"1 to {MOST_READ} ids", received="none")
    return ids


def _query(request: Request) -> str:
    """As it was sent, still percent-encoded; what is given no value is not given, as ASP.NET has it."""
    pairs = request.scope["query_string"].decode("latin-1").split("&")
    return "&".join(pair for pair in pairs if pair.partition("=")[2])
