"""From an original to frames at the plan's size: sRGB or grey, 8 bit a channel, still as stored.

Decoders reduce while they read where they can (shrink-on-load), and profiles are applied after the reduction, on fewer
pixels. Truncated files are refused, not shown half grey.
"""

from pathlib import Path
from typing import Any

import pyvips

from imgsvc.core.errors import CorruptOriginal
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Region, Size
from imgsvc.core.plan import Plan
from imgsvc.render.bmp import load_bmp
from imgsvc.render.svg import sanitise_svg

_JPEG_SHRINKS = (8, 4, 2)
_SVG_OVERSAMPLING = 4
"""A distorted drawing is drawn at one scale, then stretched; without a bound a thin one made square would be huge."""


def load_frames(path: Path, plan: Plan) -> list[pyvips.Image]:
    """At least one. Lazy: a decoder fails when pixels are asked for. Raises CorruptOriginal, pyvips.Error."""
    size = plan.orientation.stored_size(plan.size)
    region = plan.region
    if plan.source is Format.SVG:
        return [_to_display(_draw_svg(path, size, region))]
    if plan.source is Format.BMP:
        return [_to_display(_resize(_crop(load_bmp(path), region), size, to_srgb=False))]
    if plan.frames > 1:
        strip = pyvips.Image.new_from_file(str(path), n=plan.frames, fail_on="truncated")
        return [_to_display(_resize(_crop(frame, region), size, to_srgb=plan.to_srgb)) for frame in strip.pagesplit()]
    if region is None:
        return [_to_display(_thumbnail(path, size, to_srgb=plan.to_srgb))]
    return [_to_display(_resize(_load_region(path, plan.source, region, size), size, to_srgb=plan.to_srgb))]


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


def _load_region(path: Path, source: Format, region: Region, size: Size) -> pyvips.Image:
    """A JPEG is reduced while reading by the largest factor that divides the region and leaves twice what is needed."""
    room = min(region.width // size.width, region.height // size.height) // 2
    exact = (factor for factor in _JPEG_SHRINKS if factor <= room and all(side % factor == 0 for side in region))
    shrink = next(exact, 1) if source is Format.JPEG else 1
    if shrink == 1:
        return pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated").crop(*region)
    image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated", shrink=shrink)
    return image.crop(*(side // shrink for side in region))


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
    """Grey or sRGB, 8 bit a channel, with or without alpha."""
    wanted = "b-w" if image.interpretation in ("b-w", "grey16") else "srgb"
    if image.interpretation != wanted:
        image = image.colourspace(wanted)
    return image if image.format == "uchar" else image.cast("uchar")


def _crop(image: pyvips.Image, region: Region | None) -> pyvips.Image:
    return image if region is None else image.crop(*region)
