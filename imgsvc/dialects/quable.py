"""Quable's CDN URLs.

/cdn/{instance}/{asset id}/original/{file name}     bytes as they came
/cdn/{instance}/{asset id}/{preset}/{file name}     the preset's rendition, in the format the extension names

A preset is a code of the table or a size such as 600x600, 1920x, x480. `shirt.jpg` is called `shirt-jpg.jpg` in all of
them but the original (Quable, "Push assets", `thumbnails`); the name is for people, its extension alone has a meaning.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from imgsvc.core.assets import Asset, AssetKind, AssetRef, Instance, url_file_name
from imgsvc.core.errors import NotFound
from imgsvc.core.formats import FORMATS, Format, file_extension, format_from_extension
from imgsvc.core.presets import find_preset
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.dialects.struct import read_download

ORIGINAL = "original"

_SHOWN: Mapping[Format, Format] = {Format.TIFF: Format.JPEG, Format.BMP: Format.JPEG, Format.SVG: Format.PNG}
"""What a rendition is written as where its original's format is not for web pages, or is never written."""


def read_cdn_url(
    instance: str, code: str, preset: str, file_name: str, *, query: str, presets: Mapping[str, Transform]
) -> PictureRequest:
    """Of a query only `download` has a meaning. Raises NotFound, InvalidParameter."""
    ref = AssetRef(AssetKind.CODE, code, Instance(instance))
    download = read_download(query)
    if preset == ORIGINAL:
        return PictureRequest(ref=ref, transform=NOTHING_ASKED, download=download)
    transform = find_preset(preset, presets)
    output = format_from_extension(PurePosixPath(file_name).suffix[1:])
    if transform is None or output is None or not FORMATS[output].encodes:
        raise NotFound("There is no such rendition.")
    return PictureRequest(ref=ref, transform=transform, extension=output, download=download, preset=preset.lower())


def write_cdn_url(asset: Asset, preset: str) -> str:
    """Raises NotAnImage for any preset but the original of what is no picture."""
    if preset == ORIGINAL:
        file_name = quote(asset.name, safe="")
    else:
        source = asset.original.picture.format
        stem = f"{PurePosixPath(asset.name).stem}-{file_extension(source)}.x"
        file_name = url_file_name(stem, extension=file_extension(_SHOWN.get(source, source)))
    return f"/cdn/{asset.instance}/{quote(asset.code, safe='')}/{preset}/{file_name}"
