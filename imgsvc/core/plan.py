"""From what is wanted and what the original is to what exactly will be done, in whole pixels and without a pixel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from imgsvc.core.assets import ImageInfo, Original
from imgsvc.core.color import WHITE, Color
from imgsvc.core.errors import InvalidParameter, TooManyPixels
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import (
    Enlarge,
    Fit,
    Layout,
    Orientation,
    Region,
    Size,
    fit_contain,
    fit_cover,
    fit_inside,
    fit_outside,
    keep_ratio,
    round_half_up,
    round_side,
)
from imgsvc.core.limits import Limits
from imgsvc.core.negotiation import Accepted, choose_format
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Insets, Metadata, Transform

TRANSPARENT = Color(0, 0, 0, 0)


class UseOriginal(StrEnum):
    """When the original's own bytes, freed of their metadata, are the result."""

    NEVER = "never"
    WHEN_SHORTER = "when_shorter"
    """They show the same, so they stand in for a rendition that came out longer than they are."""
    ALWAYS = "always"
    """Where its container can be freed of metadata without touching a pixel; else it is rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where the caller does not say: `quality` 1..100 by format; `background` opaque."""

    quality: Mapping[Format, int] = field(default_factory=lambda: MappingProxyType({}))
    background: Color = WHITE

    def quality_of(self, output: Format) -> int | None:
        return self.quality.get(output, FORMATS[output].default_quality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the result becomes bytes. `quality` is None where the format knows none or `lossless` holds."""

    format: Format
    quality: int | None = None
    lossless: bool = False
    metadata: Metadata = Metadata.STRIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Carried out from top to bottom; the renderer decides nothing. All lengths in px.

    `to_srgb`: the stored values mean something else than sRGB, so the profile has to be applied.
    `region` is kept of the stored pixels. `orientation` has still to be applied; `size` (resampled to), `trim` (kept of
    that), `canvas` with `left`, `top` are of the upright picture. `background` fills bars and lies under alpha;
    None where there is neither. `max_bytes`: the result must not be longer than the original of the same size and
    format.
    """

    source: Format
    to_srgb: bool
    region: Region | None
    orientation: Orientation
    size: Size
    trim: Region | None
    canvas: Size | None
    left: int
    top: int
    background: Color | None
    frames: int
    encoding: Encoding
    max_bytes: int | None
    use_original: UseOriginal

    def canonical(self) -> str:
        """Equal for equal plans and only for them; part of every variant's key."""
        encoding = self.encoding
        fields = (
            ("source", self.source),
            ("to_srgb", self.to_srgb),
            ("region", _joined(self.region)),
            ("orientation", int(self.orientation)),
            ("size", _joined(self.size)),
            ("trim", _joined(self.trim)),
            ("canvas", _joined(self.canvas)),
            ("place", f"{self.left},{self.top}"),
            ("background", self.background),
            ("frames", self.frames),
            ("format", encoding.format),
            ("quality", encoding.quality),
            ("lossless", encoding.lossless),
            ("metadata", encoding.metadata),
            ("max_bytes", self.max_bytes),
            ("use_original", self.use_original),
        )
        return ";".join(f"{name}={value}" for name, value in fields)

    @property
    def result(self) -> Size:
        """Of one frame."""
        return Layout(size=self.size, trim=self.trim, canvas=self.canvas).result


def make_plan(original: Original, transform: Transform, *, defaults: Defaults, limits: Limits) -> Plan:
    """Raises InvalidParameter (a format that is not written), TooManyPixels."""
    info = original.picture
    orientation = info.orientation if transform.upright else Orientation.UPRIGHT
    whole = orientation.upright(info.size)
    region = _kept_region(whole, transform)
    kept = whole if region is None else region.size
    layout = _lay_out(kept, transform, limits)
    encoding = _choose_encoding(info, transform, defaults)
    row = FORMATS[encoding.format]
    frames = info.frames if row.animation else 1
    _check_limits(info, layout, frames, limits)
    same_picture = (
        encoding.format is info.format and layout.result == whole and region is None and frames == info.frames
    )
    background = _choose_background(info, transform, defaults, has_bars=layout.canvas is not None, alpha=row.alpha)
    shows_same = (
        same_picture
        and layout.canvas is None
        and background is None
        and info.is_srgb
        and info.orientation is Orientation.UPRIGHT
    )
    return Plan(
        source=info.format,
        to_srgb=not info.is_srgb,
        orientation=orientation,
        region=None if region is None else orientation.stored_region(region, upright_size=whole),
        size=layout.size,
        trim=layout.trim,
        canvas=layout.canvas,
        left=layout.left,
        top=layout.top,
        background=background,
        frames=frames,
        encoding=encoding,
        max_bytes=original.length if same_picture else None,
        use_original=UseOriginal.WHEN_SHORTER if shows_same else UseOriginal.NEVER,
    )


def plan_stripped_original(original: Original, *, defaults: Defaults, limits: Limits) -> Plan:
    """The original without its metadata, and else as it is. Raises TooManyPixels."""
    plan = make_plan(original, NOTHING_ASKED, defaults=defaults, limits=limits)
    encoding = replace(plan.encoding, format=original.picture.format)
    return replace(plan, encoding=encoding, max_bytes=None, use_original=UseOriginal.ALWAYS)


def _kept_region(whole: Size, transform: Transform) -> Region | None:
    """In px of the upright picture. A region that begins outside is ignored, one that stands over is cut."""
    crop = transform.crop
    if crop is None:
        return None
    if isinstance(crop, Insets):
        left, top = round_half_up(crop.left * whole.width), round_half_up(crop.top * whole.height)
        width = round_side((1 - crop.left - crop.right) * whole.width)
        height = round_side((1 - crop.top - crop.bottom) * whole.height)
        left, top = min(left, whole.width - 1), min(top, whole.height - 1)
    else:
        left, top, width, height = crop
        if left >= whole.width or top >= whole.height:
            return None
    region = Region(left, top, min(width, whole.width - left), min(height, whole.height - top))
    return None if region.size == whole else region


def _lay_out(kept: Size, transform: Transform, limits: Limits) -> Layout:
    if transform.width is None and transform.height is None:
        return _lay_out_bounded(kept, transform)
    layout = _lay_out_box(kept, transform)
    too_long = max(layout.result) > limits.surrender_side
    skipped = (
        transform.enlarge is Enlarge.SKIP
        and transform.fit in (Fit.INSIDE, Fit.CONTAIN, Fit.COVER)
        and layout.result.exceeds(kept)
    )
    return fit_inside(kept, _bounds(kept, transform), enlarge=False) if too_long or skipped else layout


def _lay_out_bounded(kept: Size, transform: Transform) -> Layout:
    """max_width and max_height alone, or nothing at all."""
    box = _bounds(kept, transform)
    has_both = transform.max_width is not None and transform.max_height is not None
    if has_both and transform.background is not None:
        return fit_contain(kept, box, enlarge=False, gravity=transform.gravity)
    return fit_inside(kept, box, enlarge=False)


def _bounds(kept: Size, transform: Transform) -> Size:
    """Where one is not given, it is the picture's own."""
    return Size(transform.max_width or kept.width, transform.max_height or kept.height)


def _lay_out_box(kept: Size, transform: Transform) -> Layout:
    width, height = _bounded_box(kept, transform)
    box = keep_ratio(kept, width=width, height=height)
    enlarge = transform.enlarge is not Enlarge.NEVER
    may_exceed = enlarge and transform.fit is not Fit.OUTSIDE
    if (width is None or height is None) and (may_exceed or not box.exceeds(kept)):
        # The box has the picture's own ratio, but for rounding, which must not show as a bar or a cut.
        return Layout(size=box)
    match transform.fit:
        case Fit.INSIDE:
            return fit_inside(kept, box, enlarge=enlarge)
        case Fit.OUTSIDE:
            layout, bounds = fit_outside(kept, box), _bounds(kept, transform)
            return fit_inside(kept, bounds, enlarge=False) if layout.size.exceeds(bounds) else layout
        case Fit.COVER:
            return fit_cover(kept, box, enlarge=enlarge, gravity=transform.gravity, focus=transform.focus)
        case Fit.CONTAIN:
            return fit_contain(kept, box, enlarge=enlarge, gravity=transform.gravity)
        case Fit.FILL:
            return Layout(size=box)


def _bounded_box(kept: Size, transform: Transform) -> tuple[int | None, int | None]:
    """Each side is the smaller of its pair; a bound on a side not asked for counts where the ratio would exceed it.

    That is ImageResizer's rule (its layout engine; Imageflow's get_wh_from_all).
    """
    width, height = transform.width, transform.height
    width = width and min(width, transform.max_width or width)
    height = height and min(height, transform.max_height or height)
    natural = keep_ratio(kept, width=width, height=height)
    if width is None and transform.max_width is not None and transform.max_width < natural.width:
        width = transform.max_width
    if height is None and transform.max_height is not None and transform.max_height < natural.height:
        height = transform.max_height
    return width, height


def _choose_encoding(info: ImageInfo, transform: Transform, defaults: Defaults) -> Encoding:
    """Without a format asked for it is the original's, or PNG where that is not written (SVG).

    Where it is to be negotiated and was not, there is nobody to accept anything.
    """
    if transform.format is AUTO:
        output = choose_format(info, Accepted.NEITHER, background=transform.background).format
    else:
        output = transform.format or (info.format if FORMATS[info.format].encodes else Format.PNG)
    row = FORMATS[output]
    if not row.encodes:
        raise InvalidParameter("format", expected="a format that is written", received=output)
    encoding = Encoding(format=output, metadata=transform.metadata)
    if not row.lossy:
        return encoding
    quality = transform.quality or defaults.quality_of(output)
    if output is Format.WEBP and quality == 100:
        # ImageProcessor's WebP plugin takes 100 for lossless; so does who asks for it.
        return replace(encoding, lossless=True)
    return replace(encoding, quality=quality)


def _choose_background(
    info: ImageInfo, transform: Transform, defaults: Defaults, *, has_bars: bool, alpha: bool
) -> Color | None:
    """None where it would not show. Opaque where the output has no alpha.

    Bars that nobody coloured are transparent beside a picture with alpha of its own, where the output has it too; an
    opaque picture gets the same bars in every format, so that negotiated formats look alike.
    """
    if not (info.has_alpha or has_bars):
        return None
    asked = transform.background
    if asked is None:
        if info.has_alpha and alpha:
            return TRANSPARENT if has_bars else None
        return defaults.background
    return asked if alpha or asked.alpha == 255 else _blend(asked, defaults.background)


def _blend(over: Color, under: Color) -> Color:
    """Over an opaque colour; each channel half up."""
    channels = zip(over[:3], under[:3], strict=True)
    return Color(*((2 * (a * over.alpha + b * (255 - over.alpha)) + 255) // 510 for a, b in channels))


def _check_limits(info: ImageInfo, layout: Layout, frames: int, limits: Limits) -> None:
    """What is resampled counts as well as what is left of it after the cut."""
    if info.size.pixels * info.frames > limits.pixels or info.frames > limits.frames:
        raise TooManyPixels(
            f"The original has {info.size.width} x {info.size.height} pixels in {info.frames} frames; "
            f"at most {limits.pixels} pixels in {limits.frames} frames are decoded here."
        )
    result = layout.result
    if max(result) > limits.output_side or max(result.pixels, layout.size.pixels) * frames > limits.pixels:
        raise TooManyPixels(
            f"The picture would be {result.width} x {result.height} pixels in {frames} frames; "
            f"at most {limits.output_side} pixels a side and {limits.pixels} in all are made here."
        )


def _joined(numbers: tuple[int, ...] | None) -> str:
    return "-" if numbers is None else ",".join(map(str, numbers))
