"""How long answers may be kept, as RFC 9111, RFC 8246 and RFC 5861 have it, and the names they are purged by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.web.caching import PROVISIONAL, Lifetimes, TagHeader, UrlClass, cache_control, provisional, tag_headers

SECONDS = st.integers(0, 31_536_000)
LIFETIMES = st.builds(
    Lifetimes,
    max_age=SECONDS,
    by_class=st.dictionaries(st.sampled_from(UrlClass), SECONDS),
    shared=st.none() | SECONDS,
    stale_while_revalidate=SECONDS,
    stale_if_error=SECONDS,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (UrlClass.CANONICAL, "public, max-age=31536000, immutable"),
        (UrlClass.PINNED, "public, max-age=300, immutable"),
        (UrlClass.OTHER, "public, max-age=300, must-revalidate"),
        (UrlClass.ORIGINALS, "public, max-age=300, must-revalidate"),
        (UrlClass.REDIRECTS, "public, max-age=300, must-revalidate"),
        (UrlClass.MISSING, "no-store"),
    ],
)
def test_a_url_is_kept_as_long_as_it_holds(url: UrlClass, expected: str) -> None:
    """For ever where it names one variant, else as long as the operator allows."""
    assert cache_control(url, Lifetimes(max_age=300)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (UrlClass.PINNED, "public, max-age=5, immutable"),
        (UrlClass.OTHER, "public, max-age=300, must-revalidate"),
        (UrlClass.ORIGINALS, "public, max-age=6, must-revalidate"),
        (UrlClass.REDIRECTS, "public, max-age=0, must-revalidate"),
        (UrlClass.MISSING, "public, max-age=8"),
    ],
)
def test_a_class_may_have_a_lifetime_of_its_own(url: UrlClass, expected: str) -> None:
    by_class = {UrlClass.PINNED: 5, UrlClass.ORIGINALS: 6, UrlClass.REDIRECTS: 0, UrlClass.MISSING: 8}

    assert cache_control(url, Lifetimes(max_age=300, by_class=by_class)) == expected


@pytest.mark.parametrize(
    ("lifetimes", "expected"),
    [
        (Lifetimes(max_age=1, stale_while_revalidate=2), "public, max-age=1, stale-while-revalidate=2"),
        (Lifetimes(max_age=1, stale_if_error=3), "public, max-age=1, stale-if-error=3"),
        (Lifetimes(max_age=1, shared=0), "public, max-age=1, s-maxage=0, must-revalidate"),
        (
            Lifetimes(max_age=1, shared=4, stale_while_revalidate=2, stale_if_error=3),
            "public, max-age=1, s-maxage=4, stale-while-revalidate=2, stale-if-error=3",
        ),
    ],
)
def test_what_is_out_of_date_may_stand_in(lifetimes: Lifetimes, expected: str) -> None:
    """RFC 5861; must-revalidate would forbid it."""
    assert cache_control(UrlClass.OTHER, lifetimes) == expected


@given(LIFETIMES)
def test_the_operator_does_not_shorten_what_holds_for_ever(lifetimes: Lifetimes) -> None:
    assert cache_control(UrlClass.CANONICAL, lifetimes) == "public, max-age=31536000, immutable"


@given(LIFETIMES, st.sampled_from(UrlClass))
def test_no_two_directives_contradict(lifetimes: Lifetimes, url: UrlClass) -> None:
    names = [one.partition("=")[0] for one in cache_control(url, lifetimes).split(", ")]

    assert len(set(names)) == len(names)
    assert not {"stale-while-revalidate", "stale-if-error"} & set(names) or "must-revalidate" not in names
    assert "public" in names or names == ["no-store"]


def test_what_is_provisional_is_not_kept_for_long() -> None:
    """Nor taken for what never changes."""
    assert PROVISIONAL == "public, max-age=10"


@pytest.mark.parametrize("url", UrlClass)
@given(st.integers(0, 10**11))
def test_nothing_is_kept_for_longer_than_its_url_holds(url: UrlClass, left: int) -> None:
    """Nor as what never changes."""
    kept = cache_control(url, Lifetimes(max_age=300), left=left)

    assert kept == f"public, max-age={min(left, 31_536_000 if url is UrlClass.CANONICAL else 300)}, must-revalidate"


@pytest.mark.parametrize(("left", "seconds"), [(None, 10), (60, 10), (9, 9), (0, 0)])
def test_nor_is_what_is_provisional(left: int | None, seconds: int) -> None:
    assert provisional(left) == f"public, max-age={seconds}"


def test_each_header_has_the_separator_of_those_who_read_it() -> None:
    assert tag_headers(("asset-1", "folder-2"), tuple(TagHeader)) == [
        (b"surrogate-key", b"asset-1 folder-2"),
        (b"cache-tag", b"asset-1,folder-2"),
    ]
    assert tag_headers(("asset-1",), ()) == []
