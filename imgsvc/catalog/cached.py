"""Assets whose pictures are answered, remembered until anything changes on this host."""

from collections.abc import Sequence
from dataclasses import replace

from cachetools import LRUCache

from imgsvc.catalog.base import Assets
from imgsvc.coordination.local import Generation
from imgsvc.core.assets import NO_ATTRIBUTES, Asset, AssetRef


class RememberedAssets:
    """Used from one event loop, and never stale. What is not there is not remembered.

    Descriptions and attributes are left out: no picture needs them, and at 64 KiB a piece they would add up.

    The generation is read before the rows are and compared at every look-up; it is bumped once a change is durable.
    """

    def __init__(self, assets: Assets, generation: Generation, *, remembered: int = 100_000) -> None:
        self._assets = assets
        self._generation = generation
        self._remembered: LRUCache[AssetRef, Asset] = LRUCache(remembered)
        self._seen = generation.value

    async def find(self, ref: AssetRef) -> Asset | None:
        (asset,) = await self.find_many((ref,))
        return asset

    async def find_many(self, refs: Sequence[AssetRef]) -> list[Asset | None]:
        generation = self._generation.value
        if generation != self._seen:
            self._remembered.clear()
            self._seen = generation
        found = {ref: self._remembered.get(ref) for ref in refs}
        missing = [ref for ref, asset in found.items() if asset is None]
        if missing:
            fresh = [asset and _lean(asset) for asset in await self._assets.find_many(missing)]
            found.update(zip(missing, fresh, strict=True))
            if generation == self._seen == self._generation.value:
                self._remembered.update((ref, asset) for ref in missing if (asset := found[ref]) is not None)
        return [found[ref] for ref in refs]


def _lean(asset: Asset) -> Asset:
    return replace(asset, description="", attributes=NO_ATTRIBUTES)
