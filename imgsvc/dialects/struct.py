"""Struct PIM's media URLs: `/media/{slug}/{file name}?width=300&mode=crop`.

Struct documents the words in "Media format" and takes them from ImageProcessor.Web; where it is silent, that engine's
meaning holds. Chosen otherwise: the order of parameters does not matter; a known word with a bad value is refused and
not ignored; the EXIF orientation is honoured unless `autorotate=false`; `maxWidth` and `maxHeight`, which Struct has
for batches alone, are words of every URL.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from imgsvc.core.assets import SLUG_ALPHABET, SLUG_LENGTH, Asset, AssetKind, AssetRef, url_file_name
from imgsvc.core.color import Color, color_from_argb_hex, color_from_decimals, color_from_name
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import file_extension
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region, round_half_up, round_side
from imgsvc.core.parameters import (
    FLAG,
    FORMAT,
    MAX_SIDE,
    SIDE,
    make_insets,
    read_decimal,
    read_flag,
    read_format,
    read_fraction,
    read_side,
    read_value,
    words,
)
from imgsvc.core.presets import find_preset
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Insets, Metadata, Transform
from imgsvc.dialects.query import query_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One query parameter. `read` raises ValueError; `field` is the attribute of `Transform` it gives a value to.

    Words without a field have a meaning of their own, told in `meaning` and carried out by name below.
    """

    read: Callable[[str], Any]
    expected: str
    meaning: str
    field: str | None = None


def read_media_url(slug: str, query: str, *, presets: Mapping[str, Transform]) -> PictureRequest:
    """The file name is the reader's affair: the slug names the asset, and links must outlive a rename.

    Raises InvalidParameter, NotFound.
    """
    if len(slug) != SLUG_LENGTH or not set(slug) <= set(SLUG_ALPHABET):
        raise NotFound("There is no asset of that name.")
    return read_query(AssetRef(AssetKind.SLUG, slug), query, presets=presets)


def write_media_url(asset: Asset) -> str:
    file_name = url_file_name(asset.name, extension=file_extension(asset.original.info.format))
    return f"/media/{asset.slug}/{file_name}"


def read_query(ref: AssetRef, query: str, *, presets: Mapping[str, Transform]) -> PictureRequest:
    """Raises InvalidParameter."""
    given = query_words(query)
    values = _read_values(given)
    return PictureRequest(
        ref=ref,
        transform=_make_transform(values, given, presets),
        download=values.get("download", False),
        pinned="v" in values or "rnd" in values,
    )


def read_transform(query: str, *, presets: Mapping[str, Transform]) -> Transform:
    """What a query asks of any picture. Raises InvalidParameter."""
    given = query_words(query)
    return _make_transform(_read_values(given), given, presets)


def read_download(query: str) -> bool:
    """Whether the answer is to be saved; no other word is looked at. Raises InvalidParameter."""
    given = query_words(query).get("download")
    return given is not None and read_value(*given, read=read_flag, expected=FLAG)


def _read_values(given: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        word: read_value(given[word][0], given[word][1], read=row.read, expected=row.expected)
        for word, row in WORDS.items()
        if word in given
    }


def _make_transform(
    values: Mapping[str, Any], given: Mapping[str, tuple[str, str]], presets: Mapping[str, Transform]
) -> Transform:
    """A preset gives the ground, which single words overrule."""
    base = NOTHING_ASKED
    if "preset" in values:
        found = find_preset(values["preset"], presets)
        if found is None:
            name, text = given["preset"]
            raise InvalidParameter(name, expected="the name of a preset or a size", received=text)
        base = found
    fields = {row.field: values[word] for word, row in WORDS.items() if row.field and word in values}
    fields |= _mode_fields(values, base) | _crop_field(values, given) | _ratio_field(values, given, base)
    return replace(base, **fields)


def _mode_fields(values: Mapping[str, Any], base: Transform) -> dict[str, Any]:
    """`boxpad` is a pad whose picture is not enlarged; `upscale` concerns neither it nor `min` nor `stretch`."""
    fit, enlarge = MODES[values["mode"]] if "mode" in values else (base.fit, base.enlarge)
    upscale = values.get("upscale", base.enlarge is not Enlarge.SKIP)
    if enlarge is not Enlarge.NEVER:
        enlarge = Enlarge.ALWAYS if upscale else Enlarge.SKIP
    return {"fit": fit, "enlarge": enlarge}


def _crop_field(values: Mapping[str, Any], given: Mapping[str, tuple[str, str]]) -> dict[str, Region | Insets]:
    """Left, top, width, height in px, or under `cropmode=percentage` what is cut off left, top, right and bottom.

    The vendor's older clients write fractions: four numbers of which none is above 1 are taken for such.
    """
    if "crop" not in values:
        return {}
    numbers: tuple[Fraction, ...] = values["crop"]
    spelled, text = given["crop"]
    if values.get("cropmode") == "percentage":
        scale = 100 if max(numbers) > 1 else 1
        left, top, right, bottom = (number / scale for number in numbers)
        return {
            "crop": read_value(
                spelled,
                text,
                read=lambda _: make_insets(left, top, right, bottom),
                expected="left,top,right,bottom insets, opposite ones below 100 percent together",
            )
        }
    region = Region(*map(round_half_up, numbers))
    if min(region.size) < 1 or max(region) > MAX_SIDE:
        raise InvalidParameter(
            spelled, expected=f"x,y,width,height with something to keep, up to {MAX_SIDE}", received=text
        )
    return {"crop": region}


def _ratio_field(values: Mapping[str, Any], given: Mapping[str, tuple[str, str]], base: Transform) -> dict[str, int]:
    """`width=600&heightratio=0.416` is a height of 250 px. A side given itself wins over its ratio."""
    for ratio, side, other in (("widthratio", "width", "height"), ("heightratio", "height", "width")):
        if ratio not in values or side in values:
            continue
        spelled, text = given[ratio]
        length: int | None = values.get(other, getattr(base, other))
        if length is None:
            raise InvalidParameter(spelled, expected=f"given together with {other}", received=text)
        computed = round_side(values[ratio] * length)
        if computed > MAX_SIDE:
            raise InvalidParameter(spelled, expected=f"a ratio that makes at most {MAX_SIDE} pixels", received=text)
        return {side: computed}
    return {}


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
        "format": Word(field="format", read=read_format, expected=FORMAT, meaning="output format"),
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
    }
)
