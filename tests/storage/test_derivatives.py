"""Derivatives as readers see them: a file is what was admitted, byte by byte, or it is none."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from imgsvc.core.formats import Format
from imgsvc.core.variant import VariantKey
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from tests.servers import poll
from tests.storage.shelves import admit


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DerivativeCache]:
    with closing(DerivativeCache(tmp_path, budget=10_000)) as cache:
        yield cache


@pytest.fixture
def files(tmp_path: Path) -> DerivativeFiles:
    return DerivativeFiles(tmp_path)


@pytest.mark.parametrize(
    ("output", "extension"),
    [(Format.WEBP, "webp"), (Format.JPEG, "jpg"), (Format.PNG8, "png"), (Format.TIFF, "tif")],
)
def test_a_derivative_lies_by_its_key(files: DerivativeFiles, tmp_path: Path, output: Format, extension: str) -> None:
    """`ab/cd/{key}.{extension}`: a web server in front can send it itself."""
    key = VariantKey("abcdef" + "0" * 26)

    assert files.path(key, output) == tmp_path / "ab" / "cd" / f"{key}.{extension}"


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes(len(data)),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda _: b"",
    ],
    ids=["cut", "longer", "zeros", "one bit", "empty"],
)
def test_a_file_that_is_not_what_was_admitted_is_not_read(
    cache: DerivativeCache, files: DerivativeFiles, harm: Callable[[bytes], bytes]
) -> None:
    """Length and CRC-32 are compared, whether it is read whole or in chunks."""
    derivative = admit(cache, "one")
    path = files.path(derivative.key, derivative.format)
    assert files.read(derivative) is not None

    changed = path.stat().st_ctime_ns
    path.write_bytes(harm(path.read_bytes()))
    # Before Linux 6.13 a file's time of change moves in steps of some milliseconds.
    poll(lambda: path.touch() or path.stat().st_ctime_ns != changed, for_what="the file's time of change to move")

    assert files.read(derivative) is None
    assert files.open(derivative) is None


def test_a_folder_in_a_files_place_is_a_miss(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """Whoever put it there."""
    derivative = admit(cache, "one")
    path = files.path(derivative.key, derivative.format)
    path.unlink()
    path.mkdir()

    assert files.read(derivative) is None
    assert files.open(derivative) is None


@pytest.mark.parametrize("foreign", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["fifo", "link"])
def test_what_is_no_file_is_a_miss(
    cache: DerivativeCache, files: DerivativeFiles, foreign: Callable[[Path], None]
) -> None:
    """And nobody waits for what may never come out of it."""
    derivative = admit(cache, "one")
    path = files.path(derivative.key, derivative.format)
    path.unlink()
    foreign(path)

    assert files.read(derivative) is None
    assert files.open(derivative) is None


def test_what_is_read_is_told(cache: DerivativeCache, tmp_path: Path) -> None:
    """Once each time; what is a miss is not."""
    used: list[VariantKey] = []
    files = DerivativeFiles(tmp_path, used=used.append)
    one, other = admit(cache, "one"), admit(cache, "other")
    cache.path(other).unlink()

    for derivative in (one, other):
        files.read(derivative)
        file = files.open(derivative)
        if file is not None:
            file.close()

    assert used == [one.key, one.key]


def test_what_is_not_in_the_first_folder_may_be_in_the_second(tmp_path: Path) -> None:
    """It is compared as well there."""
    with closing(DerivativeCache(tmp_path / "second", budget=10_000)) as cache:
        right, wrong = admit(cache, "right", b"right"), admit(cache, "wrong", b"wrong")
        cache.path(wrong).write_bytes(b"WRONG")
    files = DerivativeFiles(tmp_path / "first", overflow=tmp_path / "second")

    assert files.read(right) == b"right"
    assert files.read(wrong) is None
    file = files.open(right)
    assert file is not None
    with file:
        assert file.read() == b"right"
    assert files.open(wrong) is None
