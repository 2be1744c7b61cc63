"""What a file tells about itself: equal to exiftool's word, bounded, and never an error whatever the bytes."""

import os
import random
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsvc.metadata.detail import read_detail
from imgsvc.metadata.source import READ_BYTES
from imgsvc.metadata.tags import MAX_TAGS, Detail
from tests.metadata.blocks import ascii_field, tiff_block
from tests.metadata.camera import agency_records, camera_jpeg, noted_packet, small_block
from tests.metadata.containers import (
    chunk,
    exif_segment,
    icc_segments,
    jpeg_with,
    plain_jpeg,
    png_with,
    segment,
    xmp_segment,
)
from tests.metadata.pictures import all_pictures
from tests.metadata.profiles import display_profile

PICTURES = all_pictures()

# What exiftool computes from lens and sensor, in part by tables of lenses.
COMPUTED = {
    "CircleOfConfusion",
    "DOF",
    "FOV",
    "FocalLength35efl",
    "HyperfocalDistance",
    "LensID",
    "LightValue",
    "ScaleFactor35efl",
}
ABOUT_THE_CALL = {"SourceFile", "ExifToolVersion", "FileName", "Directory", "Warning"}

VENDOR_NAMES = """
    FileSize FileModifyDate FileAccessDate FileInodeChangeDate FilePermissions FileType FileTypeExtension MIMEType
    JFIFVersion ResolutionUnit XResolution YResolution ProfileCMMType ProfileVersion ProfileClass ColorSpaceData
    ProfileConnectionSpace ProfileDateTime ProfileFileSignature PrimaryPlatform CMMFlags DeviceManufacturer DeviceModel
    DeviceAttributes RenderingIntent ConnectionSpaceIlluminant ProfileCreator ProfileID ProfileCopyright
    ProfileDescription MediaWhitePoint MediaBlackPoint RedMatrixColumn GreenMatrixColumn BlueMatrixColumn DeviceMfgDesc
    DeviceModelDesc ViewingCondDesc ViewingCondIlluminant ViewingCondSurround ViewingCondIlluminantType Luminance
    MeasurementObserver MeasurementBacking MeasurementGeometry MeasurementFlare MeasurementIlluminant Technology RedTRC
    GreenTRC BlueTRC ImageWidth ImageHeight EncodingProcess BitsPerSample ColorComponents YCbCrSubSampling ImageSize
    Megapixels
"""
"""Quable's documented example of `metadata.detail`, of a JPEG with JFIF and a profile."""


@pytest.mark.parametrize("name", PICTURES)
def test_every_value_is_the_one_that_exiftool_prints(
    name: str, picture_files: Mapping[str, Path], printed: Mapping[str, Mapping[str, Any]]
) -> None:
    """What is given has exiftool's name, value and kind of value."""
    detail = read_detail(picture_files[name])

    expected = {each: printed[name].get(each) for each in detail}
    assert detail == expected
    assert {each: isinstance(value, str) for each, value in detail.items()} == {
        each: isinstance(value, str) for each, value in expected.items()
    }


@pytest.mark.parametrize("name", ["camera.jpg", "camera_big.jpg", "plain.jpg", "small_profile.jpg", "progressive.jpg"])
def test_of_a_cameras_jpeg_no_name_is_missing_but_those_computed_for_lenses(
    name: str, picture_files: Mapping[str, Path], printed: Mapping[str, Mapping[str, Any]]
) -> None:
    """JFIF, EXIF, GPS, interoperability, thumbnail, profile, frame and what follows from them are all given."""
    detail = read_detail(picture_files[name])

    assert set(printed[name]) - ABOUT_THE_CALL - COMPUTED - set(detail) == set()


def test_the_names_of_the_vendors_example_are_all_there(picture_files: Mapping[str, Path]) -> None:
    """A JPEG with JFIF and a display profile has every name that Quable documents."""
    detail = read_detail(picture_files["camera.jpg"])

    assert set(VENDOR_NAMES.split()) - set(detail) == set()


