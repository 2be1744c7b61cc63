"""How long work will keep a core busy, roughly: enough to queue by."""

from typing import NamedTuple

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import FORMATS
from imgsvc.core.plan import Plan
from imgsvc.core.pyramid import Level, level_format


class Cost(NamedTuple):
    """Seconds. `reading`: of decoding every frame that is read, whatever is kept of it. `writing`: of encoding."""

    reading: float
    writing: float

    @property
    def seconds(self) -> float:
        return self.reading + self.writing


def estimate_cost(info: ImageInfo, plan: Plan, level: Level | None = None) -> Cost:
    if level is None:
        read = info.size.pixels * plan.frames * FORMATS[plan.source].decoding
    else:
        read = level.size.pixels * FORMATS[level_format(info)].decoding
    written = plan.result.pixels * plan.frames * FORMATS[plan.encoding.format].encoding
    return Cost(read / 1e9, written / 1e9)


def estimate_decoding(info: ImageInfo) -> float:
    """Seconds, of every frame."""
    return info.size.pixels * info.frames * FORMATS[info.format].decoding / 1e9
