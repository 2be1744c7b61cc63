"""What a file is found to be, and what is refused: by type of failure, at once, and without taking memory for it."""

import os
import resource
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
import pyvips

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import CorruptOriginal, NotAnImage, OriginalError, TooManyPixels
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.limits import Limits
from tests import originals
from tests.originals import (
    animated_webp,
    avif,
    bmp,
    gif,
    gif_bomb,
    heic_signature,
    jpeg,
    lying_png,
    orientation_jpeg,
    pdf,
    png,
    quadrants,
    svg,
    svg_entity_bomb,
    svg_with_external_entity,
    svg_with_script,
    tiff,
    truncated,
    webp,
)
from tests.render.darkroom import Darkroom

WHOLE: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "jpeg progressive": lambda: jpeg(progressive=True),
    "jpeg cmyk": lambda: jpeg(cmyk=True),
    "png": png,
    "png 16 bit": lambda: png(sixteen_bit=True),
    "webp": webp,
    "webp alpha": lambda: webp(alpha=True),
    "webp animated": animated_webp,
    "avif": avif,
    "gif": gif,
    "tiff": tiff,
    "bmp": bmp,
    "svg": svg,
}


@contextmanager
def without_much_memory(*, mebibytes: int = 64) -> Generator[None]:
    """None goes into what is refused. `mebibytes` beyond the most this process ever held."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    # In KiB (getrusage(2)).
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < mebibytes * 1024


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (jpeg(), ImageInfo(format=Format.JPEG, size=Size(400, 300))),
        (jpeg(progressive=True), ImageInfo(format=Format.JPEG, size=Size(400, 300))),
        (jpeg(grey=True), ImageInfo(format=Format.JPEG, size=Size(400, 300))),
        (jpeg(icc="srgb"), ImageInfo(format=Format.JPEG, size=Size(400, 300))),
        (jpeg(icc="p3"), ImageInfo(format=Format.JPEG, size=Size(400, 300), is_srgb=False)),
        (jpeg(cmyk=True), ImageInfo(format=Format.JPEG, size=Size(400, 300), is_srgb=False)),
        (png(37, 23), ImageInfo(format=Format.PNG, size=Size(37, 23))),
        (png(alpha=True), ImageInfo(format=Format.PNG, size=Size(400, 300), has_alpha=True)),
        (png(palette=True), ImageInfo(format=Format.PNG, size=Size(400, 300))),
        (png(palette=True, alpha=True), ImageInfo(format=Format.PNG, size=Size(400, 300), has_alpha=True)),
        (png(one_bit=True), ImageInfo(format=Format.PNG, size=Size(400, 300))),
        (png(sixteen_bit=True), ImageInfo(format=Format.PNG, size=Size(400, 300))),
        (webp(), ImageInfo(format=Format.WEBP, size=Size(400, 300))),
        (webp(alpha=True), ImageInfo(format=Format.WEBP, size=Size(400, 300), has_alpha=True)),
        (animated_webp(frames=3), ImageInfo(format=Format.WEBP, size=Size(400, 300), frames=3)),
        (avif(), ImageInfo(format=Format.AVIF, size=Size(400, 300))),
        (avif(alpha=True), ImageInfo(format=Format.AVIF, size=Size(400, 300), has_alpha=True)),
        # libnsgif always answers with alpha; nothing in this one is transparent.
        (gif(frames=4), ImageInfo(format=Format.GIF, size=Size(400, 300), frames=4)),
        # A TIFF's pages are no animation.
        (tiff(pages=3), ImageInfo(format=Format.TIFF, size=Size(400, 300))),
        (tiff(sixteen_bit=True), ImageInfo(format=Format.TIFF, size=Size(400, 300))),
        (bmp(), ImageInfo(format=Format.BMP, size=Size(400, 300))),
        (svg(), ImageInfo(format=Format.SVG, size=Size(400, 300), has_alpha=True)),
        (svg_with_script(), ImageInfo(format=Format.SVG, size=Size(400, 300), has_alpha=True)),
    ],
)
def test_a_picture_is_what_it_is(data: bytes, expected: ImageInfo, darkroom: Darkroom) -> None:
    assert darkroom.probe(data) == expected


@pytest.mark.parametrize("orientation", list(Orientation))
def test_the_orientation_is_read_and_the_size_is_the_stored_one(orientation: Orientation, darkroom: Darkroom) -> None:
    info = darkroom.probe(orientation_jpeg(orientation))

    assert info.orientation is orientation
    assert info.size == orientation.stored_size(Size(400, 300))


@pytest.mark.parametrize("save", ["pngsave_buffer", "webpsave_buffer", "tiffsave_buffer"])
def test_the_orientation_of_other_formats_is_read(save: str, darkroom: Darkroom) -> None:
    image = quadrants().copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)

    assert darkroom.probe(getattr(image, save)()).orientation is Orientation.ROTATED_90


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_none(value: int, darkroom: Darkroom) -> None:
    assert darkroom.probe(jpeg(orientation=value)).orientation is Orientation.UPRIGHT


def test_a_turned_avif_is_upright_already(darkroom: Darkroom) -> None:
    """Its turn (irot, imir) belongs to the picture, and its decoder carries it out (HEIF, ISO/IEC 23008-12, 6.5.10)."""
    image = quadrants().copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)

    info = darkroom.probe(image.heifsave_buffer(compression="av1", effort=0))

    assert (info.orientation, info.size) == (Orientation.UPRIGHT, Size(300, 400))


def test_a_jpeg_with_a_gain_map_is_a_jpeg(darkroom: Darkroom) -> None:
    """What phones save since Android 14 must be taken in."""
    assert darkroom.probe(originals.ultra_hdr_jpeg()).format is Format.JPEG


@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_breaks_off_is_corrupt(name: str, kept: float, darkroom: Darkroom) -> None:
    """Found when it comes in, not when a shop window asks for it."""
    data = truncated(WHOLE[name](), kept=kept)

    with pytest.raises(OriginalError) as caught, without_much_memory():
        darkroom.probe(data)

    # With a few bytes left of an SVG not even its format shows.
    assert isinstance(caught.value, CorruptOriginal) or (name, kept) == ("svg", 0.02)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_an_animation_that_breaks_off_is_corrupt(kept: float, darkroom: Darkroom) -> None:
    """Not one with fewer frames."""
    with pytest.raises(CorruptOriginal):
        darkroom.probe(truncated(gif(frames=6), kept=kept))


@pytest.mark.parametrize("source", [Format.JPEG, Format.PNG, Format.WEBP, Format.GIF, Format.TIFF, Format.AVIF])
@pytest.mark.parametrize("draw", [jpeg, png, webp, gif, tiff, avif, svg, bmp])
def test_bytes_of_another_kind_are_refused(draw: Callable[[], bytes], source: Format, darkroom: Darkroom) -> None:
    """Whoever says they are one format must be right."""
    data = draw()
    if darkroom.probe(data).format is source:
        return

    with pytest.raises((NotAnImage, CorruptOriginal)):
        darkroom.probe(data, source)


@pytest.mark.parametrize("source", [name for name in Format if name is not Format.PNG8])
def test_an_empty_file_is_corrupt(source: Format, darkroom: Darkroom) -> None:
    with pytest.raises(CorruptOriginal):
        darkroom.probe(b"", source)


@pytest.mark.parametrize("data", [b"", b"<html><body>404</body></html>", heic_signature(), pdf(), b"\0" * 5000])
def test_what_is_no_picture_of_ours_is_not_one(data: bytes, darkroom: Darkroom) -> None:
    with pytest.raises(NotAnImage):
        darkroom.probe(data)


def test_a_header_that_lies_is_refused_before_memory_is_taken(darkroom: Darkroom) -> None:
    """50,000 px a side are 7.5 GB."""
    data = lying_png()

    with pytest.raises(TooManyPixels), without_much_memory():
        darkroom.probe(data)


def test_a_header_that_lies_within_the_limits_is_corrupt(darkroom: Darkroom) -> None:
    data = lying_png(9000, 9000)

    with pytest.raises(CorruptOriginal), without_much_memory():
        darkroom.probe(data)


def test_a_jpeg_header_that_lies_is_refused_before_memory_is_taken(darkroom: Darkroom) -> None:
    """Height and width stand behind length and precision in the frame header (ITU-T T.81, B.2.2)."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_000, 65_000)

    with pytest.raises(TooManyPixels), without_much_memory():
        darkroom.probe(bytes(data))


