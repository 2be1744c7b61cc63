"""Geometry without a pixel: rounding, ratios, the five fits, orientation."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imgsvc.core.geometry import (
    Enlarge,
    Fit,
    FocalPoint,
    Gravity,
    Layout,
    Orientation,
    Region,
    Size,
    fit_contain,
    fit_cover,
    fit_inside,
    fit_outside,
    keep_ratio,
    round_half_up,
    round_side,
)
from tests.core.golden_sizes import GOLDEN_SIZES, Golden, picture_on_result
from tests.strategies import focal_points, regions_inside, sizes

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 2), 1),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(-1, 2), 0),
        (Fraction(-3, 2), -1),
        (Fraction(249, 100), 2),
        (Fraction(10**30 + 1, 2), 10**30 // 2 + 1),
    ],
)
def test_halves_go_up(value: Fraction, rounded: int) -> None:
    """Half up and not half to even, below zero too, and exact however large the number is."""
    assert round_half_up(value) == rounded


@given(st.fractions())
def test_rounding_goes_at_most_half_a_step_down(value: Fraction) -> None:
    """Of all whole numbers it is the one in (value - 1/2, value + 1/2]."""
    rounded = round_half_up(value)

    assert value - HALF < rounded <= value + HALF


@given(st.fractions(min_value=0))
def test_a_side_is_at_least_one_pixel(value: Fraction) -> None:
    """Half up, and 1 where that would be nothing."""
    assert round_side(value) == max(1, round_half_up(value))


@pytest.mark.parametrize(
    ("source", "width", "height", "box"),
    [
        (Size(600, 400), 300, None, Size(300, 200)),
        (Size(600, 400), None, 200, Size(300, 200)),
        (Size(333, 777), 100, None, Size(100, 233)),
        (Size(4, 2), 1, None, Size(1, 1)),
        (Size(4, 6), 3, None, Size(3, 5)),
        (Size(1000, 1), 10, None, Size(10, 1)),
        (Size(600, 400), 7, 9, Size(7, 9)),
        (Size(600, 400), None, None, Size(600, 400)),
    ],
)
def test_a_missing_side_follows_the_ratio(source: Size, width: int | None, height: int | None, box: Size) -> None:
    """Half up, at least one px; with both sides given the ratio is not asked, with none the source is the box."""
    assert keep_ratio(source, width=width, height=height) == box


@given(sizes(), st.integers(1, 6000))
def test_the_side_asked_for_is_exact_and_the_other_the_nearest(source: Size, side: int) -> None:
    """Both ways round."""
    by_width = keep_ratio(source, width=side, height=None)
    by_height = keep_ratio(source.transposed(), width=None, height=side)

    assert by_width.width == side
    assert by_width.height == round_side(Fraction(source.height * side, source.width))
    assert by_height == by_width.transposed()


def lay_out(source: Size, golden: Golden) -> Layout:
    """By the fit's own function, free of what a plan adds."""
    transform = golden.transform
    box = keep_ratio(source, width=transform.width, height=transform.height)
    enlarge = transform.enlarge is Enlarge.ALWAYS
    match transform.fit:
        case Fit.INSIDE:
            return fit_inside(source, box, enlarge=enlarge)
        case Fit.OUTSIDE:
            return fit_outside(source, box)
        case Fit.COVER:
            return fit_cover(source, box, enlarge=enlarge, gravity=transform.gravity, focus=None)
        case Fit.CONTAIN:
            return fit_contain(source, box, enlarge=enlarge, gravity=transform.gravity)
        case Fit.FILL:
            return Layout(size=box)


_LEFT_TO_PLANS = ("width=800&height=800&upscale=false", "width=6000")


