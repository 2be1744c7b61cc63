"""Derivatives as files: plain ones that a web server in front can send itself.

The broker alone writes and evicts (`storage.cache`); server processes only open. A file is trusted as far as the index
vouches for it: its length is compared at every read, its CRC-32 whenever the file is not the one compared before, so
one that is torn, truncated, foreign or bit-flipped is a miss.
"""

import errno
import os
import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import Format, file_extension
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.storage.nowait import CachedFiles, WouldWait
from imgsvc.storage.scrub import read_medium

_READ_CHUNK = 1 << 20
_REMEMBERED = 100_000

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Opening a FIFO that lies in a derivative's place must not wait for somebody to write to it."""

_OUR_OWN = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))
"""Why a file cannot be opened that may be as it should be."""


def _ignore(_: VariantKey) -> None:
    """Nobody wants to know."""


def file_place(key: VariantKey, output: Format) -> str:
    """Its path from the folder of all."""
    return f"{key[:2]}/{key[2:4]}/{key}.{file_extension(output)}"


class DerivativeFiles:
    """Where a derivative lies: `ab/cd/{key}.{extension}`. `deploy/` and the README tell operators the same pattern.

    `overflow`: a second such folder, for what the first could not take. `used` is told what was read. All methods but
    `path` and `read_cached` block; they may be called from many threads, `read_cached` from one.
    """

    def __init__(
        self, root: Path, *, overflow: Path | None = None, used: Callable[[VariantKey], None] = _ignore
    ) -> None:
        self._roots = tuple(str(each) for each in (root, overflow) if each is not None)
        self._used = used
        self._verified: dict[VariantKey, _Identity] = {}
        self._cached = CachedFiles()

    def path(self, key: VariantKey, output: Format) -> Path:
        return Path(self._roots[0], file_place(key, output))

    def read(self, derivative: Derivative) -> bytes | None:
        """The whole of it, or None where the file is not what the index says. One open, one read.

        Raises StoreFailure where this process cannot tell.
        """
        for root in self._roots:
            data = self._read(derivative, f"{root}/{file_place(derivative.key, derivative.format)}")
            if data is not None:
                self._used(derivative.key)
                return data
        return None

    def open(self, derivative: Derivative) -> FileIO | None:
        """As `read`, for files too large to be held in memory. Who asked closes it; eviction does not disturb it."""
        for root in self._roots:
            file = self._open(derivative, f"{root}/{file_place(derivative.key, derivative.format)}")
            if file is not None:
                self._used(derivative.key)
                return file
        return None

    def _read(self, derivative: Derivative, path: str) -> bytes | None:
        descriptor = _open(path)
        if descriptor is None:
            return None
        try:
            identity = _identity(descriptor)
            if identity is None or identity.length != derivative.length:
                return None
            data = os.read(descriptor, derivative.length + 1)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if len(data) != derivative.length:
            return None
        if self._verified.get(derivative.key) == identity:
            return data
        return data if self._holds(derivative, zlib.crc32(data), identity) else None

    def read_cached(self, derivative: Derivative) -> bytes | None:
        """As `read`, without waiting: None also where the disk, the overflow or a checksum would take time."""
        try:
            data, status = self._cached.read(
                f"{self._roots[0]}/{file_place(derivative.key, derivative.format)}", derivative.length
            )
        except WouldWait:
            return None
        if len(data) != derivative.length or self._verified.get(derivative.key) != _identity_of(status):
            return None
        self._used(derivative.key)
        return data

    def _open(self, derivative: Derivative, path: str) -> FileIO | None:
        descriptor = _open(path)
        if descriptor is None:
            return None
        try:
            intact = self._is_intact(derivative, descriptor)
        except OSError:
            intact = False
        if intact:
            # By its path, which whoever is in front may be told.
            return FileIO(path, opener=lambda *_: descriptor)
        os.close(descriptor)
        return None

    def is_whole(self, derivative: Derivative) -> bool:
        """All of it is read from the medium and compared, whatever was compared before."""
        checksum = length = 0
        try:
            for chunk in read_medium(self.path(derivative.key, derivative.format)):
                checksum, length = zlib.crc32(chunk, checksum), length + len(chunk)
        except OSError:
            return False
        return (checksum, length) == (derivative.crc32, derivative.length)

    def _is_intact(self, derivative: Derivative, descriptor: int) -> bool:
        identity = _identity(descriptor)
        if identity is None or identity.length != derivative.length:
            return False
        if self._verified.get(derivative.key) == identity:
            return True
        checksum, position = 0, 0
        while chunk := os.pread(descriptor, _READ_CHUNK, position):
            checksum, position = zlib.crc32(chunk, checksum), position + len(chunk)
        return self._holds(derivative, checksum, identity)

    def _holds(self, derivative: Derivative, checksum: int, identity: "_Identity") -> bool:
        if checksum != derivative.crc32:
            return False
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[derivative.key] = identity
        return True


def _open(path: str) -> int | None:
    """None where it cannot be. Raises StoreFailure."""
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in _OUR_OWN:
            raise StoreFailure("The rendition cannot be read at the moment.") from error
        return None


class _Identity(NamedTuple):
    """A file whose inode, length and last change are the same was not written to since its checksum was compared."""

    inode: int
    length: int
    changed: int


def _identity(descriptor: int) -> _Identity | None:
    """None where it is no regular file."""
    return _identity_of(os.fstat(descriptor))


def _identity_of(status: os.stat_result) -> _Identity | None:
    return _Identity(status.st_ino, status.st_size, status.st_ctime_ns) if S_ISREG(status.st_mode) else None
