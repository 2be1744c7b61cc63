"""News of changes between the processes of one host: numbers in a few shared pages of memory that only grow."""

import fcntl
import mmap
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

_GROUPS = 4096
"""Of assets: a change ends what is remembered of one in so many."""

_EVERYTHING = 1
_FIRST_GROUP = 2
_LENGTH = 8 * (_FIRST_GROUP + _GROUPS)


class Generation:
    """Whoever changes assets bumps it after the change is durable; whoever remembers something of an asset reads
    `value` before he looks the asset up, and forgets it where `last_change` of it is greater.

    Changes are numbered, and each group of assets has the number of its last one. Reading is a look into memory, no
    system call. The file outlives the processes, so a number never comes twice.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._allocate()
        self._pages = mmap.mmap(self._file, _LENGTH)
        self._words = memoryview(self._pages).cast("Q")

    @property
    def value(self) -> int:
        """The number of the last change of any asset."""
        return self._words[0]

    @property
    def last_of_everything(self) -> int:
        """The number of the last `bump_everything`."""
        return self._words[_EVERYTHING]

    def last_change(self, serial: int) -> int:
        """Of the asset of that serial, or one of its group."""
        return self._words[group_of(serial)]

    @property
    def last_changes(self) -> "memoryview[int]":
        """By group: for who looks so often that a call is too much. It must not be held longer than this is open."""
        return self._words

    def bump(self, serials: Iterable[int] | None) -> None:
        """These assets have changed; None: any may have."""
        if serials is None:
            self.bump_everything()
            return
        with self._next() as number:
            for serial in serials:
                self._words[group_of(serial)] = number

    def bump_everything(self) -> None:
        """Anything may have changed, the bytes of renditions among it."""
        with self._next() as number:
            for word in range(_EVERYTHING, len(self._words)):
                self._words[word] = number

    def close(self) -> None:
        self._words.release()
        self._pages.close()
        os.close(self._file)

    def _allocate(self) -> None:
        """Whoever writes a page through memory for which the disk has no room is killed (SIGBUS, mmap(2))."""
        with self._locked():
            length = os.fstat(self._file).st_size
            os.pwrite(self._file, bytes(max(0, _LENGTH - length)), length)

    @contextmanager
    def _locked(self) -> Generator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def _next(self) -> Generator[int]:
        """Groups are written before `value` is: nobody reads the new number while old ones stand beside it."""
        with self._locked():
            number = self._words[0] + 1
            yield number
            self._words[0] = number


def group_of(serial: int) -> int:
    """The asset's place in `last_changes`."""
    return _FIRST_GROUP + serial % _GROUPS
