"""Colour profiles: ICC.1:2010, and the texts of version 2 (ICC.1:2001-04, 6.5.17)."""

import struct
from collections.abc import Callable, Iterator, Mapping

from imgsvc.metadata.icc_words import (
    COLORANTS,
    GEOMETRIES,
    ILLUMINANTS,
    INTENTS,
    MAKERS,
    OBSERVERS,
    PLATFORMS,
    PROFILE_CLASSES,
    TECHNOLOGIES,
)
from imgsvc.metadata.printing import (
    binary_text,
    fixed_text,
    number_text,
    rounded,
    text_before_nul,
    text_from_utf8,
    word,
)
from imgsvc.metadata.tags import Tags

MAX_PROFILE_TAGS = 128
MAX_LANGUAGES = 64

ICC_TAGS = {
    b"A2B0": "AToB0",
    b"A2B1": "AToB1",
    b"A2B2": "AToB2",
    b"B2A0": "BToA0",
    b"B2A1": "BToA1",
    b"B2A2": "BToA2",
    b"bTRC": "BlueTRC",
    b"bXYZ": "BlueMatrixColumn",
    b"bkpt": "MediaBlackPoint",
    b"calt": "CalibrationDateTime",
    b"chad": "ChromaticAdaptation",
    b"chrm": "Chromaticity",
    b"cprt": "ProfileCopyright",
    b"desc": "ProfileDescription",
    b"dmdd": "DeviceModelDesc",
    b"dmnd": "DeviceMfgDesc",
    b"dscm": "ProfileDescriptionML",
    b"gTRC": "GreenTRC",
    b"gXYZ": "GreenMatrixColumn",
    b"gamt": "Gamut",
    b"kTRC": "GrayTRC",
    b"lumi": "Luminance",
    b"meas": "Measurement",
    b"rTRC": "RedTRC",
    b"rXYZ": "RedMatrixColumn",
    b"scrd": "ScreeningDesc",
    b"targ": "CharTarget",
    b"tech": "Technology",
    b"vcgt": "VideoCardGamma",
    b"view": "ViewingCond",
    b"vued": "ViewingCondDesc",
    b"wtpt": "MediaWhitePoint",
}


# Tags of several values, and the one type they may have: ICC.1:2010, 9.2.
ICC_STRUCTURES = {"Chromaticity": b"chrm", "Measurement": b"meas", "ViewingCond": b"view"}


def read_icc(profile: bytes, tags: Tags) -> None:
    """Tags of damaged types are left out. Raises ValueError where the profile is not all there, or holds nothing."""
    if len(profile) < 132 or int.from_bytes(profile[:4]) > len(profile):
        raise ValueError(len(profile))
    count = int.from_bytes(profile[128:132])
    if not 0 < count <= MAX_PROFILE_TAGS:
        raise ValueError(count)
    _read_header(profile, tags)
    for at in range(132, 132 + count * 12, 12):
        entry = profile[at : at + 12]
        if len(entry) < 12:
            return
        offset, length = struct.unpack(">II", entry[4:])
        name = ICC_TAGS.get(entry[:4])
        if name is not None and length >= 8 and offset + length <= len(profile):
            _read_tag(name, profile[offset : offset + length], tags)


def _read_header(profile: bytes, tags: Tags) -> None:
    """ICC.1:2010, 7.2."""
    flags = int.from_bytes(profile[44:48])
    attributes = profile[63]
    tags.add("ProfileCMMType", _maker(profile[4:8]))
    tags.add("ProfileVersion", f"{profile[8]}.{profile[9] >> 4}.{profile[9] & 15}")
    tags.add("ProfileClass", _signature(PROFILE_CLASSES, profile[12:16]))
    tags.add("ColorSpaceData", text_before_nul(profile[16:20]))
    tags.add("ProfileConnectionSpace", text_before_nul(profile[20:24]))
    tags.add("ProfileDateTime", _date(profile[24:36]))
    tags.add("ProfileFileSignature", text_before_nul(profile[36:40]))
    tags.add("PrimaryPlatform", _signature(PLATFORMS, profile[40:44]))
    tags.add("CMMFlags", f"{_either(flags, 0, 'Not Embedded', 'Embedded')}, {_either(flags, 1, '', 'Not ')}Independent")
    tags.add("DeviceManufacturer", _maker(profile[48:52]))
    tags.add("DeviceModel", text_before_nul(profile[52:56]))
    tags.add(
        "DeviceAttributes",
        ", ".join(_either(attributes, bit, *names) for bit, names in enumerate(_ATTRIBUTES)),
    )
    tags.add("RenderingIntent", word(INTENTS, int.from_bytes(profile[64:68])))
    tags.add("ConnectionSpaceIlluminant", fixed_text(profile[68:80]))
    tags.add("ProfileCreator", _maker(profile[80:84]))
    tags.add("ProfileID", profile[84:100].hex() if any(profile[84:100]) else "0")


