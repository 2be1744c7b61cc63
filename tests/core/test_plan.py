"""From intent and header to exact integers: sizes, orientation, crops, bounds, backgrounds, frames, encodings."""

from dataclasses import fields, replace
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import ImageInfo, Original
from imgsvc.core.color import WHITE, Color
from imgsvc.core.errors import InvalidParameter, TooManyPixels
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Enlarge, Fit, Gravity, Layout, Orientation, Region, Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import (
    TRANSPARENT,
    Defaults,
    Encoding,
    Plan,
    UseOriginal,
    make_plan,
    plan_stripped_original,
)
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Insets, Metadata, Transform
from tests.core.golden_sizes import GOLDEN_SIZES, Golden, picture_on_result
from tests.strategies import PLAN_FIELDS, original_of, originals, pairs_of_plans, sizes, transforms

RED = Color(255, 0, 0)


def a_photo(width: int = 600, height: int = 400, *, orientation: Orientation = Orientation.UPRIGHT) -> Original:
    return original_of(ImageInfo(format=Format.JPEG, size=Size(width, height), orientation=orientation))


def a_cutout(width: int = 600, height: int = 400) -> Original:
    """A PNG with alpha."""
    return original_of(ImageInfo(format=Format.PNG, size=Size(width, height), has_alpha=True))


def a_film(*, frames: int = 3) -> Original:
    return original_of(ImageInfo(format=Format.GIF, size=Size(60, 40), frames=frames))


def plan_of(
    original: Original,
    transform: Transform = NOTHING_ASKED,
    *,
    defaults: Defaults | None = None,
    limits: Limits | None = None,
) -> Plan:
    return make_plan(original, transform, defaults=defaults or Defaults(), limits=limits or Limits())


