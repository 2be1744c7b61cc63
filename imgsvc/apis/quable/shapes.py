"""The JSON of Quable's API, as its "Push assets" has it: fields, their order, their spelling."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from imgsvc.apis.quable.attributes import AttributesShape
from imgsvc.apis.quable.hydra import PartialCollectionView

Count = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]


class Named(msgspec.Struct):
    """Something that is told by its id alone."""

    id: str | int


class AssetInput(msgspec.Struct, kw_only=True, rename="camel"):
    """To create, with exactly one of `file` and `remotePath`; to change, with what shall change. null: not given.

    `classifications` and `isActive` are what an answer calls them: who sends one back means it.
    """

    id: str | None = None
    file: Named | None = None
    remote_path: str | None = None
    classification: Named | None = None
    classifications: list[Named] | None = None
    attributes: AttributesShape | None = None
    name: str | None = None
    active: bool | None = None
    is_active: bool | None = None


class LinkInput(msgspec.Struct, kw_only=True, rename="camel"):
    origin: Named
    target: Named
    link_type: Named
    attributes: AttributesShape | None = None
    sequence: Count = 0


class FileLocation(msgspec.Struct):
    container: str
    filename: str


class FileMetadata(msgspec.Struct):
    mime_type: str


class FileOutput(msgspec.Struct, kw_only=True, rename="camel"):
    """Dates everywhere: UTC, whole seconds, `2023-11-14T10:41:04+00:00`."""

    name: str
    location: FileLocation
    metadatas: FileMetadata
    id: str
    type: Literal["asset"] = "asset"
    status: Literal["available"] = "available"
    date_modified: str
    date_created: str


class AssetMetadata(msgspec.Struct, kw_only=True):
    """`width`, `height`: px of the upright picture, as text. Of what is no picture only what every file has.

    `detail`: what exiftool prints, by its names.
    """

    color_space: str | UnsetType = UNSET
    file_size: str
    width: str | UnsetType = UNSET
    height: str | UnsetType = UNSET
    orientation: Literal["portrait", "landscape", "square"] | UnsetType = UNSET
    file_name: str
    mime_type: str
    detail: msgspec.Raw | UnsetType = UNSET


class ClassificationOutput(msgspec.Struct, kw_only=True, rename="camel"):
    context: Mapping[str, str] = field(name="@context")
    type: Literal["Classification"] = field(default="Classification", name="@type")
    iri: str = field(name="@id")
    catalog_id: None = None
    id: str
    legacy_id: int


class AssetLink(msgspec.Struct, kw_only=True, rename="camel"):
    """A link as the asset shows it."""

    type: Literal["Link"] = field(default="Link", name="@type")
    iri: str = field(name="@id")
    id: int
    link_type: Named
    origin: Named
    sequence: int
    attributes: AttributesShape


class AssetOutput(msgspec.Struct, kw_only=True, rename="camel"):
    """`thumbnailUrl`, `previewUrl` are empty where the asset is no picture; `thumbnails` has null then."""

    context: Mapping[str, str] = field(name="@context")
    type: Literal["Asset"] = field(default="Asset", name="@type")
    iri: str = field(name="@id")
    name: str
    active: bool
    attributes: AttributesShape
    metadata: AssetMetadata
    url: str
    original_filename: str
    thumbnail_url: str
    preview_url: str
    classifications: list[ClassificationOutput]
    document_links: list[AssetLink]
    variant_links: list[AssetLink]
    date_created: str
    date_modified: str
    thumbnails: dict[str, str | None]
    id: str
    legacy_id: int


class LinkOutput(msgspec.Struct, kw_only=True, rename="camel"):
    """Of the vendor's answer only the status is documented."""

    context: Mapping[str, str] = field(name="@context")
    type: Literal["Link"] = field(default="Link", name="@type")
    iri: str = field(name="@id")
    id: int
    origin: Named
    target: Named
    link_type: Named
    attributes: AttributesShape
    sequence: int


class AssetCollection(msgspec.Struct, kw_only=True):
    context: str = field(name="@context")
    iri: str = field(name="@id")
    type: Literal["hydra:Collection"] = field(default="hydra:Collection", name="@type")
    member: list[AssetOutput] = field(name="hydra:member")
    total_items: int = field(name="hydra:totalItems")
    view: PartialCollectionView = field(name="hydra:view")
