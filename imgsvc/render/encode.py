"""From frames to bytes: one encoder a format, and the rule that no rendition outgrows its original.

The settings are those of the tables in `benchmarks/README.md`: what costs little time for its bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pyvips

from imgsvc.core.formats import Format
from imgsvc.core.plan import Encoding, Plan, UseOriginal
from imgsvc.core.transform import Metadata
from imgsvc.render.bmp import save_bmp
from imgsvc.render.jpeg import encode_jpeg
from imgsvc.render.load import pixels_from_image
from imgsvc.render.strip import strip_metadata

_LOWEST_QUALITY = 30
_QUALITY_STEP = 10


def encode(frames: list[pyvips.Image], plan: Plan, original: Path) -> bytes:
    """`original` is read only where it may stand in for a rendition that came out longer. Raises pyvips.Error."""
    image = (frames[0] if len(frames) == 1 else _stack(frames)).copy()
    # The pixels are as they are to be seen. TIFF and AVIF tell the orientation even where no metadata is kept.
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    if plan.max_bytes is None:
        return ENCODERS[plan.encoding.format](image, plan.encoding)
    # It may have to be encoded again, and decoders give their lines once.
    image = image.copy_memory()
    data = ENCODERS[plan.encoding.format](image, plan.encoding)
    if len(data) <= plan.max_bytes:
        return data
    return _shorter(data, image, plan, original, max_bytes=plan.max_bytes)


def stripped_original(original: Path, plan: Plan) -> bytes | None:
    """None where the plan does not want it, or its container cannot be freed of metadata."""
    if plan.use_original is not UseOriginal.ALWAYS:
        return None
    return strip_metadata(original.read_bytes(), plan.source, plan.orientation)


def _shorter(data: bytes, image: pyvips.Image, plan: Plan, original: Path, *, max_bytes: int) -> bytes:
    """The original itself where it shows the same, else more effort or a lower quality; the shortest that was found."""
    if plan.use_original is UseOriginal.WHEN_SHORTER:
        stored = original.read_bytes()
        keep = plan.encoding.metadata is Metadata.KEEP
        stand_in = stored if keep else strip_metadata(stored, plan.source, plan.orientation)
        if stand_in is not None and len(stand_in) <= max_bytes:
            return stand_in
    encoding = plan.encoding
    if encoding.format in HARDEST:
        return min(data, HARDEST[encoding.format](image, encoding), key=len)
    while len(data) > max_bytes and encoding.quality is not None and encoding.quality > _LOWEST_QUALITY:
        encoding = replace(encoding, quality=max(_LOWEST_QUALITY, encoding.quality - _QUALITY_STEP))
        data = min(data, ENCODERS[encoding.format](image, encoding), key=len)
    return data


def _stack(frames: list[pyvips.Image]) -> pyvips.Image:
    """libvips keeps an animation as one tall strip; delays and loop count come along with the first frame."""
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    return strip


# VipsForeignKeep and VipsForeignPngFilter, which pyvips takes as flags (libvips/include/vips/foreign.h).
_KEEP_NONE, _KEEP_EXIF, _KEEP_XMP, _KEEP_IPTC = 0, 1, 2, 4
_PNG_FILTER_UP, _PNG_FILTER_ALL = 0x20, 0xF8


def _kept(encoding: Encoding) -> int:
    """Profiles are never kept: the pixels are sRGB by now, which is what no profile means."""
    return _KEEP_EXIF | _KEEP_XMP | _KEEP_IPTC if encoding.metadata is Metadata.KEEP else _KEEP_NONE


def _quality(encoding: Encoding) -> int:
    assert encoding.quality is not None
    return encoding.quality


def _save_jpeg(image: pyvips.Image, encoding: Encoding) -> bytes:
    """libjpeg-turbo by itself takes half of libvips' time; only what goes with the pixels needs libvips."""
    if encoding.metadata is Metadata.STRIP and image.bands in (1, 3) and image.format == "uchar":
        return encode_jpeg(pixels_from_image(image), _quality(encoding))
    return image.jpegsave_buffer(Q=_quality(encoding), keep=_kept(encoding))


def _save_png(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.pngsave_buffer(compression=3, filter=_PNG_FILTER_UP, keep=_kept(encoding))


def _save_png_hardest(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.pngsave_buffer(compression=9, filter=_PNG_FILTER_ALL, keep=_kept(encoding))


def _save_png8(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.pngsave_buffer(palette=True, Q=100, effort=1, compression=6, keep=_kept(encoding))


def _save_webp(image: pyvips.Image, encoding: Encoding) -> bytes:
    if encoding.lossless:
        return image.webpsave_buffer(lossless=True, effort=2, keep=_kept(encoding))
    return image.webpsave_buffer(Q=_quality(encoding), effort=2, keep=_kept(encoding))


def _save_avif(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.heifsave_buffer(compression="av1", Q=_quality(encoding), effort=1, keep=_kept(encoding))


def _save_gif(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.gifsave_buffer(effort=3, keep=_kept(encoding))


def _save_tiff(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.tiffsave_buffer(compression="deflate", predictor="horizontal", keep=_kept(encoding))


def _save_tiff_hardest(image: pyvips.Image, encoding: Encoding) -> bytes:
    return image.tiffsave_buffer(compression="deflate", level=9, predictor="horizontal", keep=_kept(encoding))


def _save_bmp(image: pyvips.Image, encoding: Encoding) -> bytes:
    return save_bmp(image)


ENCODERS: Mapping[Format, Callable[[pyvips.Image, Encoding], bytes]] = MappingProxyType(
    {
        Format.JPEG: _save_jpeg,
        Format.PNG: _save_png,
        Format.PNG8: _save_png8,
        Format.WEBP: _save_webp,
        Format.AVIF: _save_avif,
        Format.GIF: _save_gif,
        Format.TIFF: _save_tiff,
        Format.BMP: _save_bmp,
    }
)

# Of formats that know no quality to lower, for renditions that came out longer than their original.
HARDEST: Mapping[Format, Callable[[pyvips.Image, Encoding], bytes]] = MappingProxyType(
    {Format.PNG: _save_png_hardest, Format.TIFF: _save_tiff_hardest}
)
