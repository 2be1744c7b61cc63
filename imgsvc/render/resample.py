"""Reducing pictures in linear light: what a pixel averages is light, not the numbers that stand for it.

sRGB's numbers are about the square root of light, so their average is too dark wherever light and dark meet. libvips
reduces 8-bit numbers quickly and everything else slowly (no SIMD). OpenCV has table look-ups and 16-bit and float
filters in SIMD: it takes one and a half to three and a half times as long as libvips with 8 bit, a quarter of libvips
with 16.
"""

from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from imgsvc.core.geometry import Size

Pixels: TypeAlias = NDArray[np.uint8]
"""Rows, columns, and channels where there are several: grey, grey and alpha, RGB, or RGBA; sRGB, alpha straight."""

_Light: TypeAlias = NDArray[np.float32]
"""The same in linear light from 0 to 1, colours multiplied by alpha."""

_TAPS = 7
_WINDOW = 3.0  # Kaiser's beta

_FAR = 3
"""Reductions to a third and less begin with halves."""

_NEAR = 1.3
"""Below it hardly anything is averaged, and what is read between pixels has to be read sharply: half a point more for
five times the time of cubic interpolation."""

_SHARP_PIXELS = 1_000_000
"""Of the result, up to which that takes about as long as encoding a JPEG."""

_LINEAR_SAMPLES = 12_000_000
"""4 million px of RGB, 3 million with alpha."""

_HALVING_CUTOFF = 0.6
"""Of the level's own band. Higher passes more than its half can hold, lower blurs; chosen by scores."""

_STRIP = 32
"""Rows worked on at a time where the whole would not stay in the processor's cache."""

_UNFILTERED: NDArray[np.float32] = np.ones(1, np.float32)


def is_reducible(pixels: Pixels) -> bool:
    """At some 10 ns a pixel; libvips does larger ones, in sRGB's own numbers."""
    return pixels.size <= _LINEAR_SAMPLES


def reduce_pixels(pixels: Pixels, extent: tuple[float, float], size: Size, *, quickly: bool = False) -> Pixels:
    """`pixels` shown at `size`; neither side may grow. `quickly` where their finest detail is not worth much.

    `extent`: how much of `pixels` is to be seen, in their px from the left top, across and down; a last column or row
    may lie partly outside.
    """
    width, height = extent
    while width >= _FAR * size.width or height >= _FAR * size.height:
        is_wide, is_tall = width >= _FAR * size.width, height >= _FAR * size.height
        pixels = halve(pixels, across=is_wide, down=is_tall)
        width, height = width / (1 + is_wide), height / (1 + is_tall)
    if pixels.shape[1::-1] == size and (width, height) == size:
        return pixels
    light = _light_from_pixels(pixels)
    across, down = width / size.width, height / size.height
    light = _filter(light, _reducing(across), _reducing(down))
    sharply = not quickly and max(across, down) < _NEAR and size.pixels <= _SHARP_PIXELS
    between = cv2.INTER_LANCZOS4 if sharply else cv2.INTER_CUBIC
    shown: Any = cv2.resize(light, None, fx=1 / across, fy=1 / down, interpolation=between)
    return _pixels_from_light(shown[: size.height, : size.width])