@pytest.mark.parametrize(
    "golden",
    [golden for golden in GOLDEN_SIZES if golden.query not in _LEFT_TO_PLANS],
    ids=lambda golden: f"{golden.source.width}x{golden.source.height}?{golden.query}",
)
def test_a_fit_gives_the_golden_size(golden: Golden) -> None:
    """Size of the result and place of the picture on it are those of the vendor's engine."""
    layout = lay_out(golden.source, golden)

    picture = picture_on_result(size=layout.size, trim=layout.trim, left=layout.left, top=layout.top)
    assert (layout.result, picture) == (golden.result, golden.picture)


@given(sizes(), sizes(), st.booleans())
def test_inside_never_exceeds_the_box(source: Size, box: Size, enlarge: bool) -> None:
    """Whether it may be enlarged or not; nothing is cut and no canvas is needed."""
    layout = fit_inside(source, box, enlarge=enlarge)

    assert not layout.result.exceeds(box)
    assert layout.trim is None
    assert layout.canvas is None


@given(sizes(), sizes())
def test_inside_meets_the_box_on_the_nearer_side_exactly(source: Size, box: Size) -> None:
    """The other side is the exact one rounded, which the box bounds."""
    size = fit_inside(source, box, enlarge=True).size

    if source.height * box.width <= source.width * box.height:
        assert size == Size(box.width, round_side(Fraction(source.height * box.width, source.width)))
    else:
        assert size == Size(round_side(Fraction(source.width * box.height, source.height)), box.height)


@given(sizes(), sizes())
def test_inside_does_not_enlarge_unasked(source: Size, box: Size) -> None:
    """A picture that fits already keeps its pixels; one that does not is scaled as ever."""
    size = fit_inside(source, box, enlarge=False).size

    assert size == (fit_inside(source, box, enlarge=True).size if source.exceeds(box) else source)


@given(sizes(), sizes(), st.booleans(), st.sampled_from(Gravity))
def test_contain_gives_the_box_and_the_picture_lies_on_it(
    source: Size, box: Size, enlarge: bool, gravity: Gravity
) -> None:
    """The canvas is exactly the box, no pixel of the picture beyond its edges."""
    layout = fit_contain(source, box, enlarge=enlarge, gravity=gravity)

    assert layout.result == box
    assert layout.trim is None
    assert 0 <= layout.left <= box.width - layout.size.width
    assert 0 <= layout.top <= box.height - layout.size.height


@given(sizes(), sizes(), st.booleans(), st.sampled_from(Gravity))
def test_contain_scales_as_inside_does(source: Size, box: Size, enlarge: bool, gravity: Gravity) -> None:
    """Bars are all the difference."""
    layout = fit_contain(source, box, enlarge=enlarge, gravity=gravity)

    assert layout.size == fit_inside(source, box, enlarge=enlarge).size


@given(sizes(), sizes(), st.booleans(), st.sampled_from(Gravity))
def test_contain_puts_the_picture_where_gravity_says(source: Size, box: Size, enlarge: bool, gravity: Gravity) -> None:
    """At the edge, or in the middle to one px: the place is rounded by itself, from the picture's exact size."""
    layout = fit_contain(source, box, enlarge=enlarge, gravity=gravity)

    free = Size(box.width - layout.size.width, box.height - layout.size.height)
    assert abs(layout.left - free.width * gravity.horizontal) <= 1
    assert abs(layout.top - free.height * gravity.vertical) <= 1


@given(sizes(), sizes())
def test_contain_makes_no_canvas_where_there_are_no_bars(source: Size, box: Size) -> None:
    """A canvas of the picture's own size would be work for nothing and a second plan for one result."""
    layout = fit_contain(source, box, enlarge=True, gravity=Gravity.CENTER)

    assert (layout.canvas is None) == (layout.size == box)


@given(sizes(), sizes(), st.sampled_from(Gravity), st.none() | focal_points())
def test_cover_gives_the_box_cut_from_inside_the_picture(
    source: Size, box: Size, gravity: Gravity, focus: FocalPoint | None
) -> None:
    """What is kept lies within what is resampled, wherever the focal point is."""
    layout = fit_cover(source, box, enlarge=True, gravity=gravity, focus=focus)

    assert layout.result == box
    assert_lies_inside(layout.trim, layout.size)


