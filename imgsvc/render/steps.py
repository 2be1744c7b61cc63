"""What is done to a frame between loading and encoding, in this order."""

from collections.abc import Callable

import pyvips

from imgsvc.core.color import Color
from imgsvc.core.geometry import Orientation
from imgsvc.core.plan import Plan

Step = Callable[[pyvips.Image, Plan], pyvips.Image]
"""Gives the frame back as it is where the plan asks nothing of this step."""


def turn_upright(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Turning reads columns, so the reduced picture is taken into memory first; decoders give lines."""
    match plan.orientation:
        case Orientation.UPRIGHT:
            return image
        case Orientation.MIRRORED:
            return image.fliphor()
        case Orientation.ROTATED_180:
            return image.copy_memory().rot180()
        case Orientation.FLIPPED:
            return image.copy_memory().flipver()
        case Orientation.TRANSPOSED:
            return image.copy_memory().rot90().fliphor()
        case Orientation.ROTATED_90:
            return image.copy_memory().rot90()
        case Orientation.TRANSVERSED:
            return image.copy_memory().rot270().fliphor()
        case Orientation.ROTATED_270:
            return image.copy_memory().rot270()


def trim(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    return image if plan.trim is None else image.crop(*plan.trim)


def lay_on_background(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Alpha goes under the colour first, then the bars around: both in the colour's own alpha."""
    color = plan.background
    if color is None:
        return image
    if image.bands < 3 and not _is_grey(color):
        image = image.colourspace("srgb")
    if image.hasalpha() and color.alpha > 0:
        image = _put_on(image, color)
    if plan.canvas is None:
        return image
    if color.alpha < 255 and not image.hasalpha():
        image = image.bandjoin(255)
    ink = _ink(color, bands=image.bands)
    return image.embed(plan.left, plan.top, *plan.canvas, extend="background", background=ink)


PIPELINE: tuple[Step, ...] = (turn_upright, trim, lay_on_background)


def _put_on(image: pyvips.Image, color: Color) -> pyvips.Image:
    if color.alpha == 255:
        return image.flatten(background=_ink(color, bands=image.bands - 1))
    ground = image.colourspace("srgb").new_from_image(list(color))
    return ground.copy(interpretation="srgb").composite2(image.colourspace("srgb"), "over").cast("uchar")


def _is_grey(color: Color) -> bool:
    return color.red == color.green == color.blue


def _ink(color: Color, *, bands: int) -> list[float]:
    """The colour as a pixel of so many bands; of one or two only where it is grey."""
    channels = color[:3] if bands >= 3 else color[:1]
    return list(map(float, (*channels, color.alpha)))[:bands]
