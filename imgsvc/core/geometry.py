"""Sizes, regions and positions in whole pixels, worked out on exact ratios."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple


def round_half_up(value: Fraction) -> int:
    """To the nearest whole number, halves upwards: 0.5 is 1, -0.5 is 0."""
    return floor(value + Fraction(1, 2))


def round_side(value: Fraction) -> int:
    """A side's length in px: half up, at least 1."""
    return max(1, round_half_up(value))


class Size(NamedTuple):
    """Pixels, width before height; both at least 1."""

    width: int
    height: int

    def transposed(self) -> "Size":
        return Size(self.height, self.width)

    def exceeds(self, other: "Size") -> bool:
        """On either side."""
        return self.width > other.width or self.height > other.height

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Region(NamedTuple):
    """A rectangle in px, its corner counted from the left top."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


class Fit(StrEnum):
    """How a picture meets the box asked for."""

    INSIDE = "inside"
    """The largest that fits in; the result is the picture."""
    OUTSIDE = "outside"
    """The side nearer to the box's (in px) becomes as long as it, the other follows; never enlarged."""
    COVER = "cover"
    """The smallest that covers the box; what stands over is cut off."""
    CONTAIN = "contain"
    """The largest that fits in, with bars up to the box."""
    FILL = "fill"
    """Exactly the box; the ratio gives way."""


class Enlarge(StrEnum):
    """What happens where the result would be larger than what is kept of the original."""

    ALWAYS = "always"
    NEVER = "never"
    """The picture keeps its pixels; a canvas may still be larger."""
    SKIP = "skip"
    """The whole resize is left out, canvas included."""


class Gravity(StrEnum):
    """Which side stays when a picture is cut, and where it lies on a larger canvas."""

    CENTER = "center"
    TOP = "top"
    RIGHT = "right"
    BOTTOM = "bottom"
    LEFT = "left"
    TOP_LEFT = "topleft"
    TOP_RIGHT = "topright"
    BOTTOM_LEFT = "bottomleft"
    BOTTOM_RIGHT = "bottomright"

    @property
    def horizontal(self) -> Fraction:
        """Share of the free width that lies left of the picture: 0, 1/2 or 1."""
        return _share(self, towards_start="left", towards_end="right")

    @property
    def vertical(self) -> Fraction:
        """Share of the free height that lies above the picture: 0, 1/2 or 1."""
        return _share(self, towards_start="top", towards_end="bottom")


def _share(gravity: Gravity, *, towards_start: str, towards_end: str) -> Fraction:
    if towards_start in gravity:
        return Fraction(0)
    return Fraction(1) if towards_end in gravity else Fraction(1, 2)


class FocalPoint(NamedTuple):
    """The subject, as fractions 0..1 of what is kept of the upright original, from its left top."""

    x: Fraction
    y: Fraction


