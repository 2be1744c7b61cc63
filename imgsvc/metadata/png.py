"""The chunks of a PNG: PNG, third edition, 11. Those with pixels are stepped over."""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping

from imgsvc.metadata.exif import read_exif
from imgsvc.metadata.icc import read_icc
from imgsvc.metadata.printing import binary_text, number_text, text_from_utf8, word
from imgsvc.metadata.source import READ_BYTES, Source
from imgsvc.metadata.tags import MAX_TEXT, Tags
from imgsvc.metadata.xmp import MAX_PACKET, read_xmp

MAX_CHUNKS = 4096

_COLOUR_TYPES = {0: "Grayscale", 2: "RGB", 3: "Palette", 4: "Grayscale with Alpha", 6: "RGB with Alpha"}
_INTENTS = {0: "Perceptual", 1: "Relative Colorimetric", 2: "Saturation", 3: "Absolute Colorimetric"}

# Keywords of PNG, third edition, 11.3.3, that exiftool spells otherwise.
_KEYWORDS = {"Creation Time": "CreationTime"}
_KNOWN_KEYWORDS = (
    "Title",
    "Author",
    "Description",
    "Copyright",
    "Software",
    "Disclaimer",
    "Warning",
    "Source",
    "Comment",
)
_XMP_KEYWORD = b"XML:com.adobe.xmp"


