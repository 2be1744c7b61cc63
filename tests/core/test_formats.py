"""The table of formats, and telling bytes apart by what they begin with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.formats import (
    FORMATS,
    SNIFFED_BYTES,
    Format,
    file_extension,
    format_from_extension,
    readable_formats,
    sniff_format,
)
from tests import originals

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>'


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """A file type box: ISO/IEC 14496-12, 4.3."""
    content = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return (4 + len(content)).to_bytes(4) + content + b"\0\0\0\x08meta"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (originals.jpeg(8, 6), Format.JPEG),
        (originals.png(8, 6), Format.PNG),
        (originals.gif(8, 6), Format.GIF),
        (originals.webp(8, 6), Format.WEBP),
        (originals.tiff(8, 6), Format.TIFF),
        (originals.bmp(8, 6), Format.BMP),
        (originals.avif(8, 6), Format.AVIF),
        (originals.svg(8, 6), Format.SVG),
    ],
    ids=lambda value: value if isinstance(value, Format) else "",
)
def test_what_encoders_write_is_recognised(data: bytes, name: Format) -> None:
    """Every format that is read, by the first bytes alone."""
    assert sniff_format(data[:SNIFFED_BYTES]) is name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0", Format.JPEG),
        (b"\xff\xd8\xff\xdb", Format.JPEG),
        (b"GIF87a", Format.GIF),
        (b"II*\0\x08\0\0\0", Format.TIFF),
        (b"MM\0*\0\0\0\x08", Format.TIFF),
        (b"II+\0\x08\0\0\0", Format.TIFF),
        (b"MM\0+\0\x08\0\0", Format.TIFF),
        (b"RIFF\x24\0\0\0WEBPVP8X", Format.WEBP),
    ],
)
def test_a_signature_is_enough(head: bytes, name: Format) -> None:
    """JFIF and raw JPEG, both GIFs, TIFF and BigTIFF in both byte orders."""
    assert sniff_format(head) is name


@pytest.mark.parametrize(
    "head",
    [
        ftyp(b"avif", b"avif", b"mif1"),
        ftyp(b"avis", b"avis"),
        ftyp(b"mif1", b"mif1", b"avif"),
        ftyp(b"avif"),
    ],
)
def test_an_avif_is_told_by_its_brands(head: bytes) -> None:
    """Major or compatible, still or sequence."""
    assert sniff_format(head) is Format.AVIF


@pytest.mark.parametrize(
    "head",
    [
        originals.heic_signature(),
        ftyp(b"heic", b"mif1", b"heic"),
        ftyp(b"mif1", b"mif1", b"heic"),
        ftyp(b"isom", b"isom", b"mp42"),
        # The brand is in the box behind, not in this one.
        ftyp(b"heic") + ftyp(b"avif"),
        # The minor version is no brand.
        b"\0\0\0\x10ftypheicavif",
        b"\0\0\0\0ftyp",
        b"\0\0\0\x08ftyp",
    ],
)
def test_another_file_in_that_container_is_no_avif(head: bytes) -> None:
    """HEIC and video share the box; the brand decides."""
    assert sniff_format(head) is None


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\n  ",
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<!-- a comment with > and <html> in it -->",
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n',
        '<?xml version="1.0"?><!-- one --><!DOCTYPE svg [\n<!ENTITY red "#f00">\n]>\n<!-- two -->',
        '<!DOCTYPE svg [<!ENTITY red "#f00">] >',
        '<?xml version="1.0"?><?xml-stylesheet href="style.css"?>',
    ],
    ids=[
        "nothing",
        "white space",
        "declaration",
        "comment",
        "doctype",
        "internal subset",
        "space behind the internal subset",
        "instruction",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "with a byte order mark"])
def test_an_svg_is_told_by_its_first_element(before: str, mark: bytes) -> None:
    """Behind any prologue that XML allows."""
    assert sniff_format(mark + (before + SVG).encode()) is Format.SVG


@pytest.mark.parametrize(
    "text",
    [
        "<svg>",
        "<svg/>",
        "<svg\nwidth='3'>",
        '<s:svg xmlns:s="http://www.w3.org/2000/svg">',
    ],
)
def test_the_first_element_may_be_spelled_in_any_way(text: str) -> None:
    """Without attributes, empty, over lines, under a prefix."""
    assert sniff_format(text.encode()) is Format.SVG


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><body>" + SVG,
        "<html>" + SVG,
        '<?xml version="1.0"?><rss>' + SVG,
        "<!-- <svg> -->",
        "<!-- <svg>",
        "<svgx>",
        "< svg>",
        "<",
        "< ",
        "<!",
        "<?",
        "svg",
        "{}",
    ],
)
def test_other_text_is_no_svg(text: str) -> None:
    """Pages that show an SVG, comments that name one, and tatters."""
    assert sniff_format(text.encode()) is None


@pytest.mark.parametrize("text", [b"BM", b"BMW is a make of motor cars.\n" * 4, b"BM\n" + b"\0" * 40])
def test_a_text_that_begins_with_bm_is_no_bmp(text: bytes) -> None:
    """Two letters are not enough: the DIB header's size must be one that exists."""
    assert sniff_format(text) is None