class Orientation(IntEnum):
    """EXIF tag 0x0112 (Exif 2.32, 4.6.4): what has to be done to the stored pixels to see the picture upright."""

    UPRIGHT = 1
    MIRRORED = 2
    ROTATED_180 = 3
    FLIPPED = 4
    TRANSPOSED = 5
    ROTATED_90 = 6
    TRANSVERSED = 7
    ROTATED_270 = 8

    @property
    def swaps_sides(self) -> bool:
        return self >= Orientation.TRANSPOSED

    def upright(self, stored: Size) -> Size:
        return stored.transposed() if self.swaps_sides else stored

    stored_size = upright
    """From upright back to stored: exchanging the sides is its own inverse."""

    def stored_region(self, upright: Region, *, upright_size: Size) -> Region:
        """Where a region of the upright picture lies in the stored pixels."""
        left, top, width, height = upright
        right = upright_size.width - left - width
        bottom = upright_size.height - top - height
        match self:
            case Orientation.UPRIGHT:
                return upright
            case Orientation.MIRRORED:
                return Region(right, top, width, height)
            case Orientation.ROTATED_180:
                return Region(right, bottom, width, height)
            case Orientation.FLIPPED:
                return Region(left, bottom, width, height)
            case Orientation.TRANSPOSED:
                return Region(top, left, height, width)
            case Orientation.ROTATED_90:
                return Region(top, right, height, width)
            case Orientation.TRANSVERSED:
                return Region(bottom, right, height, width)
            case Orientation.ROTATED_270:
                return Region(bottom, left, height, width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a resize comes to. `size`: px the picture is resampled to. `trim`: what of it is kept, or all.

    `canvas` with `left`, `top`: a larger area that the picture is laid on, or none.
    """

    size: Size
    trim: Region | None = None
    canvas: Size | None = None
    left: int = 0
    top: int = 0

    @property
    def result(self) -> Size:
        if self.canvas is not None:
            return self.canvas
        return self.size if self.trim is None else self.trim.size


def keep_ratio(source: Size, *, width: int | None, height: int | None) -> Size:
    """The box with a missing side filled in after the source's ratio, half up; with both missing, the source."""
    if width is None and height is None:
        return source
    if width is None:
        assert height is not None
        return Size(round_side(Fraction(source.width * height, source.height)), height)
    if height is None:
        return Size(width, round_side(Fraction(source.height * width, source.width)))
    return Size(width, height)


def fit_inside(source: Size, box: Size, *, enlarge: bool) -> Layout:
    size, _ = _scaled_inside(source, box, enlarge=enlarge)
    return Layout(size=size)


def fit_outside(source: Size, box: Size) -> Layout:
    """Never enlarges: with either side of the box longer than the source's, the source stays as it is."""
    if box.exceeds(source):
        return Layout(size=source)
    free = Size(source.width - box.width, source.height - box.height)
    width_leads = free.width < free.height or (free.width == free.height and box.height > box.width)
    if width_leads:
        return Layout(size=keep_ratio(source, width=box.width, height=None))
    return Layout(size=keep_ratio(source, width=None, height=box.height))


def fit_contain(source: Size, box: Size, *, enlarge: bool, gravity: Gravity) -> Layout:
    """The picture's place is rounded from its exact size, not from its rounded one."""
    size, scale = _scaled_inside(source, box, enlarge=enlarge)
    left = round_half_up((box.width - source.width * scale) * gravity.horizontal)
    top = round_half_up((box.height - source.height * scale) * gravity.vertical)
    left = max(0, min(left, box.width - size.width))
    top = max(0, min(top, box.height - size.height))
    if size == box:
        return Layout(size=size)
    return Layout(size=size, canvas=box, left=left, top=top)


def fit_cover(source: Size, box: Size, *, enlarge: bool, gravity: Gravity, focus: FocalPoint | None) -> Layout:
    """Resampled to the next whole px that cover the box, then cut to it.

    A focal point comes as near to the middle of the box as the picture's edges allow. Without `enlarge` a picture
    smaller than the box on one side keeps its pixels and is cut on the other alone.
    """
    scale = max(Fraction(box.width, source.width), Fraction(box.height, source.height))
    if not enlarge and scale > 1:
        scale = Fraction(1)
    size = Size(ceil(source.width * scale), ceil(source.height * scale))
    box = Size(min(box.width, size.width), min(box.height, size.height))
    if size == box:
        return Layout(size=size)
    across, down = source.width * scale - box.width, source.height * scale - box.height
    if focus is None:
        left, top = across * gravity.horizontal, down * gravity.vertical
    else:
        left = focus.x * source.width * scale - Fraction(box.width, 2)
        top = focus.y * source.height * scale - Fraction(box.height, 2)
    return Layout(
        size=size,
        trim=Region(
            max(0, min(round_half_up(left), size.width - box.width)),
            max(0, min(round_half_up(top), size.height - box.height)),
            box.width,
            box.height,
        ),
    )


def _scaled_inside(source: Size, box: Size, *, enlarge: bool) -> tuple[Size, Fraction]:
    """The side that meets the box is exactly the box's."""
    across, down = Fraction(box.width, source.width), Fraction(box.height, source.height)
    scale = min(across, down)
    if not enlarge and scale >= 1:
        return source, Fraction(1)
    if across <= down:
        return Size(box.width, min(box.height, round_side(source.height * scale))), scale
    return Size(min(box.width, round_side(source.width * scale)), box.height), scale