def test_a_small_jpeg_with_exif_and_profile_reads_as_written_here(tmp_path: Path) -> None:
    """The printed forms, without a tool to ask."""
    path = written(tmp_path, jpeg_with(exif_segment(small_block()), *icc_segments(display_profile(), parts=2)))

    detail = read_detail(path)

    for name in ("FileSize", "FileModifyDate", "FileAccessDate", "FileInodeChangeDate", "FilePermissions"):
        detail.pop(name)
    assert detail == {
        "FileType": "JPEG",
        "FileTypeExtension": "jpg",
        "MIMEType": "image/jpeg",
        "JFIFVersion": 1.01,
        "ResolutionUnit": "inches",
        "XResolution": 300,
        "YResolution": 300,
        "ExifByteOrder": "Little-endian (Intel, II)",
        "Make": "Maker",
        "Orientation": "Rotate 90 CW",
        "ISO": 100,
        "FNumber": 4.0,
        "ProfileCMMType": "Linotronic",
        "ProfileVersion": "2.1.0",
        "ProfileClass": "Display Device Profile",
        "ColorSpaceData": "RGB ",
        "ProfileConnectionSpace": "XYZ ",
        "ProfileDateTime": "1998:02:09 06:49:00",
        "ProfileFileSignature": "acsp",
        "PrimaryPlatform": "Microsoft Corporation",
        "CMMFlags": "Not Embedded, Independent",
        "DeviceManufacturer": "Hewlett-Packard",
        "DeviceModel": "sRGB",
        "DeviceAttributes": "Reflective, Glossy, Positive, Color",
        "RenderingIntent": "Perceptual",
        "ConnectionSpaceIlluminant": "0.9642 1 0.82491",
        "ProfileCreator": "Hewlett-Packard",
        "ProfileID": 0,
        "ProfileCopyright": "Public Domain",
        "ProfileDescription": "A display of our own",
        "MediaWhitePoint": "0.95045 1 1.08905",
        "MediaBlackPoint": "0 0 0",
        "RedMatrixColumn": "0.43607 0.22249 0.01392",
        "GreenMatrixColumn": "0.38515 0.71687 0.09708",
        "BlueMatrixColumn": "0.14307 0.06061 0.7141",
        "DeviceMfgDesc": "Nobody in particular",
        "DeviceModelDesc": "A screen, default",
        "ViewingCondDesc": "A dark room",
        "ViewingCondIlluminant": "19.6445 20.3718 16.8089",
        "ViewingCondSurround": "3.92889 4.07439 3.36179",
        "ViewingCondIlluminantType": "D50",
        "Luminance": "76.03647 80 87.12462",
        "MeasurementObserver": "CIE 1931",
        "MeasurementBacking": "0 0 0",
        "MeasurementGeometry": "Unknown",
        "MeasurementFlare": "0.999%",
        "MeasurementIlluminant": "D65",
        "Technology": "Cathode Ray Tube Display",
        "RedTRC": "(Binary data 2060 bytes, use -b option to extract)",
        "GreenTRC": "(Binary data 2060 bytes, use -b option to extract)",
        "BlueTRC": "(Binary data 2060 bytes, use -b option to extract)",
        "ImageWidth": 16,
        "ImageHeight": 12,
        "EncodingProcess": "Baseline DCT, Huffman coding",
        "BitsPerSample": 8,
        "ColorComponents": 3,
        "YCbCrSubSampling": "YCbCr4:2:0 (2 2)",
        "Aperture": 4.0,
        "ImageSize": "16x12",
        "Megapixels": 0.000192,
    }


