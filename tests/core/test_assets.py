"""Names as they stand in URLs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import url_file_name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Red Shirt.JPG", "red-shirt.jpg"),
        ("struct logo", "struct-logo.jpg"),
        ("4099_manual (2).png", "4099-manual-2.jpg"),
        ("archive.tar.gz", "archive-tar.jpg"),
        ("C:\\Photos\\Summer.tif", "summer.jpg"),
        ("../../etc/passwd.png", "passwd.jpg"),
        ("--a--.png", "a.jpg"),
        ("blåbær.png", "bl-b-r.jpg"),
        ("写真.jpg", "picture.jpg"),
        ("", "picture.jpg"),
        ("...", "picture.jpg"),
    ],
)
def test_a_name_becomes_words_with_hyphens(name: str, written: str) -> None:
    """Lower case, ASCII alone, its own extension gives way; where nothing is left it is called picture."""
    assert url_file_name(name, extension="jpg") == written


def test_a_name_is_cut_to_80_characters() -> None:
    """And does not end in the hyphen it was cut at."""
    assert url_file_name("a" * 79 + " b" * 40, extension="png") == "a" * 79 + ".png"


@given(st.text(), st.sampled_from(["jpg", "png"]))
def test_every_name_needs_no_escaping(name: str, extension: str) -> None:
    """It is one segment of a path and the name of a file, whatever people typed."""
    written = url_file_name(name, extension=extension)

    assert re.fullmatch(rf"[a-z0-9]([a-z0-9-]{{0,78}}[a-z0-9])?\.{extension}", written)


@given(st.text())
def test_a_name_that_was_written_stays(name: str) -> None:
    """Writing it once more changes nothing."""
    written = url_file_name(name, extension="jpg")

    assert url_file_name(written, extension="jpg") == written
