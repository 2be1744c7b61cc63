"""File names as Struct has them: the name and its extension apart."""

import re
from pathlib import PurePosixPath

from imgsvc.core.assets import Asset, name_extension
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import format_from_extension
from imgsvc.service.ingest import clean_name

_LONGEST_FOLDER_NAME = 255
# A path whose last part is blank or dots is the name of no file.
_NAMELESS = re.compile(r"(?:.*[/\\])?[\s.\x00-\x1f\x7f]*", re.DOTALL)


def shown_name(asset: Asset) -> str:
    """Without the extension. What follows the last dot of a picture's name and is none stays: `v1.2`."""
    extension = name_extension(asset.name)
    is_extension = asset.original.info is None or format_from_extension(extension) is not None
    return PurePosixPath(asset.name).stem if is_extension else asset.name


def read_file_name(text: str) -> str:
    """The last part of a path, as an upload's name. Raises InvalidParameter."""
    if _NAMELESS.fullmatch(text):
        raise InvalidParameter("Filename", expected="the name of a file", received=text)
    return clean_name(text)


def renamed(asset: Asset, name: str) -> str:
    """That name under the extension that the asset has: `x` and `x.png` of a PNG become `x.png`, `v1.2` `v1.2.png`."""
    return name if not asset.extension or _has_extension_of(asset, name) else clean_name(f"{name}.{asset.extension}")


def is_called(asset: Asset, name: str) -> bool:
    """Whether it is shown under that very name and extension; `.jpeg` and `.JPG` are a JPEG's `jpg`."""
    return _has_extension_of(asset, name) and PurePosixPath(name).stem == shown_name(asset)


def read_folder_name(text: str) -> str:
    """Raises InvalidParameter."""
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_FOLDER_NAME:
        raise InvalidParameter(
            "Name", expected=f"1 to {_LONGEST_FOLDER_NAME} characters, no control characters", received=text
        )
    return text


def _has_extension_of(asset: Asset, name: str) -> bool:
    extension, info = name_extension(name), asset.original.info
    return extension == asset.extension or (info is not None and format_from_extension(extension) is info.format)
