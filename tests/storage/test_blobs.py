"""Originals in plain files."""

import fcntl
import os
from pathlib import Path

import pytest

from imgsvc.core.errors import StoreFailure
from imgsvc.storage.blobs import LocalBlobs
from tests.storage.conformance import BlobStoreConformance, digest_of, keep, spool


class TestLocalBlobs(BlobStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalBlobs:
        return LocalBlobs(tmp_path / "originals")

    def test_files_lie_by_their_digest(self, tmp_path: Path, store: LocalBlobs) -> None:
        """`ab/cd/abcd…`: operators find and back them up by it."""
        digest = keep(store, b"picture")

        found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
        assert found == [f"originals/{digest[:2]}/{digest[2:4]}/{digest}"]

    def test_equal_bytes_leave_one_file(self, tmp_path: Path, store: LocalBlobs) -> None:
        """However often they come."""
        for _ in range(3):
            keep(store, b"picture")

        assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1

    def test_a_damaged_original_is_mended_by_taking_it_in_again(self, store: LocalBlobs) -> None:
        """Whoever has the picture still can help without knowing how it is stored."""
        digest = keep(store, b"picture")
        store.local_path(digest).write_bytes(b"pic")

        keep(store, b"picture")

        assert store.local_path(digest).read_bytes() == b"picture"

    def test_a_store_that_cannot_be_written_says_so(self, tmp_path: Path) -> None:
        """Without the path in the sentence: callers see it."""
        (tmp_path / "originals").write_bytes(b"in the way")
        store = LocalBlobs(tmp_path / "originals")

        with pytest.raises(StoreFailure) as failed:
            store.spool_path()

        assert str(tmp_path) not in str(failed.value)

    def test_a_store_that_cannot_keep_says_so(self, tmp_path: Path, store: LocalBlobs) -> None:
        """And the spooled file stays for whoever has to remove it."""
        path = spool(store, b"picture")
        (tmp_path / "originals" / digest_of(b"picture")[:2]).write_bytes(b"in the way")

        with pytest.raises(StoreFailure) as failed:
            store.keep(path, digest_of(b"picture"))

        assert path.exists()
        assert str(tmp_path) not in str(failed.value)

    def test_a_file_that_cannot_be_removed_is_said_so(self, tmp_path: Path, store: LocalBlobs) -> None:
        """Without its path in the sentence."""
        digest = digest_of(b"picture")
        store.local_path(digest).mkdir(parents=True)

        with store.freeing(), pytest.raises(StoreFailure) as failed:
            store.free(digest)

        assert str(tmp_path) not in str(failed.value)

    @pytest.mark.parametrize("what", ["keeping", "freeing"])
    def test_a_lock_that_cannot_be_taken_is_said_so(self, tmp_path: Path, what: str) -> None:
        """Nothing is kept or freed then."""
        (tmp_path / "originals").write_bytes(b"in the way")
        store = LocalBlobs(tmp_path / "originals")

        with pytest.raises(StoreFailure) as failed, store.keeping() if what == "keeping" else store.freeing():
            pytest.fail("it was taken")

        assert str(tmp_path) not in str(failed.value)

    @pytest.mark.parametrize(
        ("what", "beside"), [("keeping", fcntl.LOCK_SH), ("freeing", 0)], ids=["keeping", "freeing"]
    )
    def test_the_lock_is_one_of_all_processes(self, tmp_path: Path, store: LocalBlobs, what: str, beside: int) -> None:
        """On a file of the store (flock(2)): a shared one beside keeping, none beside freeing."""
        with store.keeping() if what == "keeping" else store.freeing():
            got = [one for one in (fcntl.LOCK_SH, fcntl.LOCK_EX) if _is_got(tmp_path / "originals" / "lock", one)]

        assert got == ([beside] if beside else [])
        assert _is_got(tmp_path / "originals" / "lock", fcntl.LOCK_EX)


def _is_got(lock: Path, operation: int) -> bool:
    """By a description of its own, as another process has it."""
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def test_what_somebody_left_in_the_spool_goes_when_it_is_old(tmp_path: Path) -> None:
    """An upload under way is left alone."""
    blobs = LocalBlobs(tmp_path / "originals")
    old, new = blobs.spool_path(), blobs.spool_path()
    for path in (old, new):
        path.write_bytes(b"half of it")
    os.utime(old, (0, 0))

    blobs.clear_spool(older_than=3600)
    LocalBlobs(tmp_path / "elsewhere").clear_spool(older_than=0)

    assert (old.exists(), new.exists()) == (False, True)
