"""Paths as they may be sent, and those that no URL can have."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.web.targets import fault_of_path


@pytest.mark.parametrize(
    "path", [b"/", b"/images/a%20b", b"/%C3%A9", b"/%e2%82%ac.png", b"/a%2Fb%25", b"/%F0%9F%91%9F"]
)
def test_a_path_that_is_well_formed_goes_on(path: bytes) -> None:
    assert fault_of_path(path) is None


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (b"/100%", "%"),
        (b"/100%2", "%"),
        (b"/%zz", "%"),
        (b"/%%20", "%"),
        (b"/%+1", "%"),
        (b"/a%00b", "control"),
        (b"/%0d%0aSet-Cookie:x", "control"),
        (b"/%7f", "control"),
        (b"/%ff", "UTF-8"),
        (b"/%c0%80", "UTF-8"),
        (b"/%ed%a0%80", "UTF-8"),
        (b"/%e9.png", "UTF-8"),
        (b"/%C3", "UTF-8"),
    ],
)
def test_a_path_that_is_not_says_why(path: bytes, fault: str) -> None:
    """Half an escape, control characters, overlong forms, surrogates, other encodings."""
    found = fault_of_path(path)

    assert found is not None
    assert fault in found


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_whatever_people_write_can_be_sent(text: str) -> None:
    assert fault_of_path(b"/" + quote(text, safe="").encode()) is None


@given(st.from_regex(rb"/[\x21-\x7e]*", fullmatch=True))
def test_no_path_is_a_mistake_of_ours(path: bytes) -> None:
    fault = fault_of_path(path)

    assert fault is None or fault.endswith(".")
