"""Each step alone, on pixels that can be counted."""

from dataclasses import replace

import pytest
import pyvips
from hypothesis import given

from imgsvc.core.color import Color
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Region, Size
from imgsvc.core.plan import TRANSPARENT, Encoding, Plan, UseOriginal
from imgsvc.render.steps import PIPELINE, lay_on_background, trim, turn_upright
from tests.originals import COLOURS, GREYS, corners, decode, orientation_jpeg, pixel, png, quadrants
from tests.strategies import colors

PLAN = Plan(
    source=Format.PNG,
    region=None,
    orientation=Orientation.UPRIGHT,
    to_srgb=False,
    size=Size(40, 30),
    trim=None,
    canvas=None,
    left=0,
    top=0,
    background=None,
    frames=1,
    encoding=Encoding(format=Format.PNG),
    max_bytes=None,
    use_original=UseOriginal.NEVER,
)
"""Asks nothing of any step."""

PETROL = Color(0, 90, 110)
HALF = Color(200, 100, 0, 128)


def grey() -> pyvips.Image:
    return decode(png(40, 30, grey=True))


def one_pixel(*values: int, interpretation: str = "srgb") -> pyvips.Image:
    image = pyvips.Image.new_from_memory(bytes(values), 1, 1, len(values), "uchar")
    return image.copy(interpretation=interpretation)


@pytest.mark.parametrize("step", PIPELINE)
def test_a_step_of_which_nothing_is_asked_gives_the_same_back(step: object) -> None:
    image = quadrants(40, 30, alpha=True)

    assert callable(step)
    assert step(image, PLAN) is image


@pytest.mark.parametrize("orientation", list(Orientation))
def test_stored_pixels_are_turned_upright(orientation: Orientation) -> None:
    stored = decode(orientation_jpeg(orientation, 40, 32))

    upright = turn_upright(stored, replace(PLAN, orientation=orientation))

    assert (upright.width, upright.height) == (40, 32)
    assert corners(upright) == corners(decode(orientation_jpeg(1, 40, 32)))


@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_picture_read_line_by_line_can_be_turned(orientation: Orientation) -> None:
    """Decoders give each line once; turning needs columns, or begins with the last line."""
    data = png(400, 300)
    lines = pyvips.Image.new_from_buffer(data, "", access="sequential")

    turned = turn_upright(lines, replace(PLAN, orientation=orientation))

    assert turned.avg() == pytest.approx(decode(data).avg())


def test_trim_keeps_what_the_plan_says() -> None:
    trimmed = trim(quadrants(40, 30), replace(PLAN, trim=Region(19, 14, 2, 2)))

    assert (trimmed.width, trimmed.height) == (2, 2)
    assert tuple(pixel(trimmed, x, y) for y in (0, 1) for x in (0, 1)) == COLOURS


def test_the_picture_lies_on_the_canvas_where_the_plan_says() -> None:
    plan = replace(PLAN, canvas=Size(60, 50), left=7, top=11, background=PETROL)

    laid = lay_on_background(quadrants(40, 30), plan)

    assert (laid.width, laid.height, laid.bands) == (60, 50, 3)
    assert laid.crop(7, 11, 40, 30).write_to_memory() == quadrants(40, 30).write_to_memory()
    for bar in (laid.crop(0, 0, 60, 11), laid.crop(0, 41, 60, 9), laid.crop(0, 0, 7, 50), laid.crop(47, 0, 13, 50)):
        assert {pixel(bar, x, y) for x in range(bar.width) for y in range(bar.height)} == {PETROL[:3]}


def test_bars_of_half_a_colour_give_an_opaque_picture_alpha() -> None:
    plan = replace(PLAN, canvas=Size(40, 40), top=10, background=HALF)

    laid = lay_on_background(quadrants(40, 30), plan)

    assert pixel(laid, 5, 5) == HALF
    assert pixel(laid, 5, 15) == (*COLOURS[0], 255)


def test_transparent_bars_leave_the_pictures_alpha_alone() -> None:
    image = quadrants(40, 30, alpha=True)

    laid = lay_on_background(image, replace(PLAN, canvas=Size(40, 40), top=5, background=TRANSPARENT))

    assert laid.crop(0, 5, 40, 30).write_to_memory() == image.write_to_memory()
    assert pixel(laid, 0, 0) == (0, 0, 0, 0)


def test_grey_stays_grey_on_grey() -> None:
    """One band, half the bytes."""
    plan = replace(PLAN, canvas=Size(40, 40), background=Color(255, 255, 255))

    laid = lay_on_background(grey(), plan)

    assert laid.bands == 1
    assert pixel(laid, 5, 35) == (255,)


def test_grey_takes_colour_from_a_coloured_bar() -> None:
    laid = lay_on_background(grey(), replace(PLAN, canvas=Size(40, 60), background=PETROL))

    assert pixel(laid, 5, 50) == PETROL[:3]
    assert corners(laid.crop(0, 0, 40, 30)) == tuple(value * 3 for value in GREYS)


def test_grey_with_alpha_on_half_a_grey() -> None:
    image = one_pixel(100, 0, interpretation="b-w")

    laid = lay_on_background(image, replace(PLAN, background=Color(60, 60, 60, 128)))

    assert pixel(laid, 0, 0)[-1] == 128
    assert pixel(laid, 0, 0)[0] == 60


@given(over=colors(), under=colors())
def test_alpha_goes_under_the_colour_as_porter_and_duff_have_it(over: Color, under: Color) -> None:
    """Source over, unpremultiplied (Compositing and Blending Level 1, 9.1), rounding apart."""
    laid = lay_on_background(one_pixel(*over), replace(PLAN, background=under))

    found = pixel(laid, 0, 0)
    alpha = over.alpha + under.alpha * (255 - over.alpha) / 255
    opaque = found if len(found) == 4 else (*found, 255)
    if under.alpha == 0:
        assert found == tuple(over)
        return
    assert abs(opaque[3] - alpha) <= 1
    for band in range(3):
        mixed = over[band] * over.alpha + under[band] * under.alpha * (255 - over.alpha) / 255
        # One level, and more where next to nothing is there that could be seen.
        assert abs(opaque[band] - mixed / alpha) <= 1 + 255 / alpha


def test_an_opaque_background_leaves_no_alpha() -> None:
    assert not lay_on_background(quadrants(alpha=True), replace(PLAN, background=PETROL)).hasalpha()
