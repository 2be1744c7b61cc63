"""What renditions of one original have in common that differ in their size alone: one can be shown for another."""

from collections.abc import Hashable

from imgsvc.core.geometry import Size
from imgsvc.core.plan import Plan

_PARTS = 100
"""Where a picture is cut is compared in such parts of its sides: rounded to whole pixels it differs with the size."""


def shape_of(plan: Plan) -> Hashable | None:
    """Equal for those that show the same but for their size. None where there are bars: those are in whole pixels."""
    if plan.canvas is not None:
        return None
    encoding = plan.encoding
    return (
        *(plan.region, plan.orientation, plan.background, plan.frames, plan.to_srgb),
        *(encoding.format, encoding.metadata),
        _cut(plan),
    )


def is_larger_alike(larger: Size, smaller: Size) -> bool:
    """Larger, and of the same ratio but for the rounding of both to whole pixels."""
    skew = abs(larger.width * smaller.height - larger.height * smaller.width)
    return larger.width > smaller.width and larger.height >= smaller.height and 2 * skew <= sum(larger) + sum(smaller)


def _cut(plan: Plan) -> tuple[int, ...] | None:
    if plan.trim is None:
        return None
    left, top, width, height = plan.trim
    across, down = plan.size
    return tuple(round(part * _PARTS) for part in (left / across, top / down, width / across, height / down))
