"""The names that caches keep pictures under: readable, safe in a header, and never too long for one."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.tags import asset_tag, folder_tag, picture_tags, preset_tag
from tests.fakes import make_asset

GUID = UUID("09fe1ee4-42b1-43a6-bd80-cd2bda21e90a")


def test_a_picture_has_those_of_its_asset_its_folder_and_its_preset() -> None:
    asset = replace(make_asset(), id=GUID, folder=12)

    assert picture_tags(asset, preset="Hero") == (f"asset-{GUID}", "folder-12", "preset-hero")
    assert picture_tags(replace(asset, folder=None), preset=None) == (f"asset-{GUID}", "folder-root")


@pytest.mark.parametrize(
    ("name", "tag"),
    [("600x600", "preset-600x600"), ("System-Thumbnail", "preset-system-thumbnail"), ("a b,c\r\nd", "preset-a-b-c--d")],
)
def test_a_preset_is_named_in_lower_case(name: str, tag: str) -> None:
    assert preset_tag(name) == tag


@given(st.text(), st.none() | st.integers(1, 2**63 - 1), st.uuids())
def test_every_tag_fits_a_header_and_both_of_its_separators(name: str, folder: int | None, id: UUID) -> None:
    """Nothing of a space, a comma, or what ends a line; far below the 1,024 bytes that CDNs allow."""
    for tag in (preset_tag(name), folder_tag(folder), asset_tag(id)):
        assert re.fullmatch(r"[a-z0-9_-]{1,80}", tag)
