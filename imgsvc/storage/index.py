"""The derivative cache's index: what is known of each derivative, and who is to go first. SQLite, of one process.

What was used long ago goes first, but what is dear to make again for its length stays longer: twice as dear a byte,
twice as long unused. (`age * length / cost` is hyperbolic caching's order, Blankstein et al., USENIX ATC 2017; kept in
one queue for each power of two of cost a byte, as CAMP does, Ghandeharizadeh et al., Middleware 2014, the next to go is
found at the head of a queue, and no priority has to be written anew as time goes by.)
"""

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from heapq import nlargest
from math import log2
from pathlib import Path
from time import time
from typing import NamedTuple

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.storage.derivatives import file_place

USED_WITHIN = 60.0
"""Seconds within which one use stands for all: a look-up that wrote each time cost twice as much."""

FILE_NAME = "index.sqlite"

_LEAST_WORTH, _MOST_WORTH = 4, 15
"""16 ns a byte is a large BMP, 33 µs a small AVIF of a large original."""

_BUSY_SECONDS = 0.05
"""Whoever else holds the database, an operator's shell say, makes a miss and no wait."""

_CHECKPOINT_CHANGES = 500


class Row(NamedTuple):
    """`used`: seconds since 1970, exact to USED_WITHIN."""

    derivative: Derivative
    used: float


class Named(NamedTuple):
    """As much of a row as its file is found by."""

    key: VariantKey
    format: Format
    length: int
    used: float

    @property
    def place(self) -> str:
        return file_place(self.key, self.format)


def worth(seconds: float, length: int) -> int:
    """The binary logarithm of the nanoseconds a byte that it takes to make it again, within bounds."""
    return min(max(int(log2(max(seconds * 1e9 / max(length, 1), 1.0))), _LEAST_WORTH), _MOST_WORTH)


class NotOurs(sqlite3.DatabaseError):
    """A row names a format that there is not, or a later release made the index."""


def is_damage(error: sqlite3.Error) -> bool:
    """Nothing in the file can be trusted: it is none of SQLite's, or not any more, or not of this release."""
    if isinstance(error, NotOurs):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class DerivativeIndex:
    """Opened by its making. All methods but `checkpoint` are of one thread, block briefly, and raise sqlite3.Error.

    It may lose its last rows with the machine's power (synchronous = NORMAL under WAL): those files are made again.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError, sqlite3.Error."""
        self._path = folder / FILE_NAME
        self._rows = sqlite3.connect(self._path, isolation_level=None, timeout=_BUSY_SECONDS)
        try:
            self._rows.executescript(_SET_UP)
            (revision,) = self._one("PRAGMA user_version")
            if revision > len(_STEPS):
                raise NotOurs
            for step in _STEPS[revision:]:
                self._rows.executescript(step)
            status = self._path.stat()
        except (sqlite3.Error, OSError):
            self._rows.close()
            raise
        self._file = status.st_dev, status.st_ino
        self._checkpointed = self._rows.total_changes

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._rows.close()

    def is_in_place(self) -> bool:
        """What was opened is what lies there still."""
        try:
            status = self._path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._file

    def length(self) -> int:
        """Bytes of all derivatives together."""
        return self._one("SELECT length FROM total")[0]

    def is_empty(self) -> bool:
        return self._one("SELECT NOT EXISTS (SELECT 1 FROM derivatives)")[0] == 1

    def find(self, keys: Sequence[VariantKey]) -> list[Row]:
        """In any order; at most some hundreds at once."""
        with closing(self._rows.execute(f"{_FIND}({_marks(keys)})", keys)) as rows:
            return [
                Row(
                    Derivative(
                        key=key,
                        format=_format(output),
                        length=length,
                        crc32=crc32,
                        size=Size(width, height),
                        stale=bool(stale),
                    ),
                    used,
                )
                for key, output, length, crc32, width, height, used, stale in rows.fetchall()
            ]

    def use(self, keys: Sequence[VariantKey]) -> None:
        """They were used right now; at most some hundreds at once."""
        now = time()
        update = f"UPDATE derivatives SET used = ? WHERE key IN ({_marks(keys)}) AND used < ?"
        self._rows.execute(update, (now, *keys, now - USED_WITHIN))

    def has_any(self, source: str) -> bool:
        return self._one("SELECT EXISTS (SELECT 1 FROM derivatives WHERE source = ?)", source)[0] == 1

    def made_from(self, source: str) -> list[Named]:
        return self._named("WHERE source = ?", source)

    def mark_stale(self, keys: Sequence[VariantKey]) -> int:
        """Those of them that are there; some hundreds at once. How many were not before."""
        return self._mark_stale(f"key IN ({_marks(keys)})", *keys)

    def mark_all_stale(self, source: str) -> int:
        """As `mark_stale`, what was made from it."""
        return self._mark_stale("source = ?", source)

    def named(self, prefix: str, *, after: str, limit: int) -> list[Named]:
        """The next ones whose keys start with `prefix`, in order of their keys."""
        return self._named("WHERE key > ? AND key < ? ORDER BY key LIMIT ?", after or prefix, f"{prefix}g", limit)

    def enter(self, derivative: Derivative, *, source: str, worth: int) -> None:
        """In place of what was known under that key; all or nothing."""
        row = (derivative.key, derivative.format, derivative.length, derivative.crc32, *derivative.size, time())
        row += (source, worth, derivative.stale)
        with self._rows:
            self._rows.execute("BEGIN IMMEDIATE")
            self._rows.execute("DELETE FROM derivatives WHERE key = ?", (derivative.key,))
            self._rows.execute(f"INSERT INTO derivatives VALUES ({_marks(row)})", row)

    def label(self, key: VariantKey, label: str) -> None:
        """It keeps its labels until it is forgotten, also when it is entered anew; what is not there gets none."""
        self._rows.execute("INSERT OR IGNORE INTO labels SELECT ?, key FROM derivatives WHERE key = ?", (label, key))

    def labelled(self, label: str, *, after: VariantKey | None, limit: int) -> list[VariantKey]:
        """The next ones in order of their keys."""
        select = "SELECT key FROM labels WHERE label = ? AND key > ? ORDER BY key LIMIT ?"
        with closing(self._rows.execute(select, (label, after or "", limit))) as rows:
            return [VariantKey(key) for (key,) in rows]

    def forget(self, keys: Sequence[VariantKey]) -> None:
        with self._rows:
            self._rows.execute("BEGIN IMMEDIATE")
            for table in ("derivatives", "labels"):
                self._rows.executemany(f"DELETE FROM {table} WHERE key = ?", [(key,) for key in keys])

    def next_to_go(self, count: int) -> list[Named]:
        """The first is to go first."""
        now = time()
        heads: list[tuple[float, Named]] = []
        for worth in range(_LEAST_WORTH, _MOST_WORTH + 1):
            oldest = self._named("WHERE worth = ? ORDER BY used LIMIT ?", worth, count)
            # Within USED_WITHIN one use is as good as another, so nobody's age counts as less.
            heads += [((max(now - each.used, 0.0) + USED_WITHIN) / (1 << worth), each) for each in oldest]
        return [each for _, each in nlargest(count, heads, key=lambda head: head[0])]

    def keep(self, used: Mapping[VariantKey, float]) -> None:
        """They were used then, as somebody has found out."""
        with self._rows:
            self._rows.execute("BEGIN IMMEDIATE")
            self._rows.executemany(
                "UPDATE derivatives SET used = ? WHERE key = ?", [(when, key) for key, when in used.items()]
            )

    def is_due(self) -> bool:
        """For `checkpoint`."""
        return self._rows.total_changes - self._checkpointed > _CHECKPOINT_CHANGES

    def checkpoint(self) -> None:
        """Takes the write-ahead log over into the database, with the fsync that it needs; in a thread of its own."""
        with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as rows:
            rows.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
            self._checkpointed = self._rows.total_changes

    def miscounted(self) -> int:
        """By how much the total falls short of the rows' sum. Reads all rows; in a thread of its own."""
        with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as rows:
            (missing,) = rows.execute(
                "SELECT coalesce(sum(length), 0) - (SELECT length FROM total) FROM derivatives"
            ).fetchone()
            return missing

    def count_in(self, length: int) -> None:
        """What was miscounted."""
        self._rows.execute("UPDATE total SET length = length + ?", (length,))

    def _mark_stale(self, where: str, *values: str) -> int:
        with closing(
            self._rows.execute(f"UPDATE derivatives SET stale = 1 WHERE {where} AND NOT stale", values)
        ) as done:
            return done.rowcount

    def _named(self, where: str, *values: str | int) -> list[Named]:
        with closing(self._rows.execute(f"SELECT key, format, length, used FROM derivatives {where}", values)) as rows:
            return [Named(VariantKey(key), _format(output), length, used) for key, output, length, used in rows]

    def _one(self, statement: str, *values: str) -> tuple[int]:
        with closing(self._rows.execute(statement, values)) as rows:
            return rows.fetchone()


