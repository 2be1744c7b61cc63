"""Reducing in linear light: sizes, places, light and what alpha hides."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imgsvc.core.geometry import Size
from imgsvc.render.resample import Pixels, halve, halve_quickly, reduce_pixels

CHANNELS = {"grey": (), "grey and alpha": (2,), "rgb": (3,), "rgba": (4,)}
HALVINGS: dict[str, Callable[[Pixels], Pixels]] = {
    "halve": halve,
    "halve across": lambda pixels: halve(pixels, down=False),
    "halve down": lambda pixels: halve(pixels, across=False),
    "halve quickly": halve_quickly,
}

HALVING_KERNEL = np.sinc(0.6 * np.arange(-3, 4)) * np.kaiser(7, 3.0)
"""As the module has it: a windowed sinc of seven taps that keeps three fifths of the band."""

GREY_OF_HALF_THE_LIGHT = 188
"""IEC 61966-2-1: half of white's light is number 187.5."""


def noise(size: Size, channels: tuple[int, ...], *, seed: int = 7, low: int = 0, high: int = 255) -> Pixels:
    return np.random.default_rng(seed).integers(low, high + 1, (size.height, size.width, *channels), np.uint8)


def flat(size: Size, colour: tuple[int, ...]) -> Pixels:
    """Grey is without an axis of channels."""
    pixels = np.empty((size.height, size.width, len(colour)), np.uint8)
    pixels[...] = colour
    return pixels[..., 0] if len(colour) == 1 else pixels


def checkers(size: Size) -> Pixels:
    """Black and white, as fine as can be."""
    return (np.indices((size.height, size.width)).sum(0) % 2 * 255).astype(np.uint8)