class TestBox:
    """`width`, `height`, `fit` and `enlarge`."""

    @pytest.mark.parametrize(
        "golden", GOLDEN_SIZES, ids=lambda golden: f"{golden.source.width}x{golden.source.height}?{golden.query}"
    )
    def test_gives_the_golden_sizes(self, golden: Golden) -> None:
        """Result and place of the picture are those of the vendor's engine."""
        plan = plan_of(a_photo(*golden.source), golden.transform)

        picture = picture_on_result(size=plan.size, trim=plan.trim, left=plan.left, top=plan.top)
        assert (plan.result, picture) == (golden.result, golden.picture)

    @given(sizes(), st.integers(1, 3000), st.sampled_from([Fit.INSIDE, Fit.COVER, Fit.CONTAIN, Fit.FILL]))
    def test_a_side_alone_is_exact_and_needs_neither_bars_nor_cut(self, source: Size, width: int, fit: Fit) -> None:
        """The box has the picture's own ratio, but for rounding, which does not show."""
        limits = Limits(surrender_side=10**9, output_side=10**9, pixels=10**18)

        plan = plan_of(a_photo(*source), Transform(width=width, fit=fit), limits=limits)

        assert plan.result.width == width
        assert (plan.trim, plan.canvas) == (None, None)

    @pytest.mark.parametrize(("source", "width"), [(Size(600, 400), 300), (Size(1000, 35), 100), (Size(777, 333), 100)])
    def test_a_side_alone_is_exact_under_outside_too(self, source: Size, width: int) -> None:
        """`mode=min` never enlarges; within that, the side asked for is met and the other follows."""
        plan = plan_of(a_photo(*source), Transform(width=width, fit=Fit.OUTSIDE, enlarge=Enlarge.NEVER))

        assert plan.result.width == width

    @pytest.mark.parametrize("fit", [Fit.INSIDE, Fit.CONTAIN, Fit.COVER])
    def test_skip_leaves_the_whole_resize_out(self, fit: Fit) -> None:
        """`upscale=false`: one side longer than the original's is enough, and no canvas is made either."""
        plan = plan_of(a_photo(), Transform(width=700, height=100, fit=fit, enlarge=Enlarge.SKIP))

        assert plan.result == (Size(150, 100) if fit is Fit.INSIDE else Size(600, 400))
        assert plan.canvas is None
        assert plan.trim is None

    def test_skip_does_not_concern_stretching(self) -> None:
        """As in the vendor's engine."""
        plan = plan_of(a_photo(), Transform(width=800, height=800, fit=Fit.FILL, enlarge=Enlarge.SKIP))

        assert plan.result == Size(800, 800)

    def test_never_keeps_the_pixels_and_widens_the_canvas(self) -> None:
        """`mode=boxpad` with one side: the canvas has the picture's ratio and more pixels."""
        plan = plan_of(a_photo(), Transform(width=800, enlarge=Enlarge.NEVER))

        assert (plan.size, plan.canvas, plan.left, plan.top) == (Size(600, 400), Size(800, 533), 100, 67)

    @pytest.mark.parametrize(("width", "result"), [(5000, Size(5000, 3333)), (5001, Size(600, 400))])
    def test_a_result_beyond_the_surrender_side_is_not_resized(self, width: int, result: Size) -> None:
        """5000 px, the vendor's limit, are made; with one more the picture is answered at its own size."""
        assert plan_of(a_photo(), Transform(width=width)).result == result

    def test_the_side_that_follows_surrenders_too(self) -> None:
        """It is the result that counts, not the word that was given."""
        plan = plan_of(a_photo(10, 100), Transform(width=501))

        assert plan.result == Size(10, 100)

    @pytest.mark.parametrize(
        "asked", [Transform(width=10, height=6000), Transform(width=10, height=700, enlarge=Enlarge.SKIP)]
    )
    def test_what_is_not_resized_stays_within_its_bounds(self, asked: Transform) -> None:
        """Who gives one means it, also where the box comes to nothing."""
        assert plan_of(a_photo(), replace(asked, max_width=300)).result == Size(300, 200)

    def test_surrender_keeps_crop_and_encoding(self) -> None:
        """The resize alone is given up."""
        transform = Transform(width=6000, crop=Region(0, 0, 60, 40), format=Format.WEBP)

        plan = plan_of(a_photo(), transform)

        assert plan.region == Region(0, 0, 60, 40)
        assert plan.result == Size(60, 40)
        assert plan.encoding.format is Format.WEBP