def test_a_gif_bomb_is_refused_before_memory_is_taken(darkroom: Darkroom) -> None:
    """23 kB that would be 16 GB."""
    data = gif_bomb()

    with pytest.raises(TooManyPixels), without_much_memory():
        darkroom.probe(data)


def test_too_many_frames_are_refused(darkroom: Darkroom) -> None:
    """However small they are."""
    with pytest.raises(TooManyPixels, match="1001 frames"):
        darkroom.probe(gif_bomb(frames=1001, width=2, height=2))


def test_limits_count_the_pixels_of_all_frames(darkroom: Darkroom) -> None:
    data = gif(50, 40, frames=3)

    assert darkroom.probe(data, limits=Limits(pixels=6000)).frames == 3
    with pytest.raises(TooManyPixels):
        darkroom.probe(data, limits=Limits(pixels=5999))


@pytest.mark.parametrize("draw", [png, bmp, svg, tiff, avif])
def test_limits_hold_for_every_format(draw: Callable[[], bytes], darkroom: Darkroom) -> None:
    with pytest.raises(TooManyPixels, match="400 x 300"):
        darkroom.probe(draw(), limits=Limits(pixels=100_000))


def test_an_entity_bomb_is_refused_at_once(darkroom: Darkroom) -> None:
    """A billion characters in a few hundred bytes."""
    data = svg_entity_bomb()

    with pytest.raises(CorruptOriginal), without_much_memory():
        darkroom.probe(data)


def test_an_external_entity_is_not_followed(darkroom: Darkroom) -> None:
    """Refused or left out: the file behind it is a pipe that nobody writes to, so whoever opens it hangs."""
    pipe = darkroom.path()
    os.mkfifo(pipe)
    data = svg_with_external_entity(pipe.as_uri())

    with without_much_memory():
        try:
            info = darkroom.probe(data)
        except CorruptOriginal:
            return

    assert info.size == Size(400, 300)


@pytest.mark.parametrize("side", ["0", "-5", "NaN", "1e999"])
def test_an_svg_of_impossible_size_is_refused(side: str, darkroom: Darkroom) -> None:
    data = f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}"><path d="M0 0"/></svg>'.encode()

    with pytest.raises(OriginalError), without_much_memory():
        darkroom.probe(data)


def test_an_svg_without_a_size_has_its_view_boxs(darkroom: Darkroom) -> None:
    data = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30"/></svg>'

    assert darkroom.probe(data).size == Size(40, 30)


def test_no_words_of_the_library_reach_the_caller(darkroom: Darkroom) -> None:
    """Nor the path."""
    with pytest.raises(CorruptOriginal) as caught:
        darkroom.probe(truncated(jpeg()))

    assert str(caught.value) == "The original cannot be decoded to its end in the memory allowed here."
