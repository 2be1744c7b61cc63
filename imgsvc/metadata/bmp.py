"""The header of a BMP: BITMAPCOREHEADER, BITMAPINFOHEADER and what follows it (Microsoft, wingdi.h)."""

import struct

from imgsvc.metadata.printing import word
from imgsvc.metadata.source import Source
from imgsvc.metadata.tags import Tags

_VERSIONS = {12: "OS/2 V1", 40: "Windows V3", 64: "OS/2 V2", 108: "Windows V4", 124: "Windows V5"}
_COMPRESSIONS = {0: "None", 1: "8-Bit RLE", 2: "4-Bit RLE", 3: "Bitfields", 4: "JPEG", 5: "PNG"}


def read_bmp(source: Source, tags: Tags) -> None:
    """Raises ValueError where the header is not all there. Masks and colour spaces of V4 and V5 are left out."""
    size = int.from_bytes(source.read(14, 4), "little")
    tags.add("BMPVersion", word(_VERSIONS, size))
    if size == 12:
        width, height, planes, depth = struct.unpack("<4H", source.read(18, 8))
        _add_sides(tags, width, height, planes, depth)
        return
    header = struct.unpack("<iiHHIIIIII", source.read(18, 36))
    width, height, planes, depth, compression, length, across, down, colours, important = header
    # A negative height means that the rows run from the top.
    _add_sides(tags, width, abs(height), planes, depth)
    tags.add("Compression", word(_COMPRESSIONS, compression))
    tags.add("ImageLength", str(length))
    tags.add("PixelsPerMeterX", str(across))
    tags.add("PixelsPerMeterY", str(down))
    tags.add("NumColors", str(colours) if colours else "Use BitDepth")
    tags.add("NumImportantColors", str(important) if important else "All")


def _add_sides(tags: Tags, width: int, height: int, planes: int, depth: int) -> None:
    tags.add("ImageWidth", str(width))
    tags.add("ImageHeight", str(height))
    tags.add("Planes", str(planes))
    tags.add("BitDepth", str(depth))
