"""The picture URLs: which asset and transform a URL means, and its answer, bytes or a redirect to the canonical URL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Network, ip_address
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from imgsvc.coordination.local import Generation
from imgsvc.core.assets import url_file_name
from imgsvc.core.formats import file_extension
from imgsvc.core.media import UNKNOWN
from imgsvc.core.negotiation import accepted_by
from imgsvc.core.places import Face
from imgsvc.core.requests import PictureRequest
from imgsvc.core.tags import picture_tags
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
from imgsvc.web.caching import NO_STORE, Lifetimes, TagHeader, UrlClass, cache_control, provisional, tag_headers
from imgsvc.web.conditional import exact_date
from imgsvc.web.cross_origin import OPEN
from imgsvc.web.gate import Admitted, Gate
from imgsvc.web.prepared import Seen
from imgsvc.web.responses import PictureHead, PictureResponse
from imgsvc.web.routing import picture_route

Remember = Callable[[Scope, PictureHead, Body, Seen], None]
"""Told of every picture that was loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """`negotiate`: also where no format is asked for. `patience` seconds, see `StandIns`.

    `tag_headers`: those that tell caches under which names to keep an answer.
    """

    presets: Mapping[str, Transform]
    lifetimes: Lifetimes
    negotiate: bool
    patience: float
    tag_headers: Sequence[TagHeader] = ()


class Images:
    def __init__(
        self,
        *,
        delivery: Delivery,
        settings: ImageSettings,
        addresses: Addresses,
        gate: Gate,
        generation: Generation,
        remember: Remember,
        now: Callable[[], datetime],
    ) -> None:
        self._delivery = delivery
        self._stand_ins = StandIns(delivery, patience=settings.patience)
        self._addresses = addresses
        self._gate = gate
        self._settings = settings
        self._generation = generation
        self._remember = remember
        self._now = now

    def media_routes(self) -> list[Route]:
        return [picture_route("/{slug}/{file_name}", self.media)]

    def image_routes(self) -> list[Route]:
        """With the canonical URLs, whatever face a picture was asked for by."""
        return [
            picture_route("/{name}", self.image),
            picture_route("/{guid}/preview/{width}/{height}", self.preview),
            picture_route("/{guid}/{transform}/{key}/{file_name}", self.canonical),
        ]

    def cdn_routes(self) -> list[Route]:
        return [picture_route("/{instance}/{code}/{preset}/{file_name}", self.cdn)]

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
        started, generation = perf_counter(), self._generation.value
        admitted = self._gate.admit(request.scope["path"], _query(request), wanted)
        wanted, left = self._negotiated(request, admitted.wanted), admitted.seconds_left
        variant = await self._delivery.identify(wanted)
        seen = Seen(variant.asset.serial, generation)
        is_current = partial(self._is_current, seen)
        if wanted.redirect or (wanted.key is not None and wanted.key != variant.key):
            return await self._redirect(request, admitted._replace(wanted=wanted), variant, is_current=is_current)
        head = PictureHead(
            key=variant.key,
            media_type=variant.media_type,
            modified=exact_date(variant.asset.modified, now=self._now()) if variant.plan is None else None,
            cache_control=cache_control(_url_class(wanted, variant), self._settings.lifetimes, left=left),
            brief=provisional(left),
            disposition=_attachment(variant) if wanted.download or variant.media_type == UNKNOWN else None,
            varies=wanted.is_negotiated,
            tags=self._tags(wanted, variant),
        )
        # What is remembered is answered without a look at the clock.
        client = client_of(request.scope)
        load = self._stand_ins.load if left is not None else partial(self._load, request.scope, head, seen)
        return PictureResponse(head, partial(load, variant, client=client), is_current=is_current, started=started)

    def _negotiated(self, request: Request, wanted: PictureRequest) -> PictureRequest:
        wanted = wanted.negotiated() if self._settings.negotiate else wanted
        if not wanted.is_negotiated:
            return wanted
        return replace(wanted, accepted=accepted_by(request.scope["headers"]))

    async def _load(self, scope: Scope, head: PictureHead, seen: Seen, variant: Variant, *, client: str) -> Body:
        body = await self._stand_ins.load(variant, client=client)
        self._remember(scope, head, body, seen)
        return body

    def _is_current(self, seen: Seen) -> bool:
        return self._generation.last_change(seen.serial) <= seen.generation

    async def _redirect(
        self, request: Request, admitted: Admitted, identified: Variant, *, is_current: Callable[[], bool]
    ) -> Response:
        """303 See Other with that media type, as iQmetrix documents both. The Location names the format."""
        variant, left = await self._stand_ins.ready(identified, client=client_of(request.scope)), admitted.seconds_left
        if not is_current():
            kept = NO_STORE
        elif variant is identified:
            kept = cache_control(UrlClass.REDIRECTS, self._settings.lifetimes, left=left)
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
                **OPEN,
                **({"Vary": "Accept"} if admitted.wanted.is_negotiated else {}),
                **{name.decode(): value.decode() for name, value in self._tags(admitted.wanted, variant)},
            },
        )

    def _tags(self, wanted: PictureRequest, variant: Variant) -> Sequence[tuple[bytes, bytes]]:
        return tag_headers(picture_tags(variant.asset, preset=wanted.preset), self._settings.tag_headers)


def client_of(scope: Scope) -> str:
    """The address that a request comes from; of IPv6 the first 64 bits, since one customer has all below (RFC 6177).

    Empty where there is none, a Unix socket's other end. What a trusted proxy names that is no address is one client.
    """
    if scope["client"] is None:
        return ""
    try:
        address = ip_address(scope["client"][0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    # A socket of both families tells IPv4 so (RFC 4291, section 2.5.5.2).
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def _url_class(wanted: PictureRequest, variant: Variant) -> UrlClass:
    if wanted.key is not None:
        return UrlClass.CANONICAL
    if wanted.pinned:
        return UrlClass.PINNED
    return UrlClass.ORIGINALS if variant.transform == NOTHING_ASKED else UrlClass.OTHER


def _attachment(variant: Variant) -> str:
    """RFC 6266; the name is ASCII without quotes, so it needs no second spelling."""
    extension = variant.asset.extension if variant.format is None else file_extension(variant.format)
    file_name = url_file_name(variant.asset.name, extension=extension)
    return f'attachment; filename="{file_name}"'


def _query(request: Request) -> str:
    """As it was sent, still percent-encoded."""
    return request.scope["query_string"].decode("latin-1")
