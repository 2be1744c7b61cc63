"""Links from documents elsewhere to assets, in a SQL database."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from imgsvc.catalog.asset_rows import write_attributes
from imgsvc.catalog.assets import find_one
from imgsvc.catalog.database import Database, in_portions
from imgsvc.catalog.schema import assets, links
from imgsvc.core.assets import AssetRef, Attributes, Instance, Link


class SqlLinks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, target: AssetRef, *, origin: str, link_type: str, attributes: Attributes, sequence: int
    ) -> Link:
        def insert(connection: sa.Connection) -> Link:
            asset = find_one(connection, target)
            link = Link(
                serial=0,
                origin=origin,
                target=asset.serial,
                link_type=link_type,
                attributes=attributes,
                sequence=sequence,
            )
            same = (links.c.target == asset.serial) & (links.c.origin == origin) & (links.c.link_type == link_type)
            serial = connection.execute(sa.select(links.c.serial).where(same)).scalar()
            row = {"attributes": write_attributes(attributes), "sequence": sequence}
            if serial is not None:
                connection.execute(links.update().where(same).values(row))
                return replace(link, serial=serial)
            row |= {"target": asset.serial, "origin": origin, "link_type": link_type}
            key = connection.execute(links.insert().values(row)).inserted_primary_key
            assert key is not None
            return replace(link, serial=key[0])

        return await self._database.write(insert)

    async def find(self, instance: Instance, serial: int) -> Link | None:
        query = sa.select(links).join(assets).where((links.c.serial == serial) & (assets.c.instance == instance))

        def select(connection: sa.Connection) -> Link | None:
            row = connection.execute(query).mappings().first()
            return None if row is None else _link_from_row(row)

        return await self._database.read(select)

    async def of_assets(self, serials: Collection[int]) -> Mapping[int, list[Link]]:
        def select(connection: sa.Connection) -> dict[int, list[Link]]:
            found: defaultdict[int, list[Link]] = defaultdict(list)
            for some in in_portions(list(serials)):
                query = links.select().where(links.c.target.in_(some)).order_by(links.c.sequence, links.c.serial)
                for row in connection.execute(query).mappings():
                    found[row[links.c.target]].append(_link_from_row(row))
            return found

        return await self._database.read(select)

    async def delete(self, instance: Instance, serial: int) -> bool:
        own = sa.select(assets.c.serial).where((assets.c.serial == links.c.target) & (assets.c.instance == instance))
        statement = links.delete().where((links.c.serial == serial) & own.exists())
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)


def _link_from_row(row: sa.RowMapping) -> Link:
    return Link(
        serial=row[links.c.serial],
        origin=row[links.c.origin],
        target=row[links.c.target],
        link_type=row[links.c.link_type],
        attributes=msgspec.json.decode(row[links.c.attributes], type=dict[str, Any]),
        sequence=row[links.c.sequence],
    )
