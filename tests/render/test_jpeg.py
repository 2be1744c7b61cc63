"""libjpeg-turbo by itself: what it decodes is what libvips decodes, and what it cannot it leaves to it."""

from collections.abc import Callable

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsvc.core.geometry import Size
from imgsvc.render.jpeg import SHRINKS, decode_jpeg, encode_jpeg, jpeg_size
from imgsvc.render.resample import Pixels
from tests.originals import chart, decode, gif, jpeg, jpeg_with_gps, png, quadrants, truncated, ultra_hdr_jpeg, webp

READABLE: dict[str, Callable[[], bytes]] = {
    "baseline": lambda: chart(401, 299).jpegsave_buffer(Q=80, subsample_mode="on"),
    "progressive": lambda: chart(401, 299).jpegsave_buffer(Q=80, interlace=True),
    "full chroma": lambda: chart(401, 299).jpegsave_buffer(Q=80, subsample_mode="off"),
    "optimised": lambda: chart(401, 299).jpegsave_buffer(Q=80, optimize_coding=True),
    "restarting": lambda: chart(401, 299).jpegsave_buffer(Q=80, restart_interval=4),
    "grey": lambda: chart(401, 299).colourspace("b-w").jpegsave_buffer(Q=80),
    "grey progressive": lambda: chart(401, 299).colourspace("b-w").jpegsave_buffer(Q=80, interlace=True),
    "rgb": lambda: simplejpeg.encode_jpeg(chart(401, 299).numpy(), colorspace="RGB", colorsubsampling="444"),
    "turned": lambda: jpeg(401, 299, orientation=6),
    "with metadata": lambda: jpeg_with_gps(401, 299),
    "under a profile": lambda: jpeg(401, 299, icc="p3"),
    "with a gain map": lambda: ultra_hdr_jpeg(401, 299),
    "thin": lambda: chart(3, 299).jpegsave_buffer(),
    "of four pixels": lambda: chart(2, 2).jpegsave_buffer(),
    "with something behind it": lambda: chart(401, 299).jpegsave_buffer() + b"something",
}
UNREADABLE: dict[str, Callable[[], bytes]] = {
    "cmyk": lambda: jpeg(cmyk=True),
    "half": lambda: truncated(jpeg()),
    "progressive half": lambda: truncated(jpeg(progressive=True)),
    "without its last bytes": lambda: jpeg()[:-2],
    "header alone": lambda: jpeg()[:200],
    "signature alone": lambda: b"\xff\xd8\xff",
    "one byte": lambda: b"\xff",
    "nothing": lambda: b"",
    "garbage": lambda: b"garbage" * 99,
    "garbage behind a signature": lambda: b"\xff\xd8\xff\xe0" + b"garbage" * 99,
    "png": png,
    "webp": webp,
    "gif": gif,
}