def read_png(source: Source, tags: Tags) -> None:
    """A chunk that is not what it says is left out. Checksums are not looked at."""
    for kind, at, length in _chunks(source):
        reader = _READERS.get(kind)
        if reader is None:
            continue
        try:
            reader(source.read(at, length), at, tags)
        except (ValueError, IndexError, zlib.error):
            continue


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Kind, where the data begin, and their length."""
    at = 8
    for _ in range(MAX_CHUNKS):
        head = source.peek(at, 8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length = int.from_bytes(head[:4])
        yield head[4:], at + 8, length
        at += 12 + length


def _read_header(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 13:
        return
    tags.add("ImageWidth", str(int.from_bytes(data[:4])))
    tags.add("ImageHeight", str(int.from_bytes(data[4:8])))
    tags.add("BitDepth", str(data[8]))
    tags.add("ColorType", word(_COLOUR_TYPES, data[9]))
    tags.add("Compression", word({0: "Deflate/Inflate"}, data[10]))
    tags.add("Filter", word({0: "Adaptive"}, data[11]))
    tags.add("Interlace", word({0: "Noninterlaced", 1: "Adam7 Interlace"}, data[12]))


def _read_palette(data: bytes, at: int, tags: Tags) -> None:
    tags.add("Palette", binary_text(len(data)))


def _read_resolution(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 9:
        return
    tags.add("PixelsPerUnitX", str(int.from_bytes(data[:4])))
    tags.add("PixelsPerUnitY", str(int.from_bytes(data[4:8])))
    tags.add("PixelUnits", word({0: "Unknown", 1: "meters"}, data[8]))


def _read_gamma(data: bytes, at: int, tags: Tags) -> None:
    """The inverse is printed, as one speaks of it."""
    value = int.from_bytes(data[:4])
    if len(data) == 4 and value:
        tags.add("Gamma", number_text(int(1e9 / value + 0.5) / 10_000))


def _read_chromaticities(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 32:
        return
    for place, name in enumerate(("WhitePoint", "Red", "Green", "Blue")):
        for axis, letter in enumerate("XY"):
            start = place * 8 + axis * 4
            tags.add(name + letter, number_text(int.from_bytes(data[start : start + 4]) / 100_000))


def _read_intent(data: bytes, at: int, tags: Tags) -> None:
    tags.add("SRGBRendering", word(_INTENTS, data[0]))


def _read_numbers(name: str, length: int) -> Callable[[bytes, int, Tags], None]:
    def read(data: bytes, at: int, tags: Tags) -> None:
        numbers = (data[place : place + length] for place in range(0, len(data), length))
        tags.add(name, " ".join(str(int.from_bytes(number)) for number in numbers))

    return read


def _read_time(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 7:
        return
    month, day, hour, minute, second = data[2:7]
    year = int.from_bytes(data[:2])
    tags.add("ModifyDate", f"{year:04d}:{month:02d}:{day:02d} {hour:02d}:{minute:02d}:{second:02d}")


def _read_animation(data: bytes, at: int, tags: Tags) -> None:
    if len(data) < 8:
        return
    plays = int.from_bytes(data[4:8])
    tags.add("FileType", "APNG")
    tags.add("MIMEType", "image/apng")
    tags.add("AnimationFrames", str(int.from_bytes(data[:4])))
    tags.add("AnimationPlays", str(plays) if plays else "inf")


def _read_exif(data: bytes, at: int, tags: Tags) -> None:
    # Of a PNG exiftool tells the thumbnail's place within the block.
    read_exif(Source.of(data), tags)


def _read_profile(data: bytes, at: int, tags: Tags) -> None:
    name, compressed = data.split(b"\0", 1)
    tags.add("ProfileName", name.decode("latin-1"))
    read_icc(_inflate(compressed, READ_BYTES), tags)


def _read_text(data: bytes, at: int, tags: Tags) -> None:
    keyword, text = data.split(b"\0", 1)
    _keep_text(keyword, text.decode("latin-1"), tags)


def _read_compressed_text(data: bytes, at: int, tags: Tags) -> None:
    keyword, compressed = data.split(b"\0", 1)
    _keep_text(keyword, _inflate(compressed, MAX_TEXT).decode("latin-1"), tags)


def _read_international_text(data: bytes, at: int, tags: Tags) -> None:
    """Keyword, flag and method of compression, language, keyword translated, text."""
    keyword, rest = data.split(b"\0", 1)
    language, _, text = rest[2:].split(b"\0", 2)
    limit = MAX_PACKET if keyword == _XMP_KEYWORD else MAX_TEXT
    plain = _inflate(rest[1:2] + text, limit) if rest[0] else text
    if keyword == _XMP_KEYWORD:
        read_xmp(plain, tags)
    elif not language:
        _keep_text(keyword, text_from_utf8(plain), tags)


def _keep_text(keyword: bytes, text: str, tags: Tags) -> None:
    """A keyword that the specification does not list is joined to a name; one with other signs is left out."""
    name = keyword.decode("latin-1")
    if name in _KNOWN_KEYWORDS or name in _KEYWORDS:
        tags.add(_KEYWORDS.get(name, name), text.replace("\0", ""))
    elif re.fullmatch(r"(?!Raw profile)[A-Za-z]+( [a-z]+)*", name) and len(name) > 1:
        tags.add("".join(part[0].upper() + part[1:] for part in name.split(" ")), text.replace("\0", ""))


def _inflate(data: bytes, limit: int) -> bytes:
    """The first byte is the method, 0 for zlib. Raises ValueError where more than `limit` bytes come out."""
    if data[:1] != b"\0":
        raise ValueError(data[:1])
    inflater = zlib.decompressobj()
    plain = inflater.decompress(data[1:], limit)
    if not inflater.eof:
        raise ValueError(limit)
    return plain


_READERS: Mapping[bytes, Callable[[bytes, int, Tags], None]] = {
    b"IHDR": _read_header,
    b"PLTE": _read_palette,
    b"pHYs": _read_resolution,
    b"gAMA": _read_gamma,
    b"cHRM": _read_chromaticities,
    b"sRGB": _read_intent,
    b"bKGD": _read_numbers("BackgroundColor", 2),
    b"sBIT": _read_numbers("SignificantBits", 1),
    b"tIME": _read_time,
    b"acTL": _read_animation,
    b"eXIf": _read_exif,
    b"iCCP": _read_profile,
    b"tEXt": _read_text,
    b"zTXt": _read_compressed_text,
    b"iTXt": _read_international_text,
}