def halve(pixels: Pixels, *, across: bool = True, down: bool = True) -> Pixels:
    """Half the sides, odd ones rounded up as if the last column or row stood there twice."""
    pixels = _evened(pixels, across=across, down=down)
    height, width = pixels.shape[:2]
    halved = np.empty((height // (1 + down), width // (1 + across), *pixels.shape[2:]), np.uint8)
    kernel = _low_pass(_HALVING_CUTOFF)
    halo = _TAPS // 2
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        above, below = max(0, top - halo), min(bottom + halo, height)
        light = _light_from_pixels(pixels[above:below])
        light = _filter(light, kernel if across else _UNFILTERED, kernel if down else _UNFILTERED)
        light = _average(light[top - above : bottom - above], across=across, down=down)
        halved[top // (1 + down) : bottom // (1 + down)] = _pixels_from_light(light)
    return halved


def halve_quickly(pixels: Pixels) -> Pixels:
    """As `halve`, each pixel the plain mean of four: for originals, whose finest detail few renditions come near."""
    pixels = _evened(pixels, across=True, down=True)
    height, width = pixels.shape[:2]
    halved = np.empty((height // 2, width // 2, *pixels.shape[2:]), np.uint8)
    for top in range(0, height, _STRIP):
        strip = pixels[top : top + _STRIP]
        if _has_alpha(pixels):
            mean = _pixels_from_light(_average(_light_from_pixels(strip), across=True, down=True))
        else:
            mean = cv2.LUT(_average(cv2.LUT(strip, _LIGHT_16), across=True, down=True), _PIXEL_OF_LIGHT_16)
        halved[top // 2 : (top + _STRIP) // 2] = mean
    return halved


def _average(values: NDArray[Any], *, across: bool, down: bool) -> Any:
    """Of pairs of columns, rows, or both."""
    height, width = values.shape[:2]
    return cv2.resize(values, (width // (1 + across), height // (1 + down)), interpolation=cv2.INTER_AREA)


def _filter(light: _Light, across: NDArray[np.float32], down: NDArray[np.float32]) -> _Light:
    """In place: another array of that size costs as much in page faults as the filter."""
    return cv2.sepFilter2D(light, cv2.CV_32F, across, down, dst=light, borderType=cv2.BORDER_REPLICATE)  # pyright: ignore[reportReturnType]


def _reducing(ratio: float) -> NDArray[np.float32]:
    """The filter before a reduction to one `ratio`-th, up to `_FAR`."""
    return _low_pass(1.1 / ratio) if ratio < 2 else _low_pass(1 / ratio, taps=11)


@lru_cache(1000)
def _low_pass(cutoff: float, *, taps: int = _TAPS) -> NDArray[np.float32]:
    """A windowed sinc that keeps frequencies below `cutoff`, 1 being the highest there can be."""
    places = np.arange(taps) - taps // 2
    kernel = np.sinc(min(cutoff, 0.99) * places) * np.kaiser(taps, _WINDOW)
    return (kernel / kernel.sum()).astype(np.float32)


def _evened(pixels: Pixels, *, across: bool, down: bool) -> Pixels:
    height, width = pixels.shape[:2]
    right, below = width % 2 if across else 0, height % 2 if down else 0
    if not right and not below:
        return pixels
    return cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REPLICATE)  # pyright: ignore[reportReturnType]


def _has_alpha(values: NDArray[Any]) -> bool:
    return values.ndim == 3 and values.shape[2] in (2, 4)


def _light_from_pixels(pixels: Pixels) -> _Light:
    light: Any = cv2.LUT(pixels, _LIGHT)
    if not _has_alpha(pixels):
        return light
    *colours, alpha = cv2.split(pixels)
    covered: Any = cv2.LUT(cv2.merge([alpha] * len(colours) + [np.full_like(alpha, 255)]), _COVERAGE)
    light[..., -1] = cv2.LUT(alpha, _COVERAGE)
    return cv2.multiply(light, covered, dst=light)  # pyright: ignore[reportReturnType]


def _pixels_from_light(light: _Light) -> Pixels:
    """Light that a filter's lobes have carried below 0 or above 1 is cut."""
    if not _has_alpha(light):
        return cv2.LUT(_in_16_bits(light), _PIXEL_OF_LIGHT_16)  # pyright: ignore[reportReturnType]
    # Where nothing covers there is no colour either, so what it is divided by there does not matter. Where a lobe lifts
    # alpha above 1 it lifts the colour too.
    covered = cv2.merge([np.maximum(light[..., -1], _LEAST_COVERAGE)] * light.shape[2])
    pixels: Any = cv2.LUT(_in_16_bits(cv2.divide(light, covered)), _PIXEL_OF_LIGHT_16)
    pixels[..., -1] = np.clip(light[..., -1], 0, 1) * 255 + 0.5
    return pixels


def _in_16_bits(light: Any) -> Any:
    """Rounded and cut at both ends, in one pass."""
    return cv2.addWeighted(light, 65535, light, 0, 0, dtype=cv2.CV_16U)


def _light_from_srgb(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, section 5.2; both from 0 to 1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _srgb_from_light(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, section 5.3."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


_LIGHT = _light_from_srgb(np.arange(256) / 255).astype(np.float32)
_LIGHT_16 = np.round(_light_from_srgb(np.arange(256) / 255) * 65535).astype(np.uint16)
_PIXEL_OF_LIGHT_16 = np.round(_srgb_from_light(np.arange(65536) / 65535) * 255).astype(np.uint8)

_COVERAGE = (np.arange(256) / 255).astype(np.float32)
_LEAST_COVERAGE = np.float32(1 / 65535)
