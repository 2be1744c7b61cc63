"""Renditions from a level: placed, coloured and transparent as from the original, and none from a damaged one."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Fit, Gravity, Orientation, Region
from imgsvc.core.transform import Transform
from imgsvc.render.messages import LevelLost, StoredLevel
from tests.originals import decode, jpeg, truncated
from tests.render.darkroom import Darkroom
from tests.render.sheets import compare, opaque
from tests.render.shelf import ON_SHELF, Shelved

ASKED = {
    "smaller": Transform(width=240),
    "much smaller": Transform(width=9),
    "as stored": Transform(width=240, upright=False),
    "region": Transform(width=120, crop=Region(104, 50, 400, 300)),
    "cropped": Transform(width=150, height=150, fit=Fit.COVER, gravity=Gravity.TOP_LEFT),
    "padded": Transform(width=150, height=150, fit=Fit.CONTAIN, gravity=Gravity.BOTTOM, background=Color(0, 90, 110)),
    "distorted": Transform(width=40, height=240, fit=Fit.FILL),
    "on a colour": Transform(width=200, background=Color(200, 0, 200, 128)),
}
"""What a level of an original of 720 by 576 px serves."""

LOSSLESS = ("photograph as png", "quadrants as gif", "quadrants as bmp", "cut-out", "grey cut-out")
TURNED = tuple(f"orientation {orientation}" for orientation in Orientation)


def both_ways(original: Shelved, asked: Transform) -> tuple[pyvips.Image, pyvips.Image]:
    """From a level, and from the original."""
    asked = replace(asked, format=Format.PNG)
    level = original.level(asked)
    assert level is not None
    return decode(original.render(asked, level=level)), decode(original.render(asked, level=None))


@pytest.fixture(scope="module")
def shelved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shelved]:
    """Each of `ON_SHELF` once."""
    darkroom = Darkroom(tmp_path_factory.mktemp("shelf"))
    return cache(lambda name: Shelved(ON_SHELF[name](), darkroom))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", TURNED)
def test_a_rendition_from_a_level_is_the_same_way_up_as_from_the_original(
    name: str, asked: str, shelved: Callable[[str], Shelved]
) -> None:
    """In the same place and on the same background; cut, padded and distorted likewise."""
    from_level, direct = both_ways(shelved(name), ASKED[asked])

    assert (from_level.width, from_level.height, from_level.bands) == (direct.width, direct.height, direct.bands)
    assert compare(from_level, direct).mean <= 1.5
    assert average_colours(from_level) == pytest.approx(average_colours(direct), abs=1)


@pytest.mark.parametrize("asked", ["smaller", "region", "distorted", "on a colour"])
@pytest.mark.parametrize("name", LOSSLESS)
def test_a_rendition_from_a_lossless_level_is_the_originals(
    name: str, asked: str, shelved: Callable[[str], Shelved]
) -> None:
    """As transparent, and the same to half a level: both ways halve in linear light."""
    from_level, direct = both_ways(shelved(name), ASKED[asked])

    assert (from_level.width, from_level.height, from_level.bands) == (direct.width, direct.height, direct.bands)
    assert compare(opaque(from_level), opaque(direct)).mean <= 0.5
    assert average_colours(from_level) == pytest.approx(average_colours(direct), abs=0.3)


@pytest.mark.parametrize("asked", ["smaller", "much smaller", "region", "distorted"])
@pytest.mark.parametrize("name", ["photograph", "photograph as webp", "grey"])
def test_a_rendition_from_a_lossy_level_is_nearly_that_of_its_pixels(
    name: str, asked: str, shelved: Callable[[str], Shelved], darkroom: Darkroom
) -> None:
    """Of the original's very pixels in a lossless file, since a JPEG's own scaling is not in linear light."""
    original, transform = shelved(name), replace(ASKED[asked], format=Format.PNG)
    level = original.level(transform)
    assert level is not None

    from_level = decode(original.render(transform, level=level))

    pixels = decode(original.data).pngsave_buffer(keep=pyvips.ForeignKeep.NONE)
    direct = decode(darkroom.render(pixels, transform))
    assert (from_level.width, from_level.height, from_level.bands) == (direct.width, direct.height, direct.bands)
    assert compare(from_level, direct).mean <= 1.5
    assert average_colours(from_level) == pytest.approx(average_colours(direct), abs=0.5)


@pytest.mark.parametrize("output", [name for name, row in FORMATS.items() if row.encodes])
@pytest.mark.parametrize("name", ["cut-out", "grey cut-out"])
def test_a_rendition_from_a_level_is_written_in_every_format(
    name: str, output: Format, shelved: Callable[[str], Shelved]
) -> None:
    """On the default background where the format has no alpha; and the same bytes each time."""
    original, transform = shelved(name), Transform(width=120, format=output)
    level = original.level(transform)
    assert level is not None

    data, again = (original.render(transform, level=level) for _ in range(2))

    direct = decode(original.render(transform, level=None))
    assert data == again
    assert compare(opaque(decode(data)), opaque(direct)).mean <= 0.5


@settings(max_examples=30)
@given(data=st.data())
def test_whatever_is_asked_of_a_level_is_what_was_planned(
    data: st.DataObject, shelved: Callable[[str], Shelved]
) -> None:
    """To the pixel in size, and in colour what the original gives, but for an eighth of a pixel at a region's edges."""
    original = shelved(data.draw(st.sampled_from(["photograph as png", "cut-out", "grey cut-out"])))
    side = st.integers(1, 250)
    region = st.builds(Region, st.integers(0, 400), st.integers(0, 300), st.integers(40, 700), st.integers(40, 550))
    transform = Transform(
        width=data.draw(side),
        height=data.draw(st.none() | side),
        fit=data.draw(st.sampled_from(Fit)),
        crop=data.draw(st.none() | region),
        upright=data.draw(st.booleans()),
        format=Format.PNG,
    )
    level = original.level(transform)

    result = decode(original.render(transform, level=level))

    direct = decode(original.render(transform, level=None))
    assert (result.width, result.height) == (direct.width, direct.height)
    eighth = 255 / 8 / min(result.width, result.height)
    assert average_colours(result) == pytest.approx(average_colours(direct), abs=2 + eighth)


