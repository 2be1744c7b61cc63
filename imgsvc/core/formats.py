"""The picture formats: one row each, and how bytes are told apart by what they begin with."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """A row's name, which is also its word in canonical URLs."""

    JPEG = "jpeg"
    PNG = "png"
    PNG8 = "png8"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"
    BMP = "bmp"
    SVG = "svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatRow:
    """`extensions`: the first is the one we write. `decodes`, `encodes`: whether this service reads, writes it.

    `lossy`: quality has a meaning. `default_quality` 1..100 where it does, overruled by a setting. `decoding`,
    `encoding`: nanoseconds of one core a pixel, as measured with the settings of `render.encode`; for queues alone.
    """

    media_type: str
    extensions: tuple[str, ...]
    decodes: bool = True
    encodes: bool = True
    alpha: bool = True
    animation: bool = False
    lossy: bool = False
    default_quality: int | None = None
    decoding: int
    encoding: int


FORMATS: dict[Format, FormatRow] = {
    Format.JPEG: FormatRow(
        media_type="image/jpeg",
        extensions=("jpg", "jpeg", "jpe", "jfif"),
        alpha=False,
        lossy=True,
        default_quality=82,
        decoding=9,
        encoding=9,
    ),
    Format.PNG: FormatRow(media_type="image/png", extensions=("png",), decoding=15, encoding=48),
    # A PNG with a palette of at most 256 colours; bytes of this kind are sniffed as PNG.
    Format.PNG8: FormatRow(media_type="image/png", extensions=("png8",), decodes=False, decoding=15, encoding=379),
    Format.WEBP: FormatRow(
        media_type="image/webp",
        extensions=("webp",),
        animation=True,
        lossy=True,
        default_quality=80,
        decoding=15,
        encoding=50,
    ),
    Format.AVIF: FormatRow(
        media_type="image/avif", extensions=("avif",), lossy=True, default_quality=65, decoding=45, encoding=226
    ),
    Format.GIF: FormatRow(media_type="image/gif", extensions=("gif",), animation=True, decoding=11, encoding=484),
    Format.TIFF: FormatRow(media_type="image/tiff", extensions=("tif", "tiff"), decoding=19, encoding=103),
    Format.BMP: FormatRow(media_type="image/bmp", extensions=("bmp", "dib"), alpha=False, decoding=6, encoding=7),
    Format.SVG: FormatRow(media_type="image/svg+xml", extensions=("svg",), encodes=False, decoding=20, encoding=0),
}

_BY_EXTENSION = {extension: name for name, row in FORMATS.items() for extension in row.extensions}

# Longest needed by any signature below; an SVG's root element may stand behind a long prologue.
SNIFFED_BYTES = 4096


def format_from_extension(extension: str) -> Format | None:
    """`jpg`, `JPEG`, `tif`…, without the dot, in any case; None where no row has it."""
    return _BY_EXTENSION.get(extension.lower())


def file_extension(output: Format) -> str:
    """The extension a file of that format is given, without the dot: `png` for PNG8 too."""
    return "png" if output is Format.PNG8 else FORMATS[output].extensions[0]


def readable_formats() -> str:
    """For error sentences."""
    return ", ".join(name.upper() for name, row in FORMATS.items() if row.decodes)


def sniff_format(head: bytes) -> Format | None:
    """The format of bytes that begin with `head` (`SNIFFED_BYTES` are enough), or None where it is none we decode.

    Names and declared types are not asked: they lie too often. A HEIC is not taken for an AVIF although the two share
    a container: the brand decides (ISO/IEC 14496-12, 4.3; AV1 Image File Format, 2.1).
    """
    for prefix, name in _SIGNATURES:
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp":
        return Format.AVIF if _is_avif(head) else None
    if _is_bmp(head):
        return Format.BMP
    return Format.SVG if _is_svg(head) else None


_SIGNATURES = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),
    (b"MM\0+", Format.TIFF),
)

# Size of the DIB header behind the 14-byte file header, little-endian: OS/2 1.x, Windows 3, V2, V3, OS/2 2, V4, V5.
_DIB_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}


def _is_avif(head: bytes) -> bool:
    box = head[: int.from_bytes(head[:4])]
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    return bool(brands & {b"avif", b"avis"})


def _is_bmp(head: bytes) -> bool:
    """Two letters alone would take many a text for a BMP, so the header's size is asked too."""
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _DIB_HEADER_SIZES


_SVG = re.compile(
    r"""
    (?: \s+
      | <\?.*?\?>                                 # XML declaration, processing instruction
      | <!--.*?-->
      | <!DOCTYPE [^\[>]* (?: \[ .*? \] \s* )? >  # with or without an internal subset
    )*+
    < (?: [\w.-]+ : )? svg [\s/>]
    """,
    re.DOTALL | re.VERBOSE,
)


def _is_svg(head: bytes) -> bool:
    """XML whose first element is `svg`, behind any prologue, comments and doctype."""
    return _SVG.match(head.decode("utf-8-sig", "replace")) is not None
