"""Building an original's pyramid: one decode, then halves of halves, each in linear light."""

from collections.abc import Iterator
from pathlib import Path

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.pyramid import Level, level_format, levels_of
from imgsvc.render.jpeg import SHRINKS, decode_jpeg, encode_jpeg
from imgsvc.render.load import IN_MEMORY, image_from_pixels, load_reduced, load_whole
from imgsvc.render.resample import Pixels, halve, halve_quickly

_QUALITY = 94
"""Of levels kept as JPEG, at full chroma: 0.3 SSIMULACRA2 below lossless, a fifth of its bytes."""

_CAREFUL_PIXELS = 4_000_000
"""Above it an original is halved by the quickest means."""

_FILTER_UP = 0x20  # VIPS_FOREIGN_PNG_FILTER_UP (libvips/include/vips/foreign.h)


def build_pyramid(path: Path, info: ImageInfo) -> Iterator[bytes]:
    """Of each of `levels_of(info)` its file, in `level_format(info)`. Raises CorruptOriginal, pyvips.Error."""
    levels = levels_of(info)
    pixels = _largest(path, info, levels[0])
    for level in levels:
        if level is not levels[0]:
            pixels = halve(pixels)
        yield _encode(pixels, level_format(info))


def _largest(path: Path, info: ImageInfo, level: Level) -> Pixels:
    """Of an original under a profile, or too large for memory, the reduction is not in linear light."""
    pixels = _decode(path, info, shrink=min(level.scale // 2, max(SHRINKS)))
    if pixels is None:
        return load_reduced(path, info, level.size)
    pixels = halve(pixels) if pixels.shape[0] * pixels.shape[1] <= _CAREFUL_PIXELS else halve_quickly(pixels)
    while pixels.shape[1::-1] != level.size:
        pixels = halve(pixels)
    return pixels


def _decode(path: Path, info: ImageInfo, *, shrink: int) -> Pixels | None:
    """A JPEG at `shrink`, anything else whole; None where it must not be, or is too large to be, in memory."""
    if not info.is_srgb:
        return None
    if info.format is Format.JPEG:
        pixels = decode_jpeg(path.read_bytes(), shrink=shrink)
        if pixels is not None:
            return pixels
    return load_whole(path, info) if info.size.pixels * (3 + info.has_alpha) <= IN_MEMORY else None


def _encode(pixels: Pixels, output: Format) -> bytes:
    if output is Format.JPEG:
        return encode_jpeg(pixels, _QUALITY)
    return image_from_pixels(pixels).pngsave_buffer(compression=1, filter=_FILTER_UP, keep=0)
