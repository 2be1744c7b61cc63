"""Transforms that have a name, and names that are a size: 600x600, 1920x, x480."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from imgsvc.core.transform import Transform

_SIZE = re.compile(r"(?P<width>[0-9]{1,5})?x(?P<height>[0-9]{1,5})?", re.ASCII)


_THUMBNAIL = Transform(max_width=320, max_height=320)
_PREVIEW = Transform(max_width=1280, max_height=1280)

PRESETS: Mapping[str, Transform] = MappingProxyType(
    {
        # Quable names them, and keeps their sizes to itself; its older assets have the shorter names.
        "system-thumbnail": _THUMBNAIL,
        "system-preview": _PREVIEW,
        "thumbnail": _THUMBNAIL,
        "preview": _PREVIEW,
        "600x600": Transform(max_width=600, max_height=600),
    }
)
"""Those that are there without a setting; one of the same name overrules them."""


def find_preset(name: str, presets: Mapping[str, Transform]) -> Transform | None:
    """The operator's own names come first, in any case; a size fits inside and never enlarges. None: no such preset."""
    name = name.lower()
    return presets.get(name) or PRESETS.get(name) or _transform_from_size(name)


def _transform_from_size(name: str) -> Transform | None:
    match = _SIZE.fullmatch(name)
    if match is None or name == "x":
        return None
    width, height = (int(side) if side else None for side in match.group("width", "height"))
    if width == 0 or height == 0:
        return None
    return Transform(max_width=width, max_height=height)
