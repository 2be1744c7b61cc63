"""JPEGs whose notes differ by one value each: every word, and both sides of every border."""

import struct

from imgsvc.metadata.iptc import DATASETS
from imgsvc.metadata.xmp import PROPERTIES
from tests.metadata.blocks import (
    XMP_NAMESPACES,
    Field,
    ascii_field,
    byte,
    iptc_field,
    photoshop_block,
    rational,
    short,
    srational,
    tiff_block,
    undefined,
    xmp_packet,
)
from tests.metadata.camera import (
    agency_records,
    noted_packet,
)
from tests.metadata.containers import (
    exif_segment,
    icc_segments,
    jpeg_with,
    plain_jpeg,
    segment,
    xmp_segment,
)
from tests.metadata.profiles import (
    chromaticities,
    description,
    gamma,
    measurement,
    multi,
    profile,
    signature,
    text,
    viewing,
)


def exif_jpeg(*fields: Field, exif: list[Field] | None = None, gps: list[Field] | None = None) -> bytes:
    return jpeg_with(exif_segment(tiff_block(*fields, exif=exif or [], gps=gps or [])))


def _fractions() -> dict[str, bytes]:
    """The fields whose printed form depends most on the value, at values around each border."""
    pairs = ((1, 3), (3, 10), (1, 4), (2502, 10000), (13, 10), (30, 1), (0, 1), (1, 8000), (15, 10), (1, 60), (0, 0))
    rows = (0x829A, 0x829D, 0xA404, 0xA20E)
    return {
        f"fraction_{top}_{below}.jpg": exif_jpeg(
            exif=[
                *(rational(tag, top, below) for tag in rows),
                srational(0x9203, -top, below),
                *([srational(0x9204, top, below), rational(0x920A, top, below)] if below else []),
            ]
        )
        for top, below in pairs
    }


def _texts() -> dict[str, bytes]:
    texts = {
        "digits": b"0123",
        "integer": b"123",
        "decimal": b"1.50",
        "exponent": b"1e5",
        "true": b"True",
        "broken": b"caf\xe9 \xff",
        "cut": b"\xc3\xa9\xe2\x82",
        "utf8": "café €".encode(),
        "control": b"a\1b\tc",
        "lines": b"a\nb\r\nc",
        "spaces": b"  abc   ",
        "empty": b"",
        "long_number": b"1234567890123456",
        "point": b".5",
    }
    tags = (0x010E, 0x010F, 0x0131, 0x013B, 0x8298)
    return {f"text_{name}.jpg": exif_jpeg(*(ascii_field(tag, value) for tag in tags)) for name, value in texts.items()}


def _words() -> dict[str, bytes]:
    """Fields with words, at every value that has one in any of them, and beyond."""
    shorts = (0x8822, 0x8830, 0x9207, 0x9208, 0x9209, 0xA001, 0xA210, 0xA217)
    shorts += (0xA401, 0xA402, 0xA403, 0xA406, 0xA407, 0xA408, 0xA409, 0xA40A, 0xA40C, 0xA460)
    keys = (*range(33), 0x30, 0x41, 0x45, 0x47, 0x49, 0x4D, 0x4F, 0x50, 0x58, 0x59, 0x5D, 0x5F, 255, 0xFFFD, 0xFFFE)
    return {
        f"words_{key}.jpg": exif_jpeg(
            short(0x0112, key),
            short(0x0128, key),
            short(0x0213, key),
            exif=[short(tag, key) for tag in shorts],
            gps=[byte(5, key & 255), short(30, key)],
        )
        for key in keys
    }


def _places() -> dict[str, bytes]:
    angles = {
        "degrees": (4620333, 100000, 0, 1, 0, 1),
        "minutes": (46, 1, 122, 10, 0, 1),
        "one": (4650, 100),
        "carried": (46, 1, 59, 1, 59999, 1000),
    }
    whole = rational(2, 46, 1, 12, 1, 1, 1)
    fields = {
        **{name: [ascii_field(1, "S"), rational(2, *angle)] for name, angle in angles.items()},
        "nowhere": [whole, rational(6, 1234, 10)],
        "odd": [ascii_field(1, "X"), whole, ascii_field(9, "X")],
        "time": [rational(7, 15, 10, 0, 1, 30005, 1000), ascii_field(29, "2023-01-02")],
        "below": [byte(5, 1), rational(6, 5, 1)],
    }
    return {f"place_{name}.jpg": exif_jpeg(gps=each) for name, each in fields.items()}


def _comments() -> dict[str, bytes]:
    comments = {
        "latin": b"ASCII\0\0\0hi there\0\0x",
        "little": b"UNICODE\0" + "hé€".encode("utf-16-le"),
        "big": b"UNICODE\0" + "hé€".encode("utf-16-be"),
        "marked": b"UNICODE\0" + b"\xfe\xff" + "hé€".encode("utf-16-be"),
        "unnamed": bytes(8) + b"raw",
        "zeros": bytes(20),
        "short": b"ASC",
    }
    return {f"comment_{name}.jpg": exif_jpeg(exif=[undefined(0x9286, data)]) for name, data in comments.items()}


def _lenses() -> dict[str, bytes]:
    lenses = {
        "prime": (50, 1, 50, 1, 18, 10, 18, 10),
        "zoom": (185, 10, 55, 1, 35, 10, 56, 10),
        "unknown": (24, 1, 70, 1, 0, 0, 0, 0),
        "half": (50, 1, 50, 1),
    }
    return {f"lens_{name}.jpg": exif_jpeg(exif=[rational(0xA432, *lens)]) for name, lens in lenses.items()}


