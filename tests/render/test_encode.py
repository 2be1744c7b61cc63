"""From pixels to bytes: every format written, what is kept of metadata, and that nothing outgrows its original."""

import io
from collections.abc import Callable

import pytest
import pyvips
from PIL import Image as Pillow

from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format, sniff_format
from imgsvc.core.geometry import Fit
from imgsvc.core.plan import Encoding
from imgsvc.core.transform import Metadata, Transform
from imgsvc.render.encode import ENCODERS
from tests.originals import (
    CAMERA_MODEL,
    COLOURS,
    PHOTOGRAPHER,
    animated_webp,
    avif,
    bmp,
    close_to,
    corners,
    decode,
    decode_frames,
    gif,
    has_exif,
    has_gps,
    jpeg,
    jpeg_with_gps,
    orientation_jpeg,
    png,
    quadrants,
    svg,
    tiff,
    webp,
)
from tests.render.darkroom import Darkroom

WRITTEN = [name for name, row in FORMATS.items() if row.encodes]
WITH_ALPHA = [name for name in WRITTEN if FORMATS[name].alpha]
KEEPS_EXIF = [Format.JPEG, Format.PNG, Format.PNG8, Format.WEBP, Format.AVIF]

READ: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "png": png,
    "png palette": lambda: png(palette=True),
    "webp": webp,
    "avif": avif,
    "gif": gif,
    "tiff": tiff,
    "bmp": bmp,
    "svg": svg,
}


def noise(width: int = 200, height: int = 150) -> pyvips.Image:
    """What compresses badly; the same each time."""
    red, green, blue = (pyvips.Image.gaussnoise(width, height, mean=128, sigma=50, seed=seed) for seed in (1, 2, 3))
    return red.bandjoin([green, blue]).cast("uchar").copy(interpretation="srgb")


def as_png(picture: pyvips.Image) -> bytes:
    return picture.pngsave_buffer(compression=9, effort=10, keep=pyvips.ForeignKeep.NONE)


def quality_of(data: bytes) -> int:
    """The first value of a JPEG's first quantisation table: the smaller, the better."""
    return data[data.index(b"\xff\xdb") + 5]


def test_every_format_that_is_written_has_an_encoder() -> None:
    """And no other."""
    assert set(ENCODERS) == set(WRITTEN)


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("output", WRITTEN)
def test_every_format_is_written_from_every_other(read: str, output: Format, darkroom: Darkroom) -> None:
    """The bytes are of that format, and show the picture."""
    data = darkroom.render(READ[read](), Transform(width=200, format=output))

    image = decode(data)
    assert sniff_format(data) is (Format.PNG if output is Format.PNG8 else output)
    assert (image.width, image.height) == (200, 150)
    assert all(close_to(found[:3], colour) for found, colour in zip(corners(image), COLOURS, strict=True))


def test_png8_has_a_palette(darkroom: Darkroom) -> None:
    data = darkroom.render(as_png(noise()), Transform(format=Format.PNG8))

    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == "P"
        assert len(picture.getcolors() or ()) <= 256


@pytest.mark.parametrize("output", [name for name in WITH_ALPHA if name is not Format.GIF])
@pytest.mark.parametrize("draw", [png, webp, avif])
def test_alpha_is_kept_where_the_format_has_it(draw: Callable[..., bytes], output: Format, darkroom: Darkroom) -> None:
    result = decode(darkroom.render(draw(alpha=True), Transform(format=output)))

    found = corners(result)
    assert close_to(found[0], (*COLOURS[0], 255))
    assert close_to(found[1], (*COLOURS[1], 128))
    assert found[3][3] <= 2


def test_a_gif_is_wholly_transparent_or_not_at_all(darkroom: Darkroom) -> None:
    result = decode(darkroom.render(png(alpha=True), Transform(format=Format.GIF)))

    assert {pixel_alpha for *_, pixel_alpha in corners(result)} == {0, 255}
    assert corners(result)[3][3] == 0


@pytest.mark.parametrize("output", [Format.JPEG, Format.BMP])
@pytest.mark.parametrize("draw", [png, webp, avif])
def test_alpha_goes_on_white_where_the_format_has_none(
    draw: Callable[..., bytes], output: Format, darkroom: Darkroom
) -> None:
    result = decode(darkroom.render(draw(alpha=True), Transform(format=output)))

    found = corners(result)
    assert close_to(found[1], (142, 207, 157))
    assert close_to(found[3], (255, 255, 255))


