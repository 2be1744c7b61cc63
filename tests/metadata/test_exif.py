"""Directories that lie: offsets that lead back or out, counts without end, types that are none."""

import struct

import pytest

from imgsvc.metadata.exif import MAX_DIRECTORIES, read_exif, read_tiff
from imgsvc.metadata.ifd import MAX_ENTRIES
from imgsvc.metadata.source import Source
from imgsvc.metadata.tags import Tags
from tests.metadata.blocks import Field, ascii_field, byte, directory, long, rational, short, tiff_block, undefined
from tests.metadata.containers import tiff_chain

HEAD = b"II*\0\x08\0\0\0"


def read(block: bytes) -> Tags:
    tags = Tags()
    read_exif(Source.of(block), tags)
    return tags


def test_a_chain_that_leads_back_ends() -> None:
    """A directory is read once."""
    block = HEAD + directory([ascii_field(0x0131, "Loop")], 8, following=8)

    tags = read(block)

    assert tags.get("Software") == "Loop"


@pytest.mark.parametrize("pointer", [0x8769, 0x8825, 0xA005])
def test_a_directory_that_is_its_own_child_ends(pointer: int) -> None:
    """Pointers to sub-directories are no way round."""
    block = HEAD + directory([ascii_field(0x0131, "Loop"), long(pointer, 8)], 8)

    tags = read(block)

    assert tags.get("Software") == "Loop"


def test_directories_nested_without_end_are_left_at_some_depth() -> None:
    """Each holds a pointer to the next: no deeper than EXIF nests them, and one."""
    length = len(directory([ascii_field(0x0131, "abc"), long(0x8769, 0)], 8))
    block = HEAD + b"".join(
        directory([ascii_field(0x0131, f"{n:03d}"), long(0x8769, 8 + (n + 1) * length)], 8 + n * length)
        for n in range(500)
    )

    tags = read(block)

    assert tags.get("Software") == "003"


def test_of_a_thousand_pages_the_first_are_read() -> None:
    """A chain has a bound."""
    block = tiff_chain(*([ascii_field(0x0131, f"{number:03d}")] for number in range(1000)))
    tags = Tags()

    read_tiff(Source.of(block), tags)

    assert tags.get("Software") == f"{MAX_DIRECTORIES - 1:03d}"


@pytest.mark.parametrize("kind", [1, 2, 3, 5, 7, 12])
@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x10000001, 1 << 20])
def test_a_field_with_more_values_than_the_file_has_bytes_is_left_out(kind: int, count: int) -> None:
    """Nothing of that size is asked for; the fields beside it are read."""
    huge = Field(0x010F, kind, b"\0" * 8, claimed=count)
    block = HEAD + directory([huge, ascii_field(0x0131, "beside")], 8)

    tags = read(block)

    assert tags.get("Make") is None
    assert tags.get("Software") == "beside"


def test_a_field_beyond_the_file_is_left_out() -> None:
    """Offsets are not followed out of the block."""
    entry = struct.pack("<HHII", 0x010F, 2, 100, 0xFFFFFF00)
    block = HEAD + struct.pack("<H", 1) + entry + bytes(4)

    tags = read(block)

    assert tags.get("Make") is None


def test_a_directory_with_too_many_entries_is_left_out() -> None:
    """Sixty thousand entries are no camera's."""
    block = HEAD + directory([short(0x0112, 1)] * (MAX_ENTRIES + 1), 8)

    tags = read(block)

    assert tags.get("Orientation") is None


def test_a_field_of_a_type_that_tiff_does_not_know_is_left_out() -> None:
    """Its length cannot be known."""
    block = HEAD + struct.pack("<HHHII", 1, 0x0112, 99, 1, 6) + bytes(4)

    tags = read(block)

    assert tags.get("Orientation") is None


def test_what_is_no_tiff_structure_is_refused() -> None:
    """Whoever asked leaves it out."""
    with pytest.raises(ValueError, match="BM"):
        read(b"BM******")


def test_a_thumbnail_beyond_the_block_has_a_place_and_no_picture() -> None:
    """Only what is there can be extracted."""
    block = tiff_block(short(0x0112, 1), ifd1=[long(0x0201, 100), long(0x0202, 5000)])

    tags = read(block)

    assert tags.get("ThumbnailLength") == "5000"
    assert tags.get("ThumbnailImage") is None


def test_a_comment_in_japanese_code_is_left_out() -> None:
    """JIS X 208 in EXIF is too rare to be read rightly."""
    tags = read(tiff_block(exif=[undefined(0x9286, b"JIS\0\0\0\0\0\x1b$B")]))

    assert tags.get("UserComment") is None


def test_a_title_keeps_characters_of_every_plane() -> None:
    """Here exiftool 12.57 prints question marks."""
    tags = read(tiff_block(byte(0x9C9B, *"Mill 😀\0".encode("utf-16-le"))))

    assert tags.get("XPTitle") == "Mill 😀"


@pytest.mark.parametrize("values", [(1, 0), (0, 0)])
def test_fractions_over_zero_are_not_computed_with(values: tuple[int, int]) -> None:
    """Angles, lengths and apertures made of them are left out."""
    fields = [rational(tag, *values) for tag in (0x9202, 0x9205, 0x920A)]

    tags = read(tiff_block(exif=fields, gps=[rational(2, *values), rational(7, *values, 1, 1, 1, 1)]))

    names = ("ApertureValue", "MaxApertureValue", "FocalLength", "GPSLatitude", "GPSTimeStamp")
    assert [tags.get(name) for name in names] == [None] * 5