def _format(name: str) -> Format:
    try:
        return Format(name)
    except ValueError as error:
        raise NotOurs from error


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


_FIND = "SELECT key, format, length, crc32, width, height, used, stale FROM derivatives WHERE key IN "

_SET_UP = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -32768;
PRAGMA wal_autocheckpoint = 20000;
"""

_STEPS = (
    """
    BEGIN;
    CREATE TABLE IF NOT EXISTS derivatives (
        key TEXT PRIMARY KEY, format TEXT NOT NULL, length INTEGER NOT NULL, crc32 INTEGER NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, used REAL NOT NULL
    ) WITHOUT ROWID;
    ALTER TABLE derivatives ADD COLUMN source TEXT NOT NULL DEFAULT '';
    CREATE INDEX derivatives_source ON derivatives (source);
    PRAGMA user_version = 1;
    COMMIT;
    """,
    """
    BEGIN;
    DROP INDEX IF EXISTS derivatives_used;
    ALTER TABLE derivatives ADD COLUMN worth INTEGER NOT NULL DEFAULT 10;
    CREATE INDEX derivatives_worth ON derivatives (worth, used);
    CREATE TABLE total (length INTEGER NOT NULL);
    INSERT INTO total SELECT coalesce(sum(length), 0) FROM derivatives;
    CREATE TRIGGER derivative_entered AFTER INSERT ON derivatives
        BEGIN UPDATE total SET length = length + NEW.length; END;
    CREATE TRIGGER derivative_forgotten AFTER DELETE ON derivatives
        BEGIN UPDATE total SET length = length - OLD.length; END;
    PRAGMA user_version = 2;
    COMMIT;
    """,
    """
    BEGIN;
    ALTER TABLE derivatives ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
    PRAGMA user_version = 3;
    COMMIT;
    """,
    """
    BEGIN;
    CREATE TABLE labels (label TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (label, key)) WITHOUT ROWID;
    CREATE INDEX labels_key ON labels (key);
    PRAGMA user_version = 4;
    COMMIT;
    """,
)
"""Each raises `user_version` by one; what an earlier release left is gone on with."""
