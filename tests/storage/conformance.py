"""What every BlobStore must do. A store's test module inherits the class and says how one is opened."""

from hashlib import sha256
from pathlib import Path
from threading import Barrier, Thread

import pytest

from imgsvc.core.assets import Digest
from imgsvc.core.errors import StoreFailure
from imgsvc.storage.blobs import BlobStore


class BlobStoreConformance:
    """Needs a fixture `store`."""

    def test_what_was_kept_is_there(self, store: BlobStore) -> None:
        """Under its digest, on a local path, byte for byte."""
        digest = keep(store, b"picture")

        assert store.local_path(digest).read_bytes() == b"picture"

    def test_what_was_spooled_is_gone_once_it_is_kept(self, store: BlobStore) -> None:
        """The store has taken it."""
        path = spool(store, b"picture")

        store.keep(path, digest_of(b"picture"))

        assert not path.exists()

    def test_equal_bytes_are_kept_once(self, store: BlobStore) -> None:
        """Keeping them again takes the second file away as well."""
        digest = keep(store, b"picture")
        second = spool(store, b"picture")

        store.keep(second, digest)

        assert not second.exists()
        assert store.local_path(digest).read_bytes() == b"picture"

    def test_different_bytes_lie_apart(self, store: BlobStore) -> None:
        digests = [keep(store, data) for data in (b"one", b"two", b"")]

        assert [store.local_path(digest).read_bytes() for digest in digests] == [b"one", b"two", b""]

    def test_spool_paths_are_fresh(self, store: BlobStore) -> None:
        """However many ask, nobody is given another's, and nothing is there yet."""
        paths = [store.spool_path() for _ in range(50)]

        assert len(set(paths)) == 50
        assert all(path.parent.is_dir() and not path.exists() for path in paths)

    def test_keeping_what_is_not_there_is_a_failure_of_the_store(self, store: BlobStore) -> None:
        """And leaves nothing under the digest."""
        digest = digest_of(b"never written")

        with pytest.raises(StoreFailure):
            store.keep(store.spool_path(), digest)

        assert not store.local_path(digest).exists()

    def test_many_may_keep_equal_bytes_at_the_same_time(self, store: BlobStore) -> None:
        """All succeed, and it is there."""
        data, failures = b"picture" * 1000, list[Exception]()
        paths, barrier = [spool(store, data) for _ in range(8)], Barrier(8)

        def keep_one(path: Path) -> None:
            barrier.wait()
            try:
                store.keep(path, digest_of(data))
            except Exception as error:
                failures.append(error)

        threads = [Thread(target=keep_one, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        assert store.local_path(digest_of(data)).read_bytes() == data
        assert not any(path.exists() for path in paths)

    def test_what_was_freed_is_gone(self, store: BlobStore) -> None:
        """The others stay; freeing it again, or what was never there, is no mistake."""
        digest, other = keep(store, b"picture"), keep(store, b"other")

        with store.freeing():
            store.free(digest)
            store.free(digest)
            store.free(digest_of(b"never kept"))

        assert not store.local_path(digest).exists()
        assert store.local_path(other).read_bytes() == b"other"

    def test_who_reads_what_is_freed_reads_on(self, store: BlobStore) -> None:
        digest = keep(store, b"picture")

        with store.local_path(digest).open("rb") as file:
            with store.freeing():
                store.free(digest)

            assert file.read() == b"picture"

    def test_what_was_freed_can_be_kept_again(self, store: BlobStore) -> None:
        digest = keep(store, b"picture")
        with store.freeing():
            store.free(digest)

        keep(store, b"picture")

        assert store.local_path(digest).read_bytes() == b"picture"

    def test_many_may_be_keeping_at_the_same_time(self, store: BlobStore) -> None:
        """None waits for another."""
        with store.keeping(), store.keeping(), store.keeping():
            keep(store, b"picture")

    @pytest.mark.parametrize("held", ["keeping", "freeing"])
    def test_what_was_held_is_given_back(self, store: BlobStore, held: str) -> None:
        """Also by a failure."""
        with pytest.raises(RuntimeError), store.keeping() if held == "keeping" else store.freeing():
            raise RuntimeError

        with store.freeing():
            pass
        with store.keeping():
            pass

    def test_who_frees_is_alone(self, store: BlobStore) -> None:
        """Nobody keeps or frees beside; those who keep may be many."""
        inside: list[str] = []
        crowds: set[tuple[str, ...]] = set()
        barrier = Barrier(6)

        def hold(what: str) -> None:
            barrier.wait()
            for _ in range(40):
                with store.keeping() if what == "keeping" else store.freeing():
                    inside.append(what)
                    crowds.add(tuple(sorted(inside)))
                    inside.remove(what)

        threads = [Thread(target=hold, args=(what,)) for what in ["keeping"] * 4 + ["freeing"] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert inside == []
        assert all(crowd == ("freeing",) or "freeing" not in crowd for crowd in crowds)


def spool(store: BlobStore, data: bytes) -> Path:
    path = store.spool_path()
    path.write_bytes(data)
    return path


def keep(store: BlobStore, data: bytes) -> Digest:
    digest = digest_of(data)
    store.keep(spool(store, data), digest)
    return digest


def digest_of(data: bytes) -> Digest:
    return Digest(sha256(data).hexdigest())
