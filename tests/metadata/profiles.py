"""ICC profiles written tag by tag (ICC.1:2001-04 for the older kinds, ICC.1:2010)."""

import struct
from collections.abc import Mapping


def profile(
    tags: Mapping[bytes, bytes],
    *,
    cmm: bytes = b"Lino",
    version: bytes = b"\x02\x10\0\0",
    kind: bytes = b"mntr",
    space: bytes = b"RGB ",
    connection: bytes = b"XYZ ",
    date: tuple[int, ...] = (1998, 2, 9, 6, 49, 0),
    platform: bytes = b"MSFT",
    flags: int = 0,
    maker: bytes = b"IEC ",
    model: bytes = b"sRGB",
    attributes: int = 0,
    intent: int = 0,
    creator: bytes = b"HP  ",
    identity: bytes = bytes(16),
) -> bytes:
    """Header (ICC.1:2010, 7.2), tag table and tags; equal data is kept once, as profiles do."""
    table, data = b"", b""
    places: dict[bytes, int] = {}
    start = 132 + 12 * len(tags)
    for name, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    head = cmm + version + kind + space + connection + struct.pack(">6H", *date) + b"acsp" + platform
    head += struct.pack(">I", flags) + maker + model + struct.pack(">QI", attributes, intent)
    head += xyz(0.9642, 1, 0.82491)[8:] + creator + identity + bytes(28)
    body = head + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(body) + 4) + body


def text(content: str) -> bytes:
    return b"text" + bytes(4) + content.encode() + b"\0"


def description(content: str) -> bytes:
    """textDescriptionType of version 2, without its Unicode and ScriptCode parts."""
    line = content.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(line)) + line + bytes(8 + 3 + 67)


def multi(*records: tuple[str, str]) -> bytes:
    """multiLocalizedUnicodeType (ICC.1:2010, 10.13); a record is (`enUS`, text)."""
    table, strings = b"", b""
    start = 16 + 12 * len(records)
    for language, content in records:
        encoded = content.encode("utf-16-be")
        table += language.encode() + struct.pack(">II", len(encoded), start + len(strings))
        strings += encoded
    return b"mluc" + bytes(4) + struct.pack(">II", len(records), 12) + table + strings


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(value) for value in values)


def curve(points: int = 1024) -> bytes:
    return (
        b"curv" + bytes(4) + struct.pack(f">I{points}H", points, *(n * 65535 // max(points, 2) for n in range(points)))
    )


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def parametric(*values: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", 3, 0) + b"".join(_fixed(value) for value in values)


def signature(content: bytes) -> bytes:
    return b"sig " + bytes(4) + content


def chromaticities(colorant: int, *values: float) -> bytes:
    channels = b"".join(_fixed(value) for value in values)
    return b"chrm" + bytes(4) + struct.pack(">HH", len(values) // 2, colorant) + channels


def viewing(illuminant: tuple[float, ...], surround: tuple[float, ...], kind: int) -> bytes:
    body = b"".join(_fixed(value) for value in (*illuminant, *surround))
    return b"view" + bytes(4) + body + struct.pack(">I", kind)


def measurement(observer: int, backing: tuple[float, ...], geometry: int, flare: float, illuminant: int) -> bytes:
    return (
        b"meas"
        + bytes(4)
        + struct.pack(">I", observer)
        + b"".join(_fixed(value) for value in backing)
        + struct.pack(">I", geometry)
        + struct.pack(">I", round(flare * 65536))
        + struct.pack(">I", illuminant)
    )


def chromatic_adaptation(*values: float) -> bytes:
    return b"sf32" + bytes(4) + b"".join(_fixed(value) for value in values)


def display_profile() -> bytes:
    """Every tag that the common display profile of 1998 has, written anew."""
    return profile(
        {
            b"cprt": text("Public Domain"),
            b"desc": description("A display of our own"),
            b"wtpt": xyz(0.95045, 1, 1.08905),
            b"bkpt": xyz(0, 0, 0),
            b"rXYZ": xyz(0.43607, 0.22249, 0.01392),
            b"gXYZ": xyz(0.38515, 0.71687, 0.09708),
            b"bXYZ": xyz(0.14307, 0.06061, 0.7141),
            b"dmnd": description("Nobody in particular"),
            b"dmdd": description("A screen, default"),
            b"vued": description("A dark room"),
            b"view": viewing((19.6445, 20.3718, 16.8089), (3.92889, 4.07439, 3.36179), 1),
            b"lumi": xyz(76.03647, 80, 87.12462),
            b"meas": measurement(1, (0, 0, 0), 0, 0.00999, 2),
            b"tech": signature(b"CRT "),
            b"rTRC": curve(),
            b"gTRC": curve(),
            b"bTRC": curve(),
        }
    )


def small_profile() -> bytes:
    """One of version 4: texts in languages, parametric curves, an adaptation matrix, an identity."""
    return profile(
        {
            b"desc": multi(("enUS", "Small four"), ("deDE", "Kleine Vier")),
            b"cprt": multi(("enUS", "CC0")),
            b"wtpt": xyz(0.9642, 1, 0.8249),
            b"chad": chromatic_adaptation(*_ADAPTATION),
            b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
            b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
            b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
            b"rTRC": parametric(2.4, 0.9479, 0.0521, 0.0774, 0.0405),
            b"gTRC": gamma(2.2),
            b"bTRC": curve(0),
        },
        cmm=b"lcms",
        version=b"\x04\x30\0\0",
        date=(2024, 2, 29, 23, 59, 58),
        platform=b"APPL",
        flags=3,
        maker=bytes(4),
        model=bytes(4),
        attributes=0b1011,
        intent=1,
        creator=b"lcms",
        identity=bytes(range(16)),
    )


_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
"""From D65 to D50."""


def _fixed(value: float) -> bytes:
    """s15Fixed16Number: ICC.1:2010, 4.6."""
    return struct.pack(">i", round(value * 65536))