@given(sizes(), sizes())
def test_cover_resamples_to_no_more_than_the_box_needs(source: Size, box: Size) -> None:
    """One side is the box's, the other is rounded up, so that no seam is left uncovered."""
    size = fit_cover(source, box, enlarge=True, gravity=Gravity.CENTER, focus=None).size

    scale = max(Fraction(box.width, source.width), Fraction(box.height, source.height))
    assert 0 <= size.width - source.width * scale < 1
    assert 0 <= size.height - source.height * scale < 1
    assert size.width == box.width or size.height == box.height


@given(sizes(), sizes(), st.sampled_from(Gravity), st.none() | focal_points())
def test_cover_without_enlarging_cuts_what_stands_over(
    source: Size, box: Size, gravity: Gravity, focus: FocalPoint | None
) -> None:
    """A picture shorter than the box on one side keeps its pixels; the result is what box and picture share."""
    assume(box.exceeds(source))

    layout = fit_cover(source, box, enlarge=False, gravity=gravity, focus=focus)

    assert layout.size == source
    assert layout.result == Size(min(source.width, box.width), min(source.height, box.height))
    assert_lies_inside(layout.trim, layout.size)


@given(sizes(longest=400), sizes(longest=400), focal_points())
def test_cover_brings_the_focal_point_to_the_middle(source: Size, box: Size, focus: FocalPoint) -> None:
    """To half a px, or else the cut touches the edge that stands in its way."""
    layout = fit_cover(source, box, enlarge=True, gravity=Gravity.TOP_LEFT, focus=focus)

    trim = layout.trim or Region(0, 0, *layout.size)
    scale = max(Fraction(box.width, source.width), Fraction(box.height, source.height))
    beside = trim.left + Fraction(box.width, 2) - focus.x * source.width * scale
    below = trim.top + Fraction(box.height, 2) - focus.y * source.height * scale
    assert abs(beside) <= HALF or (trim.left == 0 if beside > 0 else trim.left + trim.width == layout.size.width)
    assert abs(below) <= HALF or (trim.top == 0 if below > 0 else trim.top + trim.height == layout.size.height)


def test_the_focal_point_counts_before_gravity() -> None:
    """As `center` overrules `anchor` in the vendor's engine."""
    layout = fit_cover(
        Size(600, 400),
        Size(200, 200),
        enlarge=True,
        gravity=Gravity.LEFT,
        focus=FocalPoint(Fraction(3, 4), Fraction(1, 2)),
    )

    assert layout == Layout(size=Size(300, 200), trim=Region(100, 0, 200, 200))


@given(sizes(), sizes())
def test_outside_never_enlarges_and_meets_one_side_exactly(source: Size, box: Size) -> None:
    """With a box longer than the source on either side, the source stays as it is."""
    size = fit_outside(source, box).size

    if box.exceeds(source):
        assert size == source
    else:
        assert not size.exceeds(source)
        assert size.width == box.width or size.height == box.height


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (Size(300, 300), Size(450, 300)),
        (Size(580, 10), Size(580, 387)),
        (Size(300, 100), Size(150, 100)),
    ],
    ids=["height is nearer", "width is nearer", "both are as near"],
)
def test_outside_goes_by_the_side_that_is_nearer_in_pixels(box: Size, size: Size) -> None:
    """The side that has fewer px to lose reaches the box; of two alike it is the height, unless the box is tall."""
    assert fit_outside(Size(600, 400), box).size == size


