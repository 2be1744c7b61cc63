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
_TOLD = _FIRST_GROUP + _GROUPS
_LENGTH = 8 * (_TOLD + 1)


class Generation:
    """Whoever changes assets tells it after the change is durable; whoever remembers something of an asset reads
    `value` before he looks the asset up, and forgets it where `last_change` of it is greater.

    What is told is numbered, and each group of assets has the number of its last one. Reading is a look into memory, no
    system call. The file outlives the processes, so a number never comes twice.

    The catalogue counts its changes, too. Who dies between a change and telling of it leaves that count ahead of
    `told`; who finds it so tells that anything may have changed.
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
        """The number of the last change that may have been of anything."""
        return self._words[_EVERYTHING]

    @property
    def told(self) -> int:
        """The catalogue's count of changes when the last one of them was told."""
        return self._words[_TOLD]

    def last_change(self, serial: int) -> int:
        """Of the asset of that serial, or one of its group."""
        return self._words[group_of(serial)]

    @property
    def last_changes(self) -> "memoryview[int]":
        """By group: for who looks so often that a call is too much. It must not be held longer than this is open."""
        return self._words

    def tell(self, count: int, serials: Iterable[int] | None) -> None:
        """These assets have changed; None: any may have, the bytes of renditions among it.

        `count`: the catalogue's, with this change. Those before it that were not told are told with it.
        """
        with self._next() as number:
            if serials is None or count > self.told + 1:
                self._tell_everything(number)
            else:
                for serial in serials:
                    self._words[group_of(serial)] = number
            self._words[_TOLD] = max(count, self.told)

    def catch_up(self, count: int) -> None:
        """Anything may have changed: the catalogue counts so many changes, and not as many were told."""
        with self._next() as number:
            self._tell_everything(number)
            self._words[_TOLD] = count

    def close(self) -> None:
        self._words.release()
        self._pages.close()
        os.close(self._file)

    def _tell_everything(self, number: int) -> None:
        for word in range(_EVERYTHING, _TOLD):
            self._words[word] = number

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
