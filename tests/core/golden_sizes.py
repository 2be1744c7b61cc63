"""What ImageProcessor.Web makes of 600 by 400 and 333 by 777 px, by Struct's query words.

Computed from a port of its ResizeHelper.cs and Resizer.cs (github JimBobSquarePants/ImageProcessor at a94fb903).
"""

from typing import NamedTuple

from imgsvc.core.geometry import Enlarge, Fit, Gravity, Region, Size
from imgsvc.core.transform import Transform


class Golden(NamedTuple):
    """`picture`: where the whole scaled picture lies on the result, px; left of it or above it where it is cut."""

    query: str
    source: Size
    transform: Transform
    result: Size
    picture: Region


_WIDE = Size(600, 400)
_TALL = Size(333, 777)

GOLDEN_SIZES = (
    Golden("width=300", _WIDE, Transform(width=300), Size(300, 200), Region(0, 0, 300, 200)),
    Golden("height=200", _WIDE, Transform(height=200), Size(300, 200), Region(0, 0, 300, 200)),
    Golden("width=300&height=300", _WIDE, Transform(width=300, height=300), Size(300, 300), Region(0, 50, 300, 200)),
    Golden(
        "width=300&height=300&anchor=top",
        _WIDE,
        Transform(width=300, height=300, gravity=Gravity.TOP),
        Size(300, 300),
        Region(0, 0, 300, 200),
    ),
    Golden(
        "width=300&height=300&mode=crop",
        _WIDE,
        Transform(width=300, height=300, fit=Fit.COVER),
        Size(300, 300),
        Region(-75, 0, 450, 300),
    ),
    Golden(
        "width=300&height=300&mode=crop&anchor=left",
        _WIDE,
        Transform(width=300, height=300, fit=Fit.COVER, gravity=Gravity.LEFT),
        Size(300, 300),
        Region(0, 0, 450, 300),
    ),
    Golden(
        "width=300&height=300&mode=max",
        _WIDE,
        Transform(width=300, height=300, fit=Fit.INSIDE),
        Size(300, 200),
        Region(0, 0, 300, 200),
    ),
    Golden(
        "width=300&height=300&mode=min",
        _WIDE,
        Transform(width=300, height=300, fit=Fit.OUTSIDE, enlarge=Enlarge.NEVER),
        Size(450, 300),
        Region(0, 0, 450, 300),
    ),
    Golden(
        "width=300&height=300&mode=stretch",
        _WIDE,
        Transform(width=300, height=300, fit=Fit.FILL),
        Size(300, 300),
        Region(0, 0, 300, 300),
    ),
    Golden("width=800&height=800", _WIDE, Transform(width=800, height=800), Size(800, 800), Region(0, 133, 800, 533)),
    Golden(
        "width=800&height=800&mode=boxpad",
        _WIDE,
        Transform(width=800, height=800, enlarge=Enlarge.NEVER),
        Size(800, 800),
        Region(100, 200, 600, 400),
    ),
    Golden(
        "width=800&height=300&mode=boxpad",
        _WIDE,
        Transform(width=800, height=300, enlarge=Enlarge.NEVER),
        Size(800, 300),
        Region(175, 0, 450, 300),
    ),
    Golden(
        "width=800&height=800&mode=max",
        _WIDE,
        Transform(width=800, height=800, fit=Fit.INSIDE),
        Size(800, 533),
        Region(0, 0, 800, 533),
    ),
    Golden("width=1200", _WIDE, Transform(width=1200), Size(1200, 800), Region(0, 0, 1200, 800)),
    Golden(
        "width=800&height=800&upscale=false",
        _WIDE,
        Transform(width=800, height=800, enlarge=Enlarge.SKIP),
        Size(600, 400),
        Region(0, 0, 600, 400),
    ),
    Golden("width=6000", _WIDE, Transform(width=6000), Size(600, 400), Region(0, 0, 600, 400)),
    Golden("width=100&height=100", _TALL, Transform(width=100, height=100), Size(100, 100), Region(29, 0, 43, 100)),
    Golden("width=100", _TALL, Transform(width=100), Size(100, 233), Region(0, 0, 100, 233)),
    Golden(
        "width=100&height=100&mode=crop&anchor=bottom",
        _TALL,
        Transform(width=100, height=100, fit=Fit.COVER, gravity=Gravity.BOTTOM),
        Size(100, 100),
        Region(0, -133, 100, 234),
    ),
)


def picture_on_result(*, size: Size, trim: Region | None, left: int, top: int) -> Region:
    """The fields of a `Layout` or a `Plan` as the rows above have them."""
    if trim is not None:
        left, top = -trim.left, -trim.top
    return Region(left, top, size.width, size.height)
