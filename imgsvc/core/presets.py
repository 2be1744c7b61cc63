"""Transforms that have a name, and names that are a size: 600x600, 1920x, x480."""

import re
from collections.abc import Mapping

from imgsvc.core.transform import Transform

_SIZE = re.compile(r"(?P<width>[0-9]{1,5})?x(?P<height>[0-9]{1,5})?", re.ASCII)


def find_preset(name: str, presets: Mapping[str, Transform]) -> Transform | None:
    """The operator's own names come first, in any case; a size fits inside and never enlarges. None: no such preset."""
    return presets.get(name.lower()) or _transform_from_size(name.lower())


def _transform_from_size(name: str) -> Transform | None:
    match = _SIZE.fullmatch(name)
    if match is None or name == "x":
        return None
    width, height = (int(side) if side else None for side in match.group("width", "height"))
    if width == 0 or height == 0:
        return None
    return Transform(max_width=width, max_height=height)
