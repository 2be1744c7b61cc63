"""Building levels: how many, how large, written as what, showing what, and when the original is to blame."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import pyvips

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import CorruptOriginal, StoreFailure
from imgsvc.core.formats import Format, sniff_format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.pyramid import level_format, levels_of
from imgsvc.core.transform import Transform
from imgsvc.render.messages import Build, Built, Failed, Result, error_from_failed
from imgsvc.render.worker import do
from tests.originals import (
    ALPHAS,
    COLOURS,
    GREYS,
    avif,
    bmp,
    close_to,
    corners,
    decode,
    gif,
    jpeg,
    jpeg_with_gps,
    orientation_jpeg,
    png,
    quadrants,
    tiff,
    truncated,
    webp,
)
from tests.render.darkroom import Darkroom
from tests.render.shelf import Shelved

ODD = Size(1201, 803)
"""Levels of 601 by 402 and 301 by 201 px."""

OPAQUE: dict[str, tuple[Callable[[], bytes], Format, int]] = {
    "jpeg": (lambda: jpeg(*ODD), Format.JPEG, 4),
    "jpeg progressive": (lambda: jpeg(*ODD, progressive=True), Format.JPEG, 4),
    "jpeg in Display P3": (lambda: jpeg(*ODD, icc="p3"), Format.JPEG, 4),
    "jpeg with sRGB's profile": (lambda: jpeg(*ODD, icc="srgb"), Format.JPEG, 4),
    "jpeg with metadata": (lambda: jpeg_with_gps(*ODD), Format.JPEG, 4),
    "webp": (lambda: webp(*ODD), Format.JPEG, 4),
    "avif": (lambda: avif(*ODD), Format.JPEG, 4),
    "png": (lambda: png(*ODD, text={"Author": "A. Photographer"}), Format.PNG, 0),
    "png 16 bit": (lambda: png(*ODD, sixteen_bit=True), Format.PNG, 1),
    "png palette": (lambda: png(*ODD, palette=True), Format.PNG, 2),
    "png in Display P3": (
        lambda: quadrants(*ODD).icc_transform("p3", input_profile="srgb").pngsave_buffer(),
        Format.PNG,
        3,
    ),
    "tiff": (lambda: tiff(*ODD), Format.PNG, 0),
    "tiff 16 bit": (lambda: tiff(*ODD, sixteen_bit=True), Format.PNG, 1),
    "tiff of pages": (lambda: tiff(*ODD, pages=2), Format.PNG, 0),
    "tiff lab": (lambda: quadrants(*ODD).colourspace("lab").tiffsave_buffer(), Format.PNG, 2),
    "bmp": (lambda: bmp(*ODD), Format.PNG, 0),
    "gif": (lambda: gif(*ODD), Format.PNG, 2),
}
"""What shows the quadrants, what its levels are written as, and how far off each colour may be."""

GREY: dict[str, tuple[Callable[[], bytes], Format]] = {
    "jpeg": (lambda: jpeg(*ODD, grey=True), Format.JPEG),
    "png": (lambda: png(*ODD, grey=True), Format.PNG),
    "png 16 bit": (lambda: png(*ODD, grey=True, sixteen_bit=True), Format.PNG),
}
SEE_THROUGH: dict[str, Callable[[], bytes]] = {
    "png": lambda: png(*ODD, alpha=True),
    "png 16 bit": lambda: png(*ODD, alpha=True, sixteen_bit=True),
    "png palette": lambda: png(*ODD, alpha=True, palette=True),
    "webp": lambda: webp(*ODD, alpha=True),
    "avif": lambda: avif(*ODD, alpha=True),
}
EVERY: dict[str, Callable[[], bytes]] = {
    **{f"{name} opaque": row[0] for name, row in OPAQUE.items()},
    **{f"{name} grey": row[0] for name, row in GREY.items()},
    **{f"{name} see-through": draw for name, draw in SEE_THROUGH.items()},
    "jpeg cmyk": lambda: jpeg(*ODD, cmyk=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramid:
    """What is built of an original's bytes, what is told of it, and the levels' own bytes, the largest first."""

    data: bytes
    info: ImageInfo
    answer: Built
    levels: list[bytes]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pyramid]:
    """Each of `EVERY` once."""
    darkroom = Darkroom(tmp_path_factory.mktemp("pyramids"))
    return cache(lambda name: build(darkroom, EVERY[name]()))


@pytest.mark.parametrize("name", EVERY)
def test_every_original_has_its_levels(name: str, built: Callable[[str], Pyramid]) -> None:
    """So many and so large as its header says, eight bits a channel, whatever it is; and what is told of them is so."""
    pyramid = built(name)

    pictures = [decode(level) for level in pyramid.levels]
    assert [(picture.width, picture.height) for picture in pictures] == [(601, 402), (301, 201)]
    assert all(picture.format == "uchar" for picture in pictures)
    assert [written.size for written in pyramid.answer.levels] == [level.size for level in levels_of(pyramid.info)]
    assert [written.length for written in pyramid.answer.levels] == [len(level) for level in pyramid.levels]
    assert [written.crc32 for written in pyramid.answer.levels] == [zlib.crc32(level) for level in pyramid.levels]


@pytest.mark.parametrize("name", OPAQUE)
def test_levels_show_the_original_as_srgb(name: str, built: Callable[[str], Pyramid]) -> None:
    """Profiles are applied, deep values brought to eight bits."""
    _, output, tolerance = OPAQUE[name]

    for level in built(f"{name} opaque").levels:
        assert sniff_format(level) is output
        assert shows(decode(level)[:3], COLOURS, tolerance)


@pytest.mark.parametrize("name", GREY)
def test_levels_of_a_grey_original_are_grey(name: str, built: Callable[[str], Pyramid]) -> None:
    _, output = GREY[name]

    for level in built(f"{name} grey").levels:
        assert sniff_format(level) is output
        assert shows(decode(level), GREYS, 2)


@pytest.mark.parametrize("name", SEE_THROUGH)
def test_levels_are_as_transparent_as_the_original(name: str, built: Callable[[str], Pyramid]) -> None:
    """With its colours wherever something is seen."""
    for level in built(f"{name} see-through").levels:
        picture = decode(level)
        assert sniff_format(level) is Format.PNG
        assert [colour[3] for colour in corners(picture)] == pytest.approx(ALPHAS, abs=1)
        seen = list(zip(corners(picture[:3]), COLOURS, strict=True))[:3]
        assert all(close_to(*pair, 4) for pair in seen)


def test_levels_of_printed_colours_are_those_of_a_rendition(
    built: Callable[[str], Pyramid], darkroom: Darkroom
) -> None:
    """CMYK under its profile, reduced by libvips both times."""
    pyramid = built("jpeg cmyk")

    direct = decode(darkroom.render(pyramid.data, Transform(width=301, format=Format.PNG)))

    assert sniff_format(pyramid.levels[-1]) is Format.JPEG
    assert shows(decode(pyramid.levels[-1]), corners(direct), 3)


@pytest.mark.parametrize("name", ["jpeg in Display P3 opaque", "png in Display P3 opaque"])
def test_levels_of_wider_colours_are_those_of_a_rendition(
    name: str, built: Callable[[str], Pyramid], darkroom: Darkroom
) -> None:
    """The profile is applied once: no level is left in its numbers, and none is converted again for a rendition."""
    original, asked = Shelved(built(name).data, darkroom), Transform(width=240, format=Format.PNG)
    level = original.level(asked)
    assert level is not None

    direct, from_level = (decode(original.render(asked, level=which)) for which in (None, level))

    assert shows(from_level, corners(direct), 2)
    assert shows(from_level, COLOURS, 4)


@pytest.mark.parametrize("name", EVERY)
def test_levels_hold_nothing_but_pixels(name: str, built: Callable[[str], Pyramid]) -> None:
    """No profile, no place, no camera, no orientation: a level is never the original's words."""
    for level in built(name).levels:
        kinds = parts(level)
        assert kinds <= {"ffe0", "ffdb", "ffc0", "ffc4", "ffda"} or kinds <= {"IHDR", "pHYs", "IDAT", "IEND"}
        fields = pyvips.Image.new_from_buffer(level, "").get_fields()
        assert not {"exif-data", "xmp-data", "iptc-data", "icc-profile-data", "orientation"} & set(fields)