_ATTRIBUTES = (("Reflective", "Transparency"), ("Glossy", "Matte"), ("Positive", "Negative"), ("Color", "B&W"))


def _read_tag(name: str, data: bytes, tags: Tags) -> None:
    kind = data[:4]
    if name in _STRUCTURES:
        named = _STRUCTURES[name](data) if kind == ICC_STRUCTURES[name] else ()
    elif kind in _READERS:
        named = _READERS[kind](data)
    else:
        named = (("", binary_text(len(data))),)
    for suffix, text in named:
        tags.add(name + suffix, text)


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", text_before_nul(data[8:])


def _descriptions(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", text_before_nul(data[12 : 12 + int.from_bytes(data[8:12])])


def _languages(data: bytes) -> Iterator[tuple[str, str]]:
    """multiLocalizedUnicodeType: ICC.1:2010, 10.13. English of the United States stands under the bare name."""
    count, length = int.from_bytes(data[8:12]), int.from_bytes(data[12:16])
    if length != 12:
        return
    for number in range(min(count, MAX_LANGUAGES)):
        record = data[16 + number * 12 : 28 + number * 12]
        if len(record) < 12:
            return
        size, offset = struct.unpack(">II", record[4:])
        language, country = (text_from_utf8(part) for part in (record[:2], record[2:4]))
        suffix = "" if (language, country) in (("en", "US"), ("en", "")) else f"-{language}-{country}"
        if offset + size <= len(data) and (language + country).isalpha():
            yield suffix, data[offset : offset + size].decode("utf-16-be", "replace").split("\0", 1)[0]


def _positions(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", ", ".join(fixed_text(data[at : at + 12]) for at in range(8, len(data) - 11, 12))


def _fixed_array(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", fixed_text(data[8:])


def _dates(data: bytes) -> Iterator[tuple[str, str]]:
    if len(data) >= 20:
        yield "", _date(data[8:20])


def _signatures(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", _signature(TECHNOLOGIES, data[8:12])


def _measurements(data: bytes) -> Iterator[tuple[str, str]]:
    if len(data) < 36:
        return
    observer, geometry, flare, illuminant = (int.from_bytes(data[at : at + 4]) for at in (8, 24, 28, 32))
    yield "Observer", word(OBSERVERS, observer)
    yield "Backing", fixed_text(data[12:24])
    yield "Geometry", word(GEOMETRIES, geometry)
    yield "Flare", f"{number_text(rounded(flare / 65536 * 100, 3))}%"
    yield "Illuminant", word(ILLUMINANTS, illuminant)


def _chromaticities(data: bytes) -> Iterator[tuple[str, str]]:
    """chromaticityType: ICC.1:2010, 10.2."""
    if len(data) < 12:
        return
    count, colorant = struct.unpack_from(">HH", data, 8)
    yield "Channels", str(count)
    yield "Colorant", word(COLORANTS, colorant)
    for number in range(min(count, (len(data) - 12) // 8)):
        yield f"Channel{number + 1}", fixed_text(data[12 + number * 8 : 20 + number * 8])


def _viewing(data: bytes) -> Iterator[tuple[str, str]]:
    if len(data) < 36:
        return
    yield "Illuminant", fixed_text(data[8:20])
    yield "Surround", fixed_text(data[20:32])
    yield "IlluminantType", word(ILLUMINANTS, int.from_bytes(data[32:36]))


_READERS: Mapping[bytes, Callable[[bytes], Iterator[tuple[str, str]]]] = {
    b"text": _texts,
    b"desc": _descriptions,
    b"mluc": _languages,
    b"XYZ ": _positions,
    b"sf32": _fixed_array,
    b"dtim": _dates,
    b"sig ": _signatures,
}

_STRUCTURES: Mapping[str, Callable[[bytes], Iterator[tuple[str, str]]]] = {
    "Chromaticity": _chromaticities,
    "Measurement": _measurements,
    "ViewingCond": _viewing,
}


def _maker(signature: bytes) -> str:
    text = text_before_nul(signature)
    return MAKERS.get(text, f"Unknown ({text})") if text else ""


def _signature(names: Mapping[str, str], signature: bytes) -> str:
    text = text_before_nul(signature)
    return names.get(text, f"Unknown ({text})")


def _date(data: bytes) -> str:
    """dateTimeNumber: ICC.1:2010, 4.2."""
    year, month, day, hour, minute, second = struct.unpack(">6H", data)
    return f"{year:04d}:{month:02d}:{day:02d} {hour:02d}:{minute:02d}:{second:02d}"


def _either(bits: int, place: int, unset: str, is_set: str) -> str:
    return is_set if bits >> place & 1 else unset