@pytest.mark.parametrize(
    ("gravity", "horizontal", "vertical"),
    [
        (Gravity.CENTER, HALF, HALF),
        (Gravity.TOP, HALF, 0),
        (Gravity.RIGHT, 1, HALF),
        (Gravity.BOTTOM, HALF, 1),
        (Gravity.LEFT, 0, HALF),
        (Gravity.TOP_LEFT, 0, 0),
        (Gravity.TOP_RIGHT, 1, 0),
        (Gravity.BOTTOM_LEFT, 0, 1),
        (Gravity.BOTTOM_RIGHT, 1, 1),
    ],
)
def test_gravity_shares_the_free_room(gravity: Gravity, horizontal: Fraction, vertical: Fraction) -> None:
    """All nine, as shares of the room left and above."""
    assert (gravity.horizontal, gravity.vertical) == (horizontal, vertical)


# Exif 2.32, table 6 of 4.6.4: which visual side the 0th row and the 0th column of the stored pixels are.
_SIDES_OF_ROW_AND_COLUMN = {
    Orientation.UPRIGHT: ("top", "left"),
    Orientation.MIRRORED: ("top", "right"),
    Orientation.ROTATED_180: ("bottom", "right"),
    Orientation.FLIPPED: ("bottom", "left"),
    Orientation.TRANSPOSED: ("left", "top"),
    Orientation.ROTATED_90: ("right", "top"),
    Orientation.TRANSVERSED: ("right", "bottom"),
    Orientation.ROTATED_270: ("left", "bottom"),
}


def seen_at(column: int, row: int, *, orientation: Orientation, upright_size: Size) -> tuple[int, int]:
    """Where a stored pixel is seen, by the words of the standard."""
    places = {"left": column, "top": row}
    for index, side in zip((row, column), _SIDES_OF_ROW_AND_COLUMN[orientation], strict=True):
        match side:
            case "right":
                places["left"] = upright_size.width - 1 - index
            case "bottom":
                places["top"] = upright_size.height - 1 - index
            case _:
                places[side] = index
    return places["left"], places["top"]


def pixels_of(region: Region) -> set[tuple[int, int]]:
    left, top, width, height = region
    return {(x, y) for x in range(left, left + width) for y in range(top, top + height)}


@pytest.mark.parametrize("orientation", Orientation)
@given(stored=sizes(longest=6), data=st.data())
def test_a_stored_region_holds_just_the_pixels_seen(
    orientation: Orientation, stored: Size, data: st.DataObject
) -> None:
    """Cutting the stored pixels and turning them shows what turning them and cutting shows, for all eight."""
    upright_size = orientation.upright(stored)
    region = data.draw(regions_inside(upright_size))

    cut = orientation.stored_region(region, upright_size=upright_size)

    assert_lies_inside(cut, stored)
    seen = {seen_at(x, y, orientation=orientation, upright_size=upright_size) for x, y in pixels_of(cut)}
    assert seen == pixels_of(region)


@given(st.sampled_from(Orientation), sizes())
def test_turning_back_gives_the_stored_size(orientation: Orientation, stored: Size) -> None:
    """Sides are exchanged by 5 to 8 alone."""
    upright = orientation.upright(stored)

    assert upright == (stored.transposed() if int(orientation) >= 5 else stored)
    assert orientation.stored_size(upright) == stored


@pytest.mark.parametrize(
    ("layout", "result"),
    [
        (Layout(size=Size(3, 2)), Size(3, 2)),
        (Layout(size=Size(3, 2), trim=Region(1, 0, 2, 2)), Size(2, 2)),
        (Layout(size=Size(3, 2), canvas=Size(5, 5), left=1, top=1), Size(5, 5)),
    ],
)
def test_the_result_is_the_last_thing_made(layout: Layout, result: Size) -> None:
    """The canvas where there is one, else what is kept, else all that was resampled."""
    assert layout.result == result


def assert_lies_inside(region: Region | None, size: Size) -> None:
    if region is not None:
        assert region.left >= 0
        assert region.top >= 0
        assert region.left + region.width <= size.width
        assert region.top + region.height <= size.height
