"""The chunks of a WebP: RFC 9649, 2."""

from collections.abc import Callable, Iterator, Mapping

from imgsvc.metadata.exif import read_exif
from imgsvc.metadata.icc import read_icc
from imgsvc.metadata.printing import word
from imgsvc.metadata.source import Source
from imgsvc.metadata.tags import Tags
from imgsvc.metadata.xmp import read_xmp

MAX_CHUNKS = 4096

# RFC 9649, figure 7.
_FLAGS = ((1, "Animation"), (2, "XMP"), (3, "EXIF"), (4, "Alpha"), (5, "ICC Profile"))

# RFC 6386, 9.1.
_VERSIONS = {
    0: "0 (bicubic reconstruction, normal loop)",
    1: "1 (bilinear reconstruction, simple loop)",
    2: "2 (bilinear reconstruction, no loop)",
    3: "3 (no reconstruction, no loop)",
}


def read_webp(source: Source, tags: Tags) -> None:
    """A chunk that is not what it says is left out; frames tell no more than how long they last."""
    duration = 0
    for kind, at, length in _chunks(source):
        if kind == b"ANMF":
            duration += int.from_bytes(source.peek(at + 12, 3), "little")
            continue
        if kind not in _READERS:
            continue
        try:
            # Of pixels the first bytes are enough.
            data = source.peek(at, min(length, 10)) if kind in _PIXELS else source.read(at, length)
            _READERS[kind](data, at, tags)
        except ValueError:
            continue
    if duration:
        tags.add("Duration", f"{duration / 1000:.2f} s")


_PIXELS = (b"VP8 ", b"VP8L")


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Kind, where the data begin, and their length."""
    at = 12
    for _ in range(MAX_CHUNKS):
        head = source.peek(at, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _read_extended(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 10:
        return
    tags.add("FileType", "Extended WEBP")
    tags.add("WebP_Flags", ", ".join(name for bit, name in _FLAGS if data[0] >> bit & 1) or "(none)")
    tags.add("ImageWidth", str(int.from_bytes(data[4:7], "little") + 1))
    tags.add("ImageHeight", str(int.from_bytes(data[7:10], "little") + 1))


def _read_lossy(data: bytes, at: int, tags: Tags) -> None:
    """RFC 6386, 9.1: three bytes of frame tag, start code, then 14 bits for each side and two to scale it."""
    if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":
        return
    tags.add("VP8Version", word(_VERSIONS, data[0] >> 1 & 7))
    for side, scale, start in (("ImageWidth", "HorizontalScale", 6), ("ImageHeight", "VerticalScale", 8)):
        value = int.from_bytes(data[start : start + 2], "little")
        tags.add(side, str(value & 0x3FFF))
        tags.add(scale, str(value >> 14))


def _read_lossless(data: bytes, at: int, tags: Tags) -> None:
    """RFC 9649, 3.4: signature, then 14 bits for each side, less one."""
    if len(data) < 5 or data[0] != 0x2F:
        return
    sides = int.from_bytes(data[1:5], "little")
    tags.add("ImageWidth", str((sides & 0x3FFF) + 1))
    tags.add("ImageHeight", str((sides >> 14 & 0x3FFF) + 1))


def _read_animation(data: bytes, at: int, tags: Tags) -> None:
    """RFC 9649, figure 8: background, then how often it plays."""
    if len(data) < 6:
        return
    plays = int.from_bytes(data[4:6], "little")
    tags.add("BackgroundColor", " ".join(str(byte) for byte in data[:4]))
    tags.add("AnimationLoopCount", str(plays) if plays else "inf")


def _read_exif(data: bytes, at: int, tags: Tags) -> None:
    """Some write the six bytes that a JPEG needs here as well."""
    skipped = 6 if data.startswith(b"Exif\0\0") else 0
    read_exif(Source.of(data[skipped:]), tags, base=at + skipped)


def _read_xmp(data: bytes, at: int, tags: Tags) -> None:
    read_xmp(data, tags)


def _read_profile(data: bytes, at: int, tags: Tags) -> None:
    read_icc(data, tags)


# ALPH is left out: exiftool 12.57 takes its three fields from the same two bits.
_READERS: Mapping[bytes, Callable[[bytes, int, Tags], None]] = {
    b"VP8X": _read_extended,
    b"VP8 ": _read_lossy,
    b"VP8L": _read_lossless,
    b"ANIM": _read_animation,
    b"EXIF": _read_exif,
    b"XMP ": _read_xmp,
    b"ICCP": _read_profile,
}
