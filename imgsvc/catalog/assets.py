"""Assets in a SQL database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from imgsvc.catalog.asset_changes import check_codes, edited_asset, insert_asset, keep_ids, prepare_change
from imgsvc.catalog.asset_rows import ASSETS, asset_from_row, row_from_asset
from imgsvc.catalog.base import Edit, FolderPlace
from imgsvc.catalog.database import Database, in_portions
from imgsvc.catalog.originals import retire_originals
from imgsvc.catalog.purges import announce_assets, announce_changes
from imgsvc.catalog.schema import assets, classifications, links
from imgsvc.core.assets import (
    Asset,
    AssetKind,
    AssetRef,
    Digest,
    Instance,
    NewAsset,
    Original,
)
from imgsvc.core.errors import NotFound

_COLUMNS: Mapping[AssetKind, sa.Column[Any]] = {
    AssetKind.GUID: assets.c.id,
    AssetKind.SERIAL: assets.c.serial,
    AssetKind.SLUG: assets.c.slug,
    AssetKind.CODE: assets.c.code,
}

# Made once: SQLAlchemy spends longer on a statement it has not seen than SQLite on answering it.
_named_by = {
    kind: ASSETS.where(column.in_(sa.bindparam("values", expanding=True))) for kind, column in _COLUMNS.items()
}
_named_in_instance_by = {
    kind: query.where(assets.c.instance == sa.bindparam("instance")) for kind, query in _named_by.items()
}


class SqlAssets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, ref: AssetRef) -> Asset | None:
        return (await self.find_many([ref]))[0]

    async def find_many(self, refs: Sequence[AssetRef]) -> list[Asset | None]:
        def select(connection: sa.Connection) -> list[Asset | None]:
            found = _find(connection, refs)
            return [found.get(ref) for ref in refs]

        return await self._database.read(select)

    async def find_same(self, instance: Instance, name: str, digest: Digest) -> Asset | None:
        return await self._database.read(lambda connection: _same(connection, instance, name, digest))

    async def add(self, new: NewAsset, original: Original, *, now: datetime) -> Asset:
        return await self._database.write(lambda connection: insert_asset(connection, new, original, now))

    async def add_once(self, new: NewAsset, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        def insert(connection: sa.Connection) -> tuple[Asset, bool]:
            same = _same(connection, new.instance, new.name, original.digest)
            return (insert_asset(connection, new, original, now), True) if same is None else (same, False)

        return await self._database.write(insert)

    async def change(self, edits: Mapping[AssetRef, Edit], *, by: int, now: datetime) -> list[Asset]:
        replaced: set[int] = set()

        def change(connection: sa.Connection) -> list[Asset]:
            current = _find_all(connection, edits)
            before = {asset.serial: asset for asset in current.values()}
            replaced.update(before)
            after = dict(before)
            for ref, edit in edits.items():
                serial = current[ref].serial
                after[serial] = edited_asset(after[serial], edit, by, now)
            for serial, asset in after.items():
                prepare_change(connection, before[serial], asset, now)
            check_codes(after.values())
            rows = [row_from_asset(asset) | {"changed_serial": serial} for serial, asset in after.items()]
            if rows:
                connection.execute(assets.update().where(assets.c.serial == sa.bindparam("changed_serial")), rows)
            announce_changes(connection, before, after, now=now)
            return [after[current[ref].serial] for ref in edits]

        return await self._database.write(change, replaced=replaced)

    async def delete(self, refs: Collection[AssetRef], *, now: datetime) -> list[Asset]:
        replaced: set[int] = set()

        def delete(connection: sa.Connection) -> list[Asset]:
            found = _find_all(connection, refs)
            gone = {asset.serial: asset for asset in found.values()}
            replaced.update(gone)
            for serials in in_portions(list(gone)):
                connection.execute(links.delete().where(links.c.target.in_(serials)))
                connection.execute(assets.delete().where(assets.c.serial.in_(serials)))
            keep_ids(connection, gone.values())
            retire_originals(connection, {asset.original.digest for asset in gone.values()}, now=now)
            announce_assets(connection, gone.values(), now=now)
            return list(gone.values())

        return await self._database.write(delete, replaced=replaced)

    async def count(self, instance: Instance) -> int:
        query = sa.select(sa.func.count()).select_from(assets).where(assets.c.instance == instance)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def page(self, instance: Instance, *, offset: int, limit: int) -> list[Asset]:
        """The rows to be passed over are counted in the index alone."""
        first = sa.select(assets.c.serial).where(assets.c.instance == instance).order_by(assets.c.serial).offset(offset)
        wanted = (assets.c.instance == instance) & (assets.c.serial >= first.limit(1).scalar_subquery())
        return await self._select(ASSETS.where(wanted).order_by(assets.c.serial).limit(limit))

    async def following(self, instance: Instance, *, after: int, limit: int) -> list[Asset]:
        wanted = (assets.c.instance == instance) & (assets.c.serial > after)
        return await self._select(ASSETS.where(wanted).order_by(assets.c.serial).limit(limit))

    async def serials_following(self, instance: Instance, *, after: int, limit: int) -> list[int]:
        wanted = (assets.c.instance == instance) & (assets.c.serial > after)
        query = sa.select(assets.c.serial).where(wanted).order_by(assets.c.serial).limit(limit)
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def in_folder(
        self, instance: Instance, folder: int | None, *, after: FolderPlace | None, limit: int
    ) -> list[Asset]:
        wanted = (assets.c.instance == instance) & (assets.c.folder == folder)
        if after is not None:
            wanted &= sa.tuple_(assets.c.name, assets.c.serial) > sa.tuple_(*map(sa.literal, after))
        return await self._select(ASSETS.where(wanted).order_by(assets.c.name, assets.c.serial).limit(limit))

    async def find_in_folder(self, instance: Instance, folder: int | None, name: str) -> Asset | None:
        """Names without their extension are a range of the index: from `name.` up to `name/`, the next character."""
        inside = (assets.c.instance == instance) & (assets.c.folder == folder)
        whole = inside & (assets.c.name == name)
        stem = inside & (assets.c.name > f"{name}.") & (assets.c.name < f"{name}/")
        stem &= sa.func.instr(sa.func.substr(assets.c.name, len(name) + 2), ".") == 0
        for wanted in (whole, stem):
            found = await self._select(ASSETS.where(wanted).order_by(assets.c.serial).limit(1))
            if found:
                return found[0]
        return None

    async def classification_serials(self, instance: Instance, codes: Collection[str]) -> Mapping[str, int]:
        column = classifications.c
        of_instance = sa.select(column.code, column.serial).where(column.instance == instance)

        def select(connection: sa.Connection) -> dict[str, int]:
            return {
                code: serial
                for some in in_portions(list(codes))
                for code, serial in connection.execute(of_instance.where(column.code.in_(some)))
            }

        return await self._database.read(select)

    async def showing(self, digest: Digest) -> list[Asset]:
        return await self._select(ASSETS.where(assets.c.digest == digest).order_by(assets.c.serial))

    async def is_empty(self) -> bool:
        query = sa.select(assets.c.serial).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).first() is None)

    async def _select(self, query: sa.Select[Any]) -> list[Asset]:
        return await self._database.read(lambda connection: list(map(asset_from_row, connection.execute(query))))


def find_one(connection: sa.Connection, ref: AssetRef) -> Asset:
    """Raises NotFound."""
    return _find_all(connection, [ref])[ref]


def _find_all(connection: sa.Connection, refs: Collection[AssetRef]) -> dict[AssetRef, Asset]:
    """Raises NotFound."""
    found = _find(connection, list(refs))
    if any(ref not in found for ref in refs):
        raise NotFound("There is no asset of that id.")
    return found


def _find(connection: sa.Connection, refs: Sequence[AssetRef]) -> dict[AssetRef, Asset]:
    """Those that are there; of one kind and instance together, in portions."""
    alike: defaultdict[tuple[AssetKind, Instance | None], list[AssetRef]] = defaultdict(list)
    for ref in refs:
        alike[ref.kind, ref.instance].append(ref)
    found: dict[AssetRef, Asset] = {}
    for (kind, instance), same_kind in alike.items():
        if kind is AssetKind.CODE and instance is None:
            continue
        query = _named_by[kind] if instance is None else _named_in_instance_by[kind]
        for some in in_portions(same_kind):
            values = [int(ref.value) if kind is AssetKind.SERIAL else ref.value for ref in some]
            for row in connection.execute(query, {"values": values, "instance": instance}):
                asset = asset_from_row(row)
                found[AssetRef(kind, _named(asset, kind), instance)] = asset
    return found


def _same(connection: sa.Connection, instance: Instance, name: str, digest: Digest) -> Asset | None:
    same = (assets.c.digest == digest) & (assets.c.name == name) & (assets.c.instance == instance)
    row = connection.execute(ASSETS.where(same).order_by(assets.c.serial).limit(1)).first()
    return None if row is None else asset_from_row(row)


def _named(asset: Asset, kind: AssetKind) -> str:
    match kind:
        case AssetKind.GUID:
            return str(asset.id)
        case AssetKind.SERIAL:
            return str(asset.serial)
        case AssetKind.SLUG:
            return asset.slug
        case AssetKind.CODE:
            return asset.code
