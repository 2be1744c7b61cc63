"""Assets whose pictures are answered, remembered until they change on this host."""

from collections.abc import Sequence
from dataclasses import replace

from cachetools import LRUCache

from imgsvc.catalog.base import Assets
from imgsvc.coordination.local import Generation
from imgsvc.core.assets import NO_ATTRIBUTES, Asset, AssetRef


class RememberedAssets:
    """Used from one event loop, and never stale. What is not there is not remembered.

    Descriptions and attributes are left out: no picture needs them, and at 64 KiB a piece they would add up.

    The generation is read before the rows are, and every look-up asks whether the asset has changed since.
    """

    def __init__(self, assets: Assets, generation: Generation, *, remembered: int = 100_000) -> None:
        self._assets = assets
        self._generation = generation
        self._remembered: LRUCache[AssetRef, tuple[Asset, int]] = LRUCache(remembered)

    async def find(self, ref: AssetRef) -> Asset | None:
        (asset,) = await self.find_many((ref,))
        return asset

    async def find_many(self, refs: Sequence[AssetRef]) -> list[Asset | None]:
        generation = self._generation.value
        found = {ref: self._find(ref) for ref in refs}
        missing = [ref for ref, asset in found.items() if asset is None]
        if missing:
            fresh = [asset and _lean(asset) for asset in await self._assets.find_many(missing)]
            found.update(zip(missing, fresh, strict=True))
            for ref in missing:
                asset = found[ref]
                if asset is not None and self._generation.last_change(asset.serial) <= generation:
                    self._remembered[ref] = asset, generation
        return [found[ref] for ref in refs]

    def _find(self, ref: AssetRef) -> Asset | None:
        asset, generation = self._remembered.get(ref, (None, 0))
        if asset is None or self._generation.last_change(asset.serial) <= generation:
            return asset
        del self._remembered[ref]
        return None


def _lean(asset: Asset) -> Asset:
    return replace(asset, description="", attributes=NO_ATTRIBUTES)
