"""What lies in memory while the cache's folder takes nothing: little, private, and gone at the end."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from imgsvc.core.errors import StoreFailure
from imgsvc.core.variant import Derivative, Discarded
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.overflow import Overflow, Stranded
from tests.storage.shelves import derivative_of


@pytest.fixture
def overflow(tmp_path: Path) -> Iterator[Overflow]:
    with closing(Overflow(tmp_path / "overflow", budget=1000)) as overflow:
        yield overflow


def take(overflow: Overflow, name: str, length: int = 100, *, source: str = "original") -> Derivative:
    derivative = derivative_of(name, bytes(length))
    scratch = overflow.scratch_path()
    scratch.write_bytes(bytes(length))
    overflow.admit(scratch, Stranded(derivative, source, 0.1))
    return derivative


def test_what_was_taken_is_read_by_server_processes(overflow: Overflow, tmp_path: Path) -> None:
    """Of a cache that has it not."""
    one = take(overflow, "one")

    assert overflow.find(one.key) == one
    assert DerivativeFiles(tmp_path / "cache", overflow=tmp_path / "overflow").read(one) == bytes(100)


def test_it_comes_from_another_file_system_too(overflow: Overflow, tmp_path: Path) -> None:
    """A worker may have written where the cache then failed."""
    one = derivative_of("one", b"rendition")
    (tmp_path / "scratch").write_bytes(b"rendition")

    overflow.admit(tmp_path / "scratch", Stranded(one, "original", 0.1))

    assert overflow.path(one).read_bytes() == b"rendition"


def test_the_oldest_make_room(overflow: Overflow) -> None:
    """One is kept in any case: somebody is about to read it."""
    made = [take(overflow, str(number), 300) for number in range(4)]
    after_four = [overflow.find(one.key) is not None for one in made]
    large = take(overflow, "large", 5000)

    assert after_four == [False, True, True, True]
    assert [overflow.find(one.key) for one in (*made, large)] == [None] * 4 + [large]
    assert not any(overflow.path(one).exists() for one in made)


def test_what_was_made_of_an_original_goes_together(overflow: Overflow) -> None:
    one, other = take(overflow, "one", source="a"), take(overflow, "other", source="b")

    told = (overflow.has_any("a"), overflow.discard_all("a"), overflow.has_any("a"), overflow.discard_all("a"))

    assert told == (True, Discarded(1, 100), False, Discarded(0, 0))
    assert (overflow.find(one.key), overflow.find(other.key)) == (None, other)


def test_what_was_never_written_is_a_failure(overflow: Overflow) -> None:
    """And nothing is found."""
    one = derivative_of("one", b"rendition")

    with pytest.raises(StoreFailure):
        overflow.admit(overflow.scratch_path(), Stranded(one, "original", 0.1))

    assert overflow.find(one.key) is None


def test_nobody_else_may_look_into_it(overflow: Overflow, tmp_path: Path) -> None:
    """It lies where everybody may write."""
    assert (tmp_path / "overflow").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_service_left_is_gone(tmp_path: Path) -> None:
    """At the next start; at an end in good order all of it."""
    first = Overflow(tmp_path / "overflow")
    left = first.path(take(first, "one"))

    with closing(Overflow(tmp_path / "overflow")):
        assert not left.exists()

    assert not (tmp_path / "overflow").exists()


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    """Somebody else may have put it there, and would be written to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "overflow").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="exists"):
        Overflow(tmp_path / "overflow")
