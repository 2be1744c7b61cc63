"""The blocks of a GIF: GIF89a (CompuServe, 1990; sections 15 to 27)."""

from collections.abc import Iterator

from imgsvc.metadata.printing import text_from_utf8
from imgsvc.metadata.source import READ_BYTES, Source
from imgsvc.metadata.tags import Tags
from imgsvc.metadata.xmp import read_xmp

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF

# XMP, part 3, 1.1.2: so that a reader of sub-blocks finds its way out, bytes count down behind the packet.
_XMP_TRAILER = 257


def read_gif(source: Source, tags: Tags) -> None:
    """Frames are counted, and their time summed, in files short enough to be read whole."""
    data = source.peek(0, READ_BYTES)
    if len(data) < 13:
        return
    _read_screen(data, tags)
    frames = delay = 0
    blocks = _Blocks(data)
    for kind, at in blocks:
        if kind == _IMAGE:
            frames += 1
        elif kind == _CONTROL and at + 5 < len(data):
            delay += int.from_bytes(data[at + 2 : at + 4], "little")
            if data[at + 1] & 1:
                tags.add("TransparentColor", str(data[at + 4]))
        elif kind == _COMMENT:
            tags.add("Comment", text_from_utf8(_joined(data, at)))
        elif kind == _APPLICATION:
            _read_application(data, at, tags)
    if not blocks.is_whole:
        return
    if frames > 1:
        tags.add("FrameCount", str(frames))
    if delay:
        tags.add("Duration", f"{delay / 100:.2f} s")


def _read_screen(data: bytes, tags: Tags) -> None:
    """Section 18."""
    packed = data[10]
    tags.add("GIFVersion", data[3:6].decode("latin-1"))
    tags.add("ImageWidth", str(int.from_bytes(data[6:8], "little")))
    tags.add("ImageHeight", str(int.from_bytes(data[8:10], "little")))
    tags.add("HasColorMap", "Yes" if packed & 0x80 else "No")
    tags.add("ColorResolutionDepth", str((packed >> 4 & 7) + 1))
    tags.add("BitsPerPixel", str((packed & 7) + 1))
    tags.add("BackgroundColor", str(data[11]))


def _read_application(data: bytes, at: int, tags: Tags) -> None:
    name = data[at + 1 : at + 12]
    if name == b"NETSCAPE2.0":
        loops = int.from_bytes(data[at + 14 : at + 16], "little")
        tags.add("AnimationIterations", str(loops) if loops else "Infinite")
    elif name == b"XMP DataXMP":
        end = _behind_sub_blocks(data, at + 12)
        try:
            read_xmp(data[at + 12 : end - 1 - _XMP_TRAILER], tags)
        except ValueError:
            return


class _Blocks:
    """Kind of each block, and where its first sub-block begins. `is_whole` once the trailer has been met."""

    def __init__(self, data: bytes) -> None:
        self.is_whole = False
        self._data = data

    def __iter__(self) -> Iterator[tuple[int, int]]:
        data = self._data
        at = 13 + _palette_length(data[10])
        while at + 1 < len(data) and data[at] in (_IMAGE, _EXTENSION):
            is_image = data[at] == _IMAGE
            if is_image and at + 9 >= len(data):
                return
            kind = _IMAGE if is_image else data[at + 1]
            first = at + 11 + _palette_length(data[at + 9]) if is_image else at + 2
            yield kind, first
            at = _behind_sub_blocks(data, first)
        self.is_whole = data[at : at + 1] == bytes((_TRAILER,))


def _palette_length(packed: int) -> int:
    """Bytes of the colour table that a packed field announces: sections 18 and 20."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _behind_sub_blocks(data: bytes, at: int) -> int:
    """Each begins with its length; one of length 0 ends the row (sections 15 and 16)."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _joined(data: bytes, at: int) -> bytes:
    parts: list[bytes] = []
    while at < len(data) and data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts)