class TestBounds:
    """`max_width` and `max_height`."""

    @given(sizes(), st.integers(1, 3000) | st.none(), st.integers(1, 3000) | st.none())
    def test_alone_they_are_kept_and_never_enlarge(
        self, source: Size, max_width: int | None, max_height: int | None
    ) -> None:
        """The picture fits inside; a bound that binds is met exactly; no canvas without a background."""
        plan = plan_of(a_photo(*source), Transform(max_width=max_width, max_height=max_height))

        bounds = Size(max_width or source.width, max_height or source.height)
        assert not plan.result.exceeds(bounds)
        assert not plan.result.exceeds(source)
        assert plan.canvas is None
        assert plan.result.width == bounds.width or plan.result.height == bounds.height or plan.result == source

    @given(sizes(), sizes())
    def test_both_with_a_background_make_a_canvas_of_exactly_that_box(self, source: Size, box: Size) -> None:
        """However small the picture: it keeps its pixels and gets bars."""
        transform = Transform(max_width=box.width, max_height=box.height, background=RED)

        plan = plan_of(a_photo(*source), transform)

        assert plan.result == box
        assert not plan.size.exceeds(source)

    @pytest.mark.parametrize(
        ("gravity", "left", "top"),
        [(Gravity.CENTER, 100, 200), (Gravity.TOP_LEFT, 0, 0), (Gravity.BOTTOM_RIGHT, 200, 400)],
    )
    def test_gravity_says_where_the_picture_lies_on_that_canvas(self, gravity: Gravity, left: int, top: int) -> None:
        """The anchor is honoured as for a box."""
        transform = Transform(max_width=800, max_height=800, background=RED, gravity=gravity)

        plan = plan_of(a_photo(), transform)

        assert (plan.size, plan.left, plan.top) == (Size(600, 400), left, top)

    @pytest.mark.parametrize("transform", [Transform(max_width=800, background=RED), Transform(max_height=800)])
    def test_one_alone_has_no_box_to_fill(self, transform: Transform) -> None:
        """There is nothing to expand the canvas to, with a background or without."""
        plan = plan_of(a_photo(), transform)

        assert plan.canvas is None
        assert plan.result == Size(600, 400)

    @pytest.mark.parametrize(
        ("transform", "result", "size"),
        [
            (Transform(width=500, max_width=300), Size(300, 200), Size(300, 200)),
            (Transform(width=300, max_height=100), Size(300, 100), Size(150, 100)),
            (Transform(height=300, max_width=150), Size(150, 300), Size(150, 100)),
            (Transform(width=300, height=300, max_width=200), Size(200, 300), Size(200, 133)),
            (Transform(width=1200, max_width=900), Size(900, 600), Size(900, 600)),
        ],
    )
    def test_beside_a_side_the_smaller_counts(self, transform: Transform, result: Size, size: Size) -> None:
        """ImageResizer's rule and golden sizes; a bound on the other side bounds what the ratio gives it."""
        plan = plan_of(a_photo(), transform)

        assert (plan.result, plan.size) == (result, size)

    @pytest.mark.parametrize("fit", Fit)
    @pytest.mark.parametrize("source", [Size(600, 400), Size(333, 777), Size(1000, 34)])
    def test_one_that_does_not_bind_changes_nothing(self, source: Size, fit: Fit) -> None:
        """A height of at most 1000 px is no reason for bars or a cut beside a width of 100 px."""
        enlarge = Enlarge.NEVER if fit is Fit.OUTSIDE else Enlarge.ALWAYS
        unbounded = Transform(width=100, fit=fit, enlarge=enlarge)

        bounded = replace(unbounded, max_height=1000)

        assert plan_of(a_photo(*source), bounded) == plan_of(a_photo(*source), unbounded)


class TestOrientation:
    @pytest.mark.parametrize("orientation", Orientation)
    def test_the_box_is_for_the_upright_picture(self, orientation: Orientation) -> None:
        """EXIF orientation is honoured: from 5 on, a picture stored lying stands."""
        plan = plan_of(a_photo(600, 400, orientation=orientation), Transform(width=200))

        assert plan.orientation is orientation
        assert plan.result == (Size(200, 300) if orientation.swaps_sides else Size(200, 133))

    def test_it_is_left_alone_when_the_caller_says_so(self) -> None:
        """`autorotate=false`: stored pixels as they lie."""
        original = a_photo(600, 400, orientation=Orientation.ROTATED_90)

        plan = plan_of(original, Transform(width=200, upright=False))

        assert plan.orientation is Orientation.UPRIGHT
        assert plan.result == Size(200, 133)

    def test_a_crop_is_of_the_upright_picture(self) -> None:
        """Its px are those the caller sees; the region of the plan is of the stored ones."""
        original = a_photo(600, 400, orientation=Orientation.ROTATED_90)

        plan = plan_of(original, Transform(crop=Region(0, 0, 100, 300)))

        assert plan.region == Region(0, 300, 300, 100)
        assert plan.result == Size(100, 300)


