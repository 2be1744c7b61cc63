"""Struct PIM's media URLs: `/media/{slug}/{file name}?width=300&mode=crop`.

Struct documents the words in "Media format" and takes them from ImageProcessor.Web; where it is silent, that engine's
meaning holds. Chosen otherwise: the order of parameters does not matter; a known word with a bad value is refused and
not ignored; the EXIF orientation is honoured unless `autorotate=false`; `maxWidth` and `maxHeight`, which Struct has
for batches alone, are words of every URL.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from imgsvc.core.assets import SLUG_ALPHABET, SLUG_LENGTH, Asset, AssetKind, AssetRef, url_file_name
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.geometry import Enlarge, Region, round_half_up, round_side
from imgsvc.core.parameters import FLAG, MAX_SIDE, make_insets, read_flag, read_value
from imgsvc.core.presets import find_preset
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Insets, Transform
from imgsvc.dialects.query import query_words
from imgsvc.dialects.words import MODES, SIDES, WORDS


def read_media_url(slug: str, query: str, *, presets: Mapping[str, Transform]) -> PictureRequest:
    """The file name is the reader's affair: the slug names the asset, and links must outlive a rename.

    Raises InvalidParameter, NotFound.
    """
    if len(slug) != SLUG_LENGTH or not set(slug) <= set(SLUG_ALPHABET):
        raise NotFound("There is no asset of that name.")
    return read_query(AssetRef(AssetKind.SLUG, slug), query, presets=presets)


def write_media_url(asset: Asset) -> str:
    file_name = url_file_name(asset.name, extension=asset.extension)
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
        preset=values["preset"].lower() if "preset" in values else None,
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
    if "dpr" in values:
        values, base = _at_density(values, given, base)
    fields = {row.field: values[word] for word, row in WORDS.items() if row.field and word in values}
    fields |= _mode_fields(values, base) | _crop_field(values, given) | _ratio_field(values, given, base)
    return replace(base, **fields)


def _at_density(
    values: Mapping[str, Any], given: Mapping[str, tuple[str, str]], base: Transform
) -> tuple[Mapping[str, Any], Transform]:
    """Sizes in device pixels, half up, so that `width=400&dpr=2` and `width=800` are one rendition."""
    spelled, text = given["dpr"]

    def scaled(side: int) -> int:
        length = round_side(side * values["dpr"])
        if length > MAX_SIDE:
            raise InvalidParameter(spelled, expected=f"a number that makes at most {MAX_SIDE} pixels", received=text)
        return length

    own = {field: getattr(base, field) for field in SIDES.values()}
    base = replace(base, **{field: scaled(side) for field, side in own.items() if side is not None})
    return {**values, **{word: scaled(values[word]) for word in SIDES if word in values}}, base


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
