"""The blocks of GIF89a (CompuServe, 1990; sections 15 to 27), for what libvips is too lenient to tell."""

from collections.abc import Iterator

_EXTENSION, _TRAILER = 0x21, 0x3B
_APPLICATION = 0xFF
_COMMENT = 0xFE
_LOOPING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def split_gif(data: bytes) -> Iterator[bytes]:
    """Header with screen and global palette first, then each block. A missing trailer is forgiven, as browsers do.

    Raises ValueError where the bytes end within a block or no block begins.
    """
    start = 13 + _palette_length(_byte(data, 10))
    yield _part(data, 0, start)
    while start < len(data) and data[start] != _TRAILER:
        match data[start]:
            case 0x2C:  # image
                pixels = start + 10 + _palette_length(_byte(data, start + 9)) + 1
            case 0x21:  # extension
                pixels = start + 2
            case _:
                raise ValueError(start)
        end = _behind_sub_blocks(data, pixels)
        yield _part(data, start, end)
        start = end
    yield bytes((_TRAILER,))


def is_note(block: bytes) -> bool:
    """A comment, or what an application left behind, XMP among it; loop counts are no notes."""
    if block[0] != _EXTENSION:
        return False
    return block[1] == _COMMENT or (block[1] == _APPLICATION and block[3:14] not in _LOOPING)


def _palette_length(packed: int) -> int:
    """Bytes of the colour table that a packed field announces: sections 18 and 20."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _behind_sub_blocks(data: bytes, start: int) -> int:
    """Each begins with its length; one of length 0 ends the row (sections 15 and 16)."""
    while length := _byte(data, start):
        start += 1 + length
    return start + 1


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ValueError(at)
    return data[at]


def _part(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise ValueError(end)
    return data[start:end]
