"""How long work will keep a core busy, roughly: enough to queue by."""

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import FORMATS
from imgsvc.core.plan import Plan
from imgsvc.core.pyramid import Level, level_format


def estimate_seconds(info: ImageInfo, plan: Plan, level: Level | None = None) -> float:
    """Of decoding every frame that is read, whatever is kept of it, and encoding every frame that is written."""
    if level is None:
        read = info.size.pixels * plan.frames * FORMATS[plan.source].decoding
    else:
        read = level.size.pixels * FORMATS[level_format(info)].decoding
    written = plan.result.pixels * plan.frames * FORMATS[plan.encoding.format].encoding
    return (read + written) / 1e9


def estimate_decoding(info: ImageInfo) -> float:
    """Seconds, of every frame."""
    return info.size.pixels * info.frames * FORMATS[info.format].decoding / 1e9
