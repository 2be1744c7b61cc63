"""The picture URLs: which asset and transform a URL means, and its answer, bytes or a redirect to the canonical URL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from imgsvc.core.assets import url_file_name
from imgsvc.core.formats import file_extension
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.dialects.iqmetrix import read_canonical_url, read_image_url, write_canonical_url, write_image_url
from imgsvc.dialects.struct import read_media_url
from imgsvc.service.delivery import Body, Delivery, Variant
from imgsvc.web.addresses import public_url
from imgsvc.web.caching import UrlClass, cache_control
from imgsvc.web.responses import PictureHead, PictureResponse

Remember = Callable[[Scope, PictureHead, Body, int], None]
"""Told of every picture that was loaded, and of the catalogue's generation before it was identified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """`max_age` seconds; `base_url` without a slash at the end, or None for the request's own."""

    presets: Mapping[str, Transform]
    max_age: int
    base_url: str | None


class Images:
    def __init__(
        self, *, delivery: Delivery, settings: ImageSettings, generation: Callable[[], int], remember: Remember
    ) -> None:
        self._delivery = delivery
        self._settings = settings
        self._generation = generation
        self._remember = remember

    def routes(self) -> list[Route]:
        """HEAD comes with GET."""
        return [
            Route("/images/{name}", self.image, methods=["GET"]),
            Route("/images/{guid}/{transform}/{key}/{file_name}", self.canonical, methods=["GET"]),
            Route("/media/{slug}/{file_name}", self.media, methods=["GET"]),
        ]

    async def image(self, request: Request) -> Response:
        name, query = request.path_params["name"], _query(request)
        return await self._answer(request, read_image_url(name, query, presets=self._settings.presets))

    async def media(self, request: Request) -> Response:
        slug, query = request.path_params["slug"], _query(request)
        return await self._answer(request, read_media_url(slug, query, presets=self._settings.presets))

    async def canonical(self, request: Request) -> Response:
        path = request.path_params
        return await self._answer(
            request, read_canonical_url(path["guid"], path["transform"], path["key"], query=_query(request))
        )

    async def _answer(self, request: Request, wanted: PictureRequest) -> Response:
        generation = self._generation()
        variant = await self._delivery.identify(wanted)
        if wanted.redirect or (wanted.key is not None and wanted.key != variant.key):
            return self._redirect(request, wanted, variant)
        head = PictureHead(
            key=variant.key,
            format=variant.format,
            modified=variant.asset.modified,
            cache_control=cache_control(_url_class(wanted), max_age=self._settings.max_age),
            disposition=_attachment(variant) if wanted.download else None,
        )
        return PictureResponse(head, partial(self._load, request.scope, head, variant, generation))

    async def _load(self, scope: Scope, head: PictureHead, variant: Variant, generation: int) -> Body:
        body = await self._delivery.load(variant)
        self._remember(scope, head, body, generation)
        return body

    def _redirect(self, request: Request, wanted: PictureRequest, variant: Variant) -> Response:
        """303 See Other with that media type, as iQmetrix documents both."""
        if variant.transform == NOTHING_ASKED:
            path = write_image_url(variant.asset, variant.format)
        else:
            path = write_canonical_url(variant.asset, variant.transform, variant.format, variant.key)
        query = "?download=true" if wanted.download else ""
        return Response(
            status_code=303,
            media_type="application/text",
            headers={
                "Location": public_url(request, path, base_url=self._settings.base_url) + query,
                "Cache-Control": cache_control(UrlClass.OTHER, max_age=self._settings.max_age),
                "Access-Control-Allow-Origin": "*",
            },
        )


def _url_class(wanted: PictureRequest) -> UrlClass:
    if wanted.key is not None:
        return UrlClass.CANONICAL
    return UrlClass.PINNED if wanted.pinned else UrlClass.OTHER


def _attachment(variant: Variant) -> str:
    """RFC 6266; the name is ASCII without quotes, so it needs no second spelling."""
    file_name = url_file_name(variant.asset.name, extension=file_extension(variant.format))
    return f'attachment; filename="{file_name}"'


def _query(request: Request) -> str:
    """As it was sent, still percent-encoded."""
    return request.scope["query_string"].decode("latin-1")
