"""Incoming bytes: hashed, counted, bounded, and gone unless somebody kept them."""

import resource
import zlib
from contextlib import suppress
from hashlib import md5, sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgsvc.core.errors import PayloadTooLarge, StoreFailure
from imgsvc.core.formats import SNIFFED_BYTES
from imgsvc.storage.spool import Spool


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=3000), max_size=6))
def test_it_knows_what_it_holds(chunks: list[bytes]) -> None:
    """Digests, length and head are those of the whole, however it was cut up."""
    data = b"".join(chunks)
    with TemporaryDirectory() as folder, Spool(Path(folder) / "spooled", limit=len(data)) as spool:
        for chunk in chunks:
            spool.write(chunk)
        spooled = spool.finish()

        assert spooled.path.read_bytes() == data
        assert spooled.digest == sha256(data).hexdigest()
        assert spooled.md5 == md5(data, usedforsecurity=False).hexdigest()
        assert spooled.crc32 == zlib.crc32(data)
        assert spooled.length == len(data)
        assert spooled.head == data[:SNIFFED_BYTES]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Whoever leaves without keeping the file has none."""
    with Spool(tmp_path / "spooled", limit=10) as spool:
        spool.write(b"picture")

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_by_a_failure(tmp_path: Path) -> None:
    with suppress(RuntimeError), Spool(tmp_path / "spooled", limit=10) as spool:
        spool.write(b"picture")
        raise RuntimeError

    assert list(tmp_path.iterdir()) == []


def test_what_a_store_moved_away_stays(tmp_path: Path) -> None:
    """Leaving takes away what is at its own path alone."""
    with Spool(tmp_path / "spooled", limit=10) as spool:
        spool.write(b"picture")
        spool.finish().path.rename(tmp_path / "kept")

    assert (tmp_path / "kept").read_bytes() == b"picture"


@pytest.mark.parametrize("chunks", [[b"123456"], [b"123", b"456"], [b"12345", b"6"]])
def test_more_than_allowed_is_refused_before_it_is_written(tmp_path: Path, chunks: list[bytes]) -> None:
    """The disk never holds more than the limit."""
    with Spool(tmp_path / "spooled", limit=5) as spool:
        for chunk in chunks[:-1]:
            spool.write(chunk)
        with pytest.raises(PayloadTooLarge, match="5 bytes"):
            spool.write(chunks[-1])

        assert (tmp_path / "spooled").stat().st_size <= 5


def test_as_much_as_allowed_is_taken(tmp_path: Path) -> None:
    with Spool(tmp_path / "spooled", limit=5) as spool:
        spool.write(b"12345")

        assert spool.finish().length == 5


def test_a_path_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody else is writing there, and goes on."""
    (tmp_path / "spooled").write_bytes(b"of another")

    with pytest.raises(StoreFailure), Spool(tmp_path / "spooled", limit=5):
        pass

    assert (tmp_path / "spooled").read_bytes() == b"of another"


def test_a_full_disk_is_a_failure_of_the_store(tmp_path: Path) -> None:
    """The error's text is ours, without a path."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool(tmp_path / "spooled", limit=100_000) as spool:
        # As a disk that takes so much and no more; Python ignores the signal that comes with it.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(StoreFailure) as failed:
                spool.write(bytes(2000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(tmp_path) not in str(failed.value)
