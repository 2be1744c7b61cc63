"""The JSON of Struct PIM's Assets API, as its document has it ("Assets", available from v.3.2.0).

In an update a field that is missing or null leaves the value as it is: clients with typed models send null for what
they were not given. The root is `-1` or `root`, both of which the vendor shows; of a new folder null, too.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request

from imgsvc.apis.struct.ids import written_parent
from imgsvc.apis.struct.names import shown_name
from imgsvc.core.assets import Asset, Folder
from imgsvc.core.places import Face
from imgsvc.dialects.struct import write_media_url
from imgsvc.web.addresses import Addresses


class FileType(StrEnum):
    IMAGE = "Image"
    FILE = "File"


class StructAsset(msgspec.Struct, kw_only=True, omit_defaults=True, rename="pascal"):
    """`type`: the first classification. Times are of the machine's zone. `parent_id` is `-1` in the root."""

    id: str
    name: str
    url: str
    extension: str
    file_type: FileType
    type: str | None = None
    created: str
    last_modified: str
    properties: dict[str, Any] | None = None
    parent_id: str


class StructFolder(msgspec.Struct, kw_only=True, rename="pascal"):
    """`parent_id` None: in the root."""

    id: str
    parent_id: str | None
    name: str


class AssetUpdate(msgspec.Struct, kw_only=True, rename="pascal"):
    folder_id: str | int | None = None
    filename: str | None = None


class FolderUpdate(msgspec.Struct, kw_only=True, rename="pascal"):
    parent_id: str | int | None = None
    name: str | None = None


class NewFolder(msgspec.Struct, kw_only=True, rename="pascal"):
    parent_id: str | int | None = None
    name: str


FIELDS: Mapping[str, str] = MappingProxyType(
    {name.lower(): name for shape in (AssetUpdate, FolderUpdate, NewFolder) for name in shape.__struct_encode_fields__}
)
"""Of bodies, by their names in lower case."""


class StructReferences(msgspec.Struct, kw_only=True, rename="pascal"):
    global_list_value_references: list[str]
    variant_references: list[int]
    variant_group_references: list[int]
    product_references: list[int]
    category_references: list[int]


def shape_from_asset(asset: Asset, *, request: Request, addresses: Addresses) -> StructAsset:
    return StructAsset(
        id=str(asset.serial),
        name=shown_name(asset),
        url=addresses.picture(request, Face.MEDIA, write_media_url(asset)),
        extension=asset.extension,
        file_type=FileType.FILE if asset.original.info is None else FileType.IMAGE,
        type=asset.classifications[0] if asset.classifications else None,
        created=asset.created.astimezone().isoformat(timespec="seconds"),
        last_modified=asset.modified.astimezone().isoformat(timespec="seconds"),
        properties=dict(asset.attributes) or None,
        parent_id=written_parent(asset.folder),
    )


def shape_from_folder(folder: Folder) -> StructFolder:
    return StructFolder(
        id=str(folder.serial),
        parent_id=None if folder.parent is None else str(folder.parent),
        name=folder.name,
    )
