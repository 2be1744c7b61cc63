"""What a file is: its header, checked against the limits, and then one decode to its end."""

from dataclasses import replace
from pathlib import Path

import pyvips

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import CorruptOriginal, NotAnImage, TooManyPixels
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.limits import Limits
from imgsvc.render.bmp import load_bmp, read_bmp_header
from imgsvc.render.colorspace import has_srgb_values
from imgsvc.render.gif import split_gif
from imgsvc.render.load import open_header, open_svg

_LOADERS = {
    Format.JPEG: "jpegload",
    Format.PNG: "pngload",
    Format.WEBP: "webpload",
    Format.GIF: "gifload",
    Format.TIFF: "tiffload",
    Format.AVIF: "heifload",
}


def probe(path: Path, source: Format, limits: Limits) -> ImageInfo:
    """Raises NotAnImage, CorruptOriginal, TooManyPixels, pyvips.Error."""
    if source is Format.BMP:
        width, height, has_alpha = read_bmp_header(path)
        info = ImageInfo(format=source, size=Size(width, height), has_alpha=has_alpha)
        _check(info, limits)
        load_bmp(path)
        return info
    if source is Format.SVG:
        drawn = open_svg(path)
        info = ImageInfo(format=source, size=Size(drawn.width, drawn.height), has_alpha=True)
        _check(info, limits)
        return info
    info = _read_header(path, source)
    _check(info, limits)
    if source is Format.GIF:
        _check_gif_ends(path)
    return _decode_to_its_end(path, info)


def _read_header(path: Path, source: Format) -> ImageInfo:
    image = open_header(path)
    if not str(image.get("vips-loader")).startswith(_LOADERS[source]):
        raise NotAnImage(f"The bytes begin like {source.upper()} and are something else.")
    return ImageInfo(
        format=source,
        size=Size(image.width, image.height),
        orientation=_orientation(image),
        # A TIFF's pages are no animation; the first stands for all.
        frames=image.get_n_pages() if FORMATS[source].animation else 1,
        has_alpha=bool(image.hasalpha()),
        is_srgb=image.interpretation in ("srgb", "b-w", "rgb16", "grey16") and has_srgb_values(image),
    )


def _orientation(image: pyvips.Image) -> Orientation:
    """A value outside 1..8 means nothing and is taken for none."""
    if image.get_typeof("orientation") == 0:
        return Orientation.UPRIGHT
    stored = image.get("orientation")
    return Orientation(stored) if isinstance(stored, int) and 1 <= stored <= 8 else Orientation.UPRIGHT


def _check(info: ImageInfo, limits: Limits) -> None:
    if info.frames > limits.frames:
        raise TooManyPixels(f"The picture has {info.frames} frames; at most {limits.frames} are taken in.")
    if info.size.pixels * info.frames > limits.pixels:
        times = f" in {info.frames} frames" if info.frames > 1 else ""
        raise TooManyPixels(
            f"The picture has {info.size.width} x {info.size.height} pixels{times}; "
            f"at most {limits.pixels} pixels are taken in."
        )


def _check_gif_ends(path: Path) -> None:
    """libnsgif takes a file that breaks off for one with fewer frames."""
    try:
        for _ in split_gif(path.read_bytes()):
            pass
    except ValueError as error:
        raise CorruptOriginal("The animation breaks off before its end.") from error


def _decode_to_its_end(path: Path, info: ImageInfo) -> ImageInfo:
    """A picture that breaks off half-way is refused now, not when a shop window asks for it.

    Of a GIF, which is always loaded with alpha, it is found out whether anything in it is transparent.
    """
    if info.format is Format.GIF or info.frames > 1:
        strip = pyvips.Image.new_from_file(str(path), n=info.frames, access="sequential", fail_on="truncated")
        lowest = strip[strip.bands - 1].min() if info.has_alpha else strip.avg()
        return replace(info, has_alpha=info.has_alpha and lowest != 255)
    pyvips.Image.thumbnail(str(path), 64, height=64, size="force", no_rotate=True, fail_on="truncated").avg()
    return info
