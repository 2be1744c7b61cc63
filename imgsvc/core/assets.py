"""What the library holds: originals, what is known of their pixels, the assets that name them, and their folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import NamedTuple, NewType, TypeAlias
from uuid import UUID

from imgsvc.core.errors import NotAnImage
from imgsvc.core.formats import Format, file_extension
from imgsvc.core.geometry import Orientation, Size

Digest = NewType("Digest", str)
"""SHA-256 of an original's bytes, 64 hexadecimal digits in lower case: its name in every store."""

Slug = NewType("Slug", str)
"""The eight characters a-z and 0-5 of a Struct media URL."""

SLUG_ALPHABET = "abcdefghijklmnopqrstuvwxyz012345"
SLUG_LENGTH = 8

Instance = NewType("Instance", str)
"""Whose library it is: a word of a-z, 0-9, `-` and `_`. No instance sees another's assets."""

INSTANCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

Attributes: TypeAlias = Mapping[str, JsonValue]
"""What people say of an asset, by name; a value in several languages is a map from locale to text."""

NO_ATTRIBUTES: Attributes = MappingProxyType({})


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
    """Bytes as they came. `length` in bytes; `md5` 32 hexadecimal digits; `crc32` as zlib and zip have it.

    `info` None: not a picture. `crc32` None: taken in before it was kept.
    """

    digest: Digest
    md5: str
    crc32: int | None
    length: int
    info: ImageInfo | None

    @property
    def picture(self) -> ImageInfo:
        """Raises NotAnImage."""
        if self.info is None:
            raise NotAnImage("The asset is not a picture.")
        return self.info


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One entry of the library. `name` is the file name as it was given; times are UTC.

    It has an id for every face: `id`, `serial` and `slug` are nobody else's in any instance, `code` is free text and
    nobody else's in this one. `folder` None: in the root. `created_by`, `updated_by`: the serial of a token, 0 for the
    operator.
    """

    id: UUID
    serial: int
    slug: Slug
    instance: Instance
    code: str
    name: str
    original: Original
    created: datetime
    modified: datetime
    created_by: int = 0
    updated_by: int = 0
    folder: int | None = None
    description: str = ""
    active: bool = True
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)
    classifications: tuple[str, ...] = ()

    @property
    def extension(self) -> str:
        """Without the dot: of a picture its format's, whatever its name says; of another file its name's, or none."""
        info = self.original.info
        return name_extension(self.name) if info is None else file_extension(info.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """What is to be entered. `id` None: by chance; `code` None: the id's text. The rest as in `Asset`."""

    instance: Instance
    name: str
    by: int = 0
    id: UUID | None = None
    code: str | None = None
    folder: int | None = None
    description: str = ""
    active: bool = True
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)
    classifications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """`parent` None: in the root. No two of one parent have the same name."""

    serial: int
    parent: int | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From a document elsewhere, `origin`, to an asset here. `sequence` orders those of one origin."""

    serial: int
    origin: str
    target: int
    link_type: str
    attributes: Attributes
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """Bytes that were sent ahead of the asset that will show them."""

    id: UUID
    name: str
    original: Original
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A batch that was prepared for whoever holds its link. `request`: what is to be packed, as its maker wrote it."""

    id: str
    instance: Instance
    request: bytes
    expires: datetime


class AssetKind(StrEnum):
    GUID = "guid"
    SERIAL = "serial"
    SLUG = "slug"
    CODE = "code"


class AssetRef(NamedTuple):
    """How an asset is named: by which kind of id, and the id in its canonical spelling.

    `instance` None: of any. A code says nothing without one.
    """

    kind: AssetKind
    value: str
    instance: Instance | None = None


CODE = "1 to 255 characters without slashes and control characters"


def is_code(text: str) -> bool:
    """Whether an asset may be called that: it stands in a segment of a path (RFC 3986, section 3.3)."""
    has_slash = "/" in text or "\\" in text
    return (
        0 < len(text) <= 255
        and text.isprintable()
        and text == text.strip()
        and not has_slash
        and text not in (".", "..")
    )


_EXTENSION = re.compile(r"[A-Za-z0-9]{1,10}", re.ASCII)
_SERIAL = re.compile(r"[0-9]{1,20}", re.ASCII)
_SLUG = re.compile(rf"[{SLUG_ALPHABET}]{{{SLUG_LENGTH}}}", re.ASCII)
_LARGEST_SERIAL = 2**63 - 1


def ref_from_text(text: str, *, instance: Instance) -> AssetRef | None:
    """By the syntax of GUIDs, serials and slugs, none of which can be taken for another. None: of none of them.

    What is made of digits alone is a serial, also where a slug would have that form.
    """
    if _SERIAL.fullmatch(text):
        return AssetRef(AssetKind.SERIAL, str(int(text)), instance) if int(text) <= _LARGEST_SERIAL else None
    if _SLUG.fullmatch(text):
        return AssetRef(AssetKind.SLUG, text, instance)
    guid = guid_from_text(text)
    return None if guid is None else AssetRef(AssetKind.GUID, str(guid), instance)


def guid_from_text(text: str) -> UUID | None:
    """In any case; braces and other spellings that UUID() would take are no ids."""
    try:
        guid = UUID(text)
    except ValueError:
        return None
    return guid if str(guid) == text.lower() else None


def url_file_name(name: str, *, extension: str) -> str:
    """The name as it stands in URLs: `Red Shirt.JPG` becomes `red-shirt` and the extension, ASCII alone."""
    stem = PurePosixPath(name.replace("\\", "/")).stem.lower()
    words = re.findall(r"[a-z0-9]+", stem)
    return f"{'-'.join(words)[:80].rstrip('-') or 'picture'}{'.' if extension else ''}{extension}"


def name_extension(name: str) -> str:
    """In lower case, without the dot; empty where there is none, as in `.htaccess` and `Report no. 7?`."""
    stem, _, extension = name.rpartition(".")
    return extension.lower() if stem.strip(".") and _EXTENSION.fullmatch(extension) else ""
