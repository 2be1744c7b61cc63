"""News of changes between the processes of one host: a number in a shared page of memory that only grows."""

import fcntl
import mmap
import os
from pathlib import Path

_LENGTH = 8


class Generation:
    """Whoever changes the catalogue bumps it after the change is durable; whoever caches compares it before use.

    Reading is a look into memory, no system call. The file outlives the processes, so a number never comes twice.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_size < _LENGTH:
            os.ftruncate(self._file, _LENGTH)
        self._page = mmap.mmap(self._file, _LENGTH)
        self._word = memoryview(self._page).cast("Q")

    @property
    def value(self) -> int:
        return self._word[0]

    def bump(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._word[0] += 1
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._word.release()
        self._page.close()
        os.close(self._file)
