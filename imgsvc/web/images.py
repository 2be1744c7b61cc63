"""The picture URLs: which asset and transform a URL means, and its answer, bytes or a redirect to the canonical URL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from imgsvc.core.assets import url_file_name
from imgsvc.core.formats import file_extension
from imgsvc.core.media import UNKNOWN
from imgsvc.core.negotiation import accepted_by
from imgsvc.core.places import Face
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.dialects.iqmetrix import (
    read_canonical_url,
    read_image_url,
    read_preview_url,
    write_canonical_url,
    write_image_url,
)
from imgsvc.dialects.quable import read_cdn_url
from imgsvc.dialects.struct import read_media_url
from imgsvc.service.delivery import Body, Delivery, Variant
from imgsvc.service.stand_ins import StandIns
from imgsvc.web.addresses import Addresses
from imgsvc.web.caching import UrlClass, cache_control, provisional
from imgsvc.web.gate import Admitted, Gate
from imgsvc.web.responses import PictureHead, PictureResponse

Remember = Callable[[Scope, PictureHead, Body, int], None]
"""Told of every picture that was loaded, and of the catalogue's generation before it was identified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """`max_age` seconds. `negotiate`: also where no format is asked for. `patience` seconds, see `StandIns`."""

    presets: Mapping[str, Transform]
    max_age: int
    negotiate: bool
    patience: float


class Images:
    def __init__(
        self,
        *,
        delivery: Delivery,
        settings: ImageSettings,
        addresses: Addresses,
        gate: Gate,
        generation: Callable[[], int],
        remember: Remember,
    ) -> None:
        self._delivery = delivery
        self._stand_ins = StandIns(delivery, patience=settings.patience)
        self._addresses = addresses
        self._gate = gate
        self._settings = settings
        self._generation = generation
        self._remember = remember

    def media_routes(self) -> list[Route]:
        """HEAD comes with GET."""
        return [Route("/{slug}/{file_name}", self.media, methods=["GET"])]

    def image_routes(self) -> list[Route]:
        """With the canonical URLs, whatever face a picture was asked for by."""
        return [
            Route("/{name}", self.image, methods=["GET"]),
            Route("/{guid}/preview/{width}/{height}", self.preview, methods=["GET"]),
            Route("/{guid}/{transform}/{key}/{file_name}", self.canonical, methods=["GET"]),
        ]

    def cdn_routes(self) -> list[Route]:
        return [Route("/{instance}/{code}/{preset}/{file_name}", self.cdn, methods=["GET"])]

    async def image(self, request: Request) -> Response:
        name, query = request.path_params["name"], _query(request)
        return await self._answer(request, read_image_url(name, query, presets=self._settings.presets))

    async def preview(self, request: Request) -> Response:
        path = request.path_params
        return await self._answer(request, read_preview_url(path["guid"], path["width"], path["height"]))

    async def cdn(self, request: Request) -> Response:
        path, query = request.path_params, _query(request)
        wanted = read_cdn_url(
            path["instance"],
            path["code"],
            path["preset"],
            path["file_name"],
            query=query,
            presets=self._settings.presets,
        )
        return await self._answer(request, wanted)

    async def media(self, request: Request) -> Response:
        slug, query = request.path_params["slug"], _query(request)
        return await self._answer(request, read_media_url(slug, query, presets=self._settings.presets))

    async def canonical(self, request: Request) -> Response:
        path = request.path_params
        return await self._answer(
            request, read_canonical_url(path["guid"], path["transform"], path["key"], query=_query(request))
        )

    async def _answer(self, request: Request, wanted: PictureRequest) -> Response:
        admitted = self._gate.admit(request.scope["path"], _query(request), wanted)
        wanted, left = admitted.wanted, admitted.seconds_left
        generation = self._generation()
        wanted = self._negotiated(request, wanted)
        variant = await self._delivery.identify(wanted)
        if wanted.redirect or (wanted.key is not None and wanted.key != variant.key):
            return await self._redirect(request, admitted._replace(wanted=wanted), variant)
        head = PictureHead(
            key=variant.key,
            media_type=variant.media_type,
            modified=variant.asset.modified,
            cache_control=cache_control(_url_class(wanted), max_age=self._settings.max_age, left=left),
            brief=provisional(left),
            disposition=_attachment(variant) if wanted.download or variant.media_type == UNKNOWN else None,
            varies=wanted.is_negotiated,
        )
        if left is not None:
            # What is remembered is answered without a look at the clock.
            return PictureResponse(head, partial(self._stand_ins.load, variant))
        return PictureResponse(head, partial(self._load, request.scope, head, variant, generation))

    def _negotiated(self, request: Request, wanted: PictureRequest) -> PictureRequest:
        wanted = wanted.negotiated() if self._settings.negotiate else wanted
        if not wanted.is_negotiated:
            return wanted
        return replace(wanted, accepted=accepted_by(request.scope["headers"]))

    async def _load(self, scope: Scope, head: PictureHead, variant: Variant, generation: int) -> Body:
        body = await self._stand_ins.load(variant)
        self._remember(scope, head, body, generation)
        return body

    async def _redirect(self, request: Request, admitted: Admitted, identified: Variant) -> Response:
        """303 See Other with that media type, as iQmetrix documents both. The Location names the format."""
        variant, left = await self._stand_ins.ready(identified), admitted.seconds_left
        if variant is identified:
            kept = cache_control(UrlClass.OTHER, max_age=self._settings.max_age, left=left)
        else:
            kept = provisional(left)
        output = variant.format or variant.asset.original.picture.format
        if variant.transform == NOTHING_ASKED:
            path = write_image_url(variant.asset, output)
        else:
            path = write_canonical_url(variant.asset, variant.transform, output, variant.key)
        path = self._gate.redirect(path + ("?download=true" if admitted.wanted.download else ""), admitted)
        return Response(
            status_code=303,
            media_type="application/text",
            headers={
                "Location": self._addresses.url(request, Face.IMAGES, path),
                "Cache-Control": kept,
                "Access-Control-Allow-Origin": "*",
                **({"Vary": "Accept"} if admitted.wanted.is_negotiated else {}),
            },
        )


def _url_class(wanted: PictureRequest) -> UrlClass:
    if wanted.key is not None:
        return UrlClass.CANONICAL
    return UrlClass.PINNED if wanted.pinned else UrlClass.OTHER


def _attachment(variant: Variant) -> str:
    """RFC 6266; the name is ASCII without quotes, so it needs no second spelling."""
    extension = variant.asset.extension if variant.format is None else file_extension(variant.format)
    file_name = url_file_name(variant.asset.name, extension=extension)
    return f'attachment; filename="{file_name}"'


def _query(request: Request) -> str:
    """As it was sent, still percent-encoded."""
    return request.scope["query_string"].decode("latin-1")