@pytest.mark.parametrize("size", [12, 40, 52, 56, 64, 108, 124])
def test_every_bmp_header_is_known(size: int) -> None:
    """OS/2 1 and 2, Windows 3 to V5."""
    assert sniff_format(b"BM" + b"\0" * 12 + size.to_bytes(4, "little") + b"\0" * 40) is Format.BMP


@pytest.mark.parametrize(
    "head",
    [b"", b"\0", b"%PDF-1.7\n", b"PK\x03\x04", b"RIFF\x24\0\0\0WAVEfmt ", b"\x89PNG\n", b"\xff\xd8", b"GIF88a"],
)
def test_what_is_none_of_them_has_no_format(head: bytes) -> None:
    """Nothing, other files, and beginnings that are cut short."""
    assert sniff_format(head) is None


@given(st.binary(max_size=64) | st.text(alphabet="<!?-[]> \nsvgDOCTYPE:/", max_size=40).map(str.encode))
def test_any_bytes_have_a_format_or_none(head: bytes) -> None:
    """Whatever is uploaded, sniffing fails for nothing."""
    assert sniff_format(head) in (None, *Format)


def test_every_format_has_its_row() -> None:
    """In the enum's order."""
    assert list(FORMATS) == list(Format)


def test_an_extension_belongs_to_one_format() -> None:
    """Read back, in any case, from every row."""
    for name, row in FORMATS.items():
        for extension in row.extensions:
            assert format_from_extension(extension.upper()) is name


@pytest.mark.parametrize("extension", ["", "exe", ".png", "pdf", "heic"])
def test_an_unknown_extension_names_no_format(extension: str) -> None:
    """Nor does one with its dot."""
    assert format_from_extension(extension) is None


def test_a_written_format_gets_an_extension_that_names_its_media_type() -> None:
    """`png` for PNG8 too: the extension is for those who open the file."""
    for name, row in FORMATS.items():
        named = format_from_extension(file_extension(name))

        assert named is not None
        assert FORMATS[named].media_type == row.media_type


def test_quality_has_a_default_where_it_means_something() -> None:
    """1..100 for lossy formats, none for the others."""
    for row in FORMATS.values():
        assert (row.default_quality is not None) == row.lossy
        assert row.default_quality is None or 1 <= row.default_quality <= 100


def test_readable_formats_are_those_that_are_decoded() -> None:
    """Palette PNGs are PNGs to whoever uploads one."""
    assert readable_formats() == "JPEG, PNG, WEBP, AVIF, GIF, TIFF, BMP, SVG"
