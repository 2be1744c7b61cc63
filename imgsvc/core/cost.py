"""How long a render will keep a core busy, roughly: enough to queue by."""

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import FORMATS
from imgsvc.core.geometry import Size
from imgsvc.core.plan import Plan


def estimate_seconds(info: ImageInfo, plan: Plan) -> float:
    """Of decoding every frame that is read, whatever is kept of it, and encoding every frame that is written."""
    read = _pixels(info.size) * plan.frames * FORMATS[plan.source].decoding
    written = _pixels(plan.result) * plan.frames * FORMATS[plan.encoding.format].encoding
    return (read + written) / 1e9


def _pixels(size: Size) -> int:
    return size.width * size.height
