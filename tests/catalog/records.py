"""What tests put into a catalogue, and how they name it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from imgsvc.catalog.base import Catalog, Edit
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Download, Folder, Instance, Link, NewAsset, Original
from imgsvc.core.tokens import Scope, Token, make_token, token_digest
from tests.fakes import NOON, make_original

T = TypeVar("T")

SHOP, PRESS = Instance("shop"), Instance("press")
LATER = NOON + timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
"""The least that two times can differ by."""


async def add(
    catalog: Catalog,
    name: str = "shirt.png",
    original: Original | None = None,
    *,
    instance: Instance = SHOP,
    now: datetime = NOON,
    **rest: Any,
) -> Asset:
    """`rest` are further fields of the new asset."""
    new = NewAsset(instance=instance, name=name, **rest)
    return await catalog.assets.add(new, original or make_original(), now=now)


def by_id(asset_id: UUID, instance: Instance | None = None) -> AssetRef:
    return AssetRef(AssetKind.GUID, str(asset_id), instance)


def refs_of(asset: Asset, instance: Instance | None = SHOP) -> list[AssetRef]:
    """One of every kind; `instance` is where it is looked for."""
    refs = [
        by_id(asset.id, instance),
        AssetRef(AssetKind.SERIAL, str(asset.serial), instance),
        AssetRef(AssetKind.SLUG, asset.slug, instance),
    ]
    return refs if instance is None else [*refs, AssetRef(AssetKind.CODE, asset.code, instance)]


def by_code(code: str, instance: Instance | None = SHOP) -> AssetRef:
    return AssetRef(AssetKind.CODE, code, instance)


def setting(**fields: Any) -> Edit:
    """The edit that gives an asset these."""
    return lambda asset: replace(asset, **fields)


def moving(**fields: Any) -> Callable[[Folder], Folder]:
    return lambda folder: replace(folder, **fields)


async def change(catalog: Catalog, asset: Asset, *, now: datetime = LATER, by: int = 0, **fields: Any) -> Asset:
    (changed,) = await catalog.assets.change({by_id(asset.id): setting(**fields)}, by=by, now=now)
    return changed


async def delete(catalog: Catalog, *assets: Asset, now: datetime = NOON) -> None:
    await catalog.assets.delete([by_id(asset.id) for asset in assets], now=now)


async def link(catalog: Catalog, asset: Asset, origin: str = "product-1", **rest: Any) -> Link:
    fields: dict[str, Any] = {"link_type": "main", "attributes": {}, "sequence": 0} | rest
    return await catalog.links.add(by_id(asset.id), origin=origin, **fields)


async def make_folders(catalog: Catalog, *names: str, instance: Instance = SHOP) -> list[Folder]:
    """Each in the one before it, the first in the root."""
    made: list[Folder] = []
    for name in names:
        parent = made[-1].serial if made else None
        made += await catalog.folders.add(instance, [(parent, name)])
    return made


def make_download(download_id: str, *, expires: datetime = LATER) -> Download:
    return Download(id=download_id, instance=SHOP, request=b'{"ids": [1, 2]}\0\xff', expires=expires)


def make_stored_token(
    name: str, *scopes: Scope, created: datetime = NOON, instance: Instance = SHOP, secret: str | None = None
) -> Token:
    return Token(
        digest=token_digest(secret or make_token()),
        name=name,
        instance=instance,
        scopes=frozenset(scopes or (Scope.READ,)),
        created=created,
    )


def in_order(assets: Iterable[Asset]) -> list[Asset]:
    return sorted(assets, key=lambda asset: asset.serial)


async def at_once(works: Iterable[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
    """What each gives or raises."""
    return await asyncio.gather(*works, return_exceptions=True)


def some_id() -> UUID:
    return uuid4()
