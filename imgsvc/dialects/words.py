"""Struct's words for a transform, a row each, and how their values are read.

They are ImageProcessor.Web's, with `maxWidth` and `maxHeight` from Struct's batches and a few of our own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from imgsvc.core.color import Color, color_from_argb_hex, color_from_decimals, color_from_name
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, round_half_up
from imgsvc.core.parameters import (
    FLAG,
    FORMAT_OR_AUTO,
    SIDE,
    read_decimal,
    read_flag,
    read_format_or_auto,
    read_fraction,
    read_side,
    words,
)
from imgsvc.core.transform import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One query parameter. `read` raises ValueError; `field` is the attribute of `Transform` it gives a value to.

    Words without a field have a meaning of their own, told in `meaning` and carried out by name in `struct`.
    """

    read: Callable[[str], Any]
    expected: str
    meaning: str
    field: str | None = None


def _read_pixels(text: str) -> int:
    """ImageProcessor takes `300`, `300px` and `299.6`; rounded half up."""
    number = text.lower().removesuffix("px")
    return read_side(str(round_half_up(read_decimal(number))))


def _read_quality(text: str) -> int:
    """Clamped, as ImageProcessor does, to what encoders know."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return max(1, min(int(text), 100))


_WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def _read_center(text: str) -> FocalPoint:
    """`y,x`: the vendor's order."""
    y, x = map(read_fraction, text.split(","))
    return FocalPoint(x, y)


def _read_four(text: str) -> tuple[Fraction, ...]:
    left, top, third, fourth = map(read_decimal, text.split(","))
    return left, top, third, fourth


def _read_ratio(text: str) -> Fraction:
    ratio = read_decimal(text)
    if ratio == 0:
        raise ValueError(text)
    return ratio


def _read_density(text: str) -> Fraction:
    """With as many places as browsers tell: at a zoom of 110 percent `devicePixelRatio` is 1.100000023841858."""
    if not _DENSITY.fullmatch(text) or not _LEAST_DENSITY <= Fraction(text) <= _MOST_DENSITY:
        raise ValueError(text)
    return Fraction(text)


_DENSITY = re.compile(r"[0-9]{1,2}(\.[0-9]{1,20})?", re.ASCII)
_LEAST_DENSITY, _MOST_DENSITY = Fraction(1, 10), 10


def read_expiry(text: str) -> int:
    if not _EXPIRY.fullmatch(text):
        raise ValueError(text)
    return int(text)


EXPIRY = "a Unix time in whole seconds"
_EXPIRY = re.compile(r"[0-9]{1,11}", re.ASCII)


def _read_color(text: str) -> Color:
    """Of eight hexadecimal digits the first two are alpha here. A name wins over three hex letters in it."""
    if "," in text:
        return color_from_decimals(text)
    try:
        return color_from_name(text)
    except ValueError:
        return color_from_argb_hex(text)


def _read_mode(text: str) -> str:
    mode = text.lower()
    if mode not in MODES:
        raise ValueError(text)
    return mode


def _read_crop_mode(text: str) -> str:
    mode = text.lower()
    if mode not in ("pixels", "percentage"):
        raise ValueError(text)
    return mode


MODES: Mapping[str, tuple[Fit, Enlarge]] = MappingProxyType(
    {
        "pad": (Fit.CONTAIN, Enlarge.ALWAYS),
        "boxpad": (Fit.CONTAIN, Enlarge.NEVER),
        "crop": (Fit.COVER, Enlarge.ALWAYS),
        "max": (Fit.INSIDE, Enlarge.ALWAYS),
        "min": (Fit.OUTSIDE, Enlarge.NEVER),
        "stretch": (Fit.FILL, Enlarge.ALWAYS),
    }
)

_PIXELS = SIDE + ", with or without px"

WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "preset": Word(
            read=str,
            expected="the name of a preset or a size",
            meaning="a named transform, or a size such as 600x600, 1920x, x480; other parameters overrule it",
        ),
        "width": Word(
            field="width", read=_read_pixels, expected=_PIXELS, meaning="width; alone, the height follows the ratio"
        ),
        "height": Word(
            field="height", read=_read_pixels, expected=_PIXELS, meaning="height; alone, the width follows the ratio"
        ),
        "maxwidth": Word(
            field="max_width", read=_read_pixels, expected=_PIXELS, meaning="fits inside and never enlarges"
        ),
        "maxheight": Word(
            field="max_height", read=_read_pixels, expected=_PIXELS, meaning="fits inside and never enlarges"
        ),
        "widthratio": Word(
            read=_read_ratio, expected="a number greater than 0", meaning="width as a multiple of height"
        ),
        "heightratio": Word(
            read=_read_ratio, expected="a number greater than 0", meaning="height as a multiple of width"
        ),
        "dpr": Word(
            read=_read_density,
            expected="a number from 0.1 to 10",
            meaning="device pixels per CSS pixel: multiplies all of the sizes above, a preset's too",
        ),
        "mode": Word(
            read=_read_mode,
            expected="one of " + ", ".join(MODES),
            meaning="how the picture meets width and height: with bars, cut, inside, outside, distorted",
        ),
        "anchor": Word(
            field="gravity",
            read=lambda text: Gravity(text.lower()),
            expected=words(Gravity),
            meaning="which side stays when cutting, where the picture lies between bars",
        ),
        "center": Word(
            field="focus",
            read=_read_center,
            expected="y,x as fractions from 0 to 1",
            meaning="the subject, y first; overrules anchor when cutting",
        ),
        "crop": Word(
            read=_read_four,
            expected="four numbers with commas between",
            meaning="x,y,width,height in pixels of the upright original, or insets under cropmode=percentage",
        ),
        "cropmode": Word(
            read=_read_crop_mode,
            expected="one of pixels, percentage",
            meaning="percentage: crop is left,top,right,bottom cut off, 0 to 100",
        ),
        "upscale": Word(
            read=read_flag,
            expected=FLAG,
            meaning="false: a result larger than the original is answered as the original's size",
        ),
        "autorotate": Word(
            field="upright", read=read_flag, expected=FLAG, meaning="false: the orientation tag is not honoured"
        ),
        "quality": Word(
            field="quality",
            read=_read_quality,
            expected="a whole number, taken as 1 to 100",
            meaning="of lossy formats; 100 is lossless in WebP",
        ),
        "format": Word(
            field="format",
            read=read_format_or_auto,
            expected=FORMAT_OR_AUTO,
            meaning="output format; auto: AVIF, WebP or the original's, as the client accepts",
        ),
        "bgcolor": Word(
            field="background",
            read=_read_color,
            expected="RGB, RRGGBB or AARRGGBB, r,g,b or r,g,b,a, or a CSS colour name",
            meaning="colour of bars and under alpha",
        ),
        "metadata": Word(
            field="metadata",
            read=lambda text: Metadata(text.lower()),
            expected=words(Metadata),
            meaning="keep: EXIF, XMP and IPTC stay in the rendition",
        ),
        "download": Word(read=read_flag, expected=FLAG, meaning="true: to be saved and not shown"),
        "v": Word(
            read=str, expected="any text", meaning="changed by you when the picture changes; caches may rely on it"
        ),
        "rnd": Word(read=str, expected="any text", meaning="as v"),
        "expires": Word(read=read_expiry, expected=EXPIRY, meaning="a signed URL holds until then"),
        "kid": Word(read=str, expected="a key's id", meaning="which key has signed; without it any of them may have"),
        "signature": Word(
            read=str, expected="43 characters", meaning="says that the URL was made by who has a key: see Sign URLs"
        ),
    }
)

SIDES: Mapping[str, str] = MappingProxyType(
    {word: row.field for word, row in WORDS.items() if row.field is not None and row.read is _read_pixels}
)
"""Fields of `Transform` by the words that ask for a size."""
