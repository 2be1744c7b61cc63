"""Assets that picture URLs name, remembered until anything changes on this host."""

from cachetools import LRUCache

from imgsvc.catalog.base import Assets
from imgsvc.coordination.local import Generation
from imgsvc.core.assets import Asset, AssetRef


class RememberedAssets:
    """Used from one event loop, and never stale. What is not there is not remembered.

    The generation is read before the rows are and compared at every look-up; it is bumped once a change is durable.
    """

    def __init__(self, assets: Assets, generation: Generation, *, remembered: int = 100_000) -> None:
        self._assets = assets
        self._generation = generation
        self._remembered: LRUCache[AssetRef, Asset] = LRUCache(remembered)
        self._seen = generation.value

    async def find(self, ref: AssetRef) -> Asset | None:
        generation = self._generation.value
        if generation != self._seen:
            self._remembered.clear()
            self._seen = generation
        asset = self._remembered.get(ref)
        if asset is not None:
            return asset
        asset = await self._assets.find(ref)
        if asset is not None and generation == self._seen == self._generation.value:
            self._remembered[ref] = asset
        return asset
