"""Taking assets out, and the bytes that nobody shows any more."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from anyio import CapacityLimiter, to_thread

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset, AssetRef, Digest
from imgsvc.core.errors import ServiceError, StoreFailure
from imgsvc.storage.blobs import BlobStore

_log = structlog.get_logger(__name__)

_GRACE = timedelta(minutes=2)
"""A replaced original stays as long as a render of it may have been waiting when it was replaced."""

_FILES_KEPT = timedelta(days=7)
"""Files sent ahead wait that long for their asset."""

_SPOOLED_SECONDS = 24 * 3600.0
"""No upload takes that long."""


class Removal:
    """Bytes are freed when the catalogue says that nobody shows them, while nobody can enter them anew.

    A death in between leaves work that a later sweep finds in the catalogue, never a record without its bytes.
    `forget` discards what was made from the original at a path.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        forget: Callable[[Path], Awaitable[int]],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._forget = forget
        self._now = now
        # Waiting for the lock takes a thread; those of everybody else must stay free for who holds it.
        self._freeing = asyncio.Lock()
        self._limiter = CapacityLimiter(1)

    async def delete(self, refs: Collection[AssetRef]) -> list[Asset]:
        """All of them or none; with the last asset that shows them the bytes go, and what was made of them.

        What cannot be freed now is logged, and left to a sweep. Raises NotFound, StoreFailure.
        """
        gone = await self._catalog.assets.delete(refs, now=self._now())
        try:
            await self._free({asset.original.digest for asset in gone})
        except StoreFailure as error:
            _log.warning("originals.not_freed", detail=error.detail)
        return gone

    async def sweep(self) -> None:
        """Frees what was replaced or sent ahead in vain some time ago. What cannot be freed now is logged, and left."""
        now = self._now()
        try:
            await to_thread.run_sync(lambda: self._blobs.clear_spool(older_than=_SPOOLED_SECONDS))
            await self._catalog.files.expire(before=now - _FILES_KEPT, now=now)
            retired = await self._catalog.originals.retired(before=now - _GRACE)
            if retired:
                await self._free(set(retired))
        except StoreFailure as error:
            _log.warning("originals.not_freed", detail=error.detail)

    async def _free(self, digests: Collection[Digest]) -> None:
        async with self._freeing:
            freeing = self._blobs.freeing()
            await to_thread.run_sync(freeing.__enter__, limiter=self._limiter)
            try:
                unused = await self._catalog.originals.unused(digests)
                await self._catalog.files.forget_used(unused)
                freed = await to_thread.run_sync(self._unlink, unused, limiter=self._limiter)
                kept = set(unused) - set(freed)
                await self._catalog.originals.settle([one for one in digests if one not in kept], gone=freed)
            finally:
                freeing.__exit__(None, None, None)
        for digest in freed:
            await self._forget_renditions(digest)

    def _unlink(self, digests: Collection[Digest]) -> list[Digest]:
        """Those that are gone; the others stay retired. Blocks."""
        freed: list[Digest] = []
        for digest in digests:
            try:
                self._blobs.free(digest)
            except StoreFailure as error:
                _log.warning("originals.not_freed", digest=digest, detail=error.detail)
            else:
                freed.append(digest)
        return freed

    async def _forget_renditions(self, digest: Digest) -> None:
        """Nothing leads to them any more; where the broker does not answer, eviction takes them in time."""
        try:
            await self._forget(self._blobs.local_path(digest))
        except ServiceError as error:
            _log.warning("derivatives.not_forgotten", digest=digest, detail=error.detail)
