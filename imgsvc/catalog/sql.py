"""The catalogue in a SQL database: SQLite through its own synchronous driver in threads.

An asynchronous driver for SQLite was measured at twice the cost of a look-up.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import sqlalchemy as sa
from anyio import CapacityLimiter, to_thread
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from imgsvc.catalog.migrate import migrate
from imgsvc.catalog.schema import assets, originals, tokens
from imgsvc.core.assets import (
    SLUG_ALPHABET,
    SLUG_LENGTH,
    Asset,
    AssetKind,
    AssetRef,
    Digest,
    ImageInfo,
    Original,
    Slug,
)
from imgsvc.core.errors import Conflict, StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.tokens import Scope, Token, TokenDigest

T = TypeVar("T")

_THREADS = 4
_BUSY_MILLISECONDS = 10_000
_READING = {"imgsvc_reading": True}

_asset_columns = sa.select(assets, originals).join_from(assets, originals)


class SqlCatalog:
    """Enter it to connect and migrate. `url` is SQLAlchemy's, `sqlite:///…`."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, pool_size=_THREADS, max_overflow=0)
        self._limiter: CapacityLimiter | None = None
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    async def __aenter__(self) -> Self:
        self._limiter = CapacityLimiter(_THREADS)
        await self._run(lambda: migrate(self._engine))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_thread.run_sync(self._engine.dispose)

    async def find(self, ref: AssetRef) -> Asset | None:
        column = assets.c.id if ref.kind is AssetKind.GUID else assets.c.slug
        return await self._find_asset(_asset_columns.where(column == ref.value))

    async def find_same(self, name: str, digest: Digest) -> Asset | None:
        return await self._find_asset(_same(name, digest))

    async def add(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> Asset:
        return await self._write(lambda connection: _insert_asset(connection, asset_id, name, original, now))

    async def add_once(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        def insert(connection: sa.Connection) -> tuple[Asset, bool]:
            row = connection.execute(_same(name, original.digest)).mappings().first()
            if row is not None:
                return _asset_from_row(row), False
            return _insert_asset(connection, asset_id, name, original, now), True

        return await self._write(insert)

    async def replace(self, asset_id: UUID, original: Original, *, now: datetime) -> Asset | None:
        def update(connection: sa.Connection) -> Asset | None:
            _keep_original(connection, original)
            of_asset = assets.c.id == str(asset_id)
            changes = {"digest": original.digest, "modified": _stored_time(now)}
            if connection.execute(assets.update().where(of_asset).values(changes)).rowcount == 0:
                return None
            return _asset_from_row(connection.execute(_asset_columns.where(of_asset)).mappings().one())

        return await self._write(update)

    async def is_empty(self) -> bool:
        return await self._read(
            lambda connection: connection.execute(sa.select(assets.c.serial).limit(1)).first() is None
        )

    async def add_token(self, token: Token) -> None:
        row = {
            "digest": token.digest,
            "name": token.name,
            "scopes": " ".join(sorted(token.scopes)),
            "created": _stored_time(token.created),
        }
        await self._write(lambda connection: connection.execute(tokens.insert().values(row)))

    async def find_token(self, digest: TokenDigest) -> Token | None:
        def select(connection: sa.Connection) -> Token | None:
            row = connection.execute(tokens.select().where(tokens.c.digest == digest)).mappings().first()
            return None if row is None else _token_from_row(row)

        return await self._read(select)

    async def list_tokens(self) -> list[Token]:
        def select(connection: sa.Connection) -> list[Token]:
            rows = connection.execute(tokens.select().order_by(tokens.c.created)).mappings()
            return [_token_from_row(row) for row in rows]

        return await self._read(select)

    async def revoke_tokens(self, name: str) -> int:
        return await self._write(
            lambda connection: connection.execute(tokens.delete().where(tokens.c.name == name)).rowcount
        )

    async def _find_asset(self, query: sa.Select[Any]) -> Asset | None:
        def select(connection: sa.Connection) -> Asset | None:
            row = connection.execute(query).mappings().first()
            return None if row is None else _asset_from_row(row)

        return await self._read(select)

    async def _read(self, work: Callable[[sa.Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect().execution_options(**_READING) as connection:
                return work(connection)

        return await self._run(run)

    async def _write(self, work: Callable[[sa.Connection], T]) -> T:
        def run() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return await self._run(run)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        except SQLAlchemyError as error:
            raise StoreFailure("The catalogue does not answer at the moment.") from error


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


def _same(name: str, digest: Digest) -> sa.Select[Any]:
    same = (assets.c.digest == digest) & (assets.c.name == name)
    return _asset_columns.where(same).order_by(assets.c.serial).limit(1)


def _insert_asset(connection: sa.Connection, asset_id: UUID, name: str, original: Original, now: datetime) -> Asset:
    _keep_original(connection, original)
    if connection.execute(sa.select(assets.c.serial).where(assets.c.id == str(asset_id))).first():
        raise Conflict("There is an asset of that id already.")
    slug = _free_slug(connection, asset_id)
    connection.execute(
        assets.insert().values(
            id=str(asset_id),
            slug=slug,
            name=name,
            digest=original.digest,
            created=_stored_time(now),
            modified=_stored_time(now),
        )
    )
    return Asset(id=asset_id, slug=slug, name=name, original=original, created=now, modified=now)


def _keep_original(connection: sa.Connection, original: Original) -> None:
    """Once a digest: what is known of bytes does not change while they do not."""
    if connection.execute(sa.select(originals.c.digest).where(originals.c.digest == original.digest)).first():
        return
    info = original.info
    connection.execute(
        originals.insert().values(
            digest=original.digest,
            md5=original.md5,
            length=original.length,
            format=info.format,
            width=info.size.width,
            height=info.size.height,
            orientation=int(info.orientation),
            frames=info.frames,
            has_alpha=info.has_alpha,
            is_srgb=info.is_srgb,
        )
    )


def _free_slug(connection: sa.Connection, asset_id: UUID) -> Slug:
    """40 bit of the id's digest; of the next digest where they are taken."""
    seed = asset_id.bytes
    while True:
        seed = sha256(seed).digest()
        slug = Slug("".join(SLUG_ALPHABET[byte % len(SLUG_ALPHABET)] for byte in seed[:SLUG_LENGTH]))
        if connection.execute(sa.select(assets.c.serial).where(assets.c.slug == slug)).first() is None:
            return slug


def _asset_from_row(row: sa.RowMapping) -> Asset:
    original = Original(
        digest=Digest(row[originals.c.digest]),
        md5=row[originals.c.md5],
        length=row[originals.c.length],
        info=ImageInfo(
            format=Format(row[originals.c.format]),
            size=Size(row[originals.c.width], row[originals.c.height]),
            orientation=Orientation(row[originals.c.orientation]),
            frames=row[originals.c.frames],
            has_alpha=row[originals.c.has_alpha],
            is_srgb=row[originals.c.is_srgb],
        ),
    )
    return Asset(
        id=UUID(row[assets.c.id]),
        slug=Slug(row[assets.c.slug]),
        name=row[assets.c.name],
        original=original,
        created=_utc(row[assets.c.created]),
        modified=_utc(row[assets.c.modified]),
    )


def _token_from_row(row: sa.RowMapping) -> Token:
    return Token(
        digest=TokenDigest(row[tokens.c.digest]),
        name=row[tokens.c.name],
        scopes=frozenset(map(Scope, row[tokens.c.scopes].split())),
        created=_utc(row[tokens.c.created]),
    )


def _stored_time(moment: datetime) -> datetime:
    """Columns hold UTC without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _utc(stored: datetime) -> datetime:
    return stored.replace(tzinfo=UTC)