class TestCrop:
    def test_pixels_are_taken_before_the_resize(self) -> None:
        """What is kept is what the box is for."""
        plan = plan_of(a_photo(), Transform(crop=Region(100, 50, 300, 300), width=150))

        assert plan.region == Region(100, 50, 300, 300)
        assert plan.result == Size(150, 150)

    def test_insets_are_shares_of_the_picture(self) -> None:
        """Left, top, right, bottom."""
        insets = Insets(Fraction(1, 10), Fraction(1, 4), Fraction(2, 10), Fraction(1, 2))

        plan = plan_of(a_photo(), Transform(crop=insets))

        assert plan.region == Region(60, 100, 420, 100)

    def test_at_least_one_pixel_is_left(self) -> None:
        """However little of a small picture the insets leave."""
        insets = Insets(Fraction("0.999"), Fraction("0.999"), Fraction(0), Fraction(0))

        plan = plan_of(a_photo(3, 2), Transform(crop=insets))

        assert plan.region == Region(2, 1, 1, 1)

    def test_what_stands_over_is_cut(self) -> None:
        """A region may be larger than what is there."""
        plan = plan_of(a_photo(), Transform(crop=Region(500, 300, 1000, 1000)))

        assert plan.region == Region(500, 300, 100, 100)

    @pytest.mark.parametrize("crop", [Region(600, 0, 10, 10), Region(0, 400, 10, 10)])
    def test_a_region_that_begins_outside_is_ignored(self, crop: Region) -> None:
        """As the vendor's engine has it."""
        assert plan_of(a_photo(), Transform(crop=crop)) == plan_of(a_photo())

    @pytest.mark.parametrize("crop", [Region(0, 0, 600, 400), Region(0, 0, 9999, 9999), Insets(*[Fraction(0)] * 4)])
    def test_a_crop_of_everything_is_none(self, crop: Region | Insets) -> None:
        """It has the plan, and so the key, of a request without a crop."""
        assert plan_of(a_photo(), Transform(crop=crop)) == plan_of(a_photo())


class TestBackground:
    def test_bars_beside_an_opaque_picture_are_white(self) -> None:
        """In every format, so that negotiated formats look alike."""
        for output in (Format.JPEG, Format.PNG, Format.WEBP):
            plan = plan_of(a_photo(), Transform(width=300, height=300, format=output))

            assert plan.background == WHITE

    def test_bars_beside_a_picture_with_alpha_are_transparent(self) -> None:
        """Where the output has alpha."""
        plan = plan_of(a_cutout(), Transform(width=300, height=300))

        assert plan.background == TRANSPARENT

    def test_alpha_is_laid_on_white_where_the_output_has_none(self) -> None:
        """Not on black, with bars or without."""
        for transform in (Transform(format=Format.JPEG), Transform(format=Format.JPEG, width=300, height=300)):
            assert plan_of(a_cutout(), transform).background == WHITE

    def test_the_operator_may_choose_another_default(self) -> None:
        """`Defaults.background` stands where nobody gave a colour."""
        plan = plan_of(a_cutout(), Transform(format=Format.JPEG), defaults=Defaults(background=RED))

        assert plan.background == RED

    def test_a_colour_asked_for_fills_bars_and_flattens(self) -> None:
        """Also where the output could keep the alpha."""
        plan = plan_of(a_cutout(), Transform(background=RED, format=Format.PNG))

        assert plan.background == RED

    def test_a_translucent_colour_stays_so_where_the_output_has_alpha(self) -> None:
        """It is put under the picture as it is."""
        glass = Color(255, 0, 0, 128)

        assert plan_of(a_cutout(), Transform(background=glass)).background == glass

    def test_a_translucent_colour_is_mixed_with_the_default_where_the_output_has_none(self) -> None:
        """Half up a channel: 255 * 127 / 255 is 127 of white under 128 of red."""
        plan = plan_of(a_cutout(), Transform(background=Color(255, 0, 0, 128), format=Format.JPEG))

        assert plan.background == Color(255, 127, 127)

    @given(st.builds(Color, *[st.integers(0, 255)] * 4))
    def test_the_mix_is_opaque_and_exact(self, glass: Color) -> None:
        """Each channel is the nearest to the exact mean."""
        mixed = plan_of(a_cutout(), Transform(background=glass, format=Format.JPEG)).background

        assert mixed is not None
        assert mixed.alpha == 255
        for channel, share in zip(mixed[:3], glass[:3], strict=True):
            exact = Fraction(share * glass.alpha + 255 * (255 - glass.alpha), 255)
            assert abs(channel - exact) <= Fraction(1, 2)

    def test_a_colour_that_would_not_show_is_not_part_of_the_plan(self) -> None:
        """An opaque picture without bars has one key, whatever the colour."""
        assert plan_of(a_photo(), Transform(width=300, background=RED)) == plan_of(a_photo(), Transform(width=300))


