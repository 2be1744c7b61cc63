"""Where derivatives lie while the cache's own folder cannot take them: in memory, few, and not for long.

A disk that is full, broken, read-only or gone costs the service its cache, and nobody a picture. Server processes look
here for what they do not find there (`DerivativeFiles`); what is here goes back as soon as the cache takes it.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple
from uuid import uuid4

from imgsvc.core.errors import StoreFailure
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.derivatives import DerivativeFiles

OVERFLOW_BYTES = 64 << 20
"""As much as a container gets for /dev/shm unless it is told otherwise."""

_SHARE = 0.75
"""Of the file system it lies in."""


class Stranded(NamedTuple):
    """A derivative that lies here, with all that the cache has to be told of it; `seconds` it took to make."""

    derivative: Derivative
    source: str
    seconds: float
    labels: frozenset[str] = frozenset()


class Overflow:
    """Made empty, and gone when it is closed. `budget` bytes are kept and one derivative at least, the youngest ones.

    All methods block briefly; they are called from one thread.
    """

    def __init__(self, folder: Path, *, budget: int = OVERFLOW_BYTES) -> None:
        """Raises OSError, also where the folder is another user's."""
        _make_private(folder)
        self._folder = folder
        self._files = DerivativeFiles(folder)
        file_system = os.statvfs(folder)
        self._budget = min(budget, int(file_system.f_blocks * file_system.f_frsize * _SHARE))
        self._stranded: dict[VariantKey, Stranded] = {}
        self._length = 0

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def scratch_path(self) -> Path:
        return self._folder / uuid4().hex

    def is_scratch(self, path: Path) -> bool:
        return path.parent == self._folder

    def path(self, derivative: Derivative) -> Path:
        return self._files.path(derivative.key, derivative.format)

    def find(self, key: VariantKey) -> Derivative | None:
        stranded = self._stranded.get(key)
        return None if stranded is None else stranded.derivative

    def has_any(self, source: str) -> bool:
        return any(each.source == source for each in self._stranded.values())

    def next_back(self) -> Stranded | None:
        """That the cache may be asked to take next: the last to have come."""
        return next(reversed(self._stranded.values()), None)

    def admit(self, scratch: Path, stranded: Stranded) -> None:
        """From whatever file system it lies in. Raises StoreFailure."""
        derivative = stranded.derivative
        self.discard(derivative.key)
        self._make_room(derivative.length)
        path = self.path(derivative)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.scratch_path()
            if self.is_scratch(scratch):
                beside = scratch
            else:
                shutil.copyfile(scratch, beside)
            beside.rename(path)
        except OSError as error:
            raise StoreFailure("The rendition could not be stored.") from error
        self._stranded[derivative.key] = stranded
        self._length += derivative.length

    def discard(self, key: VariantKey) -> Discarded:
        stranded = self._stranded.pop(key, None)
        if stranded is None:
            return Discarded(0, 0)
        self._length -= stranded.derivative.length
        with contextlib.suppress(OSError):
            self.path(stranded.derivative).unlink()
        return Discarded(1, stranded.derivative.length)

    def discard_all(self, source: str) -> Discarded:
        return self._discard_many([key for key, each in self._stranded.items() if each.source == source])

    def mark_stale(self, is_meant: Callable[[Stranded], bool]) -> int:
        """How many were not before."""
        meant = [(key, one) for key, one in self._stranded.items() if is_meant(one) and not one.derivative.stale]
        self._stranded |= {key: one._replace(derivative=replace(one.derivative, stale=True)) for key, one in meant}
        return len(meant)

    def label(self, key: VariantKey, label: str) -> bool:
        """False where it does not lie here."""
        stranded = self._stranded.get(key)
        if stranded is not None:
            self._stranded[key] = stranded._replace(labels=stranded.labels | {label})
        return stranded is not None

    def labelled(self, label: str) -> list[VariantKey]:
        return [key for key, each in self._stranded.items() if label in each.labels]

    def _make_room(self, length: int) -> None:
        while self._stranded and self._length + length > self._budget:
            self.discard(next(iter(self._stranded)))

    def _discard_many(self, keys: Iterable[VariantKey]) -> Discarded:
        gone = [self.discard(key) for key in keys]
        return Discarded(sum(each.derivatives for each in gone), sum(each.length for each in gone))


def _make_private(folder: Path) -> None:
    """What a service that was killed has left there goes. Raises OSError."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if not S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise
        folder.chmod(0o700)
        for left in folder.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
