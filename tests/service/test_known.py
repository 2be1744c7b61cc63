"""What a process remembers of derivatives, and a purge makes it forget."""

from dataclasses import replace

import pytest

from imgsvc.service.known import KnownDerivatives
from tests.storage.shelves import derivative_of

FRESH = derivative_of("one", b"rendition")


class Purges:
    def __init__(self) -> None:
        self.last = 1

    def __call__(self) -> int:
        return self.last


@pytest.fixture
def purges() -> Purges:
    return Purges()


@pytest.fixture
def known(purges: Purges) -> KnownDerivatives:
    return KnownDerivatives(purges)


def test_it_is_known_until_the_next_purge(known: KnownDerivatives, purges: Purges) -> None:
    known.remember([FRESH], purge=known.purge)
    before = known.find(FRESH.key)

    purges.last += 1

    assert (before, known.find(FRESH.key)) == (FRESH, None)


def test_what_was_asked_for_before_a_purge_is_not_remembered_after_it(known: KnownDerivatives, purges: Purges) -> None:
    """It may be what was purged."""
    asked = known.purge
    purges.last += 1

    known.remember([FRESH], purge=asked)

    assert known.find(FRESH.key) is None


def test_what_is_stale_is_never_known(known: KnownDerivatives) -> None:
    known.remember([replace(FRESH, stale=True)], purge=known.purge)

    assert known.find(FRESH.key) is None
