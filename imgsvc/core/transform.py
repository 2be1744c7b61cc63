"""What a caller wants of a picture, free of how it was spelled and of what the original is like."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

from imgsvc.core.color import Color
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region


class Insets(NamedTuple):
    """What is cut off each side, as fractions 0..1 of the upright original; each pair of opposites below 1."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction


class Metadata(StrEnum):
    """What becomes of EXIF, XMP, IPTC and comments."""

    STRIP = "strip"
    KEEP = "keep"


class Negotiated(Enum):
    """In place of a format: one that suits who asks, see `core.negotiation`."""

    AUTO = "auto"


Auto: TypeAlias = Literal[Negotiated.AUTO]
AUTO: Auto = Negotiated.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """All lengths in px of the result, which is what device pixels are here. None and defaults: not asked for.

    `crop` is taken first, in px of the upright original or as insets. `width` and `height` make the box that `fit`
    fills; `max_width` and `max_height` bound it, and where they stand alone the picture fits inside and is never
    enlarged; both of them with a `background` make a canvas of exactly that box. `upright` False leaves the stored
    pixels as they lie, whatever the orientation tag says. `quality` is 1..100.
    """

    width: int | None = None
    height: int | None = None
    max_width: int | None = None
    max_height: int | None = None
    fit: Fit = Fit.CONTAIN
    enlarge: Enlarge = Enlarge.ALWAYS
    gravity: Gravity = Gravity.CENTER
    focus: FocalPoint | None = None
    crop: Region | Insets | None = None
    upright: bool = True
    background: Color | None = None
    format: Format | Auto | None = None
    quality: int | None = None
    metadata: Metadata = Metadata.STRIP


NOTHING_ASKED = Transform()
