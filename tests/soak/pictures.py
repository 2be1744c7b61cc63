"""Pictures whose colour is their version: what an answer shows tells which version it was made from."""

from functools import cache
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LEVELS = (20, 63, 106, 149, 192, 235)
COLOURS = len(_LEVELS) ** 3
_TOLERANCE = 14
"""A third of the way from one level to the next: what lossy formats and palettes may be off."""

_GRAIN = 10


class Shape(NamedTuple):
    """Of an original, in pixels; `format` is Pillow's name, `extension` that of its URL."""

    format: str
    extension: str
    width: int
    height: int


SHAPES = (
    Shape("JPEG", "jpg", 1600, 1200),
    Shape("JPEG", "jpg", 900, 1200),
    Shape("PNG", "png", 640, 480),
    Shape("WEBP", "webp", 1000, 700),
)


class Seen(NamedTuple):
    """What a file shows: its sides in pixels, and which colour, None where it is none of them."""

    width: int
    height: int
    colour: int | None


def draw(shape: Shape, colour: int) -> bytes:
    """In that colour, with grain, so that files and their pyramids are as long as those of photographs."""
    pixels = (_grain(shape.width, shape.height) + np.array(_rgb(colour), np.int16)).astype(np.uint8)
    written = BytesIO()
    Image.fromarray(pixels).save(written, shape.format, quality=85, compress_level=1, method=0)
    return written.getvalue()


def see(content: bytes) -> Seen:
    """Decoded to its end. Raises OSError, SyntaxError (what Pillow calls damage)."""
    with Image.open(BytesIO(content)) as picture:
        red, green, blue = np.asarray(picture.convert("RGB")).mean((0, 1))
        return Seen(*picture.size, _colour(red, green, blue))


def _rgb(colour: int) -> tuple[int, int, int]:
    rest, red = divmod(colour, 6)
    blue, green = divmod(rest, 6)
    return _LEVELS[red], _LEVELS[green], _LEVELS[blue]


def _colour(*channels: float) -> int | None:
    levels = [min(range(6), key=lambda level: abs(_LEVELS[level] - value)) for value in channels]
    if any(abs(_LEVELS[level] - value) > _TOLERANCE for level, value in zip(levels, channels, strict=True)):
        return None
    red, green, blue = levels
    return red + 6 * green + 36 * blue


@cache
def _grain(width: int, height: int) -> NDArray[np.int16]:
    grain = np.random.default_rng(width).integers(-_GRAIN, _GRAIN + 1, (height, width, 1), np.int16)
    return np.repeat(grain, 3, axis=2)
