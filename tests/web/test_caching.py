"""How long answers may be kept, as RFC 9111 and RFC 8246 have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.web.caching import PROVISIONAL, UrlClass, cache_control, provisional


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (UrlClass.CANONICAL, "public, max-age=31536000, immutable"),
        (UrlClass.PINNED, "public, max-age=300, immutable"),
        (UrlClass.OTHER, "public, max-age=300, must-revalidate"),
    ],
)
def test_a_url_is_kept_as_long_as_it_holds(url: UrlClass, expected: str) -> None:
    """For ever where it names one variant, else as long as the operator allows."""
    assert cache_control(url, max_age=300) == expected


@given(st.integers(0, 31_536_000))
def test_the_operator_does_not_shorten_what_holds_for_ever(max_age: int) -> None:
    assert cache_control(UrlClass.CANONICAL, max_age=max_age) == cache_control(UrlClass.CANONICAL, max_age=0)


def test_what_is_provisional_is_not_kept_for_long() -> None:
    """Nor taken for what never changes."""
    assert PROVISIONAL == "public, max-age=10"


@pytest.mark.parametrize("url", UrlClass)
@given(st.integers(0, 10**11))
def test_nothing_is_kept_for_longer_than_its_url_holds(url: UrlClass, left: int) -> None:
    """Nor as what never changes."""
    kept = cache_control(url, max_age=300, left=left)

    assert kept == f"public, max-age={min(left, 31_536_000 if url is UrlClass.CANONICAL else 300)}, must-revalidate"


@pytest.mark.parametrize(("left", "seconds"), [(None, 10), (60, 10), (9, 9), (0, 0)])
def test_nor_is_what_is_provisional(left: int | None, seconds: int) -> None:
    assert provisional(left) == f"public, max-age={seconds}"