def test_half_a_background_goes_on_white_where_the_format_has_no_alpha(darkroom: Darkroom) -> None:
    asked = Transform(format=Format.JPEG, background=Color(255, 0, 0, 128))

    result = decode(darkroom.render(png(alpha=True), asked))

    assert close_to(corners(result)[3], (255, 127, 127))


@pytest.mark.parametrize("output", WRITTEN)
def test_no_metadata_stays(output: Format, darkroom: Darkroom) -> None:
    """No place, no camera, no author, no EXIF at all, and no profile."""
    data = darkroom.render(jpeg_with_gps(), Transform(width=100, format=output))

    for words in (CAMERA_MODEL, PHOTOGRAPHER, "Imaginary"):
        assert words.encode() not in data
    assert b"Exif" not in data
    if output not in (Format.BMP, Format.GIF, Format.TIFF):
        assert not has_exif(data)
    if output is not Format.BMP:
        assert decode(data).get_typeof("icc-profile-data") == 0


def test_no_metadata_stays_at_the_same_size(darkroom: Darkroom) -> None:
    """Also where the original itself may be the answer."""
    for data in (darkroom.render(jpeg_with_gps()), darkroom.strip(jpeg_with_gps())):
        assert not has_exif(data)
        assert CAMERA_MODEL.encode() not in data


@pytest.mark.parametrize("output", KEEPS_EXIF)
def test_metadata_stays_where_it_is_asked_for(output: Format, darkroom: Darkroom) -> None:
    asked = Transform(width=100, format=output, metadata=Metadata.KEEP)

    data = darkroom.render(jpeg_with_gps(), asked)

    assert has_gps(data)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.getexif()[0x0110] == CAMERA_MODEL


@pytest.mark.parametrize("output", KEEPS_EXIF)
def test_kept_metadata_says_that_the_picture_is_upright(output: Format, darkroom: Darkroom) -> None:
    """Else viewers turn it once more."""
    asked = Transform(width=100, format=output, metadata=Metadata.KEEP)

    data = darkroom.render(orientation_jpeg(6), asked)

    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.getexif().get(0x0112, 1) == 1
        assert picture.size == (100, 75)


def test_no_profile_is_kept_with_the_metadata(darkroom: Darkroom) -> None:
    """The numbers are sRGB by now; under the old profile they would mean other colours."""
    data = darkroom.render(jpeg(icc="p3", exif_gps=True), Transform(width=100, metadata=Metadata.KEEP))

    assert decode(data).get_typeof("icc-profile-data") == 0
    assert has_gps(data)


SMALL: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: jpeg(quality=20),
    "jpeg of noise": lambda: noise().jpegsave_buffer(Q=35, optimize_coding=True, keep=pyvips.ForeignKeep.NONE),
    "jpeg in Display P3": lambda: noise().icc_transform("p3", input_profile="srgb").jpegsave_buffer(Q=60),
    "jpeg turned": lambda: orientation_jpeg(6),
    "png": lambda: as_png(noise()),
    "png compressed as hard as can be": lambda: noise().pngsave_buffer(compression=9, filter=0xF8),
    "png compressed hard, in Display P3": lambda: (
        quadrants().icc_transform("p3", input_profile="srgb").pngsave_buffer(compression=9)
    ),
    "png palette": lambda: png(palette=True),
    "png 1 bit": lambda: png(one_bit=True),
    "png grey": lambda: png(grey=True),
    "webp": lambda: noise().webpsave_buffer(Q=30, effort=6),
    "webp lossless": lambda: quadrants().webpsave_buffer(lossless=True, effort=6),
    "webp alpha": lambda: webp(alpha=True),
    "webp animated": animated_webp,
    "avif": lambda: noise().heifsave_buffer(compression="av1", Q=30, effort=4),
    "gif": lambda: gif(frames=3),
    "bmp": bmp,
    "tiff": tiff,
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("quality", [None, 95, 100])
def test_nothing_outgrows_its_original(name: str, quality: int | None, darkroom: Darkroom) -> None:
    """At the same size and format, whatever quality is asked for."""
    data = SMALL[name]()

    assert len(darkroom.render(data, Transform(quality=quality))) <= len(data)


def test_the_original_stands_in_bit_by_bit_where_it_is_shorter(darkroom: Darkroom) -> None:
    data = noise().jpegsave_buffer(Q=35, optimize_coding=True, keep=pyvips.ForeignKeep.NONE)

    assert darkroom.render(data, Transform(quality=90)) == data