def _profiles() -> dict[str, bytes]:
    technologies = ("fscn", "dcam", "ijet", "vidm", "AMD ", "KPCD", "offs", "dcpj", "zzzz")
    makers = ("ADBE", "APPL", "GOOG", "lcms", "HP  ", "argl", "none", "\0\0\0\0")
    pictures = {
        f"profile_{name.strip(' ')}.jpg": jpeg_with(*icc_segments(profile({b"tech": signature(name.encode())})))
        for name in technologies
    }
    for number, maker in enumerate(makers):
        name = maker.encode()
        content = profile({b"cprt": text("c")}, cmm=name, maker=name, creator=name, intent=number, flags=number)
        pictures[f"profile_maker_{number}.jpg"] = jpeg_with(*icc_segments(content))
    for number in range(9):
        tags = {
            b"meas": measurement(number, (1, 0.5, 0), number, number / 4, number),
            b"chrm": chromaticities(number, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
            b"view": viewing((1, 2, 3), (4, 5, 6), number),
        }
        pictures[f"profile_measured_{number}.jpg"] = jpeg_with(*icc_segments(profile(tags, attributes=number)))
    languages = {
        b"desc": multi(("frFR", "Un"), ("enUS", "One")),
        b"cprt": description("in the older form"),
        b"dmnd": multi(("jaJP", "日本")),
        b"dmdd": multi(("en\0\0", "no country")),
        b"A2B0": b"mft2" + bytes(100),
        b"kTRC": gamma(2.2),
        b"targ": text("target"),
        b"calt": b"dtim" + bytes(4) + struct.pack(">6H", 2020, 1, 2, 3, 4, 5),
    }
    pictures["profile_languages.jpg"] = jpeg_with(*icc_segments(profile(languages, kind=b"prtr", space=b"CMYK")))
    return pictures


def _frames() -> dict[str, bytes]:
    """Every way of coding and most of subsampling, as the frame's header tells them."""
    data = plain_jpeg()
    frame = data.index(b"\xff\xc0")
    pictures: dict[str, bytes] = {}
    for marker in sorted({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}):
        pictures[f"frame_{marker:x}.jpg"] = data[: frame + 1] + bytes((marker,)) + data[frame + 2 :]
    for factors in (0x11, 0x12, 0x14, 0x21, 0x22, 0x24, 0x41, 0x42, 0x44, 0x31):
        pictures[f"factors_{factors:x}.jpg"] = data[: frame + 11] + bytes((factors,)) + data[frame + 12 :]
    for unit in range(4):
        pictures[f"unit_{unit}.jpg"] = data[:13] + bytes((unit,)) + data[14:]
    return pictures


def _packets() -> dict[str, bytes]:
    packet = noted_packet()
    second = (
        b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="second">'
        b"<dc:format>again</dc:format></rdf:Description></rdf:RDF>"
    )
    wrapper = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Dark Room 1.0">'
    packets = {
        "spaced": xmp_packet("<dc:format>\n  spaced  \n</dc:format><xmp:Rating>3.5</xmp:Rating>"),
        "short": xmp_packet("<dc:creator>One</dc:creator><dc:title>T</dc:title>", 'tiff:Orientation="9"'),
        "bare": packet.replace(b"</x:xmpmeta>", b"").replace(wrapper, b""),
        "second": packet.replace(b"</rdf:RDF>", second),
        "languages": xmp_packet(
            '<dc:description><rdf:Alt><rdf:li xml:lang="en-us">d</rdf:li><rdf:li xml:lang="de-DE">x</rdf:li></rdf:Alt>'
            "</dc:description><dc:rights><rdf:Alt><rdf:li>plain</rdf:li></rdf:Alt></dc:rights>"
        ),
        "gap": xmp_packet("<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li/><rdf:li>b</rdf:li></rdf:Bag></dc:subject>"),
    }
    prefixes = {uri: prefix for prefix, uri in XMP_NAMESPACES.items()}
    names = [f"{prefixes[uri]}:{name}" for uri, name in (key.split(" ") for key in PROPERTIES)]
    for number, value in enumerate(("1", "text", "2023-11-14T10:41:05Z", "True")):
        packets[f"every_{number}"] = xmp_packet("".join(f"<{name}>{value}</{name}>" for name in names))
    return {f"packet_{name}.jpg": jpeg_with(xmp_segment(data)) for name, data in packets.items()}


def _agencies() -> dict[str, bytes]:
    every = b"".join(iptc_field(2, number, "5") for number in sorted(DATASETS))
    latin = iptc_field(2, 80, b"caf\xe9") + iptc_field(2, 55, "2023") + iptc_field(2, 60, "104105")
    resolution = struct.pack(">IHHIHH", 300 << 16, 1, 1, 240 << 16, 2, 1)
    return {
        "agency.jpg": jpeg_with(segment(0xED, photoshop_block((0x03ED, resolution), (0x0404, agency_records())))),
        "agency_every.jpg": jpeg_with(segment(0xED, photoshop_block((0x0404, every)))),
        "agency_latin.jpg": jpeg_with(segment(0xED, photoshop_block((0x0404, latin)))),
    }


def value_pictures() -> dict[str, bytes]:
    """By file name."""
    return {
        **_fractions(),
        **_texts(),
        **_words(),
        **_places(),
        **_comments(),
        **_lenses(),
        **_profiles(),
        **_frames(),
        **_packets(),
        **_agencies(),
    }
