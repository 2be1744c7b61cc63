"""From an original, or a level of its pyramid, to frames at the plan's size: sRGB or grey, 8 bit a channel, as stored.

Decoders reduce while they read where they can (shrink-on-load). What is left is reduced in linear light, but for what
is too large for that (`is_reducible`) and what has a profile, which is applied after the reduction, on fewer pixels.
Truncated files are refused, not shown half grey.
"""

import zlib
from collections.abc import Callable, Hashable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import CorruptOriginal
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Region, Size
from imgsvc.core.plan import Plan
from imgsvc.core.pyramid import SMALLEST_ORIGINAL
from imgsvc.core.transform import Metadata
from imgsvc.render.bmp import load_bmp
from imgsvc.render.jpeg import SHRINKS, decode_jpeg, jpeg_size
from imgsvc.render.messages import StoredLevel
from imgsvc.render.resample import Pixels, is_reducible, reduce_pixels
from imgsvc.render.svg import sanitise_svg

_WHOLE_PIXELS = 4_000_000
"""Of what libvips decodes whole, to be reduced in linear light; above it libvips reduces while it decodes."""

IN_MEMORY = 100_000_000
"""Bytes of an original that is decoded into memory at once for its pyramid; a larger one is streamed by libvips."""

_AT_ONCE = 32_000_000
"""Likewise for a rendition. Streaming costs a fifth more than libjpeg-turbo by itself, and takes no 42 MB for 14 MP."""

_SVG_OVERSAMPLING = 4
"""A distorted drawing is drawn at one scale, then stretched; without a bound a thin one made square would be huge."""


class LevelDamaged(Exception):
    """A level's file is gone, or not what it was when it was written."""


class Decoded:
    """What was decoded for one rendition, kept for its siblings; whoever renders one alone begins with an empty one."""

    def __init__(self) -> None:
        self._pixels: dict[Hashable, Pixels | None] = {}

    def get(self, source: Hashable, decode: Callable[[], Pixels | None]) -> Pixels | None:
        """Not to be written to."""
        if source not in self._pixels:
            self._pixels[source] = decode()
        return self._pixels[source]


def load_frames(path: Path, plan: Plan, decoded: Decoded) -> list[pyvips.Image]:
    """At least one. Lazy: a decoder fails when pixels are asked for. Raises CorruptOriginal, pyvips.Error."""
    size = plan.orientation.stored_size(plan.size)
    region = plan.region
    if plan.source is Format.SVG:
        return [_to_display(_draw_svg(path, size, region))]
    if plan.frames > 1:
        strip = pyvips.Image.new_from_file(str(path), n=plan.frames, fail_on="truncated")
        return [_to_display(_resize(_crop(frame, region), size, to_srgb=plan.to_srgb)) for frame in strip.pagesplit()]
    return [_load_still(path, plan, size, decoded)]


def load_level(level: StoredLevel, plan: Plan, whole: Size, decoded: Decoded) -> pyvips.Image:
    """The plan's one frame; `whole` is the original's size. Raises LevelDamaged, pyvips.Error."""
    pixels = decoded.get(level, lambda: _decode_level(level))
    assert pixels is not None
    region = plan.region or Region(0, 0, *whole)
    left, top = round(region.left / level.scale), round(region.top / level.scale)
    width, height = region.width / level.scale, region.height / level.scale
    kept = pixels[top : top + ceil(height), left : left + ceil(width)]
    return _reduced(kept, (width, height), plan.orientation.stored_size(plan.size))


def load_whole(path: Path, info: ImageInfo) -> Pixels:
    """A still's every pixel, in memory. Raises CorruptOriginal, pyvips.Error."""
    if info.format is Format.BMP:
        return pixels_from_image(_to_display(load_bmp(path)))
    return pixels_from_image(
        _to_display(pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated"))
    )


def load_reduced(path: Path, info: ImageInfo, size: Size) -> Pixels:
    """A still as libvips reduces it, under its profile. Raises CorruptOriginal, pyvips.Error."""
    if info.format is Format.BMP:
        return pixels_from_image(_to_display(_resize(load_bmp(path), size, to_srgb=not info.is_srgb)))
    return pixels_from_image(_to_display(_thumbnail(path, size, to_srgb=not info.is_srgb)))


def pixels_from_image(image: pyvips.Image) -> Pixels:
    """Of 8 bit a channel. pyvips makes a number of a single grey pixel."""
    pixels = image.numpy()
    return pixels if pixels.ndim else pixels.reshape(1, 1)


def image_from_pixels(pixels: Pixels) -> pyvips.Image:
    height, width = pixels.shape[:2]
    bands = pixels.shape[2] if pixels.ndim == 3 else 1
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels).data, width, height, bands, "uchar")
    return image.copy(interpretation="b-w" if bands < 3 else "srgb")


def open_header(path: Path) -> pyvips.Image:
    """Header alone, of a still's first page or of all frames; not for SVG and BMP. Raises pyvips.Error."""
    return pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")


def open_svg(path: Path, *, scale: float = 1) -> pyvips.Image:
    """What is left when scripts, event handlers and references to other hosts are gone.

    Raises CorruptOriginal, pyvips.Error.
    """
    try:
        harmless = sanitise_svg(path.read_bytes())
    except ValueError as error:
        raise CorruptOriginal("The original is not well-formed SVG.") from error
    return pyvips.Image.svgload_buffer(harmless, scale=scale)


