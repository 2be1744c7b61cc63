"""Transforms with a name, and names that are a size."""

import pytest

from imgsvc.core.geometry import Fit
from imgsvc.core.presets import find_preset
from imgsvc.core.transform import Transform

HERO = Transform(width=1600, height=600, fit=Fit.COVER)
PRESETS = {"hero": HERO, "600x600": Transform(width=600, height=600)}


@pytest.mark.parametrize("name", ["hero", "Hero", "HERO"])
def test_a_name_is_found_in_any_case(name: str) -> None:
    """The operator's names are kept in lower case."""
    assert find_preset(name, PRESETS) == HERO


@pytest.mark.parametrize(
    ("name", "transform"),
    [
        ("600x600", Transform(max_width=600, max_height=600)),
        ("1920x", Transform(max_width=1920)),
        ("x480", Transform(max_height=480)),
        ("1920X1080", Transform(max_width=1920, max_height=1080)),
        ("99999x1", Transform(max_width=99_999, max_height=1)),
    ],
)
def test_a_size_fits_inside_and_never_enlarges(name: str, transform: Transform) -> None:
    """Both sides or either of them, without anybody having set it up."""
    assert find_preset(name, {}) == transform


def test_the_operators_own_name_comes_before_the_size() -> None:
    """Who calls a preset 600x600 means his own."""
    assert find_preset("600x600", PRESETS) == Transform(width=600, height=600)


@pytest.mark.parametrize(
    "name", ["", "x", "0x0", "0x", "600x0", "-1x5", "600", "600x600x", "6.5x", "600 x 600", "٣x٣", "100000x", "nobody"]
)
def test_anything_else_is_no_preset(name: str) -> None:
    """None, so that the dialect may say so in its own words."""
    assert find_preset(name, PRESETS) is None


@pytest.mark.parametrize(
    ("names", "side"),
    [
        (("system-thumbnail", "thumbnail", "System-Thumbnail"), 320),
        (("system-preview", "preview", "PREVIEW"), 1280),
        (("600x600",), 600),
    ],
)
def test_the_vendors_names_are_there_without_a_setting(names: tuple[str, ...], side: int) -> None:
    """Old and new, in any case; they fit inside and never enlarge."""
    assert {find_preset(name, {}) for name in names} == {Transform(max_width=side, max_height=side)}


@pytest.mark.parametrize("name", ["system-thumbnail", "Preview"])
def test_the_operators_own_name_comes_before_the_vendors(name: str) -> None:
    assert find_preset(name, {name.lower(): HERO}) == HERO
