"""Which sizes of a picture are there, for who cannot have his own at the moment."""

from collections.abc import Hashable, Iterable

from cachetools import LRUCache

from imgsvc.core.geometry import Size
from imgsvc.core.plan import Plan
from imgsvc.core.shape import is_larger_alike, shape_of
from imgsvc.core.variant import VariantKey

_SHAPES = 20_000
_SIZES = 32
"""Of one shape; the oldest go first."""


class ReadySizes:
    """What this process has made or found. A source is an original's file name; files may have gone since."""

    def __init__(self) -> None:
        self._shapes: LRUCache[tuple[str, Hashable], dict[Size, VariantKey]] = LRUCache(_SHAPES)

    def note(self, source: str, plan: Plan, key: VariantKey) -> None:
        shape = shape_of(plan)
        if shape is None:
            return
        sizes = self._shapes.setdefault((source, shape), {})
        sizes.pop(plan.result, None)
        sizes[plan.result] = key
        if len(sizes) > _SIZES:
            del sizes[next(iter(sizes))]

    def larger(self, source: str, plan: Plan) -> Iterable[VariantKey]:
        """Those that show the same, the smallest first."""
        shape = shape_of(plan)
        sizes = {} if shape is None else self._shapes.get((source, shape), {})
        alike = [size for size in sizes if is_larger_alike(size, plan.result)]
        return [sizes[size] for size in sorted(alike, key=lambda size: size.pixels)]
