"""Files that are no pictures: which media type a name gives them, and that none of it runs in a browser."""

from collections.abc import Mapping
from types import MappingProxyType

from imgsvc.core.assets import Original, name_extension
from imgsvc.core.formats import FORMATS, format_from_extension

UNKNOWN = "application/octet-stream"

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "txt": "text/plain",
        "csv": "text/csv",
        "json": "application/json",
        "rtf": "application/rtf",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt": "application/vnd.ms-powerpoint",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text",
        "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odp": "application/vnd.oasis.opendocument.presentation",
        "zip": "application/zip",
        "7z": "application/x-7z-compressed",
        "gz": "application/gzip",
        "tar": "application/x-tar",
        "mp4": "video/mp4",
        "m4v": "video/x-m4v",
        "mov": "video/quicktime",
        "webm": "video/webm",
        "mkv": "video/x-matroska",
        "avi": "video/x-msvideo",
        "mpg": "video/mpeg",
        "mpeg": "video/mpeg",
        "wmv": "video/x-ms-wmv",
        "ogv": "video/ogg",
        "mp3": "audio/mpeg",
        "m4a": "audio/mp4",
        "wav": "audio/wav",
        "ogg": "audio/ogg",
        "flac": "audio/flac",
        "heic": "image/heic",
        "heif": "image/heif",
        "jp2": "image/jp2",
        "jxl": "image/jxl",
        "psd": "image/vnd.adobe.photoshop",
        "ai": "application/postscript",
        "eps": "application/postscript",
        "ps": "application/postscript",
        "indd": "application/x-indesign",
        "dwg": "image/vnd.dwg",
        "dxf": "image/vnd.dxf",
        "step": "model/step",
        "stl": "model/stl",
        "glb": "model/gltf-binary",
        "gltf": "model/gltf+json",
        "usdz": "model/vnd.usdz+zip",
    }
)
"""By extension (IANA's registry of media types). Pages, scripts and style sheets are left out: they are bytes here."""


def media_type(name: str, original: Original) -> str:
    """A picture's is its format's, another file's its name's."""
    info = original.info
    return MEDIA_TYPES.get(name_extension(name), UNKNOWN) if info is None else FORMATS[info.format].media_type


def claims_to_be_picture(name: str) -> bool:
    """Its extension is that of a format we decode, so that other bytes under it are a mistake."""
    claimed = format_from_extension(name_extension(name))
    return claimed is not None and FORMATS[claimed].decodes
