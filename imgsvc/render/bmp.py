"""BMP, which libvips' wheel neither reads nor writes; Pillow does both."""

from io import BytesIO
from pathlib import Path

import pyvips
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from imgsvc.core.errors import CorruptOriginal

PillowImage.MAX_IMAGE_PIXELS = None
"""Pillow's own limit warns and doubles; ours is checked against the header, before `load` is called."""

_MODES = {"L": 1, "RGB": 3, "RGBA": 4}


def read_bmp_header(path: Path) -> tuple[int, int, bool]:
    """Width and height in px, and whether there is alpha. Raises CorruptOriginal."""
    try:
        with PillowImage.open(path, formats=["BMP"]) as image:
            return image.width, image.height, image.mode == "RGBA"
    except (OSError, ValueError, UnidentifiedImageError, SyntaxError) as error:
        raise CorruptOriginal("The original cannot be decoded to its end.") from error


def load_bmp(path: Path) -> pyvips.Image:
    """8 bit a channel, upright as stored. Raises CorruptOriginal."""
    try:
        with PillowImage.open(path, formats=["BMP"]) as image:
            pixels = image if image.mode in _MODES else image.convert("RGB")
            memory = pixels.tobytes()
            width, height, bands = pixels.width, pixels.height, _MODES[pixels.mode]
    except (OSError, ValueError, UnidentifiedImageError, SyntaxError) as error:
        raise CorruptOriginal("The original cannot be decoded to its end.") from error
    loaded = pyvips.Image.new_from_memory(memory, width, height, bands, "uchar")
    return loaded.copy(interpretation="b-w" if bands == 1 else "srgb")


def save_bmp(image: pyvips.Image) -> bytes:
    """8 bit a channel. Alpha is dropped: the plan has put it on a colour, or the picture is opaque."""
    image = image.flatten() if image.hasalpha() else image
    mode = "L" if image.bands == 1 else "RGB"
    memory = image.write_to_memory()
    target = BytesIO()
    PillowImage.frombytes(mode, (image.width, image.height), memory).save(target, "BMP")
    return target.getvalue()
