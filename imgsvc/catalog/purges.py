"""Purges and announcements in a SQL database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from imgsvc.catalog.database import Database, stored_time, utc
from imgsvc.catalog.schema import announcements, hooks, purges
from imgsvc.core.assets import Asset, Instance
from imgsvc.core.purges import MOST_TAGS, Announcement, HookState, Purge, PurgeOrder, Receipt
from imgsvc.core.tags import asset_tag

_KEPT = timedelta(days=1)
"""Receipts, after their purge was finished."""


class SqlPurges:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, instance: Instance, order: PurgeOrder, *, now: datetime) -> Purge:
        receipt = Receipt()
        row = {
            "instance": instance,
            "request": msgspec.json.encode(order),
            "receipt": msgspec.json.encode(receipt),
            "created": stored_time(now),
            "announced": 0,
        }

        def insert(connection: sa.Connection) -> Purge:
            connection.execute(purges.delete().where(purges.c.finished < stored_time(now - _KEPT)))
            key = connection.execute(purges.insert().values(row)).inserted_primary_key
            assert key is not None
            return Purge(serial=key[0], instance=instance, order=order, created=now, receipt=receipt)

        return await self._database.write(insert, replaced=None)

    async def find(self, instance: Instance, serial: int) -> Purge | None:
        return await self._select(purges.select().where((purges.c.instance == instance) & (purges.c.serial == serial)))

    async def unfinished(self) -> Purge | None:
        return await self._select(purges.select().where(purges.c.finished.is_(None)).order_by(purges.c.serial).limit(1))

    async def progress(self, serial: int, receipt: Receipt) -> None:
        change = _of(serial).values(receipt=msgspec.json.encode(receipt))
        await self._database.write(lambda connection: connection.execute(change))

    async def finish(self, purge: Purge, receipt: Receipt, *, now: datetime) -> None:
        def change(connection: sa.Connection) -> None:
            announced = announce(connection, purge.instance, receipt.tags, soft=purge.order.soft, now=now)
            values = {
                "receipt": msgspec.json.encode(receipt),
                "finished": stored_time(now),
                "announced": announced,
            }
            connection.execute(_of(purge.serial).values(values))

        await self._database.write(change, replaced=None)

    async def announcements(self, *, after: int, limit: int) -> list[Announcement]:
        query = announcements.select().where(announcements.c.serial > after)
        query = query.order_by(announcements.c.serial).limit(limit)
        return await self._database.read(
            lambda connection: list(map(_announcement_from_row, connection.execute(query).mappings()))
        )

    async def hooks(self) -> Mapping[str, HookState]:
        def select(connection: sa.Connection) -> dict[str, HookState]:
            return {row.address: HookState(row.told, row.failed) for row in connection.execute(hooks.select())}

        return await self._database.read(select)

    async def note(self, address: str, state: HookState) -> None:
        def replace(connection: sa.Connection) -> None:
            connection.execute(hooks.delete().where(hooks.c.address == address))
            connection.execute(hooks.insert().values(address=address, told=state.told, failed=state.failed))
            _forget_told(connection)

        await self._database.write(replace)

    async def keep_hooks(self, addresses: Collection[str]) -> None:
        def keep(connection: sa.Connection) -> None:
            connection.execute(hooks.delete().where(hooks.c.address.not_in(addresses)))
            known = set(connection.execute(sa.select(hooks.c.address)).scalars())
            for address in set(addresses) - known:
                connection.execute(hooks.insert().values(address=address, told=0, failed=""))
            _forget_told(connection)

        await self._database.write(keep)

    async def _select(self, query: sa.Select[Any]) -> Purge | None:
        def select(connection: sa.Connection) -> Purge | None:
            row = connection.execute(query).mappings().first()
            return None if row is None else _purge_from_row(row)

        return await self._database.read(select)


def announce(connection: sa.Connection, instance: Instance, tags: Sequence[str], *, soft: bool, now: datetime) -> int:
    """The serial of the last announcement, 0 where there are no tags."""
    serial = 0
    for start in range(0, len(tags), MOST_TAGS):
        row: dict[str, object] = {"instance": instance, "soft": soft, "created": stored_time(now)}
        row["tags"] = " ".join(tags[start : start + MOST_TAGS])
        key = connection.execute(announcements.insert().values(row)).inserted_primary_key
        assert key is not None
        serial = key[0]
    return serial


def announce_changes(
    connection: sa.Connection, before: Mapping[int, Asset], after: Mapping[int, Asset], *, now: datetime
) -> None:
    """Of those whose URLs answer otherwise: other bytes, another redirect or file name, other tags, or nothing."""
    differing = [asset for serial, asset in before.items() if _answered(asset) != _answered(after[serial])]
    announce_assets(connection, differing, now=now)


def _answered(asset: Asset) -> tuple[object, ...]:
    return asset.original.digest, asset.name, asset.folder, asset.code


def announce_assets(connection: sa.Connection, gone: Iterable[Asset], *, now: datetime) -> None:
    """Hard: what their URLs answered is wrong from now on."""
    guids: dict[Instance, list[UUID]] = {}
    for asset in gone:
        guids.setdefault(asset.instance, []).append(asset.id)
    for instance, of_instance in guids.items():
        announce(connection, instance, list(map(asset_tag, of_instance)), soft=False, now=now)


def _forget_told(connection: sa.Connection) -> None:
    """What every hook was told; all where there is none."""
    furthest_behind = connection.execute(sa.select(sa.func.min(hooks.c.told))).scalar()
    told = sa.true() if furthest_behind is None else announcements.c.serial <= furthest_behind
    connection.execute(announcements.delete().where(told))


def _of(serial: int) -> sa.Update:
    return purges.update().where(purges.c.serial == serial)


def _purge_from_row(row: sa.RowMapping) -> Purge:
    finished = row[purges.c.finished]
    return Purge(
        serial=row[purges.c.serial],
        instance=Instance(row[purges.c.instance]),
        order=msgspec.json.decode(row[purges.c.request], type=PurgeOrder),
        created=utc(row[purges.c.created]),
        receipt=msgspec.json.decode(row[purges.c.receipt], type=Receipt),
        finished=None if finished is None else utc(finished),
        announced=row[purges.c.announced],
    )


def _announcement_from_row(row: sa.RowMapping) -> Announcement:
    return Announcement(
        serial=row[announcements.c.serial],
        instance=Instance(row[announcements.c.instance]),
        tags=tuple(row[announcements.c.tags].split()),
        soft=row[announcements.c.soft],
        created=utc(row[announcements.c.created]),
    )