@pytest.mark.parametrize("orientation", list(Orientation))
def test_levels_are_as_stored(orientation: Orientation, darkroom: Darkroom) -> None:
    """Not turned: regions of stored pixels are cut from them."""
    data = orientation_jpeg(orientation, 1000, 700)
    stored = decode(data)

    pyramid = build(darkroom, data)

    picture = decode(pyramid.levels[0])
    assert (picture.width, picture.height) == (stored.width // 2, stored.height // 2)
    assert shows(picture, corners(stored), 4)


@pytest.mark.parametrize("name", ["jpeg opaque", "png see-through", "webp opaque"])
def test_levels_built_twice_are_the_same_bytes(name: str, built: Callable[[str], Pyramid], darkroom: Darkroom) -> None:
    again = build(darkroom, built(name).data)

    assert again == built(name)


@pytest.mark.parametrize("size", [Size(2200, 1900), Size(5600, 1000), Size(9001, 603)], ids=str)
def test_levels_of_a_large_original_begin_further_down(size: Size, darkroom: Darkroom) -> None:
    """Larger than what is halved carefully, and shrunk while it is decoded."""
    data = jpeg(*size)

    pyramid = build(darkroom, data)

    assert [sides(level) for level in pyramid.levels] == [level.size for level in levels_of(pyramid.info)]
    assert all(shows(decode(level), COLOURS, 4) for level in pyramid.levels)


def test_a_thin_original_has_levels_a_pixel_thin(darkroom: Darkroom) -> None:
    """Sides are halved to one, and no further."""
    data = quadrants(20_001, 21).pngsave_buffer()

    pyramid = build(darkroom, data)

    assert [sides(level) for level in pyramid.levels] == [level.size for level in levels_of(pyramid.info)]
    assert sides(pyramid.levels[-1]) == (313, 1)


@pytest.mark.parametrize("kept", [0.1, 0.9])
@pytest.mark.parametrize(
    "name",
    ["jpeg opaque", "jpeg progressive opaque", "jpeg in Display P3 opaque", "jpeg cmyk", "png opaque",
     "png 16 bit opaque", "webp opaque", "avif opaque", "tiff opaque", "bmp opaque", "gif opaque"],
)  # fmt: skip
def test_of_an_original_that_breaks_off_no_level_is_built(
    name: str, kept: float, built: Callable[[str], Pyramid], darkroom: Darkroom
) -> None:
    """It was whole when it was taken in; what has become of it since is told, not shown half grey."""
    pyramid = built(name)

    with pytest.raises(CorruptOriginal):
        raise_failure(do(job_of(darkroom, truncated(pyramid.data, kept=kept), pyramid.info)))


@pytest.mark.parametrize(
    "name", ["jpeg opaque", "png opaque", "webp opaque", "avif opaque", "tiff opaque", "bmp opaque"]
)
@pytest.mark.parametrize("content", [b"", b"garbage" * 99], ids=["empty", "garbage"])
def test_of_what_is_no_picture_any_more_no_level_is_built(
    name: str, content: bytes, built: Callable[[str], Pyramid], darkroom: Darkroom
) -> None:
    info = built(name).info

    with pytest.raises(CorruptOriginal):
        raise_failure(do(job_of(darkroom, content, info)))


def test_levels_that_cannot_be_written_are_no_fault_of_the_original(darkroom: Darkroom) -> None:
    """The disk may be full, the folder gone."""
    data = jpeg(1000, 700)
    info = darkroom.probe(data)
    job = Build(path=str(darkroom.file(data)), info=info, outputs=[str(darkroom.path() / "gone" / "level")])

    with pytest.raises(StoreFailure):
        raise_failure(do(job))


def job_of(darkroom: Darkroom, data: bytes, info: ImageInfo) -> Build:
    outputs = [str(darkroom.path()) for _ in levels_of(info)]
    return Build(path=str(darkroom.file(data)), info=info, outputs=outputs)


def build(darkroom: Darkroom, data: bytes) -> Pyramid:
    info = darkroom.probe(data)
    job = job_of(darkroom, data, info)
    answer = do(job)
    assert isinstance(answer, Built)
    levels = [Path(output).read_bytes() for output in job.outputs]
    assert {sniff_format(level) for level in levels} == {level_format(info)}
    return Pyramid(data=data, info=info, answer=answer, levels=levels)


def raise_failure(result: Result) -> None:
    assert isinstance(result, Failed), result
    raise error_from_failed(result)


def shows(picture: pyvips.Image, expected: tuple[tuple[int, ...], ...], tolerance: int) -> bool:
    return all(close_to(*pair, tolerance) for pair in zip(corners(picture), expected, strict=True))


def sides(level: bytes) -> tuple[int, int]:
    picture = pyvips.Image.new_from_buffer(level, "")
    return picture.width, picture.height


def parts(level: bytes) -> set[str]:
    """Of a JPEG the markers up to its scan, of a PNG its chunks."""
    found: set[str] = set()
    if sniff_format(level) is Format.JPEG:
        at = 2
        while "ffda" not in found:
            found.add(level[at : at + 2].hex())
            at += 2 + int.from_bytes(level[at + 2 : at + 4])
        return found
    at = 8
    while at < len(level):
        (length,) = struct.unpack(">I", level[at : at + 4])
        found.add(level[at + 4 : at + 8].decode())
        at += 12 + length
    return found
