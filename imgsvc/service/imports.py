"""Originals that a caller names by URL, fetched into the spool."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio import to_thread

from imgsvc.origin.fetch import Origin
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.spool import Spool, Spooled

_HOP = 1 << 20
"""Bytes gathered before a thread writes and hashes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`name` is the file name as the URL has it, perhaps empty."""

    name: str
    spooled: Spooled


class Imports:
    """`limit` in bytes."""

    def __init__(self, *, origin: Origin, blobs: BlobStore, limit: int) -> None:
        self._origin = origin
        self._blobs = blobs
        self._limit = limit

    @asynccontextmanager
    async def spooled(self, url: str, *, of: str) -> AsyncGenerator[Imported]:
        """Gone afterwards unless a store kept it. `of` is the name under which the caller gave the URL.

        Raises InvalidParameter, OriginFailure, PayloadTooLarge, StoreFailure.
        """
        path = await to_thread.run_sync(self._blobs.spool_path)
        with Spool(path, limit=self._limit) as spool:
            async with self._origin.open(url, name=of, limit=self._limit) as fetching:
                gathered: list[bytes] = []
                length = 0
                async for chunk in fetching.chunks:
                    gathered.append(chunk)
                    length += len(chunk)
                    if length >= _HOP:
                        await to_thread.run_sync(spool.write, b"".join(gathered))
                        gathered.clear()
                        length = 0
                await to_thread.run_sync(spool.write, b"".join(gathered))
                file_name = fetching.file_name
            yield Imported(name=file_name, spooled=spool.finish())
