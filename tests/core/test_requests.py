"""What a URL asks for: when the answer depends on who asks."""

import pytest

from imgsvc.core.assets import AssetKind, AssetRef
from imgsvc.core.formats import Format
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Transform
from imgsvc.core.variant import VariantKey

REF = AssetRef(AssetKind.SLUG, "abygr5ns")


def asked(transform: Transform, *, extension: Format | None = None, key: str | None = None) -> PictureRequest:
    return PictureRequest(
        ref=REF, transform=transform, extension=extension, key=None if key is None else VariantKey(key)
    )


@pytest.mark.parametrize(
    ("request_", "by_itself", "by_default"),
    [
        (asked(NOTHING_ASKED), False, False),
        (asked(Transform(width=30)), False, True),
        (asked(Transform(format=AUTO)), True, True),
        (asked(Transform(width=30, format=AUTO)), True, True),
        (asked(Transform(width=30, format=Format.JPEG)), False, False),
        (asked(Transform(width=30), extension=Format.JPEG), False, False),
        (asked(Transform(width=30, format=AUTO), extension=Format.JPEG), False, False),
        (asked(Transform(width=30), key="ab" * 16), False, False),
    ],
    ids=["original", "size", "auto", "size, auto", "format", "extension", "preset's auto, extension", "canonical"],
)
def test_who_asks_matters_where_nothing_names_a_format(
    request_: PictureRequest, by_itself: bool, by_default: bool
) -> None:
    """By itself `auto` alone says so; where it is the default, every rendition whose URL says nothing else."""
    assert request_.is_negotiated is by_itself
    assert request_.negotiated().is_negotiated is by_default
    assert request_.negotiated().negotiated() == request_.negotiated()
