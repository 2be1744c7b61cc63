"""The local cache of derivatives: plain files that a web server in front can send itself, and an index beside them.

The broker alone writes and evicts; server processes only open. A file is trusted as far as its index row vouches for
it: its length is compared at every read, its CRC-32 whenever the file is not the one compared before, so a torn,
truncated, foreign or bit-flipped file is a miss.
"""

import contextlib
import os
import shutil
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from io import FileIO
from pathlib import Path
from time import time
from typing import NamedTuple
from uuid import uuid4

from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import Format, file_extension
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.inventory import ROWS, derivative_from_row
from imgsvc.storage.scrub import read_medium

_READ_CHUNK = 1 << 20
_REMEMBERED = 100_000

_USED_WITHIN = 60.0
"""Seconds within which one use stands for all: a look-up that wrote each time cost twice as much."""


class DerivativeFiles:
    """Where a derivative lies: `ab/cd/{key}.{extension}`. `deploy/` and the README tell operators the same pattern.

    All methods but `path` block; they may be called from many threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._verified: dict[VariantKey, _Identity] = {}

    def path(self, key: VariantKey, output: Format) -> Path:
        return Path(self._path(key, output))

    def length(self, derivative: Derivative) -> int | None:
        """Of its file, in bytes; None where there is none."""
        try:
            return self.path(derivative.key, derivative.format).stat().st_size
        except OSError:
            return None

    def read(self, derivative: Derivative) -> bytes | None:
        """The whole of it, or None where the file is not what the index says. One open, one read."""
        try:
            with open(self._path(derivative.key, derivative.format), "rb", buffering=0) as file:
                data = file.read(derivative.length + 1)
                identity = _identity(file.fileno())
        except OSError:
            return None
        if len(data) != derivative.length:
            return None
        if self._verified.get(derivative.key) == identity:
            return data
        return data if self._holds(derivative, zlib.crc32(data), identity) else None

    def open(self, derivative: Derivative) -> FileIO | None:
        """As `read`, for files too large to be held in memory. Who asked closes it; eviction does not disturb it."""
        try:
            file = FileIO(self._path(derivative.key, derivative.format))
        except OSError:
            return None
        try:
            intact = self._is_intact(derivative, file)
        except OSError:
            intact = False
        if intact:
            return file
        file.close()
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

    def _is_intact(self, derivative: Derivative, file: FileIO) -> bool:
        identity = _identity(file.fileno())
        if identity.length != derivative.length:
            return False
        if self._verified.get(derivative.key) == identity:
            return True
        checksum = 0
        while chunk := file.read(_READ_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
        return self._holds(derivative, checksum, identity)

    def _holds(self, derivative: Derivative, checksum: int, identity: "_Identity") -> bool:
        if checksum != derivative.crc32:
            return False
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[derivative.key] = identity
        return True

    def _path(self, key: VariantKey, output: Format) -> str:
        return f"{self._root}/{key[:2]}/{key[2:4]}/{key}.{file_extension(output)}"


class _Identity(NamedTuple):
    """A file whose inode, length and last change are the same was not written to since its checksum was compared."""

    inode: int
    length: int
    changed: int


def _identity(descriptor: int) -> _Identity:
    status = os.fstat(descriptor)
    return _Identity(status.st_ino, status.st_size, status.st_ctime_ns)


class DerivativeCache:
    """The broker's side. `budget` bytes of derivatives are kept, the least recently asked for go first.

    All methods block, briefly. One process and one thread at a time.
    """

    def __init__(self, root: Path, *, budget: int) -> None:
        self._files = DerivativeFiles(root)
        self._scratch = root / "scratch"
        self._budget = budget
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._index = _open_index(root)
        with closing(self._index.execute("SELECT coalesce(sum(length), 0) FROM derivatives")) as rows:
            self._length: int = rows.fetchone()[0]

    @property
    def length(self) -> int:
        """Bytes of all derivatives."""
        return self._length

    def find(self, key: VariantKey) -> Derivative | None:
        """What is known of it, where its file is there in full length. Counts as a use."""
        return self.find_many([key]).get(key)

    def find_many(self, keys: Sequence[VariantKey]) -> dict[VariantKey, Derivative]:
        """As `find`; at most some hundreds at once."""
        among = f"({','.join('?' * len(keys))})"
        found: dict[VariantKey, Derivative] = {}
        now, stale = time(), list[VariantKey]()
        with closing(self._index.execute(_FIND + among, keys)) as rows:
            for key, output, length, crc32, width, height, used in rows.fetchall():
                derivative = Derivative(
                    key=key, format=Format(output), length=length, crc32=crc32, size=Size(width, height)
                )
                if self._files.length(derivative) == length:
                    found[key] = derivative
                    if now - used > _USED_WITHIN:
                        stale.append(key)
                else:
                    self.discard(derivative)
        if stale:
            self._index.executemany("UPDATE derivatives SET used = ? WHERE key = ?", [(now, key) for key in stale])
        return found

    def has_any(self, source: str) -> bool:
        """Made from it."""
        with closing(self._index.execute("SELECT 1 FROM derivatives WHERE source = ? LIMIT 1", (source,))) as rows:
            return rows.fetchone() is not None

    def path(self, derivative: Derivative) -> Path:
        return self._files.path(derivative.key, derivative.format)

    def scratch_path(self) -> Path:
        """A fresh path in the cache's own file system, to write a derivative to."""
        return self._scratch / uuid4().hex

    def admit(self, scratch: Path, derivative: Derivative, *, source: str) -> None:
        """Moves the file to its place and enters it. `source` names what it was made from. Raises StoreFailure."""
        path = self._files.path(derivative.key, derivative.format)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(path)
        except OSError as error:
            raise StoreFailure("The rendition could not be stored.") from error
        try:
            self._enter(derivative, source)
        except StoreFailure:
            self._unlink(derivative.key, derivative.format)
            raise
        if self._length > self._budget:
            self._evict(keep=derivative.key)

    def discard(self, derivative: Derivative) -> None:
        """Readers that hold the file open read on."""
        self._forget(derivative.key)
        self._unlink(derivative.key, derivative.format)

    def discard_all(self, source: str) -> Discarded:
        """All that was made from it."""
        before = self._length
        with closing(self._index.execute("SELECT key, format FROM derivatives WHERE source = ?", (source,))) as rows:
            made = [(VariantKey(key), Format(output)) for key, output in rows]
        for key, output in made:
            self._forget(key)
            self._unlink(key, output)
        return Discarded(len(made), before - self._length)

    def made_from(self, source: str) -> list[Derivative]:
        """As the index has them."""
        with closing(self._index.execute(f"{ROWS} WHERE source = ?", (source,))) as rows:
            return list(map(derivative_from_row, rows))

    def is_whole(self, derivative: Derivative) -> bool:
        """See `DerivativeFiles`; from any thread."""
        return self._files.is_whole(derivative)

    def close(self) -> None:
        self._index.close()

    def _enter(self, derivative: Derivative, source: str) -> None:
        """In place of what was known under that key; all or nothing. Raises StoreFailure."""
        row = (derivative.key, derivative.format, derivative.length, derivative.crc32, *derivative.size, time(), source)
        before = self._length
        try:
            with self._index:
                self._index.execute("BEGIN")
                self._forget(derivative.key)
                self._index.execute("INSERT INTO derivatives VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            self._length = before
            raise StoreFailure("The rendition could not be entered.") from error
        self._length += derivative.length

    def _forget(self, key: VariantKey) -> None:
        with closing(self._index.execute("DELETE FROM derivatives WHERE key = ? RETURNING length", (key,))) as rows:
            self._length -= sum(length for (length,) in rows)

    def _unlink(self, key: VariantKey, output: Format) -> None:
        """What cannot be unlinked is foreign, a folder say, and in nobody's way but its own derivative's."""
        with contextlib.suppress(OSError):
            self._files.path(key, output).unlink()

    def _evict(self, *, keep: VariantKey) -> None:
        """To a tenth below the budget, so that it is not done at every admission."""
        while self._length > self._budget * 0.9:
            with closing(self._index.execute(_OLDEST, (keep,))) as rows:
                oldest = [(VariantKey(key), Format(output)) for key, output in rows]
            if not oldest:
                return
            for key, output in oldest:
                if self._length <= self._budget * 0.9:
                    return
                self._forget(key)
                self._unlink(key, output)


def _open_index(root: Path) -> sqlite3.Connection:
    """Where it is new or damaged, files of an older one go: nobody vouches for them, and they count for no budget.

    It may lose its last rows with the machine's power (synchronous = NORMAL under WAL): those files are made again.
    """
    path = root / "index.sqlite"
    is_new = not path.exists()
    try:
        index = _connect(path)
    except sqlite3.DatabaseError:
        is_new = True
        for left in root.glob("index.sqlite*"):
            left.unlink()
        index = _connect(path)
    if is_new:
        for shard in root.glob("[0-9a-f][0-9a-f]"):
            shutil.rmtree(shard, ignore_errors=True)
    return index


def _connect(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, isolation_level=None)
    try:
        index.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        index.executescript(_SCHEMA)
        if index.execute("PRAGMA user_version").fetchone()[0] < _REVISION:
            index.executescript(_SOURCES)
    except sqlite3.DatabaseError:
        index.close()
        raise
    return index


_SCHEMA = """
CREATE TABLE IF NOT EXISTS derivatives (
    key TEXT PRIMARY KEY, format TEXT NOT NULL, length INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS derivatives_used ON derivatives (used);
"""
_REVISION = 1
_SOURCES = """
BEGIN;
ALTER TABLE derivatives ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX derivatives_source ON derivatives (source);
PRAGMA user_version = 1;
COMMIT;
"""
_FIND = "SELECT key, format, length, crc32, width, height, used FROM derivatives WHERE key IN "
_OLDEST = "SELECT key, format FROM derivatives WHERE key <> ? ORDER BY used LIMIT 100"
