"""Plans with what follows from them alone, remembered."""

from dataclasses import replace
from typing import NamedTuple

from imgsvc.core.assets import ImageInfo, Original
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan
from imgsvc.core.transform import Transform

_REMEMBERED = 10_000


class Planned(NamedTuple):
    """`canonical` is the plan's. `transform` names its format."""

    plan: Plan
    canonical: str
    transform: Transform


class Plans:
    def __init__(self, *, defaults: Defaults, limits: Limits) -> None:
        self._defaults = defaults
        self._limits = limits
        self._plans: dict[tuple[ImageInfo, Transform], Planned] = {}

    def make(self, original: Original, transform: Transform) -> Planned:
        """Remembered where it holds for every original of the same header; any thread may come here.

        Raises what `make_plan` raises.
        """
        known = self._plans.get((original.picture, transform))
        if known is not None:
            return known
        plan = make_plan(original, transform, defaults=self._defaults, limits=self._limits)
        planned = Planned(plan, plan.canonical(), replace(transform, format=plan.encoding.format))
        if plan.max_bytes is None:
            if len(self._plans) >= _REMEMBERED:
                self._plans.clear()
            self._plans[original.picture, transform] = planned
        return planned
