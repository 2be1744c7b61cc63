"""Files of sixteen by twelve pixels into which notes are put."""

import struct
import zlib
from io import BytesIO

from PIL import Image as Pillow

from tests import originals
from tests.metadata.blocks import (
    Field,
    Order,
    directory,
    directory_length,
)


def plain_jpeg(mode: str = "RGB", **options: object) -> bytes:
    """Sixteen by twelve, with JFIF."""
    file = BytesIO()
    Pillow.new(mode, (16, 12)).save(file, "JPEG", **options)
    return file.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments: bytes, has_jfif: bool = True) -> bytes:
    """The segments stand behind JFIF's, as writers place them."""
    data = plain_jpeg()
    return data[:2] + (data[2:_JFIF_END] if has_jfif else b"") + b"".join(segments) + data[_JFIF_END:]


_JFIF_END = 20


def exif_segment(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def icc_segments(content: bytes, *, parts: int = 1) -> tuple[bytes, ...]:
    length = -(-len(content) // parts)
    return tuple(
        segment(0xE2, b"ICC_PROFILE\0" + bytes((part + 1, parts)) + content[part * length : (part + 1) * length])
        for part in range(parts)
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_with(*chunks: bytes) -> bytes:
    """The chunks stand behind IHDR."""
    data = originals.png(16, 12)
    return data[:33] + b"".join(chunks) + data[33:]


def webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def webp_of(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_chain(*directories: list[Field], order: Order = "<") -> bytes:
    """Main directories, one behind the other."""
    data, at = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8), 8
    for number, fields in enumerate(directories, start=1):
        behind = at + directory_length(fields)
        data += directory(fields, at, order, following=behind if number < len(directories) else 0)
        at = behind
    return data
