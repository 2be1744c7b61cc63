"""The ways from an original to a rendition's pixels that are compared, ours among them."""

import atexit
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pyvips

from imgsvc.core.assets import Digest, Original
from imgsvc.core.formats import Format, format_from_extension
from imgsvc.core.geometry import Size, keep_ratio
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, make_plan
from imgsvc.core.pyramid import Level, choose_level, level_format, levels_of
from imgsvc.core.transform import Transform
from imgsvc.render.load import Decoded, load_frames, load_level
from imgsvc.render.messages import StoredLevel
from imgsvc.render.probe import probe
from imgsvc.render.pyramid import build_pyramid
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
    (frame,) = load_frames(path, plan, Decoded())
    for step in PIPELINE:
        frame = step(frame, plan)
    return frame


def _make_own(path: Path, width: int) -> pyvips.Image:
    """As a render worker does once the original's pyramid is there; its making is not counted here."""
    info = _read_original(path).picture
    wanted = Transform(width=width, format=Format.PNG)
    plan = make_plan(_read_original(path), wanted, defaults=Defaults(), limits=Limits())
    level = choose_level(info, plan)
    if level is None:
        return _make_direct(path, width)
    frame = load_level(_build_pyramid(path)[level], plan, info.size, Decoded())
    for step in PIPELINE:
        frame = step(frame, plan)
    return frame


@cache
def _build_pyramid(path: Path) -> Mapping[Level, StoredLevel]:
    info = _read_original(path).picture
    folder = Path(mkdtemp(prefix="imgsvc-quality-"))
    atexit.register(rmtree, folder)
    built: dict[Level, StoredLevel] = {}
    for level, data in zip(levels_of(info), build_pyramid(path, info), strict=True):
        file = folder / str(level.halvings)
        file.write_bytes(data)
        built[level] = StoredLevel(path=str(file), format=level_format(info), scale=level.scale, crc32=zlib.crc32(data))
    return built


@cache
def _read_original(path: Path) -> Original:
    """Read once, as it is when an original is taken in: no rendition pays for it."""
    source = format_from_extension(path.suffix.removeprefix("."))
    assert source is not None
    info = probe(path, source, Limits())
    return Original(digest=Digest(path.name), md5="", crc32=None, length=path.stat().st_size, info=info)


WAYS: Mapping[str, Way] = {
    PLAIN: _make_plain,
    LINEAR: _make_linear,
    "imgsvc": _make_own,
    "imgsvc, first answer": _make_direct,
}
