"""A ladder of sizes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.geometry import round_side
from imgsvc.core.ladder import Ladder
from imgsvc.core.transform import NOTHING_ASKED, Transform
from tests.strategies import transforms

LADDER = Ladder((160, 320, 640, 1280, 2560))
HERO = Transform(width=1600, height=600)

sides = st.integers(1, 6000)


@pytest.mark.parametrize(
    ("side", "rung"), [(1, 160), (160, 160), (161, 320), (639, 640), (2560, 2560), (2561, 2560), (999_999, 2560)]
)
def test_a_size_moves_up_to_the_next(side: int, rung: int) -> None:
    """Above the ladder down to its top."""
    assert LADDER.rung(side) == rung


@pytest.mark.parametrize(
    ("asked", "climbed"),
    [
        (NOTHING_ASKED, NOTHING_ASKED),
        (Transform(width=500), Transform(width=640)),
        (Transform(height=500), Transform(height=640)),
        (Transform(max_width=350, max_height=550), Transform(max_width=640, max_height=1006)),
        (Transform(width=300, height=400), Transform(width=320, height=427)),
        (Transform(width=640, height=360), Transform(width=640, height=360)),
        (Transform(width=1366, height=768), Transform(width=2560, height=1440)),
        (Transform(width=1, height=99_999), Transform(width=160, height=2560)),
        (Transform(width=99_999, height=1), Transform(width=2560, height=160)),
        (Transform(width=160, max_width=100), Transform(width=160, max_width=160)),
    ],
)
def test_sizes_climb(asked: Transform, climbed: Transform) -> None:
    """A width to its rung, a height beside it in the nearest simple shape."""
    assert LADDER.climb(asked, NOTHING_ASKED) == climbed


@pytest.mark.parametrize(
    ("asked", "climbed"),
    [
        (HERO, HERO),
        (Transform(width=640, height=600), Transform(width=640, height=600)),
        (Transform(width=600, height=600), Transform(width=640, height=600)),
        (Transform(width=1600, height=200), Transform(width=1600, height=320)),
        (Transform(width=800, height=300), Transform(width=1280, height=480)),
        (Transform(width=3200, height=1200), Transform(width=2560, height=960)),
    ],
)
def test_what_a_preset_says_may_stay(asked: Transform, climbed: Transform) -> None:
    """At another density it keeps its shape."""
    assert LADDER.climb(asked, HERO) == climbed


def test_a_shape_that_somebody_answers_for_is_kept() -> None:
    """Here 1000:417, which is no simple one."""
    asked = Transform(width=1000, height=417)

    assert LADDER.climb(asked, NOTHING_ASKED, shape=Fraction(417, 1000)) == Transform(width=1280, height=534)
    assert LADDER.climb(asked, NOTHING_ASKED) == Transform(width=1280, height=533)


@given(st.integers(1, 3000))
def test_it_makes_one_height_a_rung(width: int) -> None:
    """However the height was rounded that belongs to a width off the ladder."""
    shape = Fraction(417, 1000)

    climbed = LADDER.climb(Transform(width=width, height=round_side(width * shape)), NOTHING_ASKED, shape=shape)

    assert climbed == Transform(width=LADDER.rung(width), height=round_side(LADDER.rung(width) * shape))


def test_nobody_answers_for_the_shape_of_bounds() -> None:
    """No ratio is of them."""
    asked = Transform(max_width=1000, max_height=417)

    assert LADDER.climb(asked, NOTHING_ASKED, shape=Fraction(417, 1000)) == Transform(max_width=1280, max_height=533)


@given(transforms())
def test_who_has_climbed_stays(asked: Transform) -> None:
    """So what is on the ladder is not refused, whoever rounded it."""
    climbed = LADDER.climb(asked, NOTHING_ASKED)

    assert LADDER.climb(climbed, NOTHING_ASKED) == climbed


@given(transforms())
def test_nothing_else_changes(asked: Transform) -> None:
    """Sides that were not asked for are not asked for now."""
    climbed = LADDER.climb(asked, NOTHING_ASKED)

    sized = ("width", "height", "max_width", "max_height")
    for name in Transform.__dataclass_fields__:
        if name in sized:
            assert (getattr(climbed, name) is None) == (getattr(asked, name) is None)
        else:
            assert getattr(climbed, name) == getattr(asked, name)


@given(sides, sides)
def test_a_box_keeps_nearly_its_shape(width: int, height: int) -> None:
    """Within 1/32 of the longer side, where it is no flatter than 16:1."""
    climbed = LADDER.climb(Transform(width=width, height=height), NOTHING_ASKED)

    assert climbed.width is not None
    assert climbed.height is not None
    asked, shape = Fraction(height, width), Fraction(climbed.height, climbed.width)
    if Fraction(1, 16) <= asked <= 16:
        off = abs(asked - shape) if asked <= 1 else abs(1 / asked - 1 / shape)
        assert off <= Fraction(1, 32) + Fraction(1, 160)


def test_boxes_are_few() -> None:
    """However many are asked for."""
    boxes = {
        (climbed.width, climbed.height)
        for width in range(1, 400, 3)
        for height in range(1, 400, 3)
        for climbed in [LADDER.climb(Transform(width=width, height=height), NOTHING_ASKED)]
    }

    assert len(boxes) < 1000
