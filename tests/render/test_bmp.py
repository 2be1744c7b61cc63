"""BMP in and out, by Pillow; the bytes of the rarer kinds are laid out here by hand."""

import struct
from pathlib import Path

import pytest

from imgsvc.core.errors import CorruptOriginal, TooManyPixels
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.transform import Transform
from imgsvc.render.bmp import load_bmp, read_bmp_header, save_bmp
from tests.originals import ALPHAS, COLOURS, GREYS, bmp, close_to, corners, decode, pixel, png, quadrants, truncated
from tests.render.darkroom import Darkroom


def header(
    width: int, height: int, *, bits: int, compression: int = 0, masks: bytes = b"", palette: bytes = b""
) -> bytes:
    """BITMAPFILEHEADER and BITMAPINFOHEADER (wingdi.h), with masks a BITMAPV4HEADER."""
    length = 108 if masks else 40
    offset = 14 + length + len(palette)
    info = struct.pack("<IiiHHIIiiII", length, width, height, 1, bits, compression, 0, 2835, 2835, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) + info + masks.ljust(length - 40, b"\0") + palette


def with_alpha() -> bytes:
    """2 by 2 px, 32 bit with masks for red, green, blue and alpha; rows from the bottom up."""
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    pixels = [(*colour[::-1], alpha) for colour, alpha in zip(COLOURS, ALPHAS, strict=True)]
    rows = [*pixels[2:], *pixels[:2]]
    return header(2, 2, bits=32, compression=3, masks=masks) + b"".join(bytes(p) for p in rows)


def with_palette() -> bytes:
    """4 by 2 px, 8 bit, from the top down, as a negative height says."""
    palette = b"".join(bytes((*colour[::-1], 0)) for colour in COLOURS)
    return header(4, -2, bits=8, palette=palette) + bytes((0, 0, 1, 1, 2, 2, 3, 3))


def test_what_is_written_is_read_back(darkroom: Darkroom) -> None:
    """Lossless, and rows of an odd width are padded to four bytes."""
    image = quadrants(37, 23)

    loaded = load_bmp(darkroom.file(save_bmp(image)))

    assert loaded.write_to_memory() == image.write_to_memory()


def test_grey_stays_grey(darkroom: Darkroom) -> None:
    image = decode(png(grey=True))

    loaded = load_bmp(darkroom.file(save_bmp(image)))

    assert loaded.bands == 1
    assert corners(loaded) == GREYS


def test_the_header_is_read(darkroom: Darkroom) -> None:
    assert read_bmp_header(darkroom.file(bmp(37, 23))) == (37, 23, False)
    assert read_bmp_header(darkroom.file(with_alpha())) == (2, 2, True)


def test_alpha_is_read(darkroom: Darkroom) -> None:
    loaded = load_bmp(darkroom.file(with_alpha()))

    found = [pixel(loaded, x, y) for y in (0, 1) for x in (0, 1)]

    assert found == [(*colour, alpha) for colour, alpha in zip(COLOURS, ALPHAS, strict=True)]


def test_a_palette_and_rows_from_the_top_are_read(darkroom: Darkroom) -> None:
    assert corners(load_bmp(darkroom.file(with_palette()))) == COLOURS


def test_one_bit_is_read(darkroom: Darkroom) -> None:
    """Eight pixels a byte, the leftmost in the highest bit."""
    data = header(8, 1, bits=1, palette=bytes(4) + b"\xff\xff\xff\0") + bytes((0b1111_0000, 0, 0, 0))

    loaded = load_bmp(darkroom.file(data))

    assert set(pixel(loaded, 0, 0)) == {255}
    assert set(pixel(loaded, 7, 0)) == {0}


@pytest.mark.parametrize("kept", [0.0, 0.00001, 0.0001, 0.5, 0.999])
def test_a_bmp_that_breaks_off_is_corrupt(kept: float, darkroom: Darkroom) -> None:
    with pytest.raises(CorruptOriginal):
        load_bmp(darkroom.file(truncated(bmp(), kept=kept)))


@pytest.mark.parametrize("junk", [b"BM" + bytes(60), header(10, 10, bits=7), header(10, 10, bits=24, compression=9)])
def test_a_header_that_makes_no_sense_is_corrupt(junk: bytes, darkroom: Darkroom) -> None:
    with pytest.raises(CorruptOriginal):
        darkroom.probe(junk, Format.BMP)


def test_a_file_that_is_not_there_is_no_riddle(tmp_path: Path) -> None:
    with pytest.raises(CorruptOriginal):
        read_bmp_header(tmp_path / "nowhere")


def test_a_header_that_lies_is_refused_before_memory_is_taken(darkroom: Darkroom) -> None:
    """60,000 px a side are ten GB."""
    with pytest.raises(TooManyPixels):
        darkroom.probe(header(60_000, 60_000, bits=24), Format.BMP)


def test_a_bmp_is_probed_and_rendered_like_any_original(darkroom: Darkroom) -> None:
    data = bmp()

    result = decode(darkroom.render(data, Transform(width=100)))

    assert darkroom.probe(data).size == Size(400, 300)
    assert (result.width, result.height) == (100, 75)
    assert all(close_to(*pair) for pair in zip(corners(result), COLOURS, strict=True))