def _thumbnail(path: Path, size: Size, *, to_srgb: bool) -> pyvips.Image:
    return pyvips.Image.thumbnail(
        str(path),
        size.width,
        height=size.height,
        size="force",
        no_rotate=True,
        fail_on="truncated",
        **_color_options(to_srgb=to_srgb),
    )


def _resize(image: pyvips.Image, size: Size, *, to_srgb: bool) -> pyvips.Image:
    return image.thumbnail_image(
        size.width, height=size.height, size="force", no_rotate=True, **_color_options(to_srgb=to_srgb)
    )


def _color_options(*, to_srgb: bool) -> dict[str, Any]:
    """Asked for a profile, libvips goes through Lab even from sRGB to sRGB: at 4 MP that is 800 ms of CPU."""
    return {"output_profile": "srgb"} if to_srgb else {}


def _decode_level(level: StoredLevel) -> Pixels | None:
    """Raises LevelDamaged, pyvips.Error."""
    try:
        data = Path(level.path).read_bytes()
    except OSError as error:
        raise LevelDamaged from error
    if zlib.crc32(data) != level.crc32:
        raise LevelDamaged
    return decode_jpeg(data) if level.format is Format.JPEG else pixels_from_image(pyvips.Image.pngload_buffer(data))


def _load_still(path: Path, plan: Plan, size: Size, decoded: Decoded) -> pyvips.Image:
    own_way = not plan.to_srgb and plan.encoding.metadata is Metadata.STRIP
    if own_way and plan.source is Format.JPEG:
        image = _load_jpeg(path, plan.region, size, decoded)
        if image is not None:
            return image
    if plan.source is Format.BMP:
        image = load_bmp(path)
    else:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
    kept = Size(image.width, image.height) if plan.region is None else plan.region.size
    if own_way and kept.pixels <= _WHOLE_PIXELS:
        return _reduced(pixels_from_image(_to_display(_crop(image, plan.region))), kept, size)
    if plan.region is None and plan.source is not Format.BMP:
        return _to_display(_thumbnail(path, size, to_srgb=plan.to_srgb))
    return _to_display(_resize(_crop(image, plan.region), size, to_srgb=plan.to_srgb))


def _load_jpeg(path: Path, region: Region | None, size: Size, decoded: Decoded) -> pyvips.Image | None:
    """None where libvips has to do it."""
    data = path.read_bytes()
    whole = jpeg_size(data)
    if whole is None:
        return None
    kept = region or Region(0, 0, *whole)
    shrink = _choose_shrink(whole, kept, size)
    if whole.pixels * 3 > _AT_ONCE * shrink**2:
        return None
    pixels = decoded.get((path, shrink), lambda: decode_jpeg(data, shrink=shrink))
    if pixels is None:
        return None
    left, top, width, height = (side / shrink for side in kept)
    pixels = pixels[int(top) : ceil(top + height), int(left) : ceil(left + width)]
    # The DCT has averaged in sRGB's own numbers already.
    return _reduced(pixels, (width, height), size, quickly=shrink > 1)


def _reduced(pixels: Pixels, extent: tuple[float, float], size: Size, *, quickly: bool = False) -> pyvips.Image:
    """Or enlarged."""
    grows = extent[0] < size.width or extent[1] < size.height
    if grows or not is_reducible(pixels):
        return _resize(image_from_pixels(pixels), size, to_srgb=False)
    return image_from_pixels(reduce_pixels(pixels, extent, size, quickly=quickly))


def _choose_shrink(whole: Size, kept: Region, size: Size) -> int:
    """The largest that leaves as much as is needed, and divides a region: rounded to scaled pixels it would lie off."""
    if whole.pixels < SMALLEST_ORIGINAL:
        # No level will do it better later.
        return 1
    whole_picture = kept.size == whole
    for shrink in SHRINKS:
        fits = size.width * shrink <= kept.width and size.height * shrink <= kept.height
        if fits and (whole_picture or all(side % shrink == 0 for side in kept)):
            return shrink
    return 1


def _draw_svg(path: Path, size: Size, region: Region | None) -> pyvips.Image:
    """Drawn at the size asked for, not drawn and then enlarged."""
    declared = open_svg(path)
    kept = Size(declared.width, declared.height) if region is None else region.size
    across, down = size.width / kept.width, size.height / kept.height
    scale = min(max(across, down), _SVG_OVERSAMPLING * min(across, down))
    drawn = open_svg(path, scale=scale)
    if region is not None:
        left = min(round(region.left * scale), drawn.width - 1)
        top = min(round(region.top * scale), drawn.height - 1)
        width = max(1, min(round(region.width * scale), drawn.width - left))
        height = max(1, min(round(region.height * scale), drawn.height - top))
        drawn = drawn.crop(left, top, width, height)
    return drawn if (drawn.width, drawn.height) == size else _resize(drawn, size, to_srgb=False)


def _to_display(image: pyvips.Image) -> pyvips.Image:
    """Grey or sRGB, 8 bit a channel, with or without alpha; a TIFF's further channels go."""
    wanted = "b-w" if image.interpretation in ("b-w", "grey16") else "srgb"
    if image.interpretation != wanted:
        image = image.colourspace(wanted)
    channels = 2 if wanted == "b-w" else 4
    if image.bands > channels:
        image = image.extract_band(0, n=channels)
    return image if image.format == "uchar" else image.cast("uchar")


def _crop(image: pyvips.Image, region: Region | None) -> pyvips.Image:
    return image if region is None else image.crop(*region)
