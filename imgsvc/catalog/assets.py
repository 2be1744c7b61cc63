"""Assets in a SQL database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from imgsvc.catalog.asset_rows import ASSETS, asset_from_row, row_from_asset
from imgsvc.catalog.base import Edit, FolderPlace
from imgsvc.catalog.database import Database, in_portions, stored_time
from imgsvc.catalog.originals import keep_original, retire_originals
from imgsvc.catalog.purges import announce_assets, announce_changes
from imgsvc.catalog.schema import assets, classifications, folders, former_ids, links
from imgsvc.core.assets import (
    SLUG_ALPHABET,
    SLUG_LENGTH,
    Asset,
    AssetKind,
    AssetRef,
    Digest,
    Instance,
    NewAsset,
    Original,
    Slug,
)
from imgsvc.core.errors import Conflict, NotFound

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
        return await self._database.write(lambda connection: _insert(connection, new, original, now))

    async def add_once(self, new: NewAsset, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        def insert(connection: sa.Connection) -> tuple[Asset, bool]:
            same = _same(connection, new.instance, new.name, original.digest)
            return (_insert(connection, new, original, now), True) if same is None else (same, False)

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
                after[serial] = _edited(after[serial], edit, by, now)
            for serial, asset in after.items():
                _prepare(connection, before[serial], asset, now)
            _check_codes(after.values())
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
            _keep_ids(connection, gone.values())
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


def _insert(connection: sa.Connection, new: NewAsset, original: Original, now: datetime) -> Asset:
    asset_id = uuid4() if new.id is None or _was_anothers(connection, new.id, new.instance) else new.id
    if connection.execute(sa.select(assets.c.serial).where(assets.c.id == str(asset_id))).first():
        raise Conflict("There is an asset of that id already.")
    asset = Asset(
        id=asset_id,
        serial=0,
        slug=_free_slug(connection, asset_id),
        instance=new.instance,
        code=str(asset_id) if new.code is None else new.code,
        name=new.name,
        original=original,
        created=now,
        modified=now,
        created_by=new.by,
        updated_by=new.by,
        folder=new.folder,
        description=new.description,
        attributes=new.attributes,
        classifications=new.classifications,
        active=new.active,
    )
    keep_original(connection, asset.original)
    _check_code(connection, asset)
    _check_folder(connection, asset)
    _keep_classifications(connection, asset)
    row = row_from_asset(asset) | {
        "id": str(asset.id),
        "slug": asset.slug,
        "instance": asset.instance,
        "created": stored_time(now),
        "created_by": new.by,
    }
    key = connection.execute(assets.insert().values(row)).inserted_primary_key
    assert key is not None
    return replace(asset, serial=key[0])


def _edited(before: Asset, edit: Edit, by: int, now: datetime) -> Asset:
    return replace(
        edit(before),
        id=before.id,
        serial=before.serial,
        slug=before.slug,
        instance=before.instance,
        created=before.created,
        created_by=before.created_by,
        modified=now,
        updated_by=by,
    )


def _check_codes(changed: Collection[Asset]) -> None:
    """Raises Conflict where one change gives two assets the same."""
    if len({(asset.instance, asset.code) for asset in changed}) < len(changed):
        raise Conflict("There is an asset of that id already.")


def _prepare(connection: sa.Connection, before: Asset, after: Asset, now: datetime) -> None:
    """What the changed row needs of others. Raises Conflict, NotFound."""
    if after.original != before.original:
        keep_original(connection, after.original)
        retire_originals(connection, {before.original.digest}, now=now)
    if after.code != before.code:
        _check_code(connection, after)
    if after.folder != before.folder:
        _check_folder(connection, after)
    if after.classifications != before.classifications:
        _keep_classifications(connection, after)


def _was_anothers(connection: sa.Connection, asset_id: UUID, instance: Instance) -> bool:
    """Its URLs are in pages of the other instance: nobody else's pictures may appear there."""
    query = sa.select(former_ids.c.instance).where(former_ids.c.id == str(asset_id))
    return connection.execute(query).scalar() not in (None, instance)


def _keep_ids(connection: sa.Connection, gone: Collection[Asset]) -> None:
    """Whose they were; an id that was used again is its last owner's, who is its first."""
    for assets_gone in in_portions(list(gone)):
        ids = [str(asset.id) for asset in assets_gone]
        connection.execute(former_ids.delete().where(former_ids.c.id.in_(ids)))
        connection.execute(
            former_ids.insert(), [{"id": str(asset.id), "instance": asset.instance} for asset in assets_gone]
        )


def _check_code(connection: sa.Connection, asset: Asset) -> None:
    """Raises Conflict. One's code must not be another's id, or it would name both."""
    names = (asset.code, str(asset.id))
    same = assets.c.code.in_(names) | assets.c.id.in_((asset.code.lower(), str(asset.id)))
    another = same & (assets.c.instance == asset.instance) & (assets.c.serial != asset.serial)
    if connection.execute(sa.select(assets.c.serial).where(another)).first():
        raise Conflict("There is an asset of that id already.")


def _check_folder(connection: sa.Connection, asset: Asset) -> None:
    """Raises NotFound."""
    if asset.folder is None:
        return
    there = (folders.c.serial == asset.folder) & (folders.c.instance == asset.instance)
    if connection.execute(sa.select(folders.c.serial).where(there)).first() is None:
        raise NotFound("There is no folder of that id.")


def _keep_classifications(connection: sa.Connection, asset: Asset) -> None:
    column = classifications.c
    for code in asset.classifications:
        same = (column.instance == asset.instance) & (column.code == code)
        if connection.execute(sa.select(column.serial).where(same)).first() is None:
            connection.execute(classifications.insert().values(instance=asset.instance, code=code))


def _free_slug(connection: sa.Connection, asset_id: UUID) -> Slug:
    """40 bit of the id's digest; of the next digest where they are taken."""
    seed = asset_id.bytes
    while True:
        seed = sha256(seed).digest()
        slug = Slug("".join(SLUG_ALPHABET[byte % len(SLUG_ALPHABET)] for byte in seed[:SLUG_LENGTH]))
        if slug.isdigit():
            # It would be taken for a serial.
            continue
        if connection.execute(sa.select(assets.c.serial).where(assets.c.slug == slug)).first() is None:
            return slug
