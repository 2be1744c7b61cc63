"""A catalogue that remembers what it found until anything changes on this host."""

from datetime import datetime
from uuid import UUID

from cachetools import LRUCache

from imgsvc.catalog.base import Catalog
from imgsvc.coordination.local import Generation
from imgsvc.core.assets import Asset, AssetRef, Digest, Original
from imgsvc.core.tokens import Token, TokenDigest


class CachedCatalog:
    """Used from one event loop, and never stale. What is not there is not remembered.

    The generation is read before the rows are and compared at every look-up; whoever writes bumps it once the change
    is durable.
    """

    def __init__(self, catalog: Catalog, generation: Generation, *, assets: int = 100_000) -> None:
        self._catalog = catalog
        self._generation = generation
        self._assets: LRUCache[AssetRef, Asset] = LRUCache(assets)
        self._seen = generation.value

    async def find(self, ref: AssetRef) -> Asset | None:
        generation = self._generation.value
        if generation != self._seen:
            self._assets.clear()
            self._seen = generation
        asset = self._assets.get(ref)
        if asset is not None:
            return asset
        asset = await self._catalog.find(ref)
        if asset is not None and generation == self._seen == self._generation.value:
            self._assets[ref] = asset
        return asset

    async def find_same(self, name: str, digest: Digest) -> Asset | None:
        return await self._catalog.find_same(name, digest)

    async def add(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> Asset:
        """Nobody remembers what was not there, so no generation is used up."""
        return await self._catalog.add(asset_id, name, original, now=now)

    async def add_once(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        return await self._catalog.add_once(asset_id, name, original, now=now)

    async def replace(self, asset_id: UUID, original: Original, *, now: datetime) -> Asset | None:
        try:
            return await self._catalog.replace(asset_id, original, now=now)
        finally:
            self._generation.bump()

    async def is_empty(self) -> bool:
        return await self._catalog.is_empty()

    async def add_token(self, token: Token) -> None:
        await self._catalog.add_token(token)

    async def find_token(self, digest: TokenDigest) -> Token | None:
        return await self._catalog.find_token(digest)

    async def list_tokens(self) -> list[Token]:
        return await self._catalog.list_tokens()

    async def revoke_tokens(self, name: str) -> int:
        return await self._catalog.revoke_tokens(name)
