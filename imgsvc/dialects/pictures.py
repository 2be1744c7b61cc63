"""Any picture URL, whichever dialect it is in: for who has a URL and no router."""

from collections.abc import Mapping

from imgsvc.core.errors import NotFound
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import Transform
from imgsvc.dialects.iqmetrix import read_canonical_url, read_image_url, read_preview_url
from imgsvc.dialects.quable import read_cdn_url
from imgsvc.dialects.struct import read_media_url


def read_picture_url(path: str, query: str, *, presets: Mapping[str, Transform]) -> PictureRequest:
    """`path` decoded, as the service itself has it. Raises NotFound, InvalidParameter."""
    match path.split("/")[1:]:
        case ["media", slug, file_name] if file_name:
            return read_media_url(slug, query, presets=presets)
        case ["images", name]:
            return read_image_url(name, query, presets=presets)
        case ["images", guid, "preview", width, height]:
            return read_preview_url(guid, width, height)
        case ["images", guid, transform, key, file_name] if file_name:
            return read_canonical_url(guid, transform, key, query=query)
        case ["cdn", instance, code, preset, file_name] if file_name:
            return read_cdn_url(instance, code, preset, file_name, query=query, presets=presets)
        case _:
            raise NotFound("There is no picture at such a path.")
