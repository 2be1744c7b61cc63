"""The JSON of iQmetrix' Assets API, as its document of 2016-06-12 has it."""

import msgspec

from imgsvc.core.assets import Asset
from imgsvc.core.media import media_type


class AssetShape(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """`success` appears when the asset was uploaded, not later.

    `height`, `width`: px of the upright picture; left out where the asset is none.
    """

    id: str
    name: str
    height: int | None = None
    href: str
    md5_checksum: str = msgspec.field(name="md5Checksum")
    mime_type: str
    width: int | None = None
    success: bool | None = None


def shape_from_asset(asset: Asset, *, href: str, success: bool | None = None) -> AssetShape:
    info = asset.original.info
    size = None if info is None else info.orientation.upright(info.size)
    return AssetShape(
        id=str(asset.id),
        name=asset.name,
        href=href,
        md5_checksum=asset.original.md5,
        mime_type=media_type(asset.name, asset.original),
        height=None if size is None else size.height,
        width=None if size is None else size.width,
        success=success,
    )
