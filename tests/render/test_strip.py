"""Originals without their metadata: what goes, what stays, and that no container breaks it."""

import struct
import zlib
from io import BytesIO

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation
from imgsvc.render.strip import STRIPPERS, strip_metadata
from tests.originals import (
    CAMERA_MODEL,
    PHOTOGRAPHER,
    animated_webp,
    avif,
    decode,
    decode_frames,
    gif,
    has_exif,
    jpeg,
    jpeg_with_gps,
    orientation_jpeg,
    png,
    quadrants,
    tiff,
    truncated,
    webp,
)

SECRET = b"Behind the old mill"
UPRIGHT = Orientation.UPRIGHT
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + SECRET + b"</x:xmpmeta>"


def stripped(data: bytes, source: Format, orientation: Orientation = UPRIGHT) -> bytes:
    result = strip_metadata(data, source, orientation)
    assert result is not None
    return result


def noted_jpeg() -> bytes:
    """Every kind of note: EXIF with a place, XMP, IPTC, FlashPix, a comment, a maker's own segment."""
    notes = (
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x18\x1c\x02\x78\0\x13" + SECRET),
        (0xE2, b"FPXR\0" + SECRET),
        (0xE2, b"MPF\0" + SECRET),
        (0xEB, SECRET),
        (0xFE, SECRET),
    )
    data = jpeg(icc="p3", exif_gps=True)
    return data[:2] + b"".join(segment(marker, body) for marker, body in notes) + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def noted_png(*more: bytes) -> bytes:
    data = png(text={"Comment": SECRET.decode()})
    notes = (
        chunk(b"eXIf", exif_of(jpeg_with_gps())),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"zTXt", b"Author\0\0" + zlib.compress(SECRET)),
        chunk(b"tIME", bytes((7, 230, 1, 2, 3, 4, 5))),
        *more,
    )
    return data[:33] + b"".join(notes) + data[33:]


def noted_webp() -> bytes:
    with Pillow.open(BytesIO(webp())) as picture:
        file = BytesIO()
        profile = pyvips.Image.new_from_buffer(jpeg(icc="p3"), "").get("icc-profile-data")
        picture.save(file, "WEBP", lossless=True, exif=exif_of(jpeg_with_gps()), xmp=XMP, icc_profile=profile)
    return file.getvalue()


def exif_of(data: bytes) -> bytes:
    """The TIFF structure, without the six bytes that JPEG puts in front of it."""
    with Pillow.open(BytesIO(data)) as picture:
        return picture.getexif().tobytes()[6:]


def same_pixels(one: bytes, other: bytes) -> bool:
    return decode(one).write_to_memory() == decode(other).write_to_memory()


def profile_of(data: bytes) -> bytes | None:
    image = decode(data)
    if image.get_typeof("icc-profile-data") == 0:
        return None
    profile = image.get("icc-profile-data")
    assert isinstance(profile, bytes)
    return profile


def noted_gif() -> bytes:
    """Three frames with a comment, XMP and another application's block between them (GIF89a, sections 24 and 26)."""
    data = gif(frames=3, delay=70, loop=3)
    first_control = data.index(b"\x21\xf9\x04")
    comment = b"\x21\xfe" + bytes((len(SECRET),)) + SECRET + b"\0"
    # XMP stands there unblocked; a tail of falling bytes leads every reader to its end (XMP part 3, 1.1.2).
    xmp = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    other = b"\x21\xff\x0bNOTEBOOK1.0" + bytes((len(CAMERA_MODEL),)) + CAMERA_MODEL.encode() + b"\0"
    author = b"\x21\xfe" + bytes((len(PHOTOGRAPHER),)) + PHOTOGRAPHER.encode() + b"\0"
    return data[:first_control] + comment + xmp + other + data[first_control:-1] + author + data[-1:]


NOTED = {Format.JPEG: noted_jpeg, Format.PNG: noted_png, Format.WEBP: noted_webp, Format.GIF: noted_gif}
PLAIN = {
    Format.JPEG: jpeg,
    Format.PNG: png,
    Format.WEBP: lambda: quadrants().webpsave_buffer(lossless=True, keep=0),
    Format.GIF: gif,
}


