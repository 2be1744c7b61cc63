"""The count of changes in a SQL database; see `Database.write`."""

import sqlalchemy as sa

from imgsvc.catalog.database import Database
from imgsvc.catalog.schema import changes


class SqlChanges:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> int:
        return await self._database.read(
            lambda connection: connection.execute(sa.select(changes.c.number)).scalar_one()
        )
