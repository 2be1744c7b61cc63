"""The local cache of derivatives, as the broker has it. Nothing that befalls the disk befalls who asks for a picture.

What cannot be read is a miss; what cannot be written goes to the overflow where there is one; what was opened and is
not there any more is opened anew.
"""

import contextlib
import errno
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import structlog

from imgsvc.core.errors import StoreFailure
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.index import is_damage
from imgsvc.storage.overflow import Overflow, Stranded
from imgsvc.storage.shelf import FEW, Notice, Observe, Shelf
from imgsvc.storage.trash import Trash

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_LOG_BYTES = 64 << 10
"""What the index' log may grow by to take in one derivative; where there is no room for it no file is entered."""


def _ignore(notice: Notice, count: int) -> None:
    """Nobody counts."""


class DerivativeCache:
    """`budget` bytes are kept at most, and one derivative at least; see `storage.index` for who goes first.

    All methods but `listed` block briefly. One process and one thread at a time. Where the folder cannot be used it is
    tried again with each `mend`.
    """

    def __init__(
        self, root: Path, *, budget: int, overflow: Overflow | None = None, observe: Observe = _ignore
    ) -> None:
        self._root = root
        self._files = DerivativeFiles(root)
        self._scratch = root / "scratch"
        self._budget = budget
        self._overflow = overflow
        self._observe = observe
        self._shelf: Shelf | None = None
        with contextlib.suppress(OSError):
            # What workers were writing when the last broker died.
            Trash(root / "trash").take(self._scratch)
        self.mend()

    @property
    def length(self) -> int:
        """Bytes of all derivatives, but for those in the overflow."""
        return self._ask(lambda shelf: shelf.index.length(), 0)

    def find(self, key: VariantKey) -> Derivative | None:
        """What is known of it, where its file is there in full length. Counts as a use."""
        return self.find_many([key]).get(key)

    def find_many(self, keys: Sequence[VariantKey]) -> dict[VariantKey, Derivative]:
        """As `find`; at most some hundreds at once."""
        found = self._ask(lambda shelf: shelf.find(keys), {})
        if self._overflow is not None:
            # It was made later than what came back with a folder that had been away.
            found |= {key: here for key in keys if (here := self._overflow.find(key)) is not None}
        return found

    def use(self, keys: Sequence[VariantKey]) -> None:
        """Counts as a use of each that is there; at most some hundreds at once."""
        self._ask(lambda shelf: shelf.index.use(keys), None)

    def has_any(self, source: str) -> bool:
        """Made from it."""
        stranded = self._overflow is not None and self._overflow.has_any(source)
        return stranded or self._ask(lambda shelf: shelf.index.has_any(source), False)

    def path(self, derivative: Derivative) -> Path:
        return self._files.path(derivative.key, derivative.format)

    def scratch_path(self) -> Path:
        """A fresh path in the cache's own file system, to write a derivative to."""
        return self._scratch / uuid4().hex

    def spare_path(self) -> Path | None:
        """Another one, where that cannot be written to."""
        return None if self._overflow is None else self._overflow.scratch_path()

    def admit(self, scratch: Path, derivative: Derivative, *, source: str, seconds: float = 0.0) -> None:
        """Moves the file to its place and enters it. `scratch` may be a spare path.

        `source` names what it was made from, `seconds` is what it takes to make. Raises StoreFailure.
        """
        stranded = Stranded(derivative, source, seconds)
        is_spare = self._overflow is not None and self._overflow.is_scratch(scratch)
        taken = not is_spare and self._place(scratch, stranded)
        if not taken:
            # The file may have found room, and its row none.
            relieved = self.relieve(derivative.length)
            taken = relieved and not is_spare and self._place(scratch, stranded)
        if taken and self._overflow is not None:
            self._overflow.discard(derivative.key)
        elif not taken and self._overflow is not None:
            self._overflow.admit(scratch, stranded)
        elif not taken:
            raise StoreFailure("The rendition could not be stored.")

    def relieve(self, length: int) -> bool:
        """So many bytes could not be written. Whether they can be now.

        Where the disk is full others need it, too: the cache gives way.
        """
        self._observe(Notice.UNWRITABLE, 1)
        self.mend()
        length += _LOG_BYTES
        refusal = self._ask(lambda shelf: shelf.refusal(length), errno.EIO)
        if refusal in (errno.ENOSPC, errno.EDQUOT):
            self._ask(lambda shelf: shelf.evict(files=FEW, length=2 * length), 0)
            refusal = self._ask(lambda shelf: shelf.refusal(length), errno.EIO)
        return refusal is None

    def distrust(self, derivative: Derivative) -> None:
        """Its file is of the right length and was found wrong by who read it."""
        self._observe(Notice.CHECKSUM, 1)
        self.discard(derivative)

    def discard(self, derivative: Derivative) -> None:
        """Readers that hold the file open read on."""
        self._ask(lambda shelf: shelf.discard(derivative), None)
        if self._overflow is not None:
            self._overflow.discard(derivative.key)

    def discard_all(self, source: str) -> Discarded:
        """All that was made from it. Raises StoreFailure where it is not sure that nothing is left."""
        stranded = Discarded(0, 0) if self._overflow is None else self._overflow.discard_all(source)
        self._look_again()
        gone = self._ask(lambda shelf: shelf.discard_all(source), None)
        if gone is None:
            raise StoreFailure("Renditions cannot be discarded at the moment.")
        return Discarded(gone.derivatives + stranded.derivatives, gone.length + stranded.length)

    def mark_stale(self, keys: Sequence[VariantKey]) -> int:
        """Those that are there, until they are admitted anew; some hundreds at once. How many were not stale before.

        Raises StoreFailure where it is not sure that all are.
        """
        stranded = 0 if self._overflow is None else self._overflow.mark_stale(lambda one: one.derivative.key in keys)
        return stranded + self._marked(lambda shelf: shelf.index.mark_stale(keys))

    def mark_all_stale(self, source: str) -> int:
        """All that was made from it, as `mark_stale`."""
        stranded = 0 if self._overflow is None else self._overflow.mark_stale(lambda one: one.source == source)
        return stranded + self._marked(lambda shelf: shelf.index.mark_all_stale(source))

    def close(self) -> None:
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def mend(self) -> None:
        """Opens what could not be opened before, or is not what was opened: somebody took the folder away."""
        if self._shelf is not None and self._shelf.is_in_place():
            return
        self.close()
        try:
            self._shelf = Shelf(self._root, budget=self._budget, observe=self._observe)
        except (OSError, sqlite3.Error) as error:
            self._observe(Notice.INDEX, 1)
            _log.warning("cache.unusable", folder=self._root.name, error=str(error))

    def tidy(self) -> bool:
        """A little of what is to be done some time; whether there may be more."""
        return self._ask(lambda shelf: shelf.tidy(), False) or self._take_back()

    @property
    def shelf(self) -> Shelf | None:
        """None while it is out of order."""
        return self._shelf

    def label(self, key: VariantKey, label: str) -> None:
        """By which it is found as long as it is there, beside other labels. Where that cannot be written it is not."""
        if self._overflow is None or not self._overflow.label(key, label):
            self._ask(lambda shelf: shelf.index.label(key, label), None)

    def labelled(self, label: str, *, after: VariantKey | None, limit: int) -> list[VariantKey]:
        """The next ones in order of their keys. Raises StoreFailure."""
        found = self._ask(lambda shelf: shelf.index.labelled(label, after=after, limit=limit), None)
        if found is None:
            raise StoreFailure("Renditions cannot be looked up at the moment.")
        stranded = () if self._overflow is None else self._overflow.labelled(label)
        return sorted({*found, *(key for key in stranded if key > (after or ""))})[:limit]

    def _marked(self, mark: Callable[[Shelf], int]) -> int:
        marked = self._ask(mark, -1)
        if marked < 0:
            raise StoreFailure("Renditions cannot be purged at the moment.")
        return marked

    def _look_again(self) -> None:
        """Where another folder lies by now, rows of the one that was opened would not tell of its files."""
        if self._shelf is not None:
            self.mend()

    def _place(self, scratch: Path, stranded: Stranded) -> bool:
        derivative, source, seconds, labels = stranded
        self._look_again()

        def place(shelf: Shelf) -> bool:
            shelf.place(scratch, derivative, source=source, seconds=seconds)
            for label in labels:
                shelf.index.label(derivative.key, label)
            return True

        return self._ask(place, False)

    def _take_back(self) -> bool:
        """From the overflow. False where there is nothing, or it cannot be taken yet."""
        stranded = None if self._overflow is None else self._overflow.next_back()
        if self._overflow is None or stranded is None:
            return False
        if not self._overflow.path(stranded.derivative).exists():
            # Whoever cleans up temporary files has been there.
            self._overflow.discard(stranded.derivative.key)
            return True
        scratch = self.scratch_path()
        try:
            shutil.copyfile(self._overflow.path(stranded.derivative), scratch)
            taken = self._place(scratch, stranded)
        except OSError:
            taken = False
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        if taken:
            self._overflow.discard(stranded.derivative.key)
        return taken

    def _ask(self, question: Callable[[Shelf], T], otherwise: T) -> T:
        """What cannot be asked is answered with `otherwise`."""
        if self._shelf is None:
            return otherwise
        try:
            return question(self._shelf)
        except OSError:
            return otherwise
        except sqlite3.Error as error:
            self.complain(error)
            return otherwise

    def complain(self, error: sqlite3.Error) -> None:
        """Of the index; where it is damaged, it and what it vouched for is given up."""
        self._observe(Notice.INDEX, 1)
        _log.warning("cache.index_failed", folder=self._root.name, error=str(error))
        if is_damage(error) and self._shelf is not None:
            with contextlib.suppress(OSError):
                self._shelf.give_up()
            self.close()
            self.mend()
