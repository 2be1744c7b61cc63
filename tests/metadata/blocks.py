"""Blocks of metadata written field by field: TIFF structures (EXIF), IPTC, XMP."""

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

Order: TypeAlias = Literal["<", ">"]
"""Byte orders of TIFF 6.0, section 2: `II` and `MM`."""


class Field(NamedTuple):
    """One entry of an IFD; `claimed` is its count where that is to lie."""

    tag: int
    kind: int
    values: bytes | Sequence[int] | Sequence[float]
    claimed: int | None = None


def ascii_field(tag: int, text: str | bytes) -> Field:
    return Field(tag, 2, (text if isinstance(text, bytes) else text.encode()) + b"\0")


def byte(tag: int, *values: int) -> Field:
    return Field(tag, 1, values)


def short(tag: int, *values: int) -> Field:
    return Field(tag, 3, values)


def long(tag: int, *values: int) -> Field:
    return Field(tag, 4, values)


def rational(tag: int, *values: int) -> Field:
    """Numerator, denominator, numerator, denominator…"""
    return Field(tag, 5, values)


def undefined(tag: int, data: bytes) -> Field:
    return Field(tag, 7, data)


def srational(tag: int, *values: int) -> Field:
    return Field(tag, 10, values)


def tiff_block(
    *ifd0: Field,
    exif: Sequence[Field] = (),
    gps: Sequence[Field] = (),
    interop: Sequence[Field] = (),
    ifd1: Sequence[Field] = (),
    thumbnail: bytes = b"",
    order: Order = "<",
) -> bytes:
    """A TIFF structure whose directories lie behind each other, each followed by its values."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    main = [*ifd0]
    pointers: list[tuple[int, Sequence[Field]]] = [(0x8769, exif), (0x8825, gps)]
    main += [long(tag, 0) for tag, fields in pointers if fields or (tag == 0x8769 and interop)]
    exif = [*exif, *([long(0xA005, 0)] if interop else [])]
    exif_at = 8 + directory_length(main)
    gps_at = exif_at + (directory_length(exif) if exif else 0)
    interop_at = gps_at + (directory_length(gps) if gps else 0)
    ifd1_at = interop_at + (directory_length(interop) if interop else 0)
    places = {0x8769: exif_at, 0x8825: gps_at, 0xA005: interop_at}
    second = [*ifd1]
    if thumbnail:
        second += [long(0x0201, 0), long(0x0202, len(thumbnail))]
        places[0x0201] = ifd1_at + directory_length(second)
    blocks = [directory(_placed(main, places), 8, order, following=ifd1_at if second else 0)]
    blocks += [directory(_placed(exif, places), exif_at, order)] if exif else []
    blocks += [directory(gps, gps_at, order)] if gps else []
    blocks += [directory(interop, interop_at, order)] if interop else []
    blocks += [directory(_placed(second, places), ifd1_at, order)] if second else []
    return head + b"".join(blocks) + thumbnail


def directory(fields: Sequence[Field], at: int, order: Order = "<", *, following: int = 0) -> bytes:
    """One IFD that begins at offset `at`, with its values behind it."""
    entries, data = b"", b""
    behind = at + 6 + 12 * len(fields)
    for field in fields:
        packed = _packed(field, order)
        count = _count(field, packed) if field.claimed is None else field.claimed
        entries += struct.pack(order + "HHI", field.tag, field.kind, count)
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", behind + len(data))
            data += packed + b"\0" * (len(packed) % 2)
    return struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", following) + data


def directory_length(fields: Sequence[Field]) -> int:
    return len(directory(fields, 0))


def iptc_field(record: int, dataset: int, value: str | bytes) -> bytes:
    """IPTC IIM 4.2, 1.5(d): tag marker, record, dataset, length, value."""
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">BBBH", 0x1C, record, dataset, len(data)) + data


def photoshop_block(*resources: tuple[int, bytes]) -> bytes:
    """An APP13 payload: image resource blocks (Adobe Photoshop File Formats, Image Resources Section)."""
    blocks = (
        b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
        for number, data in resources
    )
    return b"Photoshop 3.0\0" + b"".join(blocks)


def xmp_packet(body: str, attributes: str = "") -> bytes:
    """`body` within one rdf:Description; the usual namespaces are declared."""
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in XMP_NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Dark Room 1.0">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {names} {attributes}>{body}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


XMP_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
}


def _placed(fields: Sequence[Field], places: dict[int, int]) -> list[Field]:
    return [long(field.tag, places[field.tag]) if field.tag in places else field for field in fields]


_CODES = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d"}


def _packed(field: Field, order: Order) -> bytes:
    if isinstance(field.values, bytes):
        return field.values
    return struct.pack(f"{order}{len(field.values)}{_CODES[field.kind]}", *field.values)


def _count(field: Field, packed: bytes) -> int:
    if isinstance(field.values, bytes):
        return len(packed)
    return len(field.values) // 2 if field.kind in (5, 10) else len(field.values)
