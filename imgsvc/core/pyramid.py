"""Smaller copies of an original, each half the one before, and which of them a rendition is made from.

A level is of the stored pixels, not turned upright: the same levels serve every plan. Which levels an original has and
which one serves a plan follow from its header alone, so what is rendered never depends on what happens to be there.
"""

from dataclasses import dataclass

from imgsvc.core.assets import Digest, ImageInfo
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Region, Size
from imgsvc.core.plan import Plan, UseOriginal
from imgsvc.core.transform import Metadata
from imgsvc.core.variant import VariantKey, variant_key

_LARGEST_PIXELS = 4_000_000
"""Of the largest level: it serves 1,600 px renditions of usual photographs, and costs some 17 ms to decode."""

_SMALLEST_SIDE = 256
"""The longer one, in px: what is smaller is made from that in a millisecond."""

SMALLEST_ORIGINAL = 640 * 640
"""Px. A smaller one has no pyramid: it is decoded in 3 ms."""

_AMPLE = 1.15
"""Times the pixels needed along each side. With fewer the last step hardly averages any more and only blurs: it was
scored three points lower than the same from the next larger level."""

_EDGE_TOLERANCE = 1 / 8
"""Of a rendition's pixel: how far the edge of a region may lie off when it is cut from a level's whole pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """`halvings`: how often the original's sides were halved; `size` px, odd sides rounded up."""

    halvings: int
    size: Size

    @property
    def scale(self) -> int:
        """Original's px to one of this level's, along each side."""
        return 1 << self.halvings


def levels_of(info: ImageInfo) -> tuple[Level, ...]:
    """Largest first; none of an animation, a drawing, or a picture that is small already."""
    if info.frames > 1 or info.format is Format.SVG or info.size.pixels < SMALLEST_ORIGINAL:
        return ()
    levels: list[Level] = []
    halvings, size = 1, _half(info.size)
    while max(size) >= _SMALLEST_SIDE:
        if size.pixels <= _LARGEST_PIXELS:
            levels.append(Level(halvings=halvings, size=size))
        halvings, size = halvings + 1, _half(size)
    return tuple(levels)


def choose_level(info: ImageInfo, plan: Plan) -> Level | None:
    """The smallest level that has what the plan needs, amply where one does; None where only the original has it.

    Of a region its own share of the level counts. What is to keep its metadata needs the original, which has them.
    """
    if plan.use_original is UseOriginal.ALWAYS or plan.encoding.metadata is Metadata.KEEP or plan.frames > 1:
        return None
    size = plan.orientation.stored_size(plan.size)
    region = plan.region or Region(0, 0, *info.size)
    enough = [level for level in reversed(levels_of(info)) if _has_enough(level, region, size)]
    ample = (level for level in enough if min(_room(level, region, size)) >= _AMPLE)
    return next(ample, enough[-1] if enough else None)


def level_format(info: ImageInfo) -> Format:
    """What has lost nothing so far loses nothing here, and a JPEG has no alpha."""
    return Format.JPEG if FORMATS[info.format].lossy and not info.has_alpha else Format.PNG


def level_key(digest: Digest, level: Level, *, revision: str) -> VariantKey:
    """`revision` names the builder: whatever of it changes a level's bytes."""
    return variant_key(digest, f"level={level.halvings}", revision=revision)


def _half(size: Size) -> Size:
    return Size(-(-size.width // 2), -(-size.height // 2))


def _has_enough(level: Level, region: Region, size: Size) -> bool:
    across, down = _room(level, region, size)
    if across < 1 or down < 1:
        return False
    return (
        _offset(region.left, level) <= _EDGE_TOLERANCE * across and _offset(region.top, level) <= _EDGE_TOLERANCE * down
    )


def _room(level: Level, region: Region, size: Size) -> tuple[float, float]:
    """The region's pixels in that level by those of the rendition, across and down."""
    return region.width / level.scale / size.width, region.height / level.scale / size.height


def _offset(edge: int, level: Level) -> float:
    """In the level's px, from an edge to the nearest one between whole pixels."""
    place = edge / level.scale
    return abs(place - round(place))
