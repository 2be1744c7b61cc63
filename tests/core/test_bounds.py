"""What may be asked for without a signature."""

from dataclasses import replace

import pytest
from hypothesis import given

from imgsvc.core.assets import AssetKind, AssetRef
from imgsvc.core.bounds import Bounds, OffLadder, Unsigned
from imgsvc.core.color import Color
from imgsvc.core.errors import NotPermitted
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Enlarge, Fit, Gravity
from imgsvc.core.ladder import Ladder
from imgsvc.core.presets import PRESETS
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Metadata, Transform
from tests.strategies import transforms

RED = Color(255, 0, 0)
HERO = Transform(width=1600, height=600, fit=Fit.COVER, quality=70)


def bounds(unsigned: Unsigned, off_ladder: OffLadder = OffLadder.SNAP) -> Bounds:
    return Bounds(unsigned=unsigned, ladder=Ladder((160, 320, 640)), off_ladder=off_ladder, presets={"hero": HERO})


def request(transform: Transform, preset: str | None = None) -> PictureRequest:
    return PictureRequest(ref=AssetRef(AssetKind.SLUG, "abcdefgh"), transform=transform, preset=preset)


@given(transforms())
def test_anything_is_anything(transform: Transform) -> None:
    wanted = request(transform)

    assert bounds(Unsigned.ANYTHING, OffLadder.REFUSE).bound_unsigned(wanted) is wanted


@pytest.mark.parametrize("unsigned", [Unsigned.LADDER, Unsigned.PRESETS])
@pytest.mark.parametrize("off_ladder", OffLadder)
@pytest.mark.parametrize(
    "wanted",
    [
        request(NOTHING_ASKED),
        request(Transform(format=Format.WEBP)),
        request(HERO, "hero"),
        request(replace(HERO, format=Format.AVIF), "hero"),
        request(PRESETS["system-preview"], "system-preview"),
        request(PRESETS["600x600"], "600x600"),
    ],
)
def test_presets_and_originals_may_always_be_asked_for(
    unsigned: Unsigned, off_ladder: OffLadder, wanted: PictureRequest
) -> None:
    """In any format, as they are."""
    assert bounds(unsigned, off_ladder).bound_unsigned(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        request(Transform(width=160)),
        request(replace(HERO, width=160), "hero"),
        request(replace(HERO, quality=71), "hero"),
        request(replace(HERO, background=Color(1, 2, 3)), "hero"),
        request(Transform(max_width=600, max_height=599), "600x599"),
        request(HERO),
    ],
)
def test_presets_alone_are_no_more_than_presets(wanted: PictureRequest) -> None:
    """A name that is a size is none."""
    with pytest.raises(NotPermitted, match="presets and originals alone"):
        bounds(Unsigned.PRESETS).bound_unsigned(wanted)


@pytest.mark.parametrize(
    ("transform", "word"),
    [
        (Transform(quality=50), "quality"),
        (Transform(background=Color(0, 0, 0)), "background colour"),
        (Transform(metadata=Metadata.KEEP), "metadata"),
    ],
)
def test_what_cannot_be_counted_needs_a_signature(transform: Transform, word: str) -> None:
    """By its name, so that a developer knows what to leave out."""
    with pytest.raises(NotPermitted, match=f"no {word} can be asked for"):
        bounds(Unsigned.LADDER).bound_unsigned(request(transform))


def test_what_can_be_counted_goes_with_a_size_of_the_ladder() -> None:
    wanted = request(
        Transform(width=320, fit=Fit.COVER, enlarge=Enlarge.SKIP, gravity=Gravity.TOP, upright=False, format=Format.PNG)
    )

    assert bounds(Unsigned.LADDER, OffLadder.REFUSE).bound_unsigned(wanted) == wanted


def test_a_size_off_the_ladder_moves_up_to_it() -> None:
    bounded = bounds(Unsigned.LADDER).bound_unsigned(request(Transform(width=161)))

    assert bounded == request(Transform(width=320))


def test_or_is_refused_and_the_ladder_told() -> None:
    with pytest.raises(NotPermitted, match=r"160, 320, 640, .* asked for was width 161\.$"):
        bounds(Unsigned.LADDER, OffLadder.REFUSE).bound_unsigned(request(Transform(width=161)))


@pytest.mark.parametrize(
    ("asked", "bounded"),
    [
        (NOTHING_ASKED, Transform(max_width=640)),
        (Transform(format=Format.WEBP), Transform(format=Format.WEBP, max_width=640)),
        (Transform(width=640, height=10_240), Transform(width=640, height=10_240, max_width=640)),
        (Transform(height=320), Transform(height=320, max_width=640)),
        (Transform(max_width=160), Transform(max_width=160)),
        (Transform(max_height=320), Transform(max_width=640, max_height=320)),
        (
            Transform(max_height=320, background=RED),
            Transform(
                width=640,
                height=320,
                max_width=640,
                max_height=320,
                fit=Fit.INSIDE,
                enlarge=Enlarge.NEVER,
                background=RED,
            ),
        ),
    ],
)
@pytest.mark.parametrize("off_ladder", OffLadder)
def test_floating_sizes_end_at_the_ladders_top(off_ladder: OffLadder, asked: Transform, bounded: Transform) -> None:
    """Whoever leaves sizes out, or asks for so much that nothing is resized, gets no original."""
    bounds_of_url = bounds(Unsigned.ANYTHING, off_ladder)

    assert bounds_of_url.bound_floating(request(asked), shape=None) == request(bounded)


def test_a_presets_own_sizes_may_float_above_it() -> None:
    """The operator has said them; not so where the preset says none."""
    hero, plain = request(HERO, "hero"), request(NOTHING_ASKED, "plain")
    bounds_of_url = bounds(Unsigned.ANYTHING)

    assert bounds_of_url.bound_floating(hero, shape=None) == hero
    assert bounds_of_url.bound_floating(plain, shape=None).transform == Transform(max_width=640)


@given(transforms())
def test_what_was_bounded_is_within_bounds(transform: Transform) -> None:
    """Also for who refuses."""
    try:
        bounded = bounds(Unsigned.LADDER).bound_unsigned(request(transform))
    except NotPermitted:
        return

    assert bounds(Unsigned.LADDER, OffLadder.REFUSE).bound_unsigned(bounded) == bounded
