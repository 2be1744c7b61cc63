"""Files read at once or not at all."""

import os
from pathlib import Path

import pytest

from imgsvc.storage.nowait import CachedFiles, WouldWait

DATA = os.urandom(100_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Just written, so the kernel has it in memory."""
    file = tmp_path / "file"
    file.write_bytes(DATA)
    try:
        CachedFiles().read(str(file), len(DATA))
    except WouldWait:
        pytest.skip("this system cannot tell what it has in memory (Linux 5.12 can, on most file systems)")
    return file


def test_what_is_in_memory_is_read(file: Path) -> None:
    found = CachedFiles().read(str(file), len(DATA))

    assert found.data == DATA
    assert (found.status.st_ino, found.status.st_size) == (file.stat().st_ino, len(DATA))


@pytest.mark.parametrize(("expected", "read"), [(10, 11), (99_999, 100_000), (100_001, 100_000), (400_000, 100_000)])
def test_a_file_of_another_length_shows(file: Path, expected: int, read: int) -> None:
    """One byte more than expected is read, and no more."""
    assert CachedFiles().read(str(file), expected).data == DATA[:read]


def test_what_is_not_in_memory_is_not_waited_for(file: Path) -> None:
    """The kernel is told to drop it, as it does by itself where memory is short."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    with pytest.raises(WouldWait):
        CachedFiles().read(str(file), len(DATA))


def test_what_is_not_there_is_not_found_out(tmp_path: Path) -> None:
    """Whoever may wait finds out."""
    with pytest.raises(WouldWait):
        CachedFiles().read(str(tmp_path / "nothing"), 10)


def test_what_is_large_is_not_read(file: Path) -> None:
    """It would keep others waiting while it is copied."""
    with pytest.raises(WouldWait):
        CachedFiles().read(str(file), 10 << 20)


def test_no_file_stays_open(file: Path) -> None:
    files, opened = CachedFiles(), len(list(Path("/proc/self/fd").iterdir()))

    for expected in (10, len(DATA), 10 << 20):
        try:
            files.read(str(file), expected)
        except WouldWait:
            continue

    assert len(list(Path("/proc/self/fd").iterdir())) == opened
