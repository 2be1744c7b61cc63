"""An asset, a link, a file, described as the vendor does."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from msgspec import UNSET
from starlette.requests import Request

from imgsvc.apis.quable.attributes import shape_from_attributes
from imgsvc.apis.quable.details import Details, PictureDetail, color_space
from imgsvc.apis.quable.hydra import Context, make_context
from imgsvc.apis.quable.shapes import (
    AssetLink,
    AssetMetadata,
    AssetOutput,
    ClassificationOutput,
    FileLocation,
    FileMetadata,
    FileOutput,
    LinkOutput,
    Named,
)
from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset, Instance, Link, StoredFile
from imgsvc.core.geometry import Size
from imgsvc.core.media import media_type
from imgsvc.core.places import Face
from imgsvc.core.presets import PRESETS
from imgsvc.dialects.quable import ORIGINAL, write_cdn_url
from imgsvc.web.addresses import Addresses

_ASSET_TERMS = (
    *("name", "isActive", "attributes", "metadata", "url", "originalFilename", "thumbnailUrl", "previewUrl"),
    *("classifications", "documentLinks", "variantLinks", "dateCreated", "dateModified", "thumbnails", "legacyId"),
    "active",
)
_CLASSIFICATION_TERMS = (
    *("parentCode", "catalogId", "isActive", "attributes", "assetLinks", "mainAssetUrl", "mainAssetThumbnailUrl"),
    *("dateCreated", "dateModified", "createdBy", "updatedBy", "legacyId", "active"),
)
_LINK_TERMS = ("origin", "target", "linkType", "attributes", "sequence")

_THUMBNAIL = "system-thumbnail"
_PREVIEW = "system-preview"


class Iris:
    """Where things are, as the request came: ids that are paths from the host on, contexts and pictures absolute."""

    def __init__(self, addresses: Addresses, request: Request) -> None:
        self._addresses = addresses
        self._request = request
        vocabulary = addresses.url(request, Face.QUABLE, "/quable/api/docs.jsonld")
        self.asset_context: Context = make_context(vocabulary, "AssetOutput", _ASSET_TERMS)
        self.classification_context = make_context(vocabulary, "ClassificationOutput", _CLASSIFICATION_TERMS)
        self.link_context = make_context(vocabulary, "LinkOutput", _LINK_TERMS)

    def path(self, kind: str, id: str | int | None = None) -> str:
        """`kind` as the vendor has it in paths, `assets`; without an id that of the collection."""
        one = "" if id is None else f"/{quote(str(id), safe='')}"
        return self._addresses.path(Face.QUABLE, f"/quable/api/{kind}{one}")

    def picture(self, asset: Asset, preset: str) -> str:
        return self._addresses.picture(self._request, Face.CDN, write_cdn_url(asset, preset))


class Descriptions:
    """`presets`: the operator's own, which each picture lists among its thumbnails, too."""

    def __init__(self, *, catalog: Catalog, details: Details, presets: Collection[str]) -> None:
        self._catalog = catalog
        self._details = details
        self._thumbnails = {"preview": _PREVIEW, "thumbnail": _THUMBNAIL}
        self._thumbnails |= {name: name for name in presets if name not in (*PRESETS, ORIGINAL)}

    async def of_assets(self, assets: Sequence[Asset], instance: Instance, iris: Iris) -> list[AssetOutput]:
        """Whatever their number, links and classifications are looked up once."""
        codes = {code for asset in assets for code in asset.classifications}
        serials = await self._catalog.assets.classification_serials(instance, codes) if codes else {}
        links = await self._catalog.links.of_assets([asset.serial for asset in assets])
        details = await self._details.of_originals([asset.original for asset in assets])
        return [
            _describe_asset(asset, self._thumbnails, links.get(asset.serial, []), serials, detail, iris)
            for asset, detail in zip(assets, details, strict=True)
        ]


