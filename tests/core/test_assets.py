"""Names as they stand in URLs, ids of every kind, and what may be a code."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import (
    INSTANCE,
    SLUG_ALPHABET,
    AssetKind,
    AssetRef,
    Instance,
    guid_from_text,
    is_code,
    name_extension,
    ref_from_text,
    url_file_name,
)
from imgsvc.core.errors import NotAnImage
from tests.fakes import make_asset, make_file, make_original

SHOP = Instance("shop")
GUID = "732130d2-b673-461c-812b-62b614d6076e"


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


@pytest.mark.parametrize(("name", "written"), [("LICENSE", "license"), ("Read Me.TXT", "read-me"), ("写真", "picture")])
def test_without_an_extension_there_is_no_dot(name: str, written: str) -> None:
    assert url_file_name(name, extension="") == written


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("LICENSE", ""), (".hidden", ""), ("a.", ""), ("..", ""), ("", "")],
)
def test_an_extension_is_what_follows_the_last_dot(name: str, extension: str) -> None:
    """In lower case; a name that begins with a dot has none."""
    assert name_extension(name) == extension


def test_a_pictures_extension_is_its_formats() -> None:
    """Whatever its name says; of another file it is the name's."""
    assert make_asset("holiday.jpg").extension == "png"
    assert make_asset("Chart.PDF", original=make_file()).extension == "pdf"
    assert make_asset("LICENSE", original=make_file()).extension == ""


def test_what_is_no_picture_has_no_pixels() -> None:
    """Whoever needs them is told so."""
    with pytest.raises(NotAnImage):
        _ = make_file().picture
    assert make_original().picture == make_original().info


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (GUID, AssetKind.GUID, GUID),
        (GUID.upper(), AssetKind.GUID, GUID),
        ("7", AssetKind.SERIAL, "7"),
        ("007", AssetKind.SERIAL, "7"),
        ("0", AssetKind.SERIAL, "0"),
        (str(2**63 - 1), AssetKind.SERIAL, str(2**63 - 1)),
        ("01234501", AssetKind.SERIAL, "1234501"),
        ("wuqj0ouk", AssetKind.SLUG, "wuqj0ouk"),
        ("aaaaaaaa", AssetKind.SLUG, "aaaaaaaa"),
        ("0123450a", AssetKind.SLUG, "0123450a"),
    ],
)
def test_an_id_is_known_by_its_form(text: str, kind: AssetKind, value: str) -> None:
    """In its canonical spelling, in that instance; digits alone are a serial."""
    assert ref_from_text(text, instance=SHOP) == AssetRef(kind, value, SHOP)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-1", "+1", "1.0", "1e3", "1_000", " 7", "7\n", "٣", str(2**63), "9" * 20, "9" * 5000, "wuqj0ou",
        "wuqj0oukk", "WUQJ0OUK", "wuqj0ou9", "wuqj0ouk\n", GUID.replace("-", ""), f"{{{GUID}}}", f"urn:uuid:{GUID}",
        GUID + "\n", "nobody",
    ],
)  # fmt: skip
def test_what_is_no_id_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert ref_from_text(text, instance=SHOP) is None


@given(st.text() | st.text("0123456789abcdef-", max_size=40) | st.text(SLUG_ALPHABET, min_size=7, max_size=9))
def test_an_id_is_of_one_kind_alone(text: str) -> None:
    """What is read can be written, and is read again as the same."""
    ref = ref_from_text(text, instance=SHOP)

    if ref is not None:
        assert ref_from_text(ref.value, instance=SHOP) == ref
        assert {AssetKind.GUID: 36, AssetKind.SLUG: 8}.get(ref.kind, len(ref.value)) == len(ref.value)
        assert ref.value.isdigit() == (ref.kind is AssetKind.SERIAL)
        assert ref.value.lstrip("0") == text.lower().lstrip("0") or ref.value == "0"


@given(st.integers(0, 2**63 - 1), st.uuids())
def test_every_serial_and_every_guid_is_read(serial: int, guid: UUID) -> None:
    assert ref_from_text(str(serial), instance=SHOP) == AssetRef(AssetKind.SERIAL, str(serial), SHOP)
    assert ref_from_text(str(guid), instance=SHOP) == AssetRef(AssetKind.GUID, str(guid), SHOP)


@given(st.text() | st.uuids().map(str) | st.uuids().map(lambda guid: guid.hex) | st.uuids().map(lambda guid: guid.urn))
def test_a_guid_has_one_spelling_in_any_case(text: str) -> None:
    """Not all that UUID() would take."""
    guid = guid_from_text(text)

    assert (guid is not None) == bool(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower(), re.ASCII)
    )
    assert guid is None or str(guid) == text.lower()


@pytest.mark.parametrize(
    "code", ["a", "SKU 1", "größe", "衬衫 👕", "a.b", "...", "..a", "a%2fb", "a?b#c", "x" * 255, GUID, "7"]
)
def test_a_code_is_nearly_any_text(code: str) -> None:
    assert is_code(code)


@pytest.mark.parametrize(
    "code", ["", " ", " a", "a ", "a/b", "a\\b", "/", "..", ".", "a\nb", "a\0b", "\x7f", "\u202e", "\ud800", "x" * 256]
)
def test_a_code_can_stand_in_a_segment_of_a_path(code: str) -> None:
    """No slashes and control characters, nothing that clients take out of a path (RFC 3986, section 5.2.4)."""
    assert not is_code(code)


@pytest.mark.parametrize("name", ["shop", "a", "0", "my-shop_2", "a" * 63])
def test_an_instance_is_a_word(name: str) -> None:
    assert INSTANCE.fullmatch(name)


@pytest.mark.parametrize("name", ["", "Shop", "-a", "_a", "a.b", "a b", "größe", "a/b", "a" * 64, "shop\n"])
def test_an_instance_is_nothing_else(name: str) -> None:
    assert not INSTANCE.fullmatch(name)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("Shirt.JPG", "jpg"),
        ("a.tar.gz", "gz"),
        ("LICENSE", ""),
        (".htaccess", ""),
        ("Report no. 7?", ""),
        ("a.x\"; filename*=utf-8''setup%2Eexe", ""),
        ("a.%2f", ""),
        ("a.\u65e5\u672c", ""),
        ("a." + "x" * 11, ""),
    ],
)
def test_an_extension_is_a_short_word(name: str, extension: str) -> None:
    """It stands in URLs and headers as it is."""
    assert name_extension(name) == extension
