"""When a profile need not be applied."""

import pytest
import pyvips

from imgsvc.render.colorspace import has_srgb_values
from tests.originals import decode, jpeg, png, quadrants


def with_profile(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)  # pyright: ignore[reportArgumentType]
    return image


def profile(name: str) -> bytes:
    """One of those built into libvips."""
    embedded = quadrants().icc_transform(name, input_profile="srgb").get("icc-profile-data")
    assert isinstance(embedded, bytes)
    return embedded


def test_without_a_profile_the_numbers_are_srgb() -> None:
    assert has_srgb_values(decode(png()))
    assert has_srgb_values(decode(png(grey=True)))
    assert has_srgb_values(decode(png(sixteen_bit=True)))


def test_srgbs_own_profile_changes_nothing() -> None:
    assert has_srgb_values(decode(jpeg(icc="srgb")))


@pytest.mark.parametrize("deep", [False, True])
def test_display_p3_changes_the_numbers(deep: bool) -> None:
    assert not has_srgb_values(with_profile(decode(png(sixteen_bit=deep)), profile("p3")))


def test_a_broken_profile_changes_nothing() -> None:
    assert has_srgb_values(with_profile(quadrants(), b"junk" * 200))


def test_a_profile_of_another_colour_space_changes_nothing() -> None:
    """CMYK's on an RGB picture cannot be meant."""
    assert has_srgb_values(with_profile(quadrants(), profile("cmyk")))
