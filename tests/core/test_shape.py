"""Which renditions can be shown for one another: those that differ in their size alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import ImageInfo
from imgsvc.core.color import WHITE
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Fit, Region, Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan
from imgsvc.core.shape import is_larger_alike, shape_of
from imgsvc.core.transform import Transform
from tests.strategies import original_of

PHOTOGRAPH = ImageInfo(format=Format.JPEG, size=Size(3000, 2000))


def plan_of(transform: Transform) -> Plan:
    return make_plan(original_of(PHOTOGRAPH), transform, defaults=Defaults(), limits=Limits())


@given(st.integers(100, 2900), st.integers(101, 3000))
def test_two_sizes_of_a_whole_picture_are_alike(one: int, other: int) -> None:
    """However their heights are rounded; the larger may be shown for the smaller, never the other way round."""
    first, second = plan_of(Transform(width=min(one, other))), plan_of(Transform(width=max(one, other)))

    assert shape_of(first) == shape_of(second)
    assert is_larger_alike(second.result, first.result) == (one != other)
    assert not is_larger_alike(first.result, second.result)


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_two_sizes_of_a_cut_are_alike(scale: int) -> None:
    small, large = (plan_of(Transform(width=200 * by, height=200 * by, fit=Fit.COVER)) for by in (1, scale))

    assert shape_of(small) == shape_of(large)
    assert is_larger_alike(large.result, small.result)


@pytest.mark.parametrize(
    "other",
    [
        Transform(width=900, height=900, fit=Fit.COVER),
        Transform(width=600, format=Format.WEBP),
        Transform(width=600, crop=Region(0, 0, 1500, 1000)),
    ],
)
def test_what_shows_something_else_is_not_alike(other: Transform) -> None:
    """Cut elsewhere, or of another format."""
    whole, second = plan_of(Transform(width=300)), plan_of(other)

    assert shape_of(whole) != shape_of(second) or not is_larger_alike(second.result, whole.result)


def test_bars_are_no_shape() -> None:
    """How wide they are depends on the size."""
    padded = plan_of(Transform(width=300, height=300, fit=Fit.CONTAIN, background=WHITE))

    assert shape_of(padded) is None
    assert shape_of(replace(padded, canvas=None)) is not None
