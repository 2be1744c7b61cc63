"""The ways from an original to a rendition's pixels that are compared, ours among them."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pyvips

from imgsvc.core.assets import Digest, Original
from imgsvc.core.formats import Format, format_from_extension
from imgsvc.core.geometry import Size, keep_ratio
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, make_plan
from imgsvc.core.transform import Transform
from imgsvc.render.load import load_frames
from imgsvc.render.probe import probe
from imgsvc.render.steps import PIPELINE

Way = Callable[[Path, int], pyvips.Image]
"""From an original and a width in px to finished pixels: 8-bit sRGB, alpha where the original has it, not encoded.

They are of `rendition_size` exactly. Left to itself `thumbnail()` scales both sides by one factor and is up to half a
pixel off at the end of the other, which costs more points than there are between most ways.
"""

PLAIN, LINEAR = "thumbnail()", "thumbnail(linear=True)"


def rendition_size(path: Path, width: int) -> Size:
    return keep_ratio(_read_original(path).picture.size, width=width, height=None)


def _make_plain(path: Path, width: int) -> pyvips.Image:
    height = rendition_size(path, width).height
    return pyvips.Image.thumbnail(str(path), width, height=height, size="force")


def _make_linear(path: Path, width: int) -> pyvips.Image:
    height = rendition_size(path, width).height
    return pyvips.Image.thumbnail(str(path), width, height=height, size="force", linear=True)


def _make_direct(path: Path, width: int) -> pyvips.Image:
    """As a render worker does where nothing but the original is there."""
    wanted = Transform(width=width, format=Format.PNG)
    plan = make_plan(_read_original(path), wanted, defaults=Defaults(), limits=Limits())
    (frame,) = load_frames(path, plan)
    for step in PIPELINE:
        frame = step(frame, plan)
    return frame


@cache
def _read_original(path: Path) -> Original:
    """Read once, as it is when an original is taken in: no rendition pays for it."""
    source = format_from_extension(path.suffix.removeprefix("."))
    assert source is not None
    info = probe(path, source, Limits())
    return Original(digest=Digest(path.name), md5="", crc32=None, length=path.stat().st_size, info=info)


WAYS: Mapping[str, Way] = {PLAIN: _make_plain, LINEAR: _make_linear, "imgsvc direct": _make_direct}
