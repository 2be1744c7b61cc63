"""Purges carried out, by one process of the host.

Derivatives are found by the plan, so none of ours ever shows another picture: a purge frees the disk, or has files
made again that are under suspicion, and has caches in front drop what they hold.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog
from anyio import to_thread
from msgspec.structs import replace

from imgsvc.catalog.base import Catalog, FolderPlace
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Digest, Instance
from imgsvc.core.errors import ImgsvcError, NotFound
from imgsvc.core.formats import FORMATS
from imgsvc.core.presets import find_preset
from imgsvc.core.purges import Purge, Purged, PurgeOrder, Receipt
from imgsvc.core.requests import PictureRequest
from imgsvc.core.tags import asset_tag, folder_tag, preset_label, preset_tag
from imgsvc.core.transform import Transform
from imgsvc.core.variant import VariantKey, provisional_key
from imgsvc.service.delivery import Variant
from imgsvc.storage.blobs import BlobStore

_log = structlog.get_logger(__name__)

_ASSETS_AT_ONCE = 100
_PLANNED_AT_ONCE = 25
"""Assets whose renditions under a preset are looked for at once: two keys a format each."""

_NOTED_EVERY = 0.5
"""Seconds: progress is a durable change."""


class Files(Protocol):
    """Our own. All raise ServiceError."""

    async def purge(self, originals: Sequence[Path], keys: Sequence[VariantKey], *, soft: bool) -> Purged:
        """Discards what was made from these, pyramids too, and what has these keys; some hundreds of both at once.

        `soft`: derivatives stay, stale, until each has been made again.
        """
        ...

    async def labelled(self, label: str, *, after: VariantKey | None) -> Sequence[VariantKey]:
        """The next keys under that label in their order, some hundreds."""
        ...


class _Portion(NamedTuple):
    """Of the library. `keys`: of these assets' files these alone."""

    assets: Sequence[Asset]
    keys: Sequence[VariantKey] | None = None


class Purging:
    """`variant` names what a request gets, see `Delivery.variant`."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        files: Files,
        variant: Callable[[Asset, PictureRequest], Variant],
        presets: Mapping[str, Transform],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._files = files
        self._variant = variant
        self._presets = presets
        self._now = now

    async def carry_out(self, purge: Purge) -> None:
        """Our own files, then what caches in front are to be told. Begun anew where it was begun before.

        Raises ServiceError, and is to be tried again then.
        """
        order, noted = purge.order, time.monotonic()
        receipt = replace(purge.receipt, assets=0, total=await self._count(purge))
        tags = [asset_tag(guid) for guid in order.assets] + [preset_tag(name) for name in order.presets]
        folders = await self._folders(purge.instance, order)
        tags += map(folder_tag, folders)
        async with aclosing(self._portions(purge.instance, order, folders)) as portions:
            async for assets, keys in portions:
                paths = [] if keys is not None else self._paths(assets)
                purged = await self._files.purge(paths, keys or (), soft=order.soft)
                receipt = _added(receipt, len(assets), purged)
                if time.monotonic() > noted + _NOTED_EVERY:
                    await self._catalog.purges.progress(purge.serial, receipt)
                    noted = time.monotonic()
        receipt = replace(receipt, tags=tuple(tags), total=receipt.assets)
        await self._catalog.purges.finish(purge, receipt, now=self._now())
        _log.info("purged", purge=purge.serial, instance=purge.instance, derivatives=receipt.derivatives)

    async def _count(self, purge: Purge) -> int:
        """Assets to be looked at; those of folders are counted when they are met."""
        order = purge.order
        of_instance = await self._catalog.assets.count(purge.instance) if order.everything or order.presets else 0
        times = 1 if order.everything else len(order.presets)
        return len(order.assets) + of_instance * times

    async def _folders(self, instance: Instance, order: PurgeOrder) -> list[int | None]:
        """Those ordered, with all in them; of everything all there are, since every asset lies in one."""
        waiting: list[int | None] = [None] if order.everything else list(order.folders)
        found: dict[int | None, None] = {}
        while waiting:
            folder = waiting.pop()
            if folder in found:
                continue
            try:
                inside = await self._catalog.folders.children(instance, folder)
            except NotFound:
                # It was deleted meanwhile; caches may hold it still.
                inside = []
            found[folder] = None
            waiting += [one.serial for one in inside]
        return list(found)

    async def _portions(
        self, instance: Instance, order: PurgeOrder, folders: Collection[int | None]
    ) -> AsyncGenerator[_Portion]:
        if order.everything:
            async for assets in self._pages(instance, _ASSETS_AT_ONCE):
                yield _Portion(assets)
            return
        refs = [AssetRef(AssetKind.GUID, str(guid), instance) for guid in order.assets]
        for start in range(0, len(refs), _ASSETS_AT_ONCE):
            found = await self._catalog.assets.find_many(refs[start : start + _ASSETS_AT_ONCE])
            yield _Portion([asset for asset in found if asset is not None])
        for folder in folders:
            place: FolderPlace | None = None
            while assets := await self._catalog.assets.in_folder(instance, folder, after=place, limit=_ASSETS_AT_ONCE):
                place = FolderPlace(assets[-1].name, assets[-1].serial)
                yield _Portion(assets)
        for name in order.presets:
            after: VariantKey | None = None
            while keys := await self._files.labelled(preset_label(instance, name), after=after):
                after = keys[-1]
                yield _Portion((), keys)
            async for assets in self._pages(instance, _PLANNED_AT_ONCE):
                yield _Portion(assets, await to_thread.run_sync(self._keys, assets, name))

    async def _pages(self, instance: Instance, limit: int) -> AsyncIterator[Sequence[Asset]]:
        after = 0
        while assets := await self._catalog.assets.following(instance, after=after, limit=limit):
            after = assets[-1].serial
            yield assets

    def _paths(self, assets: Sequence[Asset]) -> list[Path]:
        digests = dict.fromkeys(Digest(asset.original.digest) for asset in assets if asset.original.info is not None)
        return [self._blobs.local_path(digest) for digest in digests]

    def _keys(self, assets: Sequence[Asset], preset: str) -> list[VariantKey]:
        """What the preset alone may have made of them, in every format, by whatever URL it was asked for."""
        transform = find_preset(preset, self._presets)
        if transform is None:
            # It was taken out of the settings; nobody can ask for it any more.
            return []
        keys: list[VariantKey] = []
        for asset in assets:
            if asset.original.info is None:
                continue
            ref = AssetRef(AssetKind.SERIAL, str(asset.serial), asset.instance)
            for output in (name for name, row in FORMATS.items() if row.encodes):
                try:
                    key = self._variant(asset, PictureRequest(ref=ref, transform=transform, extension=output)).key
                except ImgsvcError:
                    # It is answered with a failure, and there is nothing.
                    continue
                keys += [key, provisional_key(key)]
        return list(dict.fromkeys(keys))


def _added(receipt: Receipt, assets: int, purged: Purged) -> Receipt:
    return replace(
        receipt,
        assets=receipt.assets + assets,
        total=max(receipt.total, receipt.assets + assets),
        derivatives=receipt.derivatives + purged.derivatives,
        levels=receipt.levels + purged.levels,
        length=receipt.length + purged.length,
        stale=receipt.stale + purged.stale,
    )
