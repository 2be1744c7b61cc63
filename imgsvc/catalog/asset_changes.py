"""What asset rows are when they are added and changed, and what they need of other tables, within one transaction."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

import sqlalchemy as sa

from imgsvc.catalog.asset_rows import row_from_asset
from imgsvc.catalog.base import Edit
from imgsvc.catalog.database import in_portions, stored_time
from imgsvc.catalog.originals import keep_original, retire_originals
from imgsvc.catalog.schema import assets, classifications, folders, former_ids
from imgsvc.core.assets import SLUG_ALPHABET, SLUG_LENGTH, Asset, Instance, NewAsset, Original, Slug
from imgsvc.core.errors import Conflict, NotFound


def insert_asset(connection: sa.Connection, new: NewAsset, original: Original, now: datetime) -> Asset:
    """Under the id that is asked for, unless it was once another instance's. Raises Conflict, NotFound."""
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


def edited_asset(before: Asset, edit: Edit, by: int, now: datetime) -> Asset:
    """What no edit changes stays."""
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


def check_codes(changed: Collection[Asset]) -> None:
    """Raises Conflict where one change gives two assets the same."""
    if len({(asset.instance, asset.code) for asset in changed}) < len(changed):
        raise Conflict("There is an asset of that id already.")


def prepare_change(connection: sa.Connection, before: Asset, after: Asset, now: datetime) -> None:
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


def keep_ids(connection: sa.Connection, gone: Collection[Asset]) -> None:
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
