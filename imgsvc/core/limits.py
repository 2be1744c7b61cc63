"""What the operator allows, checked before anything is allocated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`pixels` counts width times height times frames, of originals and of renditions. Sides are in px.

    `surrender_side`: where a side asked for by width or height makes the result longer than this, the picture is
    answered unresized instead, as ImageProcessor's MaxWidth and MaxHeight do. `output_side`: nothing longer is made.
    """

    pixels: int = 100_000_000
    frames: int = 1000
    output_side: int = 8192
    surrender_side: int = 5000
