"""Rows of originals, and which of them nobody shows any more."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from imgsvc.catalog.database import Database, in_portions, stored_time
from imgsvc.catalog.schema import assets, files, originals, retired_originals
from imgsvc.core.assets import Digest, ImageInfo, Original
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size

ORIGINAL_COLUMNS = tuple(originals.c)
"""In the order of the table. Rows are taken apart by place: by name it cost three times as much."""


class SqlOriginals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> int:
        query = sa.select(sa.func.count()).select_from(originals)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def following(self, after: Digest | None, *, limit: int) -> list[Digest]:
        query = sa.select(originals.c.digest).where(originals.c.digest > (after or ""))
        query = query.order_by(originals.c.digest).limit(limit)
        return await self._database.read(lambda connection: list(map(Digest, connection.execute(query).scalars())))

    async def recorded(self, digests: Collection[Digest]) -> set[Digest]:
        def select(connection: sa.Connection) -> set[Digest]:
            return {
                digest
                for some in in_portions(list(digests))
                for table in (originals, retired_originals)
                for digest in connection.execute(sa.select(table.c.digest).where(table.c.digest.in_(some))).scalars()
            }

        return await self._database.read(select)

    async def retire(self, digest: Digest, *, now: datetime) -> None:
        await self._database.write(lambda connection: retire_originals(connection, [digest], now=now))

    async def retired(self, *, before: datetime) -> list[Digest]:
        query = sa.select(retired_originals.c.digest).where(retired_originals.c.since < stored_time(before))
        return await self._database.read(lambda connection: list(map(Digest, connection.execute(query).scalars())))

    async def unused(self, digests: Collection[Digest]) -> list[Digest]:
        return await self._database.read(lambda connection: _unused(connection, digests))

    async def settle(self, digests: Collection[Digest], *, gone: Collection[Digest]) -> None:
        def delete(connection: sa.Connection) -> None:
            # Those that have lost their last asset since they were looked at are retired anew, and stay so.
            left = set(_unused(connection, [digest for digest in digests if digest not in gone]))
            settled = [digest for digest in digests if digest not in left]
            for table, rows in ((retired_originals, settled), (originals, list(gone))):
                for some in in_portions(rows):
                    connection.execute(table.delete().where(table.c.digest.in_(some)))

        await self._database.write(delete)


def _unused(connection: sa.Connection, digests: Collection[Digest]) -> list[Digest]:
    shown = sa.select(assets.c.digest), sa.select(files.c.digest).where(~files.c.used)
    used = {
        digest
        for some in in_portions(list(digests))
        for query in shown
        for digest in connection.execute(query.where(query.selected_columns[0].in_(some)).distinct()).scalars()
    }
    return [digest for digest in digests if digest not in used]


def keep_original(connection: sa.Connection, original: Original) -> None:
    """Somebody shows it now. The same bytes again change nothing, but for a checksum that was not kept before."""
    connection.execute(retired_originals.delete().where(retired_originals.c.digest == original.digest))
    of_digest = originals.c.digest == original.digest
    known = connection.execute(sa.select(originals.c.crc32).where(of_digest)).first()
    if known is not None:
        if known[0] is None:
            connection.execute(originals.update().where(of_digest).values(crc32=original.crc32))
        return
    connection.execute(originals.insert().values(_row_from_original(original)))


def retire_originals(connection: sa.Connection, digests: Collection[Digest], *, now: datetime) -> None:
    """They have lost somebody who shows them; whether the last is seen when they are released."""
    for digest in set(digests):
        connection.execute(retired_originals.delete().where(retired_originals.c.digest == digest))
        connection.execute(retired_originals.insert().values(digest=digest, since=stored_time(now)))


def original_from_values(values: Sequence[Any]) -> Original:
    """Those of `ORIGINAL_COLUMNS`."""
    digest, md5, crc32, length, format, width, height, orientation, frames, has_alpha, is_srgb = values
    info = None
    if format is not None:
        info = ImageInfo(
            format=Format(format),
            size=Size(width, height),
            orientation=Orientation(orientation),
            frames=frames,
            has_alpha=has_alpha,
            is_srgb=is_srgb,
        )
    return Original(digest=digest, md5=md5, crc32=crc32, length=length, info=info)


def _row_from_original(original: Original) -> dict[str, object]:
    row: dict[str, object] = {
        "digest": original.digest,
        "md5": original.md5,
        "crc32": original.crc32,
        "length": original.length,
    }
    info = original.info
    if info is not None:
        row |= {
            "format": info.format,
            "width": info.size.width,
            "height": info.size.height,
            "orientation": int(info.orientation),
            "frames": info.frames,
            "has_alpha": info.has_alpha,
            "is_srgb": info.is_srgb,
        }
    return row
