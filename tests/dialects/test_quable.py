"""Quable's CDN URLs: what is written is read back, and what they are called."""

from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import AssetKind, AssetRef, ImageInfo, Instance, is_code
from imgsvc.core.errors import InvalidParameter, NotAnImage, NotFound
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Size
from imgsvc.core.presets import PRESETS
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.dialects.quable import ORIGINAL, read_cdn_url, write_cdn_url
from tests.fakes import make_asset, make_file
from tests.strategies import READ_FORMATS, WRITTEN_FORMATS, original_of

HERO = Transform(width=1600)
REF = AssetRef(AssetKind.CODE, "SKU-1", Instance("shop"))
CODES = st.text(min_size=1, max_size=20).filter(is_code)


def read(preset: str, file_name: str = "shirt-jpg.jpg", query: str = "") -> PictureRequest:
    return read_cdn_url("shop", "SKU-1", preset, file_name, query=query, presets={"hero": HERO})


def picture_of(source: Format) -> ImageInfo:
    return ImageInfo(format=source, size=Size(600, 400))


@pytest.mark.parametrize("file_name", ["shirt.jpg", "anything", "a.pdf", ".."])
def test_the_original_is_what_came(file_name: str) -> None:
    """Whatever it is called there."""
    assert read("original", file_name) == PictureRequest(ref=REF, transform=NOTHING_ASKED)


@pytest.mark.parametrize(
    ("preset", "transform"),
    [
        *PRESETS.items(),
        ("hero", HERO),
        ("Hero", HERO),
        ("600x400", Transform(max_width=600, max_height=400)),
        ("1920x", Transform(max_width=1920)),
        ("x480", Transform(max_height=480)),
    ],
)
def test_a_preset_is_a_name_or_a_size(preset: str, transform: Transform) -> None:
    """Quable's own are always there; a size fits inside and never enlarges."""
    assert read(preset) == PictureRequest(ref=REF, transform=transform, extension=Format.JPEG, preset=preset.lower())


@pytest.mark.parametrize("output", WRITTEN_FORMATS)
def test_the_extension_is_the_output_format(output: Format) -> None:
    """Each there is, in any case; the rest of the name is for people."""
    for extension in FORMATS[output].extensions:
        assert read("hero", f"any.name.{extension.upper()}").extension is output


@pytest.mark.parametrize(
    ("preset", "file_name"),
    [
        ("nobody", "a.jpg"),
        ("", "a.jpg"),
        ("0x0", "a.jpg"),
        ("x", "a.jpg"),
        ("Original", "a.jpg"),
        ("hero", "a.svg"),
        ("hero", "a.pdf"),
        ("hero", "a.heic"),
        ("hero", "jpg"),
        ("hero", ".jpg"),
        ("hero", ""),
        ("hero", "a."),
    ],
)
def test_what_is_no_rendition_is_not_found(preset: str, file_name: str) -> None:
    """Neither an unknown preset nor an extension that nothing is written as."""
    with pytest.raises(NotFound):
        read(preset, file_name)


@pytest.mark.parametrize("preset", ["original", "hero"])
def test_of_a_query_download_alone_has_a_meaning(preset: str) -> None:
    assert read(preset, query="download=1&width=5&format=gif").download is True
    assert read(preset, query="width=5&v=3") == read(preset)
    with pytest.raises(InvalidParameter):
        read(preset, query="download=perhaps")


@pytest.mark.parametrize(
    ("name", "source", "written"),
    [
        ("shirt.jpg", Format.JPEG, "shirt-jpg.jpg"),
        ("shirt.jpeg", Format.JPEG, "shirt-jpg.jpg"),
        ("Red Shirt.JPG", Format.JPEG, "red-shirt-jpg.jpg"),
        ("shirt.png", Format.PNG, "shirt-png.png"),
        ("holiday.jpg", Format.PNG, "holiday-png.png"),
        ("film.gif", Format.GIF, "film-gif.gif"),
        ("shirt.webp", Format.WEBP, "shirt-webp.webp"),
        ("shirt.avif", Format.AVIF, "shirt-avif.avif"),
        ("Scan 1.TIFF", Format.TIFF, "scan-1-tif.jpg"),
        ("scan.bmp", Format.BMP, "scan-bmp.jpg"),
        ("logo.svg", Format.SVG, "logo-svg.png"),
        ("a.b.c.jpg", Format.JPEG, "a-b-c-jpg.jpg"),
        ("LICENSE", Format.JPEG, "license-jpg.jpg"),
    ],
)
def test_a_rendition_is_called_after_its_original(name: str, source: Format, written: str) -> None:
    """Its name, its format, and the format it is shown in: one that web pages have."""
    asset = make_asset(name, original=original_of(picture_of(source)), code="SKU-1")

    assert write_cdn_url(asset, "system-thumbnail") == f"/cdn/shop/SKU-1/system-thumbnail/{written}"


def test_the_original_keeps_its_name() -> None:
    """Escaped where it has to be, as the code is."""
    asset = make_asset("Red Shirt größer?.JPG", code="SKU 1%")

    assert write_cdn_url(asset, ORIGINAL) == "/cdn/shop/SKU%201%25/original/Red%20Shirt%20gr%C3%B6%C3%9Fer%3F.JPG"


def test_of_a_file_there_is_the_original_alone() -> None:
    """Nothing is drawn of what is no picture."""
    asset = make_asset("Chart.pdf", original=make_file(), code="SKU-1")

    assert write_cdn_url(asset, ORIGINAL) == "/cdn/shop/SKU-1/original/Chart.pdf"
    with pytest.raises(NotAnImage):
        write_cdn_url(asset, "system-thumbnail")


@given(
    CODES, st.text(min_size=1, max_size=30), st.sampled_from(READ_FORMATS), st.sampled_from([ORIGINAL, "hero", "9x"])
)
def test_a_url_is_read_back(code: str, name: str, source: Format, preset: str) -> None:
    """Asset, preset and a format that is written, whatever they are called: five segments, each decoded once."""
    name = name.encode("utf-8", "replace").decode()
    asset = make_asset(name, original=original_of(picture_of(source)), code=code)

    segments = write_cdn_url(asset, preset).split("/")
    empty, cdn, *rest = map(unquote, segments)
    request = read_cdn_url(*rest, query="", presets={"hero": HERO})

    assert (empty, cdn, len(rest)) == ("", "cdn", 4)
    assert request.ref == AssetRef(AssetKind.CODE, code, asset.instance)
    if preset == ORIGINAL:
        assert request == PictureRequest(ref=request.ref, transform=NOTHING_ASKED)
        assert rest[3] == name
    else:
        assert request.transform == {"hero": HERO, "9x": Transform(max_width=9)}[preset]
        assert request.extension is not None
        assert PurePosixPath(rest[3]).suffix[1:] in FORMATS[request.extension].extensions
        assert request.extension in (source, Format.JPEG, Format.PNG)