class TestFrames:
    @pytest.mark.parametrize("output", [Format.GIF, Format.WEBP])
    def test_all_are_kept_where_the_output_can_move(self, output: Format) -> None:
        """An animation stays one."""
        assert plan_of(a_film(), Transform(format=output)).frames == 3

    @pytest.mark.parametrize("output", [Format.JPEG, Format.PNG, Format.PNG8, Format.AVIF, Format.TIFF, Format.BMP])
    def test_the_first_stands_for_all_elsewhere(self, output: Format) -> None:
        """Formats that stand still show one frame."""
        assert plan_of(a_film(), Transform(format=output)).frames == 1


class TestEncoding:
    @pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.decodes and row.encodes])
    def test_the_format_is_the_originals_unless_asked(self, name: Format) -> None:
        """Every format that is read and written."""
        plan = plan_of(original_of(ImageInfo(format=name, size=Size(6, 4))))

        assert plan.encoding.format is name

    def test_a_drawing_becomes_a_png(self) -> None:
        """SVG is read and not written."""
        drawing = original_of(ImageInfo(format=Format.SVG, size=Size(60, 40), has_alpha=True))

        assert plan_of(drawing).encoding.format is Format.PNG

    @pytest.mark.parametrize(
        ("source", "has_alpha", "output"),
        [
            (Format.PNG, True, Format.PNG),
            (Format.TIFF, False, Format.JPEG),
            (Format.WEBP, False, Format.JPEG),
            (Format.AVIF, True, Format.PNG),
        ],
    )
    def test_what_nobody_negotiated_is_shown_by_every_browser(
        self, source: Format, has_alpha: bool, output: Format
    ) -> None:
        """It is planned as if that had been asked for."""
        original = original_of(ImageInfo(format=source, size=Size(60, 40), has_alpha=has_alpha))

        assert plan_of(original, Transform(format=AUTO)) == plan_of(original, Transform(format=output))

    def test_a_format_that_is_not_written_is_refused(self) -> None:
        """Under the name `format`."""
        with pytest.raises(InvalidParameter) as refused:
            plan_of(a_photo(), Transform(format=Format.SVG))

        assert refused.value.name == "format"

    @pytest.mark.parametrize("output", [Format.JPEG, Format.WEBP, Format.AVIF])
    def test_quality_is_the_callers_then_the_operators_then_the_formats(self, output: Format) -> None:
        """For lossy formats."""
        operators = Defaults(quality=MappingProxyType({output: 33}))
        asked = Transform(format=output, quality=44)

        assert plan_of(a_photo(), asked, defaults=operators).encoding.quality == 44
        assert plan_of(a_photo(), replace(asked, quality=None), defaults=operators).encoding.quality == 33
        assert plan_of(a_photo(), replace(asked, quality=None)).encoding.quality == FORMATS[output].default_quality

    @pytest.mark.parametrize("output", [Format.PNG, Format.PNG8, Format.GIF, Format.BMP, Format.TIFF])
    def test_quality_means_nothing_to_lossless_formats(self, output: Format) -> None:
        """It is not part of the plan, so not of the key."""
        transform = Transform(format=output)

        assert plan_of(a_photo(), replace(transform, quality=10)) == plan_of(a_photo(), transform)

    def test_a_webp_of_quality_100_is_lossless(self) -> None:
        """As ImageProcessor's plugin takes it."""
        plan = plan_of(a_photo(), Transform(format=Format.WEBP, quality=100))

        assert plan.encoding == Encoding(format=Format.WEBP, quality=None, lossless=True)

    @pytest.mark.parametrize("is_srgb", [True, False])
    def test_the_profile_is_applied_where_the_values_are_not_srgb(self, is_srgb: bool) -> None:
        """What the header told decides, not the caller."""
        original = original_of(ImageInfo(format=Format.JPEG, size=Size(600, 400), is_srgb=is_srgb))

        assert plan_of(original).to_srgb is not is_srgb

    def test_metadata_is_stripped_unless_kept(self) -> None:
        """And what becomes of it is part of the plan."""
        assert plan_of(a_photo()).encoding.metadata is Metadata.STRIP
        assert plan_of(a_photo(), Transform(metadata=Metadata.KEEP)).encoding.metadata is Metadata.KEEP


