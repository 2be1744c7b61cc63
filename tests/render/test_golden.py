"""What is drawn, against what eyes have approved. `--update-golden` writes the sheets anew: look before you commit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import pytest
import pyvips

from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region
from imgsvc.core.transform import Transform
from tests.originals import (
    animated_webp,
    avif,
    bmp,
    chart,
    cut_out,
    decode,
    decode_frames,
    gif,
    jpeg,
    orientation_jpeg,
    photograph,
    png,
    quadrants,
    svg,
    tiff,
    webp,
)
from tests.render.darkroom import Darkroom
from tests.render.sheets import compare, disagreeing
from tests.render.shelf import Shelved

ANCHORS = (
    Gravity.TOP_LEFT, Gravity.TOP, Gravity.TOP_RIGHT,
    Gravity.LEFT, Gravity.CENTER, Gravity.RIGHT,
    Gravity.BOTTOM_LEFT, Gravity.BOTTOM, Gravity.BOTTOM_RIGHT,
)  # fmt: skip

# What Struct calls its modes: dialects/struct.py, MODES.
ANCHORED_MODES = {
    "pad": (Fit.CONTAIN, Enlarge.ALWAYS),
    "boxpad": (Fit.CONTAIN, Enlarge.NEVER),
    "crop": (Fit.COVER, Enlarge.ALWAYS),
}
OTHER_MODES = {
    "max": (Fit.INSIDE, Enlarge.NEVER),
    "min": (Fit.OUTSIDE, Enlarge.ALWAYS),
    "stretch": (Fit.FILL, Enlarge.ALWAYS),
}
BOXES = {"tall": (56, 84), "wide": (84, 56), "square": (70, 70)}
PETROL = Color(0, 90, 110)

READ: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "jpeg": lambda: jpeg(160, 120),
        "jpeg p3": lambda: jpeg(160, 120, icc="p3"),
        "jpeg cmyk": lambda: jpeg(160, 120, cmyk=True),
        "jpeg grey": lambda: jpeg(160, 120, grey=True),
        "png": lambda: png(160, 120),
        "png 16 bit": lambda: png(160, 120, sixteen_bit=True),
        "png grey": lambda: png(160, 120, grey=True),
        "png 1 bit": lambda: png(160, 120, one_bit=True),
        "png palette": lambda: png(160, 120, palette=True),
        "png alpha": lambda: png(160, 120, alpha=True),
        "png palette alpha": lambda: png(160, 120, palette=True, alpha=True),
        "webp": lambda: webp(160, 120),
        "webp alpha": lambda: webp(160, 120, alpha=True),
        "avif": lambda: avif(160, 120),
        "avif alpha": lambda: avif(160, 120, alpha=True),
        "gif": lambda: gif(160, 120),
        "tiff": lambda: tiff(160, 120),
        "bmp": lambda: bmp(160, 120),
        "svg": lambda: svg(160, 120),
        "svg see-through": lambda: svg(
            160, 120, '<rect width="80" height="60" fill="red"/><circle cx="120" cy="80" r="30" opacity=".5"/>'
        ),
    }
)
WRITTEN = tuple(name for name, row in FORMATS.items() if row.encodes)


@pytest.fixture
def agree(request: pytest.FixtureRequest) -> Callable[..., None]:
    def agree(name: str, pictures: Mapping[str, pyvips.Image], *, across: int) -> None:
        update = bool(request.config.getoption("--update-golden"))
        assert disagreeing(name, pictures, across=across, update=update) == {}

    return agree


def saved(picture: pyvips.Image) -> bytes:
    return picture.pngsave_buffer(keep=pyvips.ForeignKeep.NONE)


def charts() -> dict[str, bytes]:
    """Larger than every box, and smaller than every box."""
    return {
        "wide": saved(chart(240, 180)),
        "tall": saved(chart(180, 240)),
        "small wide": saved(chart(40, 30)),
        "small tall": saved(chart(30, 40)),
    }


@pytest.mark.parametrize("mode", ANCHORED_MODES)
def test_a_mode_with_anchors_looks_as_approved(mode: str, darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Nine anchors across; down each original in the box that leaves it the most to place, both ways."""
    fit, enlarge = ANCHORED_MODES[mode]
    pictures = {
        f"{name} in {box} at {anchor}": decode(
            darkroom.render(
                data,
                Transform(
                    width=BOXES[box][0],
                    height=BOXES[box][1],
                    fit=fit,
                    enlarge=enlarge,
                    gravity=anchor,
                    background=PETROL,
                ),
            )
        )
        for name, data in charts().items()
        for box in ("tall", "wide")
        for anchor in ANCHORS
    }

    agree(mode, pictures, across=len(ANCHORS))


def test_the_modes_without_anchors_look_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """max, min and stretch down; each original in each box across."""
    pictures = {
        f"{mode}: {name} in {box}": decode(
            darkroom.render(data, Transform(width=width, height=height, fit=fit, enlarge=enlarge))
        )
        for mode, (fit, enlarge) in OTHER_MODES.items()
        for name, data in charts().items()
        for box, (width, height) in BOXES.items()
    }

    agree("max-min-stretch", pictures, across=len(charts()) * len(BOXES))


