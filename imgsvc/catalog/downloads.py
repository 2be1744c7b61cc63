"""Batches prepared for whoever holds their link, in a SQL database."""

from datetime import datetime

import sqlalchemy as sa

from imgsvc.catalog.database import Database, stored_time, utc
from imgsvc.catalog.schema import downloads
from imgsvc.core.assets import Download, Instance


class SqlDownloads:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, download: Download, *, now: datetime) -> None:
        row = {
            "id": download.id,
            "instance": download.instance,
            "request": download.request,
            "expires": stored_time(download.expires),
        }

        def insert(connection: sa.Connection) -> None:
            connection.execute(downloads.delete().where(downloads.c.expires < stored_time(now)))
            connection.execute(downloads.insert().values(row))

        await self._database.write(insert)

    async def find(self, download_id: str, *, now: datetime) -> Download | None:
        query = downloads.select().where((downloads.c.id == download_id) & (downloads.c.expires >= stored_time(now)))

        def select(connection: sa.Connection) -> Download | None:
            row = connection.execute(query).mappings().first()
            return None if row is None else _download_from_row(row)

        return await self._database.read(select)


def _download_from_row(row: sa.RowMapping) -> Download:
    return Download(
        id=row[downloads.c.id],
        instance=Instance(row[downloads.c.instance]),
        request=row[downloads.c.request],
        expires=utc(row[downloads.c.expires]),
    )
