"""Picture URLs of any dialect."""

import pytest

from imgsvc.core.assets import AssetKind
from imgsvc.core.errors import NotFound
from imgsvc.core.formats import Format
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.dialects.pictures import read_picture_url

GUID = "09fe1ee4-42b1-43a6-bd80-cd2bda21e90a"


@pytest.mark.parametrize(
    ("url", "kind", "transform"),
    [
        ("/media/abcdefgh/x.jpg?width=9", AssetKind.SLUG, Transform(width=9)),
        (f"/images/{GUID}.webp?width=9", AssetKind.GUID, Transform(width=9)),
        (f"/images/{GUID}?preset=9x", AssetKind.GUID, Transform(max_width=9)),
        (f"/images/{GUID}/preview/9/8", AssetKind.GUID, Transform(max_width=9, max_height=8)),
        (f"/images/{GUID}/format=png/{'a' * 32}/x.png", AssetKind.GUID, Transform(format=Format.PNG)),
        ("/cdn/default/SKU 1/original/x.tiff", AssetKind.CODE, NOTHING_ASKED),
        ("/cdn/default/SKU 1/9x/x.webp", AssetKind.CODE, Transform(max_width=9)),
    ],
)  # fmt: skip
def test_each_is_read_in_its_dialect(url: str, kind: AssetKind, transform: Transform) -> None:
    path, _, query = url.partition("?")

    request = read_picture_url(path, query, presets={})

    assert (request.ref.kind, request.transform) == (kind, transform)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/media", "/media/abcdefgh", "/media/abcdefgh/", "/media/abcdefgh/x/y", "/images", "/images/x",
     "/cdn/a/b", f"/images/{GUID}/preview/9", f"/images/{GUID}/x/{'a' * 32}/", "/healthz", "media/abcdefgh/x.jpg",
     "/struct/assets/1"],
)  # fmt: skip
def test_nothing_else_is_a_pictures(path: str) -> None:
    with pytest.raises(NotFound):
        read_picture_url(path, "", presets={})
