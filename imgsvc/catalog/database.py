"""A SQL database and its transactions: SQLite through its own synchronous driver in threads.

An asynchronous driver for SQLite was measured at twice the cost of a look-up.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import sqlalchemy as sa
from anyio import CapacityLimiter, to_thread
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from imgsvc.catalog.migrate import migrate
from imgsvc.catalog.schema import changes
from imgsvc.core.errors import StoreFailure

T = TypeVar("T")

Changed = Callable[[int, Collection[int] | None], None]

_READERS = 4
_BUSY_MILLISECONDS = 10_000
_READING = {"imgsvc_reading": True}
_COUNT_ONE_MORE = changes.update().values(number=changes.c.number + 1).returning(changes.c.number)
_AT_ONCE = 500
"""Values in one IN list, below every database's bound."""


class Database:
    """Enter it to connect and migrate. `url` is SQLAlchemy's, `sqlite:///…`.

    `changed` is told the serials of assets that `Assets.find` may have answered otherwise before, once that is durable,
    None for all of them; before these how many such changes there were, with this one.
    """

    def __init__(self, url: str, *, changed: Changed) -> None:
        self._changed = changed
        self._engine = sa.create_engine(url, pool_size=_READERS + 1, max_overflow=0)
        self._reading = CapacityLimiter(_READERS)
        # The database takes one writer at a time; more would wait for it in the readers' threads.
        self._writing = CapacityLimiter(1)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    async def __aenter__(self) -> Self:
        await self._run(lambda: migrate(self._engine), self._writing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_thread.run_sync(self._engine.dispose)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """One moment's state, in a thread. Raises StoreFailure."""

        def run() -> T:
            with self._engine.connect().execution_options(**_READING) as connection:
                return work(connection)

        return await self._run(run, self._reading)

    async def write(self, work: Callable[[sa.Connection], T], *, replaced: Collection[int] | None = ()) -> T:
        """One transaction, alone with the database, in a thread.

        `replaced`: serials of assets that hold no more as they were found before; `work` may fill it meanwhile. None:
        whatever was remembered of any of them is to be forgotten.

        Raises StoreFailure and what `work` raises, which leaves everything as it was.
        """

        def run() -> T:
            count = None
            try:
                with self._engine.begin() as connection:
                    result = work(connection)
                    if replaced is None or replaced:
                        count = connection.execute(_COUNT_ONE_MORE).scalar_one()
                    return result
            finally:
                # Also where nobody knows whether it is durable.
                if count is not None:
                    self._changed(count, replaced)

        return await self._run(run, self._writing)

    async def _run(self, work: Callable[[], T], limiter: CapacityLimiter) -> T:
        try:
            return await to_thread.run_sync(work, limiter=limiter)
        except SQLAlchemyError as error:
            raise StoreFailure("The catalogue does not answer at the moment.") from error


def in_portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def stored_time(moment: datetime) -> datetime:
    """Columns hold UTC without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def utc(stored: datetime) -> datetime:
    return stored.replace(tzinfo=UTC)


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """FULL: an acknowledged change survives the power going, not the process alone."""
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that reads first and writes then fails where another wrote between; IMMEDIATE never does."""
    reading = connection.get_execution_options().get("imgsvc_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
