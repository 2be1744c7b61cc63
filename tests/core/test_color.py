"""Colours as people write them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor

from imgsvc.core.color import (
    NAMED_COLORS,
    Color,
    color_from_argb_hex,
    color_from_decimals,
    color_from_name,
    color_from_rgba_hex,
)
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.parameters import read_value
from tests.strategies import colors


@given(colors())
def test_the_canonical_spelling_is_read_back(color: Color) -> None:
    """RRGGBB, and AA behind it where the colour is not opaque."""
    assert color_from_rgba_hex(str(color)) == color


@given(colors())
def test_dotnets_order_has_alpha_first(color: Color) -> None:
    """Of eight digits: AARRGGBB."""
    red, green, blue, alpha = color

    assert color_from_argb_hex(f"{alpha:02x}{red:02x}{green:02x}{blue:02x}") == color


@given(colors())
def test_decimals_are_red_green_blue_alpha(color: Color) -> None:
    """Alpha is 0..255 as the others are."""
    assert color_from_decimals(",".join(map(str, color))) == color


@pytest.mark.parametrize("read", [color_from_rgba_hex, color_from_argb_hex])
@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("f80", Color(255, 136, 0)),
        ("#f80", Color(255, 136, 0)),
        ("FF8800", Color(255, 136, 0)),
        ("#Ff8800", Color(255, 136, 0)),
    ],
)
def test_three_and_six_digits_are_opaque_in_both_orders(read: Callable[[str], Color], text: str, color: Color) -> None:
    """`#` is optional, case does not matter."""
    assert read(text) == color


@pytest.mark.parametrize("text", ["#80ff0000", "80FF0000"])
def test_a_number_sign_does_not_change_the_order(text: str) -> None:
    """Half red in .NET's spelling, nearly opaque dark purple in CSS'."""
    assert color_from_argb_hex(text) == Color(255, 0, 0, 128)
    assert color_from_rgba_hex(text) == Color(128, 255, 0, 0)


@pytest.mark.parametrize(
    "text", ["", "#", "f", "ff", "ffff", "fffff", "fffffff", "fffffffff", "##fff", "ggg", "٣٣٣", "fff\n", " fff"]
)
def test_other_hex_is_refused(text: str) -> None:
    """Three, six or eight digits and nothing around them."""
    with pytest.raises(InvalidParameter):
        read_value("bgcolor", text, read=color_from_rgba_hex, expected="a colour")


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4,5", "256,0,0", "-1,0,0", "1.5,0,0", "1,,3", "٣,0,0", "0001,0,0"])
def test_other_decimals_are_refused(text: str) -> None:
    """Three or four numbers of 0..255."""
    with pytest.raises(InvalidParameter):
        read_value("bgcolor", text, read=color_from_decimals, expected="a colour")


def test_spaces_around_decimals_are_allowed() -> None:
    """As in `rgb(255, 136, 0)`."""
    assert color_from_decimals("255, 136, 0") == Color(255, 136, 0)


@pytest.mark.parametrize("name", sorted(ImageColor.colormap))
def test_a_named_colour_is_css(name: str) -> None:
    """Pillow's table of CSS names is the witness."""
    assert color_from_name(name) == Color(*ImageColor.getrgb(name))


def test_no_name_is_missing_or_ours() -> None:
    """All of CSS Color 4, and `transparent`."""
    assert set(NAMED_COLORS) == {*ImageColor.colormap, "transparent"}


def test_transparent_is_nothing_at_all() -> None:
    """CSS Color 4, 6.3: rgba(0, 0, 0, 0)."""
    assert color_from_name("transparent") == Color(0, 0, 0, 0)


@pytest.mark.parametrize("name", ["CadetBlue", "DEEPPINK"])
def test_names_are_read_in_any_case(name: str) -> None:
    """CSS knows no case here."""
    assert color_from_name(name) == color_from_name(name.lower())


@given(st.text(max_size=12).filter(lambda text: text.lower() not in NAMED_COLORS))
def test_any_other_name_is_refused(text: str) -> None:
    """Under the name that the caller's parameter has."""
    with pytest.raises(InvalidParameter):
        read_value("bgcolor", text, read=color_from_name, expected="a colour")
