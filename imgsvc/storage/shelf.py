"""A folder of derivatives with its index and its budget, while it is as it should be.

Whatever is wrong with the folder as such is raised here, and answered in `storage.cache`.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from stat import S_ISREG
from time import time
from uuid import uuid4

from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.derivatives import DerivativeFiles, file_place
from imgsvc.storage.index import FILE_NAME, USED_WITHIN, DerivativeIndex, Named, is_damage, worth
from imgsvc.storage.trash import Trash, clear_for_folder

FEW = 16
"""Files evicted or swept at once: about a millisecond, for which nobody else is answered."""

_AT_ONCE = 4
_ROUNDS = 16
"""Files that go for one that comes are chosen a few at a time, and not more often, unless it is longer than they."""

_RESERVE = 0.05
"""Of the budget, kept free in the background, so that few admissions have to wait for others to go."""

_PAGE = 500


class Notice(StrEnum):
    """What is worth counting."""

    EVICTED = "evicted"
    LOST = "lost"
    """A derivative's file is not there."""
    FOREIGN = "foreign"
    """A folder, a link or a FIFO is in its place."""
    LENGTH = "length"
    """Torn, truncated or longer."""
    CHECKSUM = "checksum"
    """Who read it found other bytes than were written."""
    ORPHAN = "orphan"
    """A file that no row vouches for."""
    UNWRITABLE = "unwritable"
    """A derivative could not be written, or not be entered."""
    INDEX = "index"
    """The index could not be read or written."""


Observe = Callable[[Notice, int], None]
"""Told of what happened, and how often."""


