"""Originals without what tells of people and places, their pixels' bytes untouched.

Walks the container and leaves out EXIF, XMP, IPTC, comments and other notes; colour profiles stay. A JPEG's
orientation is kept by the smallest EXIF that says it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation
from imgsvc.render.gif import is_note, split_gif
from imgsvc.render.svg import sanitise_svg


def strip_metadata(data: bytes, source: Format, orientation: Orientation) -> bytes | None:
    """None where the container is not one this can walk, or is not what it seems."""
    strip = STRIPPERS.get(source)
    if strip is None or (source is not Format.JPEG and orientation is not Orientation.UPRIGHT):
        return None
    try:
        return strip(data, orientation)
    except (IndexError, ValueError):
        return None


def _strip_jpeg(data: bytes, orientation: Orientation) -> bytes:
    """ITU-T T.81, annex B. JFIF (APP0), profiles (APP2) and Adobe's colour transform (APP14) stay.

    What follows the end goes: phones put a film or a second picture there, with metadata of its own.
    """
    kept = [data[:2]]
    if orientation is not Orientation.UPRIGHT:
        kept.append(_orientation_segment(orientation))
    position = 2
    while True:
        if data[position] != _MARKER:
            raise ValueError(position)
        marker = data[position + 1]
        if marker == _MARKER:  # fill byte: B.1.1.2
            position += 1
            continue
        if marker == _END:
            return b"".join((*kept, data[position : position + 2]))
        length = _big_endian(data, position + 2, 2)
        if length < 2:
            raise ValueError(position)
        end = position + 2 + length
        if marker == _SCAN:
            following = _MARKER_BEHIND_SCAN.search(data, end)
            if following is None:
                raise ValueError(position)
            end = following.start()
        segment = data[position:end]
        if _is_kept_segment(marker, segment):
            kept.append(segment)
        position = end


_MARKER, _SCAN, _END = 0xFF, 0xDA, 0xD9
# Within a scan 0xFF is followed by 0x00 or a restart marker: B.1.1.5.
_MARKER_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _is_kept_segment(marker: int, segment: bytes) -> bool:
    if marker == 0xE2:
        return segment[4:].startswith(b"ICC_PROFILE\0")
    is_note = 0xE1 <= marker <= 0xEF or marker == 0xFE
    return not is_note or marker == 0xEE


def _orientation_segment(orientation: Orientation) -> bytes:
    """An APP1 segment whose TIFF structure holds tag 0x0112 alone (Exif 2.32, 4.5 and 4.6.4)."""
    entry = b"\x01\x12" + b"\0\x03" + b"\0\0\0\x01" + bytes((0, orientation, 0, 0))
    tiff = b"MM\0*\0\0\0\x08" + b"\0\x01" + entry + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body


def _strip_png(data: bytes, orientation: Orientation) -> bytes:
    """PNG, third edition, 5.3 and 11: what makes or changes pixels stays, whatever else there may be goes."""
    return data[:8] + b"".join(chunk for chunk in _png_chunks(data) if chunk[4:8] in _PNG_KEPT)


_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    position = 8
    while True:
        end = position + 12 + _big_endian(data, position, 4)
        if end > len(data):
            raise ValueError(position)
        yield data[position:end]
        if data[position + 4 : position + 8] == b"IEND":
            return
        position = end


def _strip_webp(data: bytes, orientation: Orientation) -> bytes:
    """RFC 9649, 2.7: the chunks of picture, animation and profile stay; the flags of VP8X announce no others."""
    kept: list[bytes] = []
    stop = 8 + int.from_bytes(data[4:8], "little")
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or not 12 < stop <= len(data):
        raise ValueError(stop)
    position = 12
    while position < stop:
        name = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length + length % 2
        if end > stop:
            raise ValueError(position)
        chunk = data[position:end]
        if name == b"VP8X":
            chunk = chunk[:8] + bytes((chunk[8] & ~_WEBP_NOTE_FLAGS,)) + chunk[9:]
        if name in _WEBP_KEPT:
            kept.append(chunk)
        position = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_NOTE_FLAGS = 0x0C  # E and X of VP8X: RFC 9649, figure 7


def _strip_gif(data: bytes, orientation: Orientation) -> bytes:
    return b"".join(block for block in split_gif(data) if not is_note(block))


def _strip_svg(data: bytes, orientation: Orientation) -> bytes:
    return sanitise_svg(data)


def _strip_bmp(data: bytes, orientation: Orientation) -> bytes:
    """It has no place for any."""
    if not data.startswith(b"BM"):
        raise ValueError
    return data


STRIPPERS: Mapping[Format, Callable[[bytes, Orientation], bytes]] = MappingProxyType(
    {
        Format.JPEG: _strip_jpeg,
        Format.PNG: _strip_png,
        Format.WEBP: _strip_webp,
        Format.GIF: _strip_gif,
        Format.SVG: _strip_svg,
        Format.BMP: _strip_bmp,
    }
)


def _big_endian(data: bytes, position: int, length: int) -> int:
    field = data[position : position + length]
    if len(field) < length:
        raise ValueError(position)
    return int.from_bytes(field)