class TestSamePicture:
    """A result of the original's size and format is not longer than the original."""

    @pytest.mark.parametrize(
        "transform",
        [NOTHING_ASKED, Transform(width=600), Transform(max_width=9999), Transform(quality=95)],
    )
    def test_is_bounded_by_the_original(self, transform: Transform) -> None:
        """However that size was asked for; its own bytes may stand in."""
        plan = plan_of(a_photo(), transform)

        assert plan.max_bytes == 50_000
        assert plan.use_original is UseOriginal.WHEN_SHORTER

    @pytest.mark.parametrize(
        "transform",
        [
            Transform(width=300),
            Transform(width=700),
            Transform(format=Format.WEBP),
            Transform(crop=Region(0, 0, 10, 10)),
            Transform(crop=Region(300, 200, 300, 200), width=600),
            Transform(width=600, height=600),
        ],
    )
    def test_is_no_other_size_crop_or_format(self, transform: Transform) -> None:
        """Those may be longer; a crop blown up to the original's size is another picture."""
        plan = plan_of(a_photo(), transform)

        assert plan.max_bytes is None
        assert plan.use_original is UseOriginal.NEVER

    def test_has_as_many_frames(self) -> None:
        """An animation that keeps its frames is bounded."""
        assert plan_of(a_film()).max_bytes == 50_000

    @pytest.mark.parametrize(
        "original",
        [
            a_photo(orientation=Orientation.ROTATED_180),
            original_of(ImageInfo(format=Format.JPEG, size=Size(600, 400), is_srgb=False)),
        ],
        ids=["not upright", "not sRGB"],
    )
    def test_is_not_the_originals_bytes_where_those_show_something_else(self, original: Original) -> None:
        """Freed of orientation tag and profile they would look different; the bound on length holds all the same."""
        plan = plan_of(original)

        assert plan.use_original is UseOriginal.NEVER
        assert plan.max_bytes == 50_000

    def test_is_not_the_originals_bytes_where_a_colour_lies_under_it(self) -> None:
        """Alpha is gone from the result."""
        assert plan_of(a_cutout(), Transform(background=RED)).use_original is UseOriginal.NEVER

    def test_a_stripped_original_is_always_its_own_bytes(self) -> None:
        """Nothing is resampled and nothing bounded."""
        plan = plan_stripped_original(a_photo(), defaults=Defaults(), limits=Limits())

        assert plan.use_original is UseOriginal.ALWAYS
        assert plan.max_bytes is None
        assert plan.result == Size(600, 400)


