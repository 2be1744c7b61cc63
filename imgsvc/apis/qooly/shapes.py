"""The JSON of Qooly's Asset API, version 1.0, and what its words mean here."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import PurePosixPath

import msgspec

from imgsvc.core.assets import Asset, name_extension
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import Format, file_extension, format_from_extension
from imgsvc.core.media import MEDIA_TYPES, media_type
from imgsvc.core.parameters import words

# A path whose last part is blank or dots is the name of no file.
_NAMELESS = re.compile(r"(?:.*[/\\])?[\s.\x00-\x1f\x7f]*", re.DOTALL)


class AssetType(StrEnum):
    IMAGE = "Image"
    VIDEO = "Video"
    FILE = "File"


class AssetShape(msgspec.Struct, kw_only=True):
    """The Asset Entity, all fields always. Numbers that identify are strings, since JSON's may lose digits.

    `thumbnail_url`: empty where nothing can be shown. `created_by`, `updated_by`: the number of a token, 0 for the
    operator's.
    """

    id: str
    name: str
    description: str
    type: AssetType
    url: str
    url_hash: str
    thumbnail_url: str
    created_at: str
    updated_at: str
    created_by: str
    updated_by: str


class NewAssetFields(msgspec.Struct, kw_only=True, frozen=True):
    """`url`: from where the file is fetched, once. `type` must be one of those there are; the file decides it.

    What else an entity has is passed over. null: left out.
    """

    name: str
    url: str
    description: str | None = None
    type: str | None = None


class AssetFields(msgspec.Struct, kw_only=True, frozen=True):
    """As in `NewAssetFields`; what is left out stays as it is."""

    name: str | None = None
    url: str | None = None
    description: str | None = None
    type: str | None = None


def check_fields(fields: NewAssetFields | AssetFields) -> None:
    """Raises InvalidParameter."""
    if fields.name is not None and _NAMELESS.fullmatch(fields.name):
        raise InvalidParameter("name", expected="the name of the asset", received=fields.name)
    if fields.type is not None and fields.type not in list(AssetType):
        raise InvalidParameter("type", expected=words(AssetType), received=fields.type)


def file_name(name: str, *, source: Format | None, own: str) -> str:
    """What an asset is called here, where names are file names: `Red shirt` of a JPEG is `Red shirt.jpg`.

    A picture's extension is its format's. Another file's is that of `own`, the name it came under, unless that says
    nothing of what it is.
    """
    given, extension = name_extension(name), name_extension(own)
    if source is not None:
        if format_from_extension(given) is source:
            return name
        extension = file_extension(source)
    if not extension or extension == given or (_is_known(given) and not _is_known(extension)):
        return name
    return f"{PurePosixPath(name).stem if _is_known(given) else name}.{extension}"


def shape_from_asset(asset: Asset, *, url: str) -> AssetShape:
    """`url` is the file's, absolute."""
    return AssetShape(
        id=str(asset.serial),
        name=asset.name,
        description=asset.description,
        type=_type_of(asset),
        url=url,
        url_hash=_hash_of(f"/media/{asset.slug}"),
        thumbnail_url="" if asset.original.info is None else f"{url}?preset=thumbnail",
        created_at=_time(asset.created),
        updated_at=_time(asset.modified),
        created_by=str(asset.created_by),
        updated_by=str(asset.updated_by),
    )


def _is_known(extension: str) -> bool:
    """So that `Shirt v1.2` has none."""
    return extension in MEDIA_TYPES or format_from_extension(extension) is not None


def _type_of(asset: Asset) -> AssetType:
    """An image of a format that is not decoded here is a file: nothing of it can be shown."""
    if asset.original.info is not None:
        return AssetType.IMAGE
    return AssetType.VIDEO if media_type(asset.name, asset.original).startswith("video/") else AssetType.FILE


def _hash_of(url: str) -> str:
    """How is not documented; as long as the vendor's ids are: the first 64 bit of SHA-256, as an unsigned number.

    Of what names the asset in its URL, so that neither another host nor another file name changes it.
    """
    return str(int.from_bytes(sha256(url.encode()).digest()[:8]))


def _time(moment: datetime) -> str:
    """Whole seconds of UTC, "2024-01-07T12:30:00Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