def test_the_original_that_stands_in_is_stripped(darkroom: Darkroom) -> None:
    told = jpeg_with_gps()
    exif = told[2 : 4 + int.from_bytes(told[4:6])]
    plain = noise().jpegsave_buffer(Q=35, optimize_coding=True, keep=pyvips.ForeignKeep.NONE)
    data = plain[:2] + exif + plain[2:]

    result = darkroom.render(data, Transform(quality=90))

    assert has_gps(data)
    assert result == plain


def test_the_original_that_stands_in_keeps_what_is_asked_for(darkroom: Darkroom) -> None:
    data = noise().jpegsave_buffer(Q=35, optimize_coding=True)

    assert darkroom.render(data, Transform(quality=95, metadata=Metadata.KEEP)) == data


def test_a_lower_quality_helps_where_the_original_cannot_stand_in(darkroom: Darkroom) -> None:
    """It is turned, so its bytes do not show the same."""
    stored = noise().rot270().copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", 6)
    data = stored.jpegsave_buffer(Q=60, optimize_coding=True)

    result = darkroom.render(data, Transform(quality=95))

    assert len(result) <= len(data)
    assert (decode(result).width, decode(result).height) == (200, 150)


@pytest.mark.parametrize("output", [name for name in WRITTEN if FORMATS[name].lossy])
def test_a_higher_quality_is_nearer_to_the_original(output: Format, darkroom: Darkroom) -> None:
    picture = noise()
    data = as_png(picture)

    sizes, distances = zip(
        *(
            (len(result), (decode(result) - picture).abs().avg())
            for quality in (20, 60, 95)
            for result in [darkroom.render(data, Transform(format=output, quality=quality))]
        ),
        strict=True,
    )

    assert sorted(sizes) == list(sizes)
    assert sorted(distances, reverse=True) == list(distances)


def test_quality_100_of_webp_is_lossless(darkroom: Darkroom) -> None:
    picture = noise()

    result = darkroom.render(as_png(picture), Transform(format=Format.WEBP, quality=100))

    assert decode(result).write_to_memory() == picture.write_to_memory()


@pytest.mark.parametrize("output", [Format.PNG, Format.TIFF, Format.BMP])
def test_lossless_formats_lose_nothing(output: Format, darkroom: Darkroom) -> None:
    picture = noise(201, 149)

    result = decode(darkroom.render(as_png(picture), Transform(format=output)))

    assert result.write_to_memory() == picture.write_to_memory()


@pytest.mark.parametrize("output", WRITTEN)
def test_equal_plans_give_equal_bytes(output: Format, darkroom: Darkroom) -> None:
    """The key is the ETag: a derivative made twice must be the same."""
    data = as_png(noise())
    asked = Transform(width=90, height=90, fit=Fit.COVER, format=output)

    assert darkroom.render(data, asked) == darkroom.render(data, asked)


@pytest.mark.parametrize("draw", [jpeg_with_gps, png, webp])
def test_a_stripped_original_shows_the_same(draw: Callable[[], bytes], darkroom: Darkroom) -> None:
    data = draw()

    result = darkroom.strip(data)

    assert decode(result).write_to_memory() == decode(data).write_to_memory()


@pytest.mark.parametrize("draw", [tiff, avif])
def test_an_original_that_cannot_be_stripped_is_rendered(draw: Callable[[], bytes], darkroom: Darkroom) -> None:
    data = draw()

    result = darkroom.strip(data)

    assert sniff_format(result) is sniff_format(data)
    assert all(close_to(found[:3], colour) for found, colour in zip(corners(decode(result)), COLOURS, strict=True))


def test_an_animation_that_is_stripped_stays_one(darkroom: Darkroom) -> None:
    assert len(decode_frames(darkroom.strip(gif(frames=4)))) == 4


def test_encoders_take_what_the_pipeline_gives() -> None:
    """Grey and colour, with and without alpha where the format has it."""
    for output, encode in ENCODERS.items():
        encoding = Encoding(format=output, quality=80 if FORMATS[output].lossy else None)
        for image in (quadrants(16, 12), quadrants(16, 12, alpha=True), decode(png(16, 12, grey=True))):
            if image.hasalpha() and not FORMATS[output].alpha:
                continue
            found = decode(encode(image, encoding))
            assert (found.width, found.height) == (16, 12)