def noise(size: Size, channels: tuple[int, ...] = (3,)) -> Pixels:
    """Smooth enough for a JPEG to come near it."""
    seen = np.random.default_rng(5).integers(60, 200, (size.height // 8 + 1, size.width // 8 + 1, *channels), np.uint8)
    return np.repeat(np.repeat(seen, 8, 0), 8, 1)[: size.height, : size.width]


@pytest.mark.parametrize("name", READABLE)
def test_it_decodes_as_libvips_does(name: str) -> None:
    """Within two levels: as stored, no profile applied, grey as grey."""
    data = READABLE[name]()

    pixels = decode_jpeg(data)

    expected = decode(data).numpy()
    assert pixels is not None
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("shrink", SHRINKS)
@pytest.mark.parametrize("name", READABLE)
def test_shrunk_sides_are_rounded_up(name: str, shrink: int) -> None:
    data = READABLE[name]()
    whole = jpeg_size(data)

    pixels = decode_jpeg(data, shrink=shrink)

    assert pixels is not None
    assert whole is not None
    assert pixels.shape[:2] == (-(-whole.height // shrink), -(-whole.width // shrink))


@settings(max_examples=60)
@given(st.integers(1, 130), st.integers(1, 130), st.sampled_from(SHRINKS))
def test_any_size_shrinks_to_its_sides_rounded_up(width: int, height: int, shrink: int) -> None:
    """Also where the last block is broken."""
    data = encode_jpeg(noise(Size(width, height)), 90)

    pixels = decode_jpeg(data, shrink=shrink)

    assert pixels is not None
    assert pixels.shape == (-(-height // shrink), -(-width // shrink), 3)


@pytest.mark.parametrize("shrink", SHRINKS)
def test_what_is_shrunk_is_the_whole_picture(shrink: int) -> None:
    """Every colour in its quadrant."""
    data = jpeg(800, 640)

    pixels = decode_jpeg(data, shrink=shrink)

    expected = quadrants(800 // shrink, 640 // shrink).numpy()
    assert pixels is not None
    assert np.abs(pixels.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_it_is_not_content_with_is_none(name: str) -> None:
    """Then libvips decides, and says what it is."""
    data = UNREADABLE[name]()

    assert all(decode_jpeg(data, shrink=shrink) is None for shrink in SHRINKS)


@pytest.mark.parametrize("at", [0.1, 0.3, 0.6, 0.9])
def test_damage_is_none_or_a_whole_picture(at: float) -> None:
    """Never an error, and never fewer pixels."""
    data = chart(401, 299).jpegsave_buffer(restart_interval=4)
    place = int(len(data) * at)

    pixels = decode_jpeg(data[:place] + bytes(20) + data[place + 20 :])

    assert pixels is None or pixels.shape == (299, 401, 3)


@pytest.mark.parametrize(
    "name", [name for name in UNREADABLE if name not in ("half", "progressive half", "without its last bytes")]
)
def test_no_size_is_told_of_what_is_no_jpeg_for_it(name: str) -> None:
    """CMYK is told by the header; that the pixels end too early is not."""
    assert jpeg_size(UNREADABLE[name]()) is None


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_is_as_stored(orientation: int) -> None:
    assert jpeg_size(jpeg(401, 299, orientation=orientation)) == Size(401, 299)


@pytest.mark.parametrize("quality", [1, 30, 75, 82, 90, 94, 100])
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "rgb"])
def test_what_is_written_is_read_back(channels: tuple[int, ...], quality: int) -> None:
    """The same within what that quality loses; libvips sees the same."""
    pixels = noise(Size(203, 151), channels)

    data = encode_jpeg(pixels, quality)

    result = decode_jpeg(data)
    assert result is not None
    assert result.shape == pixels.shape
    assert np.abs(result.astype(int) - pixels).mean() < (25 if quality < 30 else 12 if quality < 90 else 1.5)
    assert np.abs(result.astype(int) - decode(data).numpy()).max() <= 2


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "rgb"])
def test_rows_that_lie_apart_are_written_as_others(channels: tuple[int, ...]) -> None:
    """As a region's do."""
    part = noise(Size(90, 70), channels)[10:51, 7:40]

    assert encode_jpeg(part, 82) == encode_jpeg(part.copy(), 82)


@pytest.mark.parametrize(("quality", "subsampling"), [(1, "420"), (82, "420"), (89, "420"), (90, "444"), (100, "444")])
def test_chroma_keeps_its_resolution_at_high_quality(quality: int, subsampling: str) -> None:
    """From 90 on, as libvips has it."""
    data = encode_jpeg(noise(Size(64, 48)), quality)

    by_libvips = chart(64, 48).jpegsave_buffer(Q=quality)
    assert simplejpeg.decode_jpeg_header(data)[2:] == ("YCbCr", subsampling)
    assert simplejpeg.decode_jpeg_header(by_libvips)[3] == subsampling


def test_grey_is_written_as_grey() -> None:
    data = encode_jpeg(noise(Size(64, 48), ()), 82)

    assert simplejpeg.decode_jpeg_header(data)[2] == "Gray"


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "rgb"])
def test_nothing_but_the_picture_is_written(channels: tuple[int, ...]) -> None:
    """JFIF's header, tables and one baseline scan: ITU-T T.81, table B.1."""
    data = encode_jpeg(noise(Size(64, 48), channels), 82)

    kinds = {marker for marker, _ in segments(data)}

    assert kinds == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}


def test_huffman_tables_are_the_standards_whatever_is_shown() -> None:
    """ITU-T T.81, annex K.3: as libvips writes them unasked."""
    tables = [
        sorted(content for marker, content in segments(data) if marker == 0xC4)
        for data in (
            encode_jpeg(noise(Size(64, 48)), 82),
            encode_jpeg(noise(Size(9, 7)) // 3, 30),
            chart(64, 48).jpegsave_buffer(Q=82, keep=0),
        )
    ]

    assert tables[0] == tables[1] == tables[2]


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """Marker and content, up to and with the first scan's header: ITU-T T.81, B.1.1.4."""
    found: list[tuple[int, bytes]] = []
    at = 2
    while not found or found[-1][0] != 0xDA:
        assert data[at] == 0xFF
        length = int.from_bytes(data[at + 2 : at + 4])
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found
