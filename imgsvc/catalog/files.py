"""Files sent ahead of their assets, in a SQL database."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from imgsvc.catalog.database import Database, in_portions, stored_time, utc
from imgsvc.catalog.originals import ORIGINAL_COLUMNS, keep_original, original_from_values, retire_originals
from imgsvc.catalog.schema import files, originals
from imgsvc.core.assets import Digest, Instance, Original, StoredFile

_rows = sa.select(files.c.id, files.c.name, files.c.created, *ORIGINAL_COLUMNS).join_from(files, originals)


class SqlFiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, instance: Instance, name: str, original: Original, *, now: datetime) -> StoredFile:
        file = StoredFile(id=uuid4(), name=name, original=original, created=now)

        def insert(connection: sa.Connection) -> None:
            keep_original(connection, original)
            row = {"id": str(file.id), "instance": instance, "name": name, "digest": original.digest, "used": False}
            connection.execute(files.insert().values(row | {"created": stored_time(now)}))

        await self._database.write(insert)
        return file

    async def find(self, instance: Instance, file_id: UUID) -> StoredFile | None:
        query = _rows.where((files.c.id == str(file_id)) & (files.c.instance == instance))

        def select(connection: sa.Connection) -> StoredFile | None:
            row = connection.execute(query).first()
            return None if row is None else _file_from_row(row)

        return await self._database.read(select)

    async def use(self, instance: Instance, file_id: UUID) -> None:
        this = (files.c.id == str(file_id)) & (files.c.instance == instance)
        await self._database.write(lambda connection: connection.execute(files.update().where(this).values(used=True)))

    async def forget_used(self, digests: Collection[Digest]) -> None:
        def delete(connection: sa.Connection) -> None:
            for some in in_portions(list(digests)):
                connection.execute(files.delete().where(files.c.used & files.c.digest.in_(some)))

        await self._database.write(delete)

    async def expire(self, *, before: datetime, now: datetime) -> int:
        old = files.c.created < stored_time(before)

        def delete(connection: sa.Connection) -> int:
            digests = list(map(Digest, connection.execute(sa.select(files.c.digest).where(old)).scalars()))
            connection.execute(files.delete().where(old))
            retire_originals(connection, digests, now=now)
            return len(digests)

        return await self._database.write(delete)


def _file_from_row(row: sa.Row[Any]) -> StoredFile:
    original = original_from_values(row[3:])
    return StoredFile(id=UUID(row.id), name=row.name, original=original, created=utc(row.created))
