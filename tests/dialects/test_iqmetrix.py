"""iQmetrix' picture URLs and the canonical ones."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import Asset, AssetKind, AssetRef, ImageInfo
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import FORMATS, Format, file_extension
from imgsvc.core.geometry import Size
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.core.variant import VariantKey
from imgsvc.dialects.iqmetrix import (
    read_canonical_url,
    read_guid,
    read_image_url,
    read_preview_url,
    write_canonical_url,
    write_image_url,
)
from tests.fakes import make_asset
from tests.strategies import WRITTEN_FORMATS, original_of, transforms

GUID = "732130d2-b673-461c-812b-62b614d6076e"
REF = AssetRef(AssetKind.GUID, GUID)
KEY = VariantKey("0123456789abcdef" * 2)
HERO = Transform(width=1600)


def an_asset(name: str = "Red Shirt.JPG") -> Asset:
    return make_asset(name, original=original_of(ImageInfo(format=Format.JPEG, size=Size(600, 400))))


def read(name: str, query: str = "") -> PictureRequest:
    return read_image_url(name, query, presets={"hero": HERO})


@pytest.mark.parametrize("guid", [GUID, GUID.upper(), "732130D2-b673-461C-812b-62b614d6076e"])
def test_a_guid_is_read_in_any_case(guid: str) -> None:
    """And kept in lower case."""
    assert read_guid(guid) == REF


@pytest.mark.parametrize(
    "guid",
    [
        "",
        "nobody",
        GUID.replace("-", ""),
        f"{{{GUID}}}",
        f"urn:uuid:{GUID}",
        GUID[:-1],
        GUID + "0",
        GUID + "\n",
        " " + GUID,
        GUID.replace("-", "_"),
        GUID.replace("7", "g"),
        GUID.replace("7", "\u0667"),
        "732130d2b-673-461c-812b-62b614d6076e",
    ],
)
def test_other_spellings_are_not_found(guid: str) -> None:
    """One address a picture: not all that UUID() would take."""
    with pytest.raises(NotFound):
        read_guid(guid)


@given(st.text())
def test_any_text_is_a_guid_or_not_found(text: str) -> None:
    """No other exception."""
    with pytest.raises(NotFound):
        read_guid(text)


@given(st.uuids())
def test_every_guid_is_read(guid: UUID) -> None:
    """Of any version, nil included."""
    assert read_guid(str(guid)).value == str(guid)


def test_a_guid_alone_asks_for_the_redirect() -> None:
    """303, as documented; with the transform of the query."""
    assert read(GUID, "width=300") == PictureRequest(ref=REF, transform=Transform(width=300), redirect=True)


@pytest.mark.parametrize(
    ("extension", "output"),
    [("png", Format.PNG), ("jpg", Format.JPEG), ("JPEG", Format.JPEG), ("webp", Format.WEBP), ("tiff", Format.TIFF)],
)
def test_an_extension_names_the_format_of_the_bytes(extension: str, output: Format) -> None:
    """It is no part of the transform, and nothing is redirected."""
    assert read(f"{GUID}.{extension}") == PictureRequest(ref=REF, transform=NOTHING_ASKED, extension=output)


@pytest.mark.parametrize("extension", ["", "exe", "png.jpg", "heic", "png/", "p%6eg"])
def test_an_unknown_extension_is_refused(extension: str) -> None:
    """Under that name, with what it may be."""
    with pytest.raises(InvalidParameter) as refused:
        read(f"{GUID}.{extension}")

    assert refused.value.name == "extension"


@pytest.mark.parametrize("name", ["nobody.png", ".png", f"x{GUID}.png"])
def test_the_guid_is_looked_at_before_the_extension(name: str) -> None:
    """There is nothing there, whatever the format."""
    with pytest.raises(NotFound):
        read(name)


@pytest.mark.parametrize(
    ("extension", "query", "output"),
    [
        ("jpg", "format=jpeg", Format.JPEG),
        ("png", "format=png", Format.PNG),
        ("png", "format=png8", Format.PNG8),
        ("tif", "format=tiff", Format.TIFF),
    ],
)
def test_a_format_that_agrees_is_taken(extension: str, query: str, output: Format) -> None:
    """Where both have one media type the query says it more exactly."""
    assert read(f"{GUID}.{extension}", query).extension is output


@pytest.mark.parametrize(
    ("extension", "query", "name"),
    [
        ("png", "format=gif", "format"),
        ("jpg", "Format=png8", "Format"),
        ("webp", "FORMAT=avif", "FORMAT"),
        ("webp", "format=auto", "format"),
    ],
)
def test_a_format_that_contradicts_the_extension_is_refused(extension: str, query: str, name: str) -> None:
    """Under the name as it was spelled."""
    with pytest.raises(InvalidParameter) as refused:
        read(f"{GUID}.{extension}", query)

    assert refused.value.name == name


def test_a_contradicting_format_is_quoted_as_it_came() -> None:
    """`jpg` is what the caller wrote and looks for, not `jpeg`."""
    with pytest.raises(InvalidParameter) as refused:
        read(f"{GUID}.png", "format=jpg")

    assert refused.value.detail.endswith('received "jpg".')


def test_the_words_of_the_query_are_structs() -> None:
    """Presets, bounds and `download` included."""
    request = read(f"{GUID}.png", "preset=hero&maxHeight=300&download=1&v=2")

    assert request == PictureRequest(
        ref=REF,
        transform=replace(HERO, max_height=300),
        extension=Format.PNG,
        download=True,
        pinned=True,
        preset="hero",
    )


@pytest.mark.parametrize("output", Format)
def test_an_image_url_is_read_back(output: Format) -> None:
    """PNG8 is a PNG to whoever reads the extension."""
    path = write_image_url(an_asset(), output)

    request = read(path.removeprefix("/images/"))
    assert request.ref == REF
    assert request.extension is not None
    assert FORMATS[request.extension].media_type == FORMATS[output].media_type


@given(transforms(), st.sampled_from(WRITTEN_FORMATS), st.text())
def test_a_canonical_url_is_read_back(transform: Transform, output: Format, name: str) -> None:
    """Asset, transform and key, whatever the picture is called; the last segment is a file name."""
    transform = replace(transform, format=output)

    url = write_canonical_url(an_asset(name), transform, output, KEY)

    empty, images, guid, segment, key, file_name = url.split("/")
    assert (empty, images) == ("", "images")
    assert file_name.endswith("." + file_extension(output))
    assert read_canonical_url(guid, segment, key, query="") == PictureRequest(ref=REF, transform=transform, key=KEY)


def test_a_canonical_url_looks_like_this() -> None:
    """Those URLs are cached for a year: a change here breaks them."""
    url = write_canonical_url(an_asset(), Transform(width=300, format=Format.WEBP), Format.WEBP, KEY)

    assert url == f"/images/{GUID}/width=300,format=webp/{KEY}/red-shirt.webp"


@pytest.mark.parametrize("key", ["", "x" * 32, KEY[:-1], KEY.upper()])
def test_a_key_that_is_none_is_not_found(key: str) -> None:
    """Nothing was ever stored under it."""
    with pytest.raises(NotFound):
        read_canonical_url(GUID, "width=300", key, query="")


def test_a_canonical_url_of_no_guid_is_not_found() -> None:
    """As any address of nothing."""
    with pytest.raises(NotFound):
        read_canonical_url("nobody", "width=300", KEY, query="")


def test_a_transform_nobody_wrote_is_refused() -> None:
    """Under the name of what is wrong in it."""
    with pytest.raises(InvalidParameter) as refused:
        read_canonical_url(GUID, "width=0", KEY, query="")

    assert refused.value.name == "width"


@pytest.mark.parametrize(
    ("query", "download"),
    [("", False), ("download=true", True), ("width=5&format=gif", False), ("utm_source=x", False), ("v=1", False)],
)
def test_of_a_canonical_urls_query_download_alone_has_a_meaning(query: str, download: bool) -> None:
    """All else is said in the path, for ever."""
    request = read_canonical_url(GUID, "width=300", KEY, query=query)

    assert request == PictureRequest(ref=REF, transform=Transform(width=300), key=KEY, download=download)


def test_a_preset_is_not_judged_there() -> None:
    """It has no meaning, and the sentence that there is none of that name would be wrong."""
    request = read_canonical_url(GUID, "width=300", KEY, query="preset=hero")

    assert request.transform == Transform(width=300)


def test_a_preview_fits_inside_and_is_not_enlarged() -> None:
    """`/images/{guid}/preview/{width}/{height}`, in the original's format."""
    assert read_preview_url(GUID.upper(), "300", "200") == PictureRequest(
        ref=REF, transform=Transform(max_width=300, max_height=200)
    )


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [("0", "1", "width"), ("1", "0", "height"), ("", "1", "width"), ("1", "x", "height"), ("1000000", "1", "width")],
)
def test_a_preview_of_no_size_is_refused(width: str, height: str, name: str) -> None:
    """By the name of the side that is wrong."""
    with pytest.raises(InvalidParameter) as refused:
        read_preview_url(GUID, width, height)

    assert refused.value.name == name


def test_a_preview_of_no_guid_is_not_found() -> None:
    """Before its size is looked at."""
    with pytest.raises(NotFound):
        read_preview_url("nobody", "x", "x")
