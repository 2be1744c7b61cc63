"""iQmetrix' picture URLs, and the canonical URLs that they redirect to.

/images/{guid}                                      303 to the last, or to the third
/images/{guid}/preview/{width}/{height}             bytes, no larger than that, as the vendor's own clients ask
/images/{guid}.{extension}                          bytes, in the format the extension names
/images/{guid}/{transform}/{key}/{file name}        bytes of exactly that variant, for ever
"""

from collections.abc import Mapping
from dataclasses import replace

from imgsvc.core.assets import Asset, AssetKind, AssetRef, guid_from_text, url_file_name
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import FORMATS, Format, file_extension, format_from_extension
from imgsvc.core.parameters import FORMAT, SIDE, read_side, read_value
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import Transform
from imgsvc.core.variant import VariantKey, variant_key_from_text
from imgsvc.dialects.query import query_words
from imgsvc.dialects.spelling import read_transform, write_transform
from imgsvc.dialects.struct import read_download, read_query


def read_image_url(name: str, query: str, *, presets: Mapping[str, Transform]) -> PictureRequest:
    """`name` is `{guid}` or `{guid}.{extension}`. Raises InvalidParameter, NotFound."""
    guid, dot, extension = name.partition(".")
    request = read_query(read_guid(guid), query, presets=presets)
    if not dot:
        return replace(request, redirect=True)
    output = format_from_extension(extension)
    if output is None:
        raise InvalidParameter("extension", expected=FORMAT, received=extension)
    spelled, text = query_words(query).get("format", ("", ""))
    asked = request.transform.format
    if not spelled or asked is None:
        # A preset's format gives way to the extension.
        return replace(request, extension=output)
    if not isinstance(asked, Format) or FORMATS[asked].media_type != FORMATS[output].media_type:
        raise InvalidParameter(spelled, expected=f"{output}, as the path's extension says", received=text)
    return replace(request, extension=asked)


def read_preview_url(guid: str, width: str, height: str) -> PictureRequest:
    """Fits inside and is not enlarged. Raises InvalidParameter, NotFound."""
    ref = read_guid(guid)
    sides = {
        name: read_value(name, text, read=read_side, expected=SIDE)
        for name, text in (("width", width), ("height", height))
    }
    return PictureRequest(ref=ref, transform=Transform(max_width=sides["width"], max_height=sides["height"]))


def read_canonical_url(guid: str, transform: str, key: str, *, query: str) -> PictureRequest:
    """The file name behind them is for people and for the extension; of a query only `download` has a meaning.

    Raises InvalidParameter, NotFound.
    """
    variant = variant_key_from_text(key)
    if variant is None:
        raise NotFound("There is no such rendition.")
    return PictureRequest(
        ref=read_guid(guid), transform=read_transform(transform), key=variant, download=read_download(query)
    )


def read_guid(guid: str) -> AssetRef:
    """In any case; braces and other spellings that UUID() would take are not addresses. Raises NotFound."""
    parsed = guid_from_text(guid)
    if parsed is None:
        raise NotFound("There is no asset of that name.")
    return AssetRef(AssetKind.GUID, str(parsed))


def write_image_url(asset: Asset, output: Format) -> str:
    return f"/images/{asset.id}.{file_extension(output)}"


def write_canonical_url(asset: Asset, transform: Transform, output: Format, key: VariantKey) -> str:
    """`transform` must name its format, so that the URL says all by itself."""
    file_name = url_file_name(asset.name, extension=file_extension(output))
    return f"/images/{asset.id}/{write_transform(transform)}/{key}/{file_name}"