class TestLimits:
    def test_an_original_at_the_limit_is_decoded_and_one_beyond_is_not(self) -> None:
        """Width times height."""
        limits = Limits(pixels=240_000)

        assert plan_of(a_photo(), limits=limits).result == Size(600, 400)
        with pytest.raises(TooManyPixels):
            plan_of(a_photo(600, 401), limits=limits)

    def test_frames_count_as_pixels(self) -> None:
        """Three frames of 60 by 40 px are 7200."""
        assert plan_of(a_film(), limits=Limits(pixels=7200)).frames == 3
        with pytest.raises(TooManyPixels):
            plan_of(a_film(), limits=Limits(pixels=7199))

    def test_frames_are_counted_themselves(self) -> None:
        """Even where one alone is shown."""
        with pytest.raises(TooManyPixels):
            plan_of(a_film(frames=3), Transform(format=Format.PNG), limits=Limits(frames=2))

    def test_a_side_longer_than_allowed_is_refused(self) -> None:
        """A canvas out of maxWidth and maxHeight knows no surrender."""
        transform = Transform(max_width=9000, max_height=10, background=RED)

        with pytest.raises(TooManyPixels):
            plan_of(a_photo(), transform)

    def test_a_result_of_too_many_pixels_is_refused(self) -> None:
        """Though the original is small."""
        with pytest.raises(TooManyPixels):
            plan_of(a_photo(), Transform(width=1200), limits=Limits(pixels=900_000))

    def test_a_result_of_too_many_pixels_in_all_frames_is_refused(self) -> None:
        """600 by 400 px in three frames are 720000."""
        with pytest.raises(TooManyPixels):
            plan_of(a_film(), Transform(width=600), limits=Limits(pixels=700_000))

    def test_what_is_resampled_before_the_cut_is_limited_as_well(self) -> None:
        """A strip that covers a square would be resampled to 50000000 by 5000 px for 5000 by 5000 of them."""
        strip = a_photo(10_000, 1)

        with pytest.raises(TooManyPixels):
            plan_of(strip, Transform(width=5000, height=5000, fit=Fit.COVER))


@given(originals(), transforms())
def test_every_plan_can_be_carried_out(original: Original, transform: Transform) -> None:
    """Whatever is asked of whatever picture: what is kept lies inside, within the limits, or the refusal is ours."""
    limits = Limits(pixels=20_000_000)

    try:
        plan = plan_of(original, transform, limits=limits)
    except TooManyPixels:
        return

    stored = original.picture.size
    upright = plan.orientation.upright(stored)
    if plan.region is not None:
        assert_lies_inside(plan.region, stored)
        assert plan.region.size != stored
    assert min(plan.size) >= 1
    if plan.trim is not None:
        assert plan.canvas is None
        assert_lies_inside(plan.trim, plan.size)
    if plan.canvas is not None:
        assert_lies_inside(Region(plan.left, plan.top, *plan.size), plan.canvas)
        assert plan.background is not None
    if not FORMATS[plan.encoding.format].alpha:
        assert plan.background is None or plan.background.alpha == 255
        assert plan.background is not None or not original.picture.has_alpha
    assert max(plan.result) <= limits.output_side
    assert plan.result.pixels * plan.frames <= limits.pixels
    assert plan.max_bytes is None or plan.result == upright


@given(originals(), transforms())
def test_naming_the_format_chosen_changes_nothing(original: Original, transform: Transform) -> None:
    """The canonical URL says the format, and has to lead to the same plan."""
    limits = Limits(pixels=10**18, output_side=10**9)

    plan = plan_of(original, transform, limits=limits)

    assert plan_of(original, replace(transform, format=plan.encoding.format), limits=limits) == plan


def test_every_field_of_a_plan_is_drawn_below() -> None:
    """A field that is missing from the strategy could be missing from the canonical text unseen."""
    assert set(PLAN_FIELDS) == {field.name for field in fields(Plan)}


@given(pairs_of_plans())
def test_canonical_texts_are_equal_for_equal_plans_alone(pair: tuple[Plan, Plan]) -> None:
    """Every field is in it, and none runs into the next."""
    first, second = pair

    assert (first.canonical() == second.canonical()) == (first == second)


def test_the_result_of_a_plan_is_its_layouts() -> None:
    """The canvas, else what is kept, else all."""
    plan = plan_of(a_photo(), Transform(width=300, height=300))

    assert plan.result == Layout(size=plan.size, canvas=plan.canvas).result == Size(300, 300)


def assert_lies_inside(region: Region, size: Size) -> None:
    assert region.left >= 0
    assert region.top >= 0
    assert region.left + region.width <= size.width
    assert region.top + region.height <= size.height