def test_every_format_read_and_written_looks_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Originals down, what they are written as across."""
    pictures = {
        f"{read} as {written}": decode(darkroom.render(draw(), Transform(width=64, format=written)))
        for read, draw in READ.items()
        for written in WRITTEN
    }

    agree("formats", pictures, across=len(WRITTEN))


def test_every_orientation_looks_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Orientations across; down: as it comes, not turned, a region, the same region not turned, cropped, padded."""
    asked = {
        "plain": Transform(width=64),
        "as stored": Transform(width=64, upright=False),
        "region": Transform(width=64, crop=Region(20, 10, 200, 150)),
        "region as stored": Transform(width=64, crop=Region(20, 10, 200, 150), upright=False),
        "crop": Transform(width=64, height=64, fit=Fit.COVER, gravity=Gravity.TOP_LEFT),
        "focus": Transform(width=40, height=64, fit=Fit.COVER, focus=FocalPoint(Fraction(9, 10), Fraction(1, 2))),
        "pad": Transform(width=64, height=64, background=PETROL, gravity=Gravity.BOTTOM),
    }
    pictures = {
        f"{name} of orientation {orientation}": decode(darkroom.render(orientation_jpeg(orientation), transform))
        for name, transform in asked.items()
        for orientation in range(1, 9)
    }

    agree("orientations", pictures, across=8)


def test_every_background_looks_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Originals down, opaque and not; across: no background asked, opaque, half, none at all, each as PNG and JPEG."""
    grounds = {"none": None, "opaque": PETROL, "half": Color(200, 0, 200, 128), "clear": Color(0, 0, 0, 0)}
    originals = ("png", "png grey", "png alpha", "webp alpha", "png palette alpha", "gif", "svg see-through")
    pictures = {
        f"{name} on {ground} as {written}": decode(
            darkroom.render(READ[name](), Transform(width=64, height=64, background=color, format=written))
        )
        for name in originals
        for ground, color in grounds.items()
        for written in (Format.PNG, Format.JPEG)
    }

    agree("backgrounds", pictures, across=8)


def test_every_frame_looks_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Frames across; down GIF and WebP, written as either, resized, cropped, padded and a region of it."""
    asked = {
        "resized": Transform(width=64),
        "cropped": Transform(width=48, height=48, fit=Fit.COVER, gravity=Gravity.LEFT),
        "padded": Transform(width=64, height=64, background=PETROL),
        "region": Transform(width=64, crop=Region(10, 10, 120, 60)),
    }
    films = {"gif": gif(160, 120, frames=4), "webp": animated_webp(160, 120, frames=4)}
    pictures = {
        f"frame {n} of {read} as {written} {name}": frame
        for read, data in films.items()
        for written in (Format.GIF, Format.WEBP)
        for name, transform in asked.items()
        for n, frame in enumerate(decode_frames(darkroom.render(data, replace(transform, format=written))))
    }

    agree("frames", pictures, across=4)


def test_what_is_made_from_levels_looks_as_approved(darkroom: Darkroom, agree: Callable[..., None]) -> None:
    """Orientations across, plain and a region; then a photograph, one of odd sides, a cut-out and a grey one down.

    Across: as it is, small, a region, cropped, padded, on a colour, distorted, as JPEG.
    """
    asked = {
        "plain": Transform(width=96),
        "small": Transform(width=40),
        "region": Transform(width=96, crop=Region(300, 180, 300, 224)),
        "crop": Transform(width=72, height=72, fit=Fit.COVER, gravity=Gravity.RIGHT),
        "pad": Transform(width=96, height=84, background=PETROL, gravity=Gravity.TOP),
        "ground": Transform(width=96, background=Color(200, 0, 200, 128)),
        "distorted": Transform(width=40, height=84, fit=Fit.FILL),
        "jpeg": Transform(width=96, format=Format.JPEG),
    }
    originals = {
        "photograph": photograph(900, 700).jpegsave_buffer(Q=92),
        "odd photograph": photograph(701, 803).webpsave_buffer(Q=92, effort=0),
        "cut-out": cut_out(900, 701).pngsave_buffer(compression=1),
        "grey": photograph(900, 700).colourspace("b-w").pngsave_buffer(compression=1),
    }
    region = Transform(width=96, crop=Region(20, 8, 512, 384))
    shelved = {name: Shelved(data, darkroom) for name, data in originals.items()}
    turned = [Shelved(orientation_jpeg(orientation, 800, 600), darkroom) for orientation in range(1, 9)]
    wanted = [(shelf, transform) for transform in (asked["plain"], region) for shelf in turned]
    wanted += [(shelf, transform) for shelf in shelved.values() for transform in asked.values()]
    names = [f"{how} of orientation {n}" for how in ("plain", "region") for n in range(1, 9)]
    names += [f"{name} {how}" for name in shelved for how in asked]
    pictures = {name: from_level(*row) for name, row in zip(names, wanted, strict=True)}

    agree("levels", pictures, across=8)


def from_level(original: Shelved, asked: Transform) -> pyvips.Image:
    asked = replace(asked, format=asked.format or Format.PNG)
    level = original.level(asked)
    assert level is not None
    return decode(original.render(asked, level=level))


@pytest.mark.parametrize(("across", "down"), [(2, 0), (0, 2), (-2, 0), (0, -2)])
@pytest.mark.parametrize("anchor", ANCHORS)
def test_a_shift_of_two_pixels_is_seen(across: int, down: int, anchor: Gravity, darkroom: Darkroom) -> None:
    """The tolerance lets no geometry through."""
    asked = Transform(width=56, height=84, fit=Fit.COVER, gravity=anchor)
    picture = decode(darkroom.render(saved(chart()), asked))
    shifted = picture.wrap(x=across, y=down)

    difference = compare(picture, shifted)

    assert not difference.is_small
    assert difference.share > 0.02


def test_a_wrong_colour_is_seen() -> None:
    """Red and blue exchanged, and a picture that is all a little darker."""
    picture = quadrants(64, 48)

    assert not compare(picture, picture[2].bandjoin([picture[1], picture[0]])).is_small
    assert not compare(picture, (picture - 3).cast("uchar")).is_small