@pytest.mark.parametrize("source", NOTED)
def test_no_note_stays(source: Format) -> None:
    """EXIF, XMP, IPTC and comments go, wherever they stand."""
    data = NOTED[source]()

    result = stripped(data, source)

    assert SECRET in data
    assert CAMERA_MODEL.encode() in data
    assert not has_exif(result)
    for words in (SECRET, CAMERA_MODEL.encode(), PHOTOGRAPHER.encode(), b"xmpmeta", b"Exif"):
        assert words not in result


@pytest.mark.parametrize("source", NOTED)
def test_pixels_stay_as_they_are(source: Format) -> None:
    """Not one value changes, for nothing is encoded again."""
    data = NOTED[source]()

    assert same_pixels(stripped(data, source), data)


@pytest.mark.parametrize("source", [Format.JPEG, Format.WEBP])
def test_the_colour_profile_stays(source: Format) -> None:
    """It says what the pixels mean."""
    data = NOTED[source]()

    assert profile_of(data) is not None
    assert profile_of(stripped(data, source)) == profile_of(data)


def test_a_pngs_colour_profile_stays() -> None:
    data = quadrants().icc_transform("p3", input_profile="srgb").pngsave_buffer()

    assert profile_of(stripped(data, Format.PNG)) == profile_of(data) is not None


def test_a_profile_in_several_segments_stays() -> None:
    """A CMYK profile of 960 kB takes fifteen APP2 segments (ICC.1, annex B.4)."""
    data = jpeg(cmyk=True)

    result = stripped(data, Format.JPEG)

    assert profile_of(result) == profile_of(data) is not None
    assert same_pixels(result, data)


@pytest.mark.parametrize("source", PLAIN)
def test_a_picture_without_notes_stays_as_it_is(source: Format) -> None:
    data = PLAIN[source]()

    assert stripped(data, source) == data


@pytest.mark.parametrize("source", NOTED)
def test_stripping_twice_changes_no_more(source: Format) -> None:
    once = stripped(NOTED[source](), source)

    assert stripped(once, source) == once


@pytest.mark.parametrize("orientation", list(Orientation)[1:])
def test_a_jpegs_orientation_stays(orientation: Orientation) -> None:
    """The smallest EXIF that says it, and viewers understand it."""
    data = orientation_jpeg(orientation)

    result = stripped(data, Format.JPEG, orientation)

    with Pillow.open(BytesIO(result)) as picture:
        assert dict(picture.getexif()) == {0x0112: orientation}
    assert decode(result).get("orientation") == orientation
    assert same_pixels(result, data)


@pytest.mark.parametrize("source", [Format.PNG, Format.WEBP])
def test_a_turned_picture_of_another_format_is_not_stripped(source: Format) -> None:
    """Its orientation stands in the EXIF that would go: it has to be rendered upright."""
    assert strip_metadata(NOTED[source](), source, Orientation.ROTATED_90) is None


@pytest.mark.parametrize(("source", "data"), [(Format.TIFF, tiff()), (Format.AVIF, avif())])
def test_containers_that_are_not_walked_are_left_to_the_renderer(source: Format, data: bytes) -> None:
    assert strip_metadata(data, source, UPRIGHT) is None


@pytest.mark.parametrize(("source", "data"), [(Format.WEBP, animated_webp(frames=3)), (Format.GIF, noted_gif())])
def test_an_animation_keeps_its_frames(source: Format, data: bytes) -> None:
    """And their delays, and how often it runs."""
    result = stripped(data, source)

    for told in ("delay", "loop"):
        assert decode(result).get(told) == decode(data).get(told)
    assert [frame.write_to_memory() for frame in decode_frames(result)] == [
        frame.write_to_memory() for frame in decode_frames(data)
    ]


def test_a_webp_no_longer_announces_what_is_gone() -> None:
    """The flags of VP8X (RFC 9649, 2.7.1): E and X fall, I stays."""
    result = stripped(noted_webp(), Format.WEBP)

    assert result[12:16] == b"VP8X"
    assert result[20] == 0b0010_0000
    assert int.from_bytes(result[4:8], "little") == len(result) - 8


def test_what_follows_a_jpegs_end_goes() -> None:
    """Phones put a second picture (CIPA DC-007) or a film behind it, with a place of their own."""
    result = stripped(jpeg() + jpeg_with_gps(), Format.JPEG)

    assert CAMERA_MODEL.encode() not in result
    assert same_pixels(result, jpeg())


