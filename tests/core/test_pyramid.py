"""Which levels an original has, and which one a rendition is made from."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import Digest, ImageInfo
from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Fit, Orientation, Region, Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Encoding, Plan, UseOriginal, make_plan, plan_stripped_original
from imgsvc.core.pyramid import Level, choose_level, level_format, level_key, levels_of
from imgsvc.core.transform import NOTHING_ASKED, Metadata, Transform
from imgsvc.core.variant import variant_key_from_text
from tests.strategies import READ_FORMATS, original_of, regions_inside

DIGEST = Digest("0123456789abcdef" * 4)
UNLIMITED = Limits(pixels=10**15, output_side=10**9, surrender_side=10**9)
PHOTO = ImageInfo(format=Format.JPEG, size=Size(4000, 3000))
THUMBNAIL = Transform(width=200)
AMPLE = Fraction(115, 100)


def large_sizes() -> st.SearchStrategy[Size]:
    """Of photographs, panoramas and scans, odd ones among them."""
    side = st.integers(1, 20_000)
    return st.builds(Size, side, side).filter(lambda size: size.pixels >= 640 * 640)


def large_stills() -> st.SearchStrategy[ImageInfo]:
    return st.builds(
        ImageInfo,
        format=st.sampled_from([name for name in READ_FORMATS if name is not Format.SVG]),
        size=large_sizes(),
        orientation=st.sampled_from(Orientation),
        has_alpha=st.booleans(),
        is_srgb=st.booleans(),
    )


@st.composite
def infos_and_plans(draw: st.DrawFn) -> tuple[ImageInfo, Plan]:
    """Of the whole picture and of regions of it, reduced and enlarged, by one scale or by two."""
    info = draw(large_stills())
    upright = info.orientation.upright(info.size)
    crop = draw(st.none() | regions_inside(upright))
    side = st.none() | st.integers(1, 700) | st.integers(1, 12_000)
    asked = Transform(width=draw(side), height=draw(side), crop=crop)
    return info, plan_of(info, asked)


def plan_of(info: ImageInfo, transform: Transform) -> Plan:
    return make_plan(original_of(info), transform, defaults=Defaults(), limits=UNLIMITED)


@given(large_sizes())
def test_levels_halve_the_original_again_and_again(size: Size) -> None:
    """Odd sides rounded up: after n halvings each is the original's by two to the n, rounded up once."""
    levels = levels_of(ImageInfo(format=Format.JPEG, size=size))

    for level in levels:
        assert level.scale == 2**level.halvings
        assert level.size == (-(-size.width // level.scale), -(-size.height // level.scale))


@given(large_sizes())
def test_levels_are_all_that_are_neither_too_large_nor_too_small(size: Size) -> None:
    """From 4,000,000 px down to a longer side of 256 px, the largest first, none left out."""
    levels = levels_of(ImageInfo(format=Format.JPEG, size=size))

    halves = [Size(-(-size.width // 2**n), -(-size.height // 2**n)) for n in range(1, 20)]
    assert [level.size for level in levels] == [
        half for half in halves if half.pixels <= 4_000_000 and max(half) >= 256
    ]
    assert [level.halvings for level in levels] == sorted(level.halvings for level in levels)


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (Size(4000, 3000), [2000, 1000, 500]),
        (Size(4000, 4000), [2000, 1000, 500]),
        (Size(4000, 4001), [1000, 500]),
        (Size(640, 640), [320]),
        (Size(1023, 401), [512, 256]),
        (Size(41_000, 10), [20_500, 10_250, 5125, 2563, 1282, 641, 321]),
    ],
    ids=lambda value: f"{value.width}x{value.height}" if isinstance(value, Size) else "",
)
def test_usual_originals_have_the_levels_one_expects(size: Size, widths: list[int]) -> None:
    """Of 4000 by 4001 px the half has a row too many."""
    levels = levels_of(ImageInfo(format=Format.JPEG, size=size))

    assert [level.size.width for level in levels] == widths


@pytest.mark.parametrize(
    "info",
    [
        replace(PHOTO, format=Format.GIF, frames=2),
        replace(PHOTO, format=Format.WEBP, frames=30),
        replace(PHOTO, format=Format.SVG),
        replace(PHOTO, size=Size(639, 640)),
        replace(PHOTO, size=Size(1000, 409)),
        replace(PHOTO, size=Size(1, 1)),
    ],
    ids=["animated gif", "animated webp", "svg", "a pixel short of square", "small banner", "one pixel"],
)
def test_some_originals_have_no_levels(info: ImageInfo) -> None:
    """What moves, what is drawn at any size, and what is decoded as quickly as a level is."""
    plan = plan_of(info, Transform(width=1))

    assert levels_of(info) == ()
    assert choose_level(info, plan) is None


@given(infos_and_plans())
def test_the_chosen_level_is_the_smallest_that_serves_amply(given: tuple[ImageInfo, Plan]) -> None:
    """As exact arithmetic over every level finds it; the largest where it serves, and not amply."""
    info, plan = given

    chosen = choose_level(info, plan)

    serving = [level for level in levels_of(info) if serves(level, info, plan)]
    ample = [level for level in serving if serves(level, info, plan, room=AMPLE)]
    assert chosen == (ample[-1] if ample else serving[0] if serving else None)


@given(infos_and_plans())
def test_an_edge_lies_an_eighth_of_a_pixel_off_at_most(given: tuple[ImageInfo, Plan]) -> None:
    """Of the result's, where the region begins in the level's whole pixels; and the level is never enlarged."""
    info, plan = given

    level = choose_level(info, plan)

    if level is not None:
        region, size = plan.region or Region(0, 0, *info.size), plan.orientation.stored_size(plan.size)
        for edge, length, side in ((region.left, region.width, size.width), (region.top, region.height, size.height)):
            off = abs(round(edge / level.scale) * level.scale - edge)
            assert Fraction(off * side, length) <= Fraction(1, 8)
            assert Fraction(length, level.scale) >= side


@given(infos_and_plans(), st.sampled_from(READ_FORMATS), st.none() | st.integers(1, 100), st.booleans())
def test_the_choice_depends_on_nothing_but_which_pixels_are_needed(
    given: tuple[ImageInfo, Plan], output: Format, quality: int | None, has_bars: bool
) -> None:
    """How the result is cut, laid on a canvas and written has no say, so neighbours share a level."""
    info, plan = given
    other = replace(
        plan,
        trim=Region(0, 0, 1, 1),
        canvas=Size(9000, 9000) if has_bars else None,
        background=Color(1, 2, 3),
        encoding=Encoding(format=output, quality=quality),
        max_bytes=77,
        to_srgb=not plan.to_srgb,
    )

    assert choose_level(info, other) == choose_level(info, plan)


@given(infos_and_plans())
def test_what_keeps_its_metadata_is_made_from_the_original(given: tuple[ImageInfo, Plan]) -> None:
    """A level has none to keep."""
    info, plan = given
    keeping = replace(plan, encoding=replace(plan.encoding, metadata=Metadata.KEEP))

    assert choose_level(info, keeping) is None


@given(large_stills())
def test_the_stripped_original_is_made_from_the_original(info: ImageInfo) -> None:
    """However small it were to be shown."""
    stripped = plan_stripped_original(original_of(info), defaults=Defaults(), limits=UNLIMITED)
    small = replace(stripped, size=Size(1, 1))

    assert choose_level(info, stripped) is None
    assert choose_level(info, small) is None


def test_an_original_that_stands_in_when_shorter_is_no_stripped_original() -> None:
    plan = replace(plan_of(PHOTO, THUMBNAIL), use_original=UseOriginal.WHEN_SHORTER)

    assert choose_level(PHOTO, plan) is not None


@given(large_stills())
def test_what_is_shown_in_full_is_made_from_the_original(info: ImageInfo) -> None:
    """And so is what is enlarged."""
    larger = Transform(width=info.orientation.upright(info.size).width + 1)

    assert choose_level(info, plan_of(info, NOTHING_ASKED)) is None
    assert choose_level(info, plan_of(info, larger)) is None


@pytest.mark.parametrize(
    ("width", "level_width"),
    [(2001, None), (2000, 2000), (1000, 2000), (872, 2000), (868, 1000), (436, 1000), (432, 500), (1, 500)],
)
def test_the_largest_level_serves_up_to_its_own_width_and_others_nearly(width: int, level_width: int | None) -> None:
    """Of others one pixel in seven must be to spare along each side, or a larger one serves better."""
    level = choose_level(PHOTO, plan_of(PHOTO, Transform(width=width)))

    assert (level and level.size.width) == level_width


@pytest.mark.parametrize(
    ("region", "level_width"),
    [
        (Region(0, 0, 4000, 3000), 500),
        (Region(0, 0, 1840, 1380), 500),
        (Region(0, 0, 1832, 1380), 1000),
        (Region(0, 0, 920, 690), 1000),
        (Region(0, 0, 920, 680), 2000),
        (Region(0, 0, 400, 300), 2000),
        (Region(0, 0, 399, 300), None),
    ],
    ids=lambda value: "x".join(map(str, value[2:])) if isinstance(value, Region) else f"from {value}",
)
def test_of_a_region_its_share_of_the_level_counts(region: Region, level_width: int | None) -> None:
    """All are shown as 200 by 150 px; there must be as many of the level's pixels in the region."""
    asked = Transform(width=200, height=150, fit=Fit.FILL, crop=region)

    level = choose_level(PHOTO, plan_of(PHOTO, asked))

    assert (level and level.size.width) == level_width


@pytest.mark.parametrize(
    ("left", "level_width"), [(0, 500), (8, 500), (1, 500), (9, 500), (3, 1000), (4, 1000), (2, 2000), (6, 2000)]
)
def test_a_region_that_begins_between_a_levels_pixels_needs_a_finer_one(left: int, level_width: int) -> None:
    """Of 1,600 px shown as 160 px an eighth of the result's pixel is 1.25 of the original's."""
    asked = Transform(width=160, height=120, crop=Region(left, 0, 1600, 1200))

    level = choose_level(PHOTO, plan_of(PHOTO, asked))

    assert level is not None
    assert level.size.width == level_width


@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_region_of_a_turned_picture_is_sought_where_it_is_stored(orientation: Orientation) -> None:
    """A tall strip of it, shown narrow: with width taken for height no level would have enough."""
    info = replace(PHOTO, size=orientation.stored_size(Size(4000, 3000)), orientation=orientation)
    asked = Transform(width=100, height=1500, crop=Region(0, 0, 200, 3000))

    level = choose_level(info, plan_of(info, asked))

    assert level is not None
    assert level.halvings == 1


@pytest.mark.parametrize("source", READ_FORMATS)
def test_a_level_with_alpha_keeps_it(source: Format) -> None:
    """Whatever it came as."""
    output = level_format(ImageInfo(format=source, size=Size(1000, 1000), has_alpha=True))

    assert FORMATS[output].alpha
    assert not FORMATS[output].lossy


@pytest.mark.parametrize("source", READ_FORMATS)
def test_a_level_loses_nothing_where_nothing_was_lost(source: Format) -> None:
    """What is lossy already is kept as JPEG, which is decoded quickest."""
    output = level_format(ImageInfo(format=source, size=Size(1000, 1000)))

    assert output is (Format.JPEG if FORMATS[source].lossy else Format.PNG)


def test_every_level_of_every_original_has_a_key_of_its_own() -> None:
    """Of each builder's revision too."""
    keys = {
        level_key(digest, level, revision=revision)
        for digest in (DIGEST, Digest("f" * 64))
        for level in levels_of(PHOTO)
        for revision in ("1", "2")
    }

    assert len(keys) == 2 * 3 * 2
    assert all(variant_key_from_text(key) == key for key in keys)


def serves(level: Level, info: ImageInfo, plan: Plan, *, room: Fraction = Fraction(1)) -> bool:
    """Has so many pixels for one of the result's along each side, and begins an eighth of one off at most."""
    region, size = plan.region or Region(0, 0, *info.size), plan.orientation.stored_size(plan.size)
    for edge, length, side in ((region.left, region.width, size.width), (region.top, region.height, size.height)):
        shown = Fraction(side * level.scale, length)
        beyond = Fraction(edge % level.scale, level.scale)
        if shown * room > 1 or min(beyond, 1 - beyond) * shown > Fraction(1, 8):
            return False
    return True
