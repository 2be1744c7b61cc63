"""How long a render may take."""

from dataclasses import replace

import pytest
from hypothesis import given

from imgsvc.core.assets import ImageInfo
from imgsvc.core.cost import estimate_cost, estimate_decoding
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, make_plan
from imgsvc.core.pyramid import choose_level, levels_of
from imgsvc.core.transform import Transform
from tests.strategies import image_infos, original_of

THUMBNAIL = Transform(max_width=200, format=Format.JPEG)


def estimate(info: ImageInfo, transform: Transform = THUMBNAIL) -> float:
    plan = make_plan(original_of(info), transform, defaults=Defaults(), limits=Limits(pixels=10**12))
    return estimate_cost(info, plan).seconds


def test_a_thumbnail_is_short_and_what_is_large_or_hard_is_long() -> None:
    """As measured: a progressive JPEG of 14 MP takes some 170 ms, a TIFF of 100 MP two seconds."""
    jpeg = ImageInfo(format=Format.JPEG, size=Size(3064, 4592))
    tiff = ImageInfo(format=Format.TIFF, size=Size(10_000, 10_000))

    assert 0.1 < estimate(jpeg) < 0.3
    assert estimate(tiff) > 1
    assert estimate(jpeg, Transform(format=Format.AVIF)) > 1


@given(image_infos())
def test_more_pixels_cost_more(info: ImageInfo) -> None:
    """Whatever the format."""
    larger = replace(info, size=Size(info.size.width * 2, info.size.height))

    assert estimate(larger) > estimate(info)


def test_from_a_level_even_a_large_originals_thumbnail_is_short() -> None:
    """A hundredth of a second, where decoding the original would take two."""
    tiff = ImageInfo(format=Format.TIFF, size=Size(10_000, 10_000))
    plan = make_plan(original_of(tiff), THUMBNAIL, defaults=Defaults(), limits=Limits())

    seconds = estimate_cost(tiff, plan, choose_level(tiff, plan)).seconds

    assert seconds < 0.01


@given(image_infos())
def test_a_smaller_level_costs_less_and_any_less_than_the_original(info: ImageInfo) -> None:
    """Whichever format the original has, and whichever its levels have."""
    plan = make_plan(original_of(info), THUMBNAIL, defaults=Defaults(), limits=Limits(pixels=10**12))

    seconds = [estimate_cost(info, plan, level).seconds for level in (None, *levels_of(info))]

    assert seconds == sorted(set(seconds), reverse=True)


@given(image_infos())
def test_building_a_pyramid_reads_every_frame_once(info: ImageInfo) -> None:
    """As much as is read for a rendition of all frames, which has to be written besides."""
    plan = make_plan(original_of(info), THUMBNAIL, defaults=Defaults(), limits=Limits(pixels=10**12))

    seconds = estimate_decoding(info)

    assert 0 < seconds < estimate_cost(info, replace(plan, frames=info.frames)).seconds
    assert estimate_decoding(replace(info, frames=info.frames * 3)) == pytest.approx(seconds * 3)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_its_price(name: Format) -> None:
    """What is written costs something; what is read too."""
    row = FORMATS[name]

    assert row.decoding > 0
    assert bool(row.encoding) == row.encodes
