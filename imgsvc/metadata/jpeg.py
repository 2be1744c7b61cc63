"""The segments of a JPEG, up to the first scan: ITU-T T.81, annex B, and what APPn markers have come to hold."""

from collections.abc import Callable, Iterator

from imgsvc.metadata.exif import read_exif
from imgsvc.metadata.exif_words import RESOLUTION_UNITS
from imgsvc.metadata.icc import read_icc
from imgsvc.metadata.iptc import read_photoshop
from imgsvc.metadata.printing import text_from_utf8, word
from imgsvc.metadata.source import Source
from imgsvc.metadata.tags import Rank, Tags
from imgsvc.metadata.xmp import read_xmp

MAX_SEGMENTS = 4096

_MARKER, _SCAN, _END = 0xFF, 0xDA, 0xD9
_COMMENT = 0xFE

_PROCESSES = {
    0xC0: "Baseline DCT, Huffman coding",
    0xC1: "Extended sequential DCT, Huffman coding",
    0xC2: "Progressive DCT, Huffman coding",
    0xC3: "Lossless, Huffman coding",
    0xC5: "Sequential DCT, differential Huffman coding",
    0xC6: "Progressive DCT, differential Huffman coding",
    0xC7: "Lossless, Differential Huffman coding",
    0xC9: "Extended sequential DCT, arithmetic coding",
    0xCA: "Progressive DCT, arithmetic coding",
    0xCB: "Lossless, arithmetic coding",
    0xCD: "Sequential DCT, differential arithmetic coding",
    0xCE: "Progressive DCT, differential arithmetic coding",
    0xCF: "Lossless, differential arithmetic coding",
}
"""Start of frame: T.81, table B.1."""

_TRANSFORMS = {0: "Unknown (RGB or CMYK)", 1: "YCbCr", 2: "YCCK"}

_SUBSAMPLINGS = {
    (1, 1): "YCbCr4:4:4 (1 1)",
    (2, 1): "YCbCr4:2:2 (2 1)",
    (2, 2): "YCbCr4:2:0 (2 2)",
    (4, 1): "YCbCr4:1:1 (4 1)",
    (4, 2): "YCbCr4:1:0 (4 2)",
    (1, 2): "YCbCr4:4:0 (1 2)",
    (1, 4): "YCbCr4:4:1 (1 4)",
    (2, 4): "YCbCr4:2:1 (2 4)",
}


def read_jpeg(source: Source, tags: Tags) -> None:
    """A segment that is not what it says is left out; raises ValueError where the row of segments breaks."""
    parts = _ProfileParts()
    for marker, at, length in _segments(source):
        if marker in _PROCESSES:
            _read_frame(marker, source.peek(at, min(length, 32)), tags)
            continue
        reader = _reader(marker, source.peek(at, min(length, 32)))
        if reader is None and marker != 0xE2:
            continue
        try:
            body = source.read(at, length)
            if marker == 0xE2:
                parts.add(body, tags)
            elif reader is not None:
                reader(body, at, tags)
        except ValueError:
            continue


def _segments(source: Source) -> Iterator[tuple[int, int, int]]:
    """Marker, where the segment's body begins, and its length."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        head = source.peek(at, 4)
        if len(head) < 2 or head[0] != _MARKER or head[1] in (_SCAN, _END):
            return
        if head[1] == _MARKER:  # fill byte: B.1.1.2
            at += 1
            continue
        length = int.from_bytes(head[2:4])
        if len(head) < 4 or length < 2:
            return
        yield head[1], at + 4, length - 2
        at += 2 + length


def _reader(marker: int, head: bytes) -> Callable[[bytes, int, Tags], None] | None:
    if marker == _COMMENT:
        return _read_comment
    for known, signature, reader in _READERS:
        if marker == known and head.startswith(signature):
            return reader
    return None


def _read_frame(marker: int, body: bytes, tags: Tags) -> None:
    """T.81, B.2.2."""
    if len(body) < 6:
        return
    tags.add("ImageWidth", str(int.from_bytes(body[3:5])))
    tags.add("ImageHeight", str(int.from_bytes(body[1:3])))
    tags.add("EncodingProcess", _PROCESSES[marker])
    tags.add("BitsPerSample", str(body[0]))
    tags.add("ColorComponents", str(body[5]))
    if body[5] != 3 or len(body) < 15:
        return
    across, down = zip(*((factors >> 4, factors & 15) for factors in body[7:15:3]), strict=True)
    if not all((*across, *down)):
        return
    ratio = (max(across) // min(across), max(down) // min(down))
    tags.add("YCbCrSubSampling", _SUBSAMPLINGS.get(ratio, f"Unknown ({ratio[0]} {ratio[1]})"))


def _read_jfif(body: bytes, at: int, tags: Tags) -> None:
    """JFIF 1.02, page 5."""
    if len(body) < 14:
        return
    tags.add("JFIFVersion", f"{body[5]}.{body[6]:02d}")
    tags.add("ResolutionUnit", word(_JFIF_UNITS, body[7]), Rank.DEFAULT)
    tags.add("XResolution", str(int.from_bytes(body[8:10])), Rank.DEFAULT)
    tags.add("YResolution", str(int.from_bytes(body[10:12])), Rank.DEFAULT)


_JFIF_UNITS = {unit - 1: name for unit, name in RESOLUTION_UNITS.items()}


def _read_exif(body: bytes, at: int, tags: Tags) -> None:
    read_exif(Source.of(body[6:]), tags, base=at + 6)


def _read_xmp(body: bytes, at: int, tags: Tags) -> None:
    read_xmp(body[len(_XMP_SIGNATURE) :], tags)


def _read_photoshop(body: bytes, at: int, tags: Tags) -> None:
    read_photoshop(body[len(_PHOTOSHOP_SIGNATURE) :], tags)


def _read_adobe(body: bytes, at: int, tags: Tags) -> None:
    """Adobe Technical Note 5116, 18; flags that mean something are left out."""
    if len(body) < 12:
        return
    tags.add("DCTEncodeVersion", str(int.from_bytes(body[5:7])))
    for name, flags in (("APP14Flags0", body[7:9]), ("APP14Flags1", body[9:11])):
        if not any(flags):
            tags.add(name, "(none)")
    tags.add("ColorTransform", word(_TRANSFORMS, body[11]))


def _read_comment(body: bytes, at: int, tags: Tags) -> None:
    tags.add("Comment", text_from_utf8(body.rstrip(b"\0")), Rank.LOW)


_XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_SIGNATURE = b"Photoshop 3.0\0"

_READERS: tuple[tuple[int, bytes, Callable[[bytes, int, Tags], None]], ...] = (
    (0xE0, b"JFIF\0", _read_jfif),
    (0xE1, b"Exif\0", _read_exif),
    (0xE1, _XMP_SIGNATURE, _read_xmp),
    (0xED, _PHOTOSHOP_SIGNATURE, _read_photoshop),
    (0xEE, b"Adobe", _read_adobe),
)


class _ProfileParts:
    """A profile in as many APP2 segments as it needs: ICC.1:2010, B.4. It is read once all have come."""

    _SIGNATURE = b"ICC_PROFILE\0"

    def __init__(self) -> None:
        self._parts: dict[int, bytes] = {}

    def add(self, body: bytes, tags: Tags) -> None:
        if not body.startswith(self._SIGNATURE) or len(body) < 14:
            return
        number, count = body[12:14]
        self._parts[number] = body[14:]
        if set(self._parts) == set(range(1, count + 1)):
            read_icc(b"".join(self._parts[place] for place in range(1, count + 1)), tags)