class Shelf:
    """Opened by its making. Its methods block briefly, are of one thread, and raise OSError and sqlite3.Error."""

    def __init__(self, root: Path, *, budget: int, observe: Observe) -> None:
        self._root = root
        self._files = DerivativeFiles(root)
        self._budget = budget
        self._observe = observe
        self._scratch = root / "scratch"
        clear_for_folder(self._scratch)
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._trash = Trash(root / "trash")
        self.index = self._open_index()

    def close(self) -> None:
        self.index.close()

    def is_in_place(self) -> bool:
        """What was opened is what lies there still; its scratch folder is there."""
        return self.index.is_in_place() and self._scratch.is_dir()

    def find(self, keys: Sequence[VariantKey]) -> dict[VariantKey, Derivative]:
        """Those whose files are there in full length. Counts as a use; what is damaged goes."""
        found: dict[VariantKey, Derivative] = {}
        now, unused = time(), list[VariantKey]()
        for derivative, used in self.index.find(keys):
            damage = _damage(f"{self._root}/{file_place(derivative.key, derivative.format)}", derivative.length)
            if damage is None:
                found[derivative.key] = derivative
                if now - used > USED_WITHIN:
                    unused.append(derivative.key)
            elif self.is_in_place():
                self._observe(damage, 1)
                self.discard(derivative)
        if unused:
            # It is there, whether or not it can be written down that it was used.
            with contextlib.suppress(sqlite3.Error):
                self.index.use(unused)
        return found

    def place(self, scratch: Path, derivative: Derivative, *, source: str, seconds: float) -> None:
        """All or nothing, `scratch` where it was; and never above the budget, unless by this one alone."""
        self._make_room(derivative.length)
        path = self._files.path(derivative.key, derivative.format)
        self._clear_way(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.rename(path)
        try:
            self.index.enter(derivative, source=source, worth=worth(seconds, derivative.length))
        except sqlite3.Error:
            path.rename(scratch)
            raise

    def remove(self, rows: Sequence[Named]) -> list[Named]:
        """Files, then rows, of which those are left whose files cannot be unlinked. Those that are gone.

        None, where the folder is away: they may come back with it.
        """
        if not self.is_in_place():
            return []
        gone = [row for row in rows if self._unlink(self._files.path(row.key, row.format))]
        self.index.forget([row.key for row in gone])
        return gone

    def discard(self, derivative: Derivative) -> None:
        self.remove([Named(derivative.key, derivative.format, derivative.length, 0.0)])

    def discard_all(self, source: str) -> Discarded:
        """Raises OSError where not all of them could be."""
        made = self.index.made_from(source)
        gone = self.remove(made)
        if len(gone) < len(made):
            raise PermissionError
        return Discarded(len(gone), sum(row.length for row in gone))

    def evict(self, *, files: int, length: int) -> int:
        """Until so many files or so many bytes are gone. How many bytes are."""
        return self._evict(self.index.next_to_go(files), length)

    def refusal(self, length: int) -> int | None:
        """Why a file of that length cannot be written, as an errno(3); None where it can be."""
        path = self._scratch / uuid4().hex
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, max(length, 1))
            finally:
                os.close(descriptor)
                path.unlink()
        except OSError as error:
            return error.errno
        return None

    def tidy(self) -> bool:
        """A little of what is to be done some time; whether there may be more.

        While the budget is kept, what a web server in front has read since it was last used here counts as used.
        """
        self._trash.delete_some(files=FEW)
        length = self.index.length()
        excess = length - int(self._budget * (1 - _RESERVE))
        if excess <= 0:
            return not self._trash.is_empty
        oldest = self.index.next_to_go(FEW)
        read = {} if length > self._budget else dict(filter(None, map(self._read_since, oldest)))
        if read:
            self.index.keep(read)
        freed = self._evict([row for row in oldest if row.key not in read], excess)
        return freed > 0 or bool(read) or not self._trash.is_empty

    def give_up(self) -> None:
        """The index is damaged. Its files go, and with the next opening all that it vouched for."""
        self.index.close()
        self._take_index_away()

    def listed(self, shard: str) -> set[str]:
        """All files below the folder `shard`, by paths from the root. It may be called from any thread."""
        found: set[str] = set()
        start = len(str(self._root)) + 1
        for folder, _, names in os.walk(self._root / shard):
            found |= {f"{folder[start:]}/{name}" for name in names}
        return found

    def compare(self, shard: str, listed: set[str]) -> Generator[None]:
        """Rows without files and files without rows go, a little at each step. `listed` was so some time ago."""
        after = ""
        while rows := self.index.named(shard, after=after, limit=_PAGE):
            after = rows[-1].key
            missing = [row for row in rows if row.place not in listed]
            listed -= {row.place for row in rows}
            lost = [row.key for row in missing if not os.path.lexists(self._root / row.place)]
            if lost and self.is_in_place():
                self._observe(Notice.LOST, len(lost))
                self.index.forget(lost)
            yield
        orphans = sorted(listed)
        for start in range(0, len(orphans), FEW):
            self._sweep(orphans[start : start + FEW])
            yield

    def _sweep(self, places: Sequence[str]) -> None:
        """But for those that were admitted since they were seen. In another folder's place there are none to go."""
        if not self.is_in_place():
            return
        rows = self.index.find([VariantKey(Path(place).stem) for place in places])
        entered = {file_place(row.derivative.key, row.derivative.format) for row in rows}
        gone = sum(self._unlink(self._root / place) for place in places if place not in entered)
        if gone:
            self._observe(Notice.ORPHAN, gone)

    def _evict(self, rows: Iterable[Named], length: int) -> int:
        chosen: list[Named] = []
        for row in rows:
            if length <= 0:
                break
            chosen.append(row)
            length -= row.length
        gone = self.remove(chosen)
        if gone:
            self._observe(Notice.EVICTED, len(gone))
        return sum(row.length for row in gone)

    def _make_room(self, length: int) -> None:
        """What was over the budget before may be so after, but not by more; it is left to `tidy`."""
        if not self._trash.is_empty:
            self._trash.delete_some(files=0, length=length)
        freed, rounds = 0, 0
        while (excess := self.index.length() + length - self._budget) > 0:
            rounds += 1
            evicted = self.evict(files=_AT_ONCE, length=excess)
            freed += evicted
            if evicted == 0 or (rounds >= _ROUNDS and freed >= length):
                return

    def _read_since(self, row: Named) -> tuple[VariantKey, float] | None:
        """When, where it was. The kernel notes it first after each write, and then once a day (relatime: mount(8))."""
        try:
            read = (self._root / row.place).lstat().st_atime
        except OSError:
            return None
        return (row.key, read) if read > row.used + USED_WITHIN else None

    def _unlink(self, path: Path) -> bool:
        """Whether nothing is there any more."""
        try:
            path.unlink(missing_ok=True)
        except IsADirectoryError:
            self._trash.take(path)
        except NotADirectoryError:
            # A file lies in the place of the folder.
            return True
        except OSError:
            return False
        return True

    def _clear_way(self, path: Path) -> None:
        """Where folders should be, or the file is to be, nothing else may."""
        for folder in (path.parent.parent, path.parent):
            clear_for_folder(folder)
        if path.is_dir():
            self._unlink(path)

    def _open_index(self) -> DerivativeIndex:
        """Where it is new or damaged, files of an older one go: nobody vouches for them, and they count for nothing."""
        if (self._root / FILE_NAME).is_dir():
            self._take_index_away()
        try:
            index = DerivativeIndex(self._root)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._take_index_away()
            index = DerivativeIndex(self._root)
        if index.is_empty():
            for shard in self._root.glob("[0-9a-f][0-9a-f]"):
                self._trash.take(shard)
        return index

    def _take_index_away(self) -> None:
        for left in self._root.glob(f"{FILE_NAME}*"):
            self._trash.take(left)


def _damage(path: str, length: int) -> Notice | None:
    """Raises OSError where that cannot be told. A Path would cost as much as the look-up in the index."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Notice.LOST
    if not S_ISREG(status.st_mode):
        return Notice.FOREIGN
    return None if status.st_size == length else Notice.LENGTH
