"""What the library holds: originals, what is known of their pixels, and the assets that name them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple, NewType
from uuid import UUID

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size

Digest = NewType("Digest", str)
"""SHA-256 of an original's bytes, 64 hexadecimal digits in lower case: its name in every store."""

Slug = NewType("Slug", str)
"""The eight characters a-z and 0-5 of a Struct media URL."""

SLUG_ALPHABET = "abcdefghijklmnopqrstuvwxyz012345"
SLUG_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What the header tells. `size`: stored pixels of one frame, px; for SVG the size it declares.

    `is_srgb`: the stored values are sRGB or grey as they stand, of 8 or 16 bit: neither CMYK nor under another profile.
    """

    format: Format
    size: Size
    orientation: Orientation = Orientation.UPRIGHT
    frames: int = 1
    has_alpha: bool = False
    is_srgb: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """Bytes as they came. `length` in bytes; `md5` 32 hexadecimal digits, for vendors that show it."""

    digest: Digest
    md5: str
    length: int
    info: ImageInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One entry of the library. `name` is the file name as it was given; times are UTC."""

    id: UUID
    slug: Slug
    name: str
    original: Original
    created: datetime
    modified: datetime


class AssetKind(StrEnum):
    GUID = "guid"
    SLUG = "slug"


class AssetRef(NamedTuple):
    """How a URL names an asset: by which kind of id, and the id in its canonical spelling."""

    kind: AssetKind
    value: str


def url_file_name(name: str, *, extension: str) -> str:
    """The name as it stands in URLs: `Red Shirt.JPG` becomes `red-shirt` and the extension, ASCII alone."""
    stem = PurePosixPath(name.replace("\\", "/")).stem.lower()
    words = re.findall(r"[a-z0-9]+", stem)
    return f"{'-'.join(words)[:80].rstrip('-') or 'picture'}.{extension}"