def light_of(pixels: Pixels) -> NDArray[np.float64]:
    """Of each value from 0 to 1: IEC 61966-2-1, section 5.2."""
    value = pixels / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def pixels_of(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Not rounded; what is beyond black and white is cut."""
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def reduced(pixels: Pixels, size: Size) -> Pixels:
    height, width = pixels.shape[:2]
    return reduce_pixels(pixels, (width, height), size)


@st.composite
def pictures(draw: st.DrawFn, *, longest: int = 70) -> Pixels:
    side = st.integers(1, longest)
    channels = CHANNELS[draw(st.sampled_from(sorted(CHANNELS)))]
    return noise(Size(draw(side), draw(side)), channels, seed=draw(st.integers(0, 99)))


@given(pictures(), st.data())
def test_the_result_has_exactly_the_size_asked_for(pixels: Pixels, data: st.DataObject) -> None:
    """From any picture, one pixel and odd sides among them, with as many channels, also where the extent is broken."""
    height, width = pixels.shape[:2]
    missing = st.sampled_from([0, 0, 1 / 8, 1 / 3, 1 / 2, 7 / 8, 0.999])
    extent = (
        width - data.draw(missing if width > 1 else st.just(0)),
        height - data.draw(missing if height > 1 else st.just(0)),
    )
    size = Size(data.draw(st.integers(1, int(extent[0]))), data.draw(st.integers(1, int(extent[1]))))

    result = reduce_pixels(pixels, extent, size)

    assert result.shape == (size.height, size.width, *pixels.shape[2:])
    assert result.dtype == np.uint8


@pytest.mark.parametrize("size", [Size(15, 301), Size(301, 15), Size(1, 301), Size(301, 1), Size(100, 290)], ids=str)
def test_one_side_may_shrink_alone(size: Size) -> None:
    """Twenty to one across and not at all down, and the other way round: stripes along the side that stays remain."""
    stripes = np.zeros((301, 301), np.uint8)
    if size.width < size.height:
        stripes[100:200] = 255
    else:
        stripes[:, 100:200] = 255

    result = reduced(stripes, size)

    line = result[:, 0] if size.width < size.height else result[0]
    assert result.shape == (size.height, size.width)
    assert (result == (line[:, None] if size.width < size.height else line[None])).all()
    assert abs(light_of(line).mean() - 100 / 301) < 0.002


def test_a_picture_of_that_size_stays_as_it_is() -> None:
    pixels = noise(Size(31, 17), (4,))

    assert (reduced(pixels, Size(31, 17)) == pixels).all()


@pytest.mark.parametrize("value", range(256))
def test_a_grey_of_one_value_keeps_it(value: int) -> None:
    """Exactly, by each way and to any size."""
    pixels = flat(Size(21, 13), (value,))

    results = [reduced(pixels, size) for size in (Size(20, 13), Size(15, 9), Size(8, 5), Size(3, 2), Size(1, 1))]
    results += [way(pixels) for way in HALVINGS.values()]

    assert all((result == value).all() for result in results)


@given(
    st.tuples(*[st.integers(0, 255)] * 3) | st.tuples(*[st.integers(0, 255)] * 2, st.integers(0, 2)),
    st.sampled_from([(), (1,), (2,), (128,), (254,), (255,)]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.data(),
)
def test_a_flat_colour_keeps_every_value(
    colour: tuple[int, ...], alpha: tuple[int, ...], width: int, height: int, data: st.DataObject
) -> None:
    """Whatever its opacity, and at the picture's edges too."""
    pixels = flat(Size(width, height), (*colour, *alpha))
    size = Size(data.draw(st.integers(1, width)), data.draw(st.integers(1, height)))

    results = reduced(pixels, size), halve(pixels), halve_quickly(pixels)

    assert all((result == (*colour, *alpha)).all() for result in results)


@given(st.integers(0, 255), st.integers(1, 255), st.integers(1, 30), st.integers(1, 30))
def test_a_flat_grey_with_alpha_keeps_both(grey: int, alpha: int, width: int, height: int) -> None:
    pixels = flat(Size(width, height), (grey, alpha))

    results = reduced(pixels, Size(1, 1)), halve(pixels), halve_quickly(pixels)

    assert all((result == (grey, alpha)).all() for result in results)


@given(
    st.sampled_from(sorted(HALVINGS)) | st.just("reduce"),
    st.integers(2, 40),
    st.integers(2, 40),
    st.integers(0, 99),
    st.data(),
)
def test_the_colour_of_what_is_wholly_transparent_shows_nowhere(
    way: str, width: int, height: int, seed: int, data: st.DataObject
) -> None:
    """Whichever lies hidden there, all that is seen at all is the same."""
    picture = noise(Size(width, height), (4,), seed=seed)
    picture[..., 3] = np.where(picture[..., 3] < 128, 0, picture[..., 3])
    is_hidden = (picture[..., 3] == 0)[..., None]
    size = Size(data.draw(st.integers(1, width)), data.draw(st.integers(1, height)))
    halves = HALVINGS.get(way, lambda pixels: reduced(pixels, size))

    green, black = (
        halves(np.where(is_hidden, np.array(colour, np.uint8), picture)) for colour in ((0, 255, 0, 0), (0, 0, 0, 0))
    )

    assert (green[..., 3] == black[..., 3]).all()
    is_seen = green[..., 3] > 0
    assert (green[is_seen] == black[is_seen]).all()


@pytest.mark.parametrize("colour", [(120, 80, 60), (200, 200, 200), (10, 30, 250)], ids=str)
def test_a_cut_out_of_one_colour_has_it_up_to_its_edge(colour: tuple[int, int, int]) -> None:
    """Neither a bright nor a dark rim: what a filter's lobes do to opacity they do to the colour, so it goes out."""
    picture = flat(Size(64, 8), (*colour, 255))
    picture[:, 33:] = (0, 255, 0, 0)

    rims = {width: rim(reduced(picture, Size(width, 8)), colour) for width in range(1, 64)}

    assert max(rims.values()) <= 1, rims


@pytest.mark.parametrize("way", ["halve", "halve across", "halve quickly"])
def test_a_cut_out_of_one_colour_keeps_it_when_halved(way: str) -> None:
    picture = flat(Size(64, 8), (200, 180, 30, 255))
    picture[:, 33:] = (0, 255, 0, 0)

    result = HALVINGS[way](picture)

    assert rim(result, (200, 180, 30)) <= 1


@pytest.mark.parametrize("upright", [True, False], ids=["across", "down"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("side", [33, 64, 97, 200, 333])
def test_an_edge_stays_in_its_place(side: int, share: float, upright: bool) -> None:
    """Within 0.3 of the result's pixel, by its light: from hardly reduced to a single pixel."""
    edge = round(side * share)
    pixels = np.zeros((3, side), np.uint8)
    pixels[:, edge:] = 255

    for reduced_side in {
        side,
        side - 1,
        side * 3 // 4,
        side // 2,
        side * 2 // 5,
        side // 3,
        side // 5,
        side // 9,
        6,
        1,
    }:
        size = Size(reduced_side, 3)
        result = reduced(pixels, size) if upright else reduced(pixels.T, size.transposed()).T

        found = reduced_side * (1 - light_of(result).mean())
        assert abs(found - edge * reduced_side / side) <= 0.3


@given(st.integers(12, 300), st.sampled_from([1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8]), st.data())
def test_an_edge_stays_in_its_place_where_the_extent_ends_within_a_pixel(
    side: int, part: float, data: st.DataObject
) -> None:
    """The result spans the extent, not the whole pixels."""
    extent = side - 1 + part
    size = Size(data.draw(st.integers(1, side - 1)), 3)
    edge = data.draw(st.integers(side // 6, side * 5 // 6))
    pixels = np.zeros((3, side), np.uint8)
    pixels[:, edge:] = 255

    result = reduce_pixels(pixels, (extent, 3), size)

    found = size.width * (1 - light_of(result).mean())
    assert abs(found - edge * size.width / extent) <= 0.3


@pytest.mark.parametrize("side", [64, 97, 130, 257])
def test_what_is_too_fine_to_be_seen_keeps_its_light(side: int) -> None:
    """Black and white pixels become a grey of half the light, which is 188 and not 128; the outermost see no more."""
    picture = checkers(Size(side, side))

    results = [reduced(picture, Size(to, to)) for to in range(6, side // 2 + 1, 5)]
    results += [way(picture) for name, way in HALVINGS.items() if name in ("halve", "halve quickly")]

    for result in results:
        assert np.abs(result[3:-3, 3:-3].astype(int) - GREY_OF_HALF_THE_LIGHT).max(initial=0) <= 2


@given(st.integers(0, 99), st.integers(1, 90), st.integers(1, 90), st.sampled_from(["grey", "rgb"]))
def test_no_light_comes_or_goes(seed: int, width: int, height: int, kind: str) -> None:
    """Within a level's 1.5%, of what lies well inside and is neither black nor white, where lobes are cut."""
    picture = flat(Size(90, 90), (150,) if kind == "grey" else (150, 140, 160))
    picture[30:60, 30:60] = noise(Size(30, 30), CHANNELS[kind], seed=seed, low=90, high=200)

    result = reduced(picture, Size(width, height))

    before, after = light_of(picture).mean((0, 1)), light_of(result).mean((0, 1))
    assert np.abs(after / before - 1).max() < 0.015


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 9), Size(9, 1), Size(2, 2), Size(33, 65), Size(40, 31)], ids=str)
@pytest.mark.parametrize("way", ["halve", "halve across", "halve down"])
def test_halving_is_what_naive_arithmetic_makes_of_it(way: str, size: Size, kind: str) -> None:
    """Within one level: doubled up to even sides, filtered in light under alpha, averaged by pairs."""
    pixels = noise(size, CHANNELS[kind])

    result = HALVINGS[way](pixels)

    expected = halved_naively(pixels, across=way != "halve down", down=way != "halve across")
    assert_like(result, expected)


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 9), Size(33, 65), Size(40, 31)], ids=str)
def test_halving_quickly_is_a_mean_of_four(size: Size, kind: str) -> None:
    pixels = noise(size, CHANNELS[kind])

    result = halve_quickly(pixels)

    assert_like(result, halved_naively(pixels, across=True, down=True, kernel=np.ones(1)))


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("way", HALVINGS)
@pytest.mark.parametrize(("top", "bottom"), [(0, 38), (0, 97), (6, 70), (30, 131), (62, 66), (90, 131)])
def test_a_tall_picture_is_halved_as_its_parts_are(way: str, top: int, bottom: int, kind: str) -> None:
    """How it is cut into strips for the processor's cache has no part in it, but for the rows a filter reaches."""
    whole = noise(Size(6, 131), CHANNELS[kind])
    part = whole[top:bottom]
    halved_down = 1 if way == "halve across" else 2
    reach = 4

    result = HALVINGS[way](whole)[top // halved_down : bottom // halved_down]

    expected = HALVINGS[way](part)[: len(result)]
    inner = slice(0 if top == 0 else reach, None if bottom == len(whole) else -reach)
    assert (result[inner] == expected[inner]).all()


@settings(max_examples=30)
@given(pictures(), st.data())
def test_a_part_of_a_picture_is_reduced_as_a_picture_of_its_own(pixels: Pixels, data: st.DataObject) -> None:
    """Rows that lie apart in memory, as a region's do."""
    height, width = pixels.shape[:2]
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    part = pixels[top:, left:]
    size = Size(data.draw(st.integers(1, width - left)), data.draw(st.integers(1, height - top)))

    assert (reduced(part, size) == reduced(part.copy(), size)).all()
    assert (halve(part) == halve(part.copy())).all()


@settings(max_examples=30)
@given(pictures(), st.data())
def test_what_was_given_is_left_as_it_was(pixels: Pixels, data: st.DataObject) -> None:
    height, width = pixels.shape[:2]
    before = pixels.copy()

    reduced(pixels, Size(data.draw(st.integers(1, width)), data.draw(st.integers(1, height))))
    for way in HALVINGS.values():
        way(pixels)

    assert (pixels == before).all()


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_mirrored_picture_gives_the_mirrored_result(kind: str) -> None:
    """Within one level: neither side is preferred, and across is done as down."""
    pixels = noise(Size(64, 48), CHANNELS[kind])
    size = Size(23, 17)

    result = reduced(pixels, size).astype(int)

    mirrored = reduced(pixels[::-1, ::-1].copy(), size).astype(int)[::-1, ::-1]
    transposed = reduced(np.swapaxes(pixels, 0, 1).copy(), size.transposed()).astype(int).swapaxes(0, 1)
    assert_like(result.astype(np.uint8), mirrored.astype(float))
    assert_like(result.astype(np.uint8), transposed.astype(float))


def rim(cut_out: Pixels, colour: tuple[int, int, int]) -> int:
    """How many levels off a colour is that can be seen."""
    is_seen = cut_out[..., 3] >= 8
    return int(np.abs(cut_out[is_seen][:, :3].astype(int) - colour).max())


def halved_naively(
    pixels: Pixels, *, across: bool, down: bool, kernel: NDArray[np.float64] = HALVING_KERNEL
) -> NDArray[np.float64]:
    """Not rounded."""
    height, width = pixels.shape[:2]
    values = pixels.reshape(height, width, -1)
    values = np.pad(values, ((0, height % 2 * down), (0, width % 2 * across), (0, 0)), "edge")
    has_alpha = values.shape[2] in (2, 4)
    alpha = values[..., -1:] / 255 if has_alpha else np.ones((*values.shape[:2], 1))
    light = np.concatenate([light_of(values[..., : 3 if values.shape[2] > 2 else 1]) * alpha, alpha], 2)
    for axis, wanted in ((0, down), (1, across)):
        if wanted:
            light = _paired(_convolved(light, kernel / kernel.sum(), axis), axis)
    opacity = light[..., -1:]
    colours = pixels_of(light[..., :-1] / np.maximum(opacity, 1 / 65535))
    result = np.concatenate([colours, opacity.clip(0, 1) * 255], 2) if has_alpha else colours
    return result.reshape(*result.shape[:2], *pixels.shape[2:])


def assert_like(result: Pixels, expected: NDArray[np.float64]) -> None:
    """Within a level; of colours under alpha, within a level of what is seen of them."""
    assert result.shape == expected.shape
    off = np.abs(result - expected)
    if result.ndim == 3 and result.shape[2] in (2, 4):
        off[..., :-1] *= (result[..., -1:] >= 16) * result[..., -1:] / 255
    assert off.max() <= 1


def _convolved(light: NDArray[np.float64], kernel: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    reach = len(kernel) // 2
    padding = [(0, 0)] * 3
    padding[axis] = (reach, reach)
    padded = np.pad(light, padding, "edge")
    length = light.shape[axis]
    parts = [weight * padded.take(range(n, n + length), axis) for n, weight in enumerate(kernel)]
    return np.sum(parts, 0)


def _paired(light: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    length = light.shape[axis]
    return (light.take(range(0, length, 2), axis) + light.take(range(1, length, 2), axis)) / 2