def test_times_are_local_with_their_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As exiftool prints them, in the time zone of the process."""
    path = written(tmp_path, plain_jpeg())
    os.utime(path, ns=(1_700_000_465_900_000_000, 1_700_000_465_900_000_000))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()

        detail = read_detail(path)

    time.tzset()
    assert detail["FileModifyDate"] == "2023:11:15 03:51:05+05:30"


def test_a_file_that_is_no_picture_tells_what_the_file_system_knows(tmp_path: Path) -> None:
    """No type is guessed."""
    path = written(tmp_path, b"no picture at all")

    detail = read_detail(path)

    assert detail["FileSize"] == "17 bytes"
    assert "FileType" not in detail


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    """OSError passes through; it says nothing about the picture."""
    with pytest.raises(FileNotFoundError):
        read_detail(tmp_path / "nothing.jpg")


@settings(max_examples=300)
@given(st.sampled_from(sorted(PICTURES)), st.randoms(use_true_random=False), st.integers(1, 30))
def test_no_damaged_file_is_an_error(name: str, chance: random.Random, wounds: int) -> None:
    """Bytes changed, dropped or doubled anywhere: something is left out, nothing is raised, little is said."""
    data = bytearray(PICTURES[name])
    for _ in range(wounds):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            case 2:
                del data[at : at + chance.randrange(1, 20)]
            case _:
                data[at:at] = data[at : at + chance.randrange(1, 40)]
        if not data:
            break

    detail = detail_of(bytes(data))

    assert_bounded(detail)


@pytest.mark.parametrize("name", ["camera.jpg", "noted.png", "noted.webp", "noted.gif", "noted.tif", "agency.jpg"])
def test_a_file_cut_short_anywhere_is_no_error(name: str) -> None:
    """Whatever the place, what stands before it may be told."""
    data = PICTURES[name]
    places = sorted({*range(200), *range(0, len(data), max(1, len(data) // 150))})

    details = [detail_of(data[:place]) for place in places]

    assert all(map(is_bounded, details))


@given(st.binary(max_size=400), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_no_block_of_exif_is_an_error(noise: bytes, head: bytes) -> None:
    """Random directories, offsets and types."""
    detail = detail_of(jpeg_with(exif_segment(head + b"\0\3\0" + noise)))

    assert_bounded(detail)


@given(st.binary(max_size=400), st.integers(0, 80))
def test_no_profile_is_an_error(noise: bytes, count: int) -> None:
    """Random tag tables behind a sound header."""
    body = display_profile()[4:128] + struct.pack(">I", count) + noise
    profile = struct.pack(">I", len(body) + 4) + body

    detail = detail_of(jpeg_with(*icc_segments(profile)))

    assert_bounded(detail)


def _floods() -> Iterator[tuple[str, bytes]]:
    yield "segments", jpeg_with(*(segment(0xE5, b"x") for _ in range(10_000)))
    yield "exif", jpeg_with(*(exif_segment(small_block()) for _ in range(10_000)))
    yield "comments", jpeg_with(*(segment(0xFE, b"c" * 60_000) for _ in range(50)))
    yield "xmp", jpeg_with(*(xmp_segment(noted_packet()) for _ in range(2_000)))
    yield "profiles", jpeg_with(*icc_segments(display_profile()) * 500)
    yield "chunks", png_with(*(chunk(b"tEXt", b"key%c\0v" % (97 + n % 26)) for n in range(10_000)))
    names = (b"".join(b"%c" % (97 + n // 26**place % 26) for place in range(4)) for n in range(5_000))
    yield "keywords", png_with(*(chunk(b"tEXt", b"k" + name + b"\0v") for name in names))
    yield "fill", b"\xff\xd8" + b"\xff" * 3_000_000
    yield "zeros", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(3_000_000)


@pytest.mark.parametrize(("name", "data"), [pytest.param(name, data, id=name) for name, data in _floods()])
def test_floods_of_metadata_are_cut_off(name: str, data: bytes, tmp_path: Path) -> None:
    """Ten thousand of anything, or megabytes of it: little is read, little said, in little time."""
    path = written(tmp_path, data)
    start = time.process_time()

    detail = read_detail(path)

    assert time.process_time() - start < 2
    assert_bounded(detail)


def test_pixels_are_stepped_over(tmp_path: Path) -> None:
    """Notes behind fifty megabytes of pixels are found, at the cost of a seek."""
    pixels = struct.pack(">I", 50_000_000) + b"IDAT"
    head = png_with()[:33]
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.write(head + pixels)
        file.seek(50_000_000 + 4, os.SEEK_CUR)
        file.write(chunk(b"tEXt", b"Title\0far away") + chunk(b"IEND", b""))

    detail = read_detail(path)

    assert detail["Title"] == "far away"


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_what_unpacks_without_end_is_left_out(kind: bytes) -> None:
    """A kilobyte that becomes a hundred megabytes is unpacked up to the limit and dropped."""
    bomb = zlib.compress(bytes(100_000_000), 9)
    before = b"Comment\0\1\0\0\0" if kind == b"iTXt" else b"Comment\0\0"

    detail = detail_of(png_with(chunk(kind, before + bomb)))

    assert "Comment" not in detail
    assert "ProfileClass" not in detail


def test_agencies_records_that_break_off_tell_what_stands_before() -> None:
    """The rest is left out."""
    records = agency_records() + b"\x1c\x02\x69\xff\xff" + b"x" * 20
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records

    detail = detail_of(jpeg_with(segment(0xED, b"Photoshop 3.0\0" + resource)))

    assert detail["City"] == "Town"
    assert detail["Headline"] == "Head"


def test_a_number_too_great_for_json_stays_a_text() -> None:
    """Infinity is none of JSON's numbers."""
    detail = detail_of(jpeg_with(exif_segment(tiff_block(ascii_field(0x0131, "1E400")))))

    assert detail["Software"] == "1E400"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "original"
    path.write_bytes(data)
    return path


def detail_of(data: bytes) -> Detail:
    with TemporaryDirectory() as folder:
        return read_detail(written(Path(folder), data))


def is_bounded(detail: Detail) -> bool:
    length = sum(len(str(value)) for value in detail.values())
    return len(detail) <= MAX_TAGS and length <= 4 * READ_BYTES


def assert_bounded(detail: Detail) -> None:
    assert is_bounded(detail)


def test_a_cameras_jpeg_is_read_in_little_of_its_length(tmp_path: Path) -> None:
    """Behind the first scan nothing is looked at."""
    data = camera_jpeg()
    scan = data.rindex(b"\xff\xda")

    whole, cut = detail_of(data), detail_of(data[:scan] + b"\xff\xda")

    assert {**whole, "FileSize": ""}.keys() == cut.keys()