def describe_link(link: Link, target: Asset, iris: Iris) -> LinkOutput:
    return LinkOutput(
        context=iris.link_context,
        iri=iris.path("links", link.serial),
        id=link.serial,
        origin=Named(link.origin),
        target=Named(target.code),
        link_type=Named(link.link_type),
        attributes=shape_from_attributes(link.attributes),
        sequence=link.sequence,
    )


def describe_file(file: StoredFile, instance: Instance) -> FileOutput:
    created = _time_text(file.created)
    return FileOutput(
        name=file.name,
        location=FileLocation(container=f"{instance}-dam", filename=str(file.id)),
        metadatas=FileMetadata(mime_type=media_type(file.name, file.original)),
        id=str(file.id),
        date_modified=created,
        date_created=created,
    )


def _describe_asset(
    asset: Asset,
    presets: Mapping[str, str],
    links: Sequence[Link],
    serials: Mapping[str, int],
    detail: PictureDetail | None,
    iris: Iris,
) -> AssetOutput:
    thumbnails: dict[str, str | None] = {"preview": None}
    if asset.original.info is not None:
        thumbnails = {name: iris.picture(asset, preset) for name, preset in presets.items()}
    return AssetOutput(
        context=iris.asset_context,
        iri=iris.path("assets", asset.code),
        name=asset.name,
        active=asset.active,
        attributes=shape_from_attributes(asset.attributes),
        metadata=_describe_metadata(asset, detail),
        url=iris.picture(asset, ORIGINAL),
        original_filename=asset.name,
        thumbnail_url=thumbnails.get("thumbnail") or "",
        preview_url=thumbnails["preview"] or "",
        classifications=[
            ClassificationOutput(
                context=iris.classification_context,
                iri=iris.path("classifications", code),
                id=code,
                legacy_id=serials[code],
            )
            for code in asset.classifications
        ],
        document_links=[_describe_asset_link(link, iris) for link in links if not _is_of_variant(link)],
        variant_links=[_describe_asset_link(link, iris) for link in links if _is_of_variant(link)],
        date_created=_time_text(asset.created),
        date_modified=_time_text(asset.modified),
        thumbnails=thumbnails,
        id=asset.code,
        legacy_id=asset.serial,
    )


def _describe_metadata(asset: Asset, detail: PictureDetail | None) -> AssetMetadata:
    original, info = asset.original, asset.original.info
    size_text = file_size_text(original.length)
    if info is None:
        return AssetMetadata(file_size=size_text, file_name=asset.name, mime_type=media_type(asset.name, original))
    size = info.orientation.upright(info.size)
    return AssetMetadata(
        color_space=color_space(info, detail),
        file_size=size_text,
        width=str(size.width),
        height=str(size.height),
        orientation=_shape_word(size),
        file_name=asset.name,
        mime_type=media_type(asset.name, original),
        detail=UNSET if detail is None else detail.json,
    )


def _describe_asset_link(link: Link, iris: Iris) -> AssetLink:
    return AssetLink(
        iri=iris.path("links", link.serial),
        id=link.serial,
        link_type=Named(link.link_type),
        origin=Named(link.origin),
        sequence=link.sequence,
        attributes=shape_from_attributes(link.attributes),
    )


def _is_of_variant(link: Link) -> bool:
    """The vendor's list of link types is not published; those of variants are named after them."""
    return link.link_type.lower().startswith("variant")


def file_size_text(length: int) -> str:
    """`1.31 MB`: units of 1024, as the vendor counts the 1373 kB of its example."""
    for exponent, unit in ((3, "GB"), (2, "MB"), (1, "KB")):
        if length >= 1024**exponent:
            return f"{length / 1024**exponent:.2f} {unit}"
    return f"{length} B"


def _shape_word(size: Size) -> Literal["portrait", "landscape", "square"]:
    if size.width == size.height:
        return "square"
    return "landscape" if size.width > size.height else "portrait"


def _time_text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
