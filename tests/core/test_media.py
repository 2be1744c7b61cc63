"""Files that are no pictures, by their names."""

import re

import pytest

from imgsvc.core.formats import FORMATS
from imgsvc.core.media import MEDIA_TYPES, UNKNOWN, claims_to_be_picture, media_type
from tests.fakes import make_file

RUNS = re.compile(r"html|(?:java|ecma|vb)script|css|xml|svg|multipart|wasm|flash", re.IGNORECASE)
"""What a browser runs, applies or renders as a document with links of its own."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Size Chart.PDF", "application/pdf"),
        ("archive.tar.gz", "application/gzip"),
        ("raw.HEIC", "image/heic"),
        ("film.mov", "video/quicktime"),
        ("LICENSE", UNKNOWN),
        ("", UNKNOWN),
        (".pdf", UNKNOWN),
        ("a.pdf/b", UNKNOWN),
        ("page.html", UNKNOWN),
        ("style.css", UNKNOWN),
        ("script.js", UNKNOWN),
        ("feed.xml", UNKNOWN),
        ("page.xhtml", UNKNOWN),
        ("page.mhtml", UNKNOWN),
        ("run.swf", UNKNOWN),
        ("run.wasm", UNKNOWN),
        ("a.unheard-of", UNKNOWN),
    ],
)
def test_a_name_tells_the_media_type(name: str, expected: str) -> None:
    """Its extension does, in any case; what is not known is bytes."""
    assert media_type(name, make_file()) == expected


def test_nothing_that_runs_in_a_browser_has_a_type() -> None:
    """Whoever uploads it would speak in the name of the host that serves it."""
    office = re.compile(r"application/vnd\.openxmlformats-officedocument\.")

    assert not [kind for kind in MEDIA_TYPES.values() if RUNS.search(office.sub("", kind))]


@pytest.mark.parametrize(("extension", "kind"), MEDIA_TYPES.items())
def test_a_row_is_an_extension_and_a_media_type(extension: str, kind: str) -> None:
    """In lower case, without the dot; RFC 6838, section 4.2, without parameters."""
    assert re.fullmatch(r"[a-z0-9]+", extension)
    assert re.fullmatch(r"[a-z]+/[a-z0-9][a-z0-9.+-]*", kind)


def test_no_row_is_of_a_picture_we_know() -> None:
    """Those are told by their bytes."""
    assert not set(MEDIA_TYPES) & {extension for row in FORMATS.values() for extension in row.extensions}


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        *((f"shirt.{extension}", row.decodes) for row in FORMATS.values() for extension in row.extensions),
        ("Shirt.JPG", True),
        ("shirt.jpg.pdf", False),
        ("shirt.pdf.jpg", True),
        ("raw.heic", False),
        ("jpg", False),
        (".jpg", False),
        ("", False),
    ],
)
def test_a_name_claims_to_be_a_picture_by_its_extension(name: str, claims: bool) -> None:
    """Of a format that is decoded here, so that other bytes under it are a mistake."""
    assert claims_to_be_picture(name) is claims