@pytest.mark.parametrize("share", [0.13, 0.87])
@pytest.mark.parametrize("width", [1000, 601])
@pytest.mark.parametrize(("to", "left"), [(20, 0), (20, 97), (20, 411), (77, 8), (77, 410), (150, 96), (150, 410)])
def test_what_lies_in_a_region_cut_from_a_level_is_in_its_place(
    to: int, left: int, width: int, share: float, edges: Callable[[int], Shelved]
) -> None:
    """Within a quarter of a result's pixel, of which the whole pixels of a level may cost half.

    An edge between black and white at that share of the region; by its light the result tells where it came to lie.
    """
    edge = left + round(width * share)
    region = Region(left, 0, width, 400)
    transform = Transform(width=to, height=to // 2, fit=Fit.FILL, crop=region, format=Format.PNG)
    original = edges(edge)
    level = original.level(transform)
    assert level is not None

    result = decode(original.render(transform, level=level))

    light = result.colourspace("scrgb")[0].avg()
    assert abs(to * (1 - light) - (edge - left) * to / width) <= 0.25


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Shelved]:
    """Black up to that column, and white from it on, of 1,500 by 400 px."""
    darkroom = Darkroom(tmp_path_factory.mktemp("edges"))
    columns = pyvips.Image.xyz(1500, 400)[0]
    return cache(lambda edge: Shelved(((columns >= edge) & 255).pngsave_buffer(compression=1), darkroom))


def test_what_is_hidden_in_a_cut_out_shows_in_no_rendition(shelved: Callable[[str], Shelved]) -> None:
    """Neither straight from the original nor from a level: no pixel that is seen is green."""
    original, transform = shelved("cut-out"), Transform(width=240, format=Format.PNG)

    for level in (None, original.level(transform)):
        red, green, blue, alpha = decode(original.render(transform, level=level)).bandsplit()

        is_green = ((green - red) > 8) & ((green - blue) > 8) & (alpha > 8)
        assert is_green.max() == 0


@pytest.mark.parametrize(
    "damage",
    {
        "empty": lambda _: b"",
        "cut in half": truncated,
        "header alone": lambda data: data[:20],
        "a byte short": lambda data: data[:-1],
        "a byte too long": lambda data: data + b"\0",
        "signature lost": lambda data: b"\0" + data[1:],
        "a bit of the header": lambda data: data[:18] + bytes([data[18] ^ 1]) + data[19:],
        "a bit of the middle": lambda data: data[:2000] + bytes([data[2000] ^ 8]) + data[2001:],
        "zeros": lambda data: bytes(len(data)),
        "garbage": lambda _: b"garbage" * 99,
        "another picture": lambda _: jpeg(500, 375),
    }.items(),
    ids=lambda row: row[0],
)  # fmt: skip
@pytest.mark.parametrize("name", ["photograph", "cut-out"])
def test_a_damaged_level_is_told_and_never_shown(
    name: str, damage: tuple[str, Callable[[bytes], bytes]], shelved: Callable[[str], Shelved], tmp_path: Path
) -> None:
    """Nor is the original blamed, which may be sound."""
    original, transform = shelved(name), Transform(width=200)
    level = original.level(transform)
    assert level is not None
    damaged, output = tmp_path / "level", tmp_path / "rendition"
    damaged.write_bytes(damage[1](Path(level.path).read_bytes()))
    lying = StoredLevel(path=str(damaged), format=level.format, scale=level.scale, crc32=level.crc32)

    result = original.carry_out(transform, level=lying, output=output)

    assert isinstance(result, LevelLost)
    assert not output.exists()


@pytest.mark.parametrize("name", ["photograph", "cut-out"])
def test_a_level_that_is_gone_is_told(name: str, shelved: Callable[[str], Shelved], tmp_path: Path) -> None:
    """Evicted between the look at the index and the render."""
    original, transform = shelved(name), Transform(width=200)
    level = original.level(transform)
    assert level is not None
    gone = StoredLevel(path=str(tmp_path / "gone"), format=level.format, scale=level.scale, crc32=level.crc32)

    result = original.carry_out(transform, level=gone, output=tmp_path / "rendition")

    assert isinstance(result, LevelLost)


def average_colours(image: pyvips.Image) -> list[float]:
    """Of each band, as it is seen on a chequered ground."""
    return [band.avg() for band in opaque(image).bandsplit()]
