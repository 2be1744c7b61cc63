"""What is to be deleted, and is much: out of the way in one step, then deleted little by little."""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from stat import S_ISDIR
from uuid import uuid4


class Trash:
    """A folder in the file system of what it takes. All methods block briefly."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rest: Iterator[int] = _delete_below(folder)
        self.is_empty = False
        """As far as is known; what cannot be deleted stays until more is taken."""

    def take(self, path: Path) -> None:
        """A file or a folder with all that is in it. Raises OSError."""
        clear_for_folder(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        path.rename(self._folder / uuid4().hex)
        if self.is_empty:
            self._rest, self.is_empty = _delete_below(self._folder), False

    def delete_some(self, *, files: int, length: int = 0) -> None:
        """So many of them at least, and so many bytes, where there are as many."""
        while not self.is_empty and (files > 0 or length > 0):
            deleted = next(self._rest, None)
            if deleted is None:
                self.is_empty = True
            else:
                files, length = files - 1, length - deleted


def clear_for_folder(path: Path) -> None:
    """Of what is no folder, a link that leads to none among it. Raises OSError."""
    if not path.is_dir():
        path.unlink(missing_ok=True)


def _delete_below(folder: Path) -> Generator[int]:
    """The length of each file, when it is gone. What cannot be deleted is passed over."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                status = path.lstat()
                if S_ISDIR(status.st_mode):
                    yield from _delete_below(path)
                    path.rmdir()
                else:
                    path.unlink()
                    yield status.st_size
