"""The JSON of iQmetrix' Assets API, as its document of 2016-06-12 has it."""

import msgspec

from imgsvc.core.assets import Asset
from imgsvc.core.formats import FORMATS


class AssetShape(msgspec.Struct, omit_defaults=True, rename="camel"):
    """`success` appears when the asset was uploaded, not later. `height`, `width`: px of the upright picture."""

    id: str
    name: str
    height: int
    width: int
    href: str
    md5_checksum: str = msgspec.field(name="md5Checksum")
    mime_type: str = msgspec.field(name="mimeType")
    success: bool | None = None


def shape_from_asset(asset: Asset, *, href: str, success: bool | None = None) -> AssetShape:
    info = asset.original.info
    size = info.orientation.upright(info.size)
    return AssetShape(
        id=str(asset.id),
        name=asset.name,
        height=size.height,
        width=size.width,
        href=href,
        md5_checksum=asset.original.md5,
        mime_type=FORMATS[info.format].media_type,
        success=success,
    )
