"""The service's own words for a transform, a row each: how the value is read and how it is written.

Reading what was written gives the value back, and writing gives one text for one value, so that a URL made of these
words is canonical. Vendors' words live in `dialects`; the readers here serve them too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from imgsvc.core.color import color_from_rgba_hex
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region
from imgsvc.core.transform import AUTO, Auto, Insets, Metadata

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T]):
    """`read` raises ValueError where the text is not `expected`; `write` answers None for what it does not spell.

    `field` is the attribute of `Transform`.
    """

    name: str
    field: str
    read: Callable[[str], T]
    write: Callable[[T], str | None]
    expected: str
    meaning: str


def read_value(parameter_name: str, text: str, *, read: Callable[[str], T], expected: str) -> T:
    """Raises InvalidParameter under the name as the caller spelled it."""
    try:
        return read(text)
    except ValueError:
        raise InvalidParameter(parameter_name, expected=expected, received=text) from None


_SIDE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_PLACE = re.compile(r"[0-9]{1,6}", re.ASCII)
_DECIMAL = re.compile(r"(?P<whole>[0-9]{0,6})(\.(?P<places>[0-9]{1,11}))?", re.ASCII)

MAX_SIDE = 999_999
SIDE = f"a number of pixels from 1 to {MAX_SIDE}"


def read_side(text: str) -> int:
    if not _SIDE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def read_place(text: str) -> int:
    """A distance in px, 0 included."""
    if not _PLACE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def read_decimal(text: str, *, places: int = 9) -> Fraction:
    """Not negative, exactly as written; at most so many places behind the point."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not text or len(match["places"] or "") > places:
        raise ValueError(text)
    return Fraction(text)


def read_fraction(text: str) -> Fraction:
    """0..1, with the two places more that a percentage of nine places needs."""
    value = read_decimal(text, places=11)
    if value > 1:
        raise ValueError(text)
    return value


def read_flag(text: str) -> bool:
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


FLAG = "true or false"
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read_format(text: str) -> Format:
    """A format that is written, by its name or any of its extensions."""
    name = text.lower()
    for output, row in FORMATS.items():
        if row.encodes and (name == output or name in row.extensions):
            return output
    raise ValueError(text)


FORMAT = "one of " + ", ".join(
    extension for row in FORMATS.values() if row.encodes for extension in row.extensions if extension.isalnum()
)


def read_format_or_auto(text: str) -> Format | Auto:
    return AUTO if text.lower() == AUTO.value else read_format(text)


FORMAT_OR_AUTO = f"{AUTO.value}, or {FORMAT}"


def words(values: type[StrEnum]) -> str:
    """For error sentences."""
    return "one of " + ", ".join(values)


def make_insets(left: Fraction, top: Fraction, right: Fraction, bottom: Fraction) -> Insets:
    """Raises ValueError where nothing would be left."""
    if left + right >= 1 or top + bottom >= 1:
        raise ValueError
    return Insets(left, top, right, bottom)


def _read_quality(text: str) -> int:
    quality = read_side(text)
    if quality > 100:
        raise ValueError(text)
    return quality


def _read_focus(text: str) -> FocalPoint:
    x, y = map(read_fraction, text.split(":"))
    return FocalPoint(x, y)


def _read_region(text: str) -> Region:
    left, top, width, height = text.split(":")
    return Region(read_place(left), read_place(top), read_side(width), read_side(height))


def _read_insets(text: str) -> Insets:
    left, top, right, bottom = map(read_fraction, text.split(":"))
    return make_insets(left, top, right, bottom)


def _write_region(crop: Region | Insets) -> str | None:
    return None if isinstance(crop, Insets) else ":".join(map(str, crop))


def _write_insets(crop: Region | Insets) -> str | None:
    return _write_fractions(crop) if isinstance(crop, Insets) else None


def _write_fractions(fractions: tuple[Fraction, ...]) -> str:
    """Those that `read_decimal` gives and their hundredths are finite decimals, so nothing is lost."""
    return ":".join(f"{Decimal(part.numerator) / Decimal(part.denominator):f}" for part in fractions)


def _write_flag(flag: bool) -> str:
    return "yes" if flag else "no"


# Rows differ in the type of their value.
PARAMETERS: Mapping[str, Parameter[Any]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Parameter(
                name="crop",
                field="crop",
                read=_read_region,
                write=_write_region,
                expected="left:top:width:height in pixels",
                meaning="region of the upright original that is kept, before all else",
            ),
            Parameter(
                name="insets",
                field="crop",
                read=_read_insets,
                write=_write_insets,
                expected="left:top:right:bottom as fractions, opposite ones below 1 together",
                meaning="what is cut off each side of the upright original, before all else",
            ),
            Parameter(
                name="width",
                field="width",
                read=read_side,
                write=str,
                expected=SIDE,
                meaning="width of the box; alone, the height follows the ratio",
            ),
            Parameter(
                name="height",
                field="height",
                read=read_side,
                write=str,
                expected=SIDE,
                meaning="height of the box; alone, the width follows the ratio",
            ),
            Parameter(
                name="max-width",
                field="max_width",
                read=read_side,
                write=str,
                expected=SIDE,
                meaning="bound on the width; without a box the picture fits inside and is never enlarged",
            ),
            Parameter(
                name="max-height",
                field="max_height",
                read=read_side,
                write=str,
                expected=SIDE,
                meaning="bound on the height; without a box the picture fits inside and is never enlarged",
            ),
            Parameter(
                name="fit",
                field="fit",
                read=Fit,
                write=str,
                expected=words(Fit),
                meaning="how the picture meets the box",
            ),
            Parameter(
                name="enlarge",
                field="enlarge",
                read=Enlarge,
                write=str,
                expected=words(Enlarge),
                meaning="what happens where the result would exceed the original",
            ),
            Parameter(
                name="gravity",
                field="gravity",
                read=Gravity,
                write=str,
                expected=words(Gravity),
                meaning="which side stays when cutting, where the picture lies between bars",
            ),
            Parameter(
                name="focus",
                field="focus",
                read=_read_focus,
                write=_write_fractions,
                expected="x:y as fractions from 0 to 1",
                meaning="the subject, kept as near to the middle of a cut as the edges allow",
            ),
            Parameter(
                name="upright",
                field="upright",
                read=read_flag,
                write=_write_flag,
                expected=FLAG,
                meaning="whether the orientation tag is honoured",
            ),
            Parameter(
                name="background",
                field="background",
                read=color_from_rgba_hex,
                write=str,
                expected="RGB, RRGGBB or RRGGBBAA in hexadecimal digits",
                meaning="colour of bars and under alpha",
            ),
            Parameter(
                name="format",
                field="format",
                read=read_format,
                write=str,
                expected=FORMAT,
                meaning="output format; without it the original's",
            ),
            Parameter(
                name="quality",
                field="quality",
                read=_read_quality,
                write=str,
                expected="a whole number from 1 to 100",
                meaning="of lossy formats; 100 is lossless in WebP",
            ),
            Parameter(
                name="metadata",
                field="metadata",
                read=Metadata,
                write=str,
                expected=words(Metadata),
                meaning="what becomes of EXIF, XMP, IPTC and comments",
            ),
        )
    }
)
