"""What the stored numbers mean, and the way from there to sRGB."""

import pyvips

_STEPS = 5
"""Patches along each channel: 0, 64, 128, 192, 255."""

_SAME = 2
"""Of 255: two sRGB profiles of different makers differ by that much in rounding and black point."""


def has_srgb_values(image: pyvips.Image) -> bool:
    """No profile is embedded, or one under which a grid of colours keeps its numbers, whatever it calls itself.

    Then none need be applied, which spares a conversion that costs more than the rest of a rendition.
    """
    if image.get_typeof("icc-profile-data") == 0:
        return True
    patches = _grey_patches() if image.bands < 3 else _color_patches()
    patches = patches.copy()
    patches.set_type(pyvips.GValue.blob_type, "icc-profile-data", image.get("icc-profile-data"))
    try:
        converted = patches.icc_transform("srgb", embedded=True)
    except pyvips.Error:
        # A broken profile is ignored when it is applied, so the numbers are taken as they are.
        return True
    difference = (converted.cast("float") - patches.colourspace("srgb").cast("float")).abs()
    worst = difference.max()
    return isinstance(worst, float) and worst <= _SAME


def _color_patches() -> pyvips.Image:
    levels = [round(255 * step / (_STEPS - 1)) for step in range(_STEPS)]
    pixels = bytes(value for red in levels for green in levels for blue in levels for value in (red, green, blue))
    image = pyvips.Image.new_from_memory(pixels, _STEPS**3, 1, 3, "uchar")
    return image.copy(interpretation="srgb")


def _grey_patches() -> pyvips.Image:
    pixels = bytes(range(256))
    return pyvips.Image.new_from_memory(pixels, 256, 1, 1, "uchar").copy(interpretation="b-w")