def test_notes_between_the_scans_of_a_progressive_jpeg_go() -> None:
    """Tables and miscellaneous segments may stand before every scan (ITU-T T.81, B.2.1)."""
    data = jpeg(progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    data = data[:last_scan] + segment(0xFE, SECRET) + segment(0xE1, b"Exif\0\0" + SECRET) + data[last_scan:]

    result = stripped(data, Format.JPEG)

    assert SECRET not in result
    assert same_pixels(result, data)


def test_what_follows_a_pngs_end_goes() -> None:
    assert SECRET not in stripped(png() + SECRET, Format.PNG)


def test_what_follows_a_gifs_end_goes() -> None:
    assert SECRET not in stripped(gif(frames=2) + SECRET, Format.GIF)


def test_what_follows_a_webps_end_goes() -> None:
    """The RIFF header says how long it is."""
    result = strip_metadata(webp() + SECRET, Format.WEBP, UPRIGHT)

    assert result is None or SECRET not in result


def test_exif_in_a_pngs_unregistered_chunk_goes() -> None:
    """zxIf, compressed EXIF, was proposed beside eXIf and never registered; the other one is made up."""
    data = noted_png(chunk(b"zxIf", b"\0\0\0\0\x13" + zlib.compress(SECRET)), chunk(b"prVt", SECRET))

    result = stripped(data, Format.PNG)

    assert b"zxIf" not in result
    assert SECRET not in result


def test_chunks_that_change_how_pixels_look_stay() -> None:
    """PNG, third edition, 11.3: gamma, chromaticities, transparency."""
    kept = (chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"sRGB", b"\0"), chunk(b"pHYs", bytes(9)))
    data = png()
    data = data[:33] + b"".join(kept) + data[33:]

    assert stripped(data, Format.PNG) == data


@pytest.mark.parametrize("kept", [0.001, 0.01, 0.04])
def test_a_jpeg_that_ends_before_its_pixels_is_none(kept: float) -> None:
    assert strip_metadata(truncated(noted_jpeg(), kept=kept), Format.JPEG, UPRIGHT) is None


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("source", [Format.PNG, Format.WEBP, Format.GIF])
def test_a_container_that_breaks_off_is_none(source: Format, kept: float) -> None:
    assert strip_metadata(truncated(NOTED[source](), kept=kept), source, UPRIGHT) is None


@pytest.mark.parametrize("source", STRIPPERS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_next_to_nothing_is_none(source: Format, data: bytes) -> None:
    assert strip_metadata(data, source, UPRIGHT) is None


@pytest.mark.parametrize("length", [0, 1])
def test_a_jpeg_segment_shorter_than_its_own_length_is_none(length: int) -> None:
    """The length counts itself: two at least (ITU-T T.81, B.1.1.4)."""
    data = jpeg()
    broken = data[:2] + b"\xff\xfe" + struct.pack(">H", length) + data[2:]

    assert strip_metadata(broken, Format.JPEG, UPRIGHT) is None


@given(source=st.sampled_from(list(STRIPPERS)), orientation=st.sampled_from(Orientation), data=st.binary(max_size=300))
def test_no_bytes_make_it_fail(source: Format, orientation: Orientation, data: bytes) -> None:
    """Behind the right beginning too."""
    beginning = {
        Format.JPEG: b"\xff\xd8\xff",
        Format.PNG: png()[:8],
        Format.WEBP: b"RIFF\0\1\0\0WEBP",
        Format.GIF: b"GIF89a",
        Format.SVG: b"<svg",
        Format.BMP: b"BM",
    }[source]

    for tried in (data, beginning + data):
        result = strip_metadata(tried, source, orientation)

        assert result is None or isinstance(result, bytes)


@given(data=st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    """A noted picture, cut, with bytes overwritten; what comes out is never much longer than what went in."""
    source = data.draw(st.sampled_from(list(NOTED)))
    broken = bytearray(_NOTED_ONCE[source])
    for at in data.draw(st.lists(st.integers(0, len(broken) - 1), max_size=8)):
        broken[at] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])

    result = strip_metadata(cut, source, data.draw(st.sampled_from(Orientation)))

    assert result is None or len(result) <= len(cut) + 64


_NOTED_ONCE = {source: noted() for source, noted in NOTED.items()}
