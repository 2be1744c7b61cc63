"""Taking originals in: what they are is decided by their bytes, and equal bytes are kept once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from anyio import to_thread

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Original
from imgsvc.core.errors import NotFound, UnsupportedMedia
from imgsvc.core.formats import readable_formats, sniff_format
from imgsvc.render.base import Prober
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.spool import Spooled

_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`is_new` False: the very file was there under the very name, and nothing was changed."""

    asset: Asset
    is_new: bool


class Ingest:
    def __init__(self, *, catalog: Catalog, blobs: BlobStore, prober: Prober, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._prober = prober
        self._now = now

    async def add(self, spooled: Spooled, name: str, *, asset_id: UUID | None = None) -> Asset:
        """A new asset, also where the bytes are known. The original is durable before the asset can be seen.

        Raises UnsupportedMedia, NotAnImage, CorruptOriginal, TooManyPixels, Conflict, ServiceError.
        """
        original = await self._keep(spooled)
        return await self._catalog.add(asset_id or uuid4(), clean_name(name), original, now=self._now())

    async def add_once(self, spooled: Spooled, name: str, *, asset_id: UUID | None = None) -> Taken:
        """As `add`, but safe to repeat, also at the same time. What is known is not decoded again."""
        name = clean_name(name)
        same = await self._catalog.find_same(name, spooled.digest)
        if same is not None:
            return Taken(asset=same, is_new=False)
        original = await self._keep(spooled)
        asset, is_new = await self._catalog.add_once(asset_id or uuid4(), name, original, now=self._now())
        return Taken(asset=asset, is_new=is_new)

    async def replace(self, asset_id: UUID, spooled: Spooled) -> Asset:
        """The asset keeps id, slug and name and shows the new bytes from the next request on, everywhere.

        Raises NotFound and what `add` raises.
        """
        missing = NotFound("There is no asset of that id.")
        if await self._catalog.find(AssetRef(AssetKind.GUID, str(asset_id))) is None:
            raise missing
        original = await self._keep(spooled)
        asset = await self._catalog.replace(asset_id, original, now=self._now())
        if asset is None:
            raise missing
        return asset

    async def _keep(self, spooled: Spooled) -> Original:
        source = sniff_format(spooled.head)
        if source is None:
            what = "The file is empty" if spooled.length == 0 else "The file is of another format"
            raise UnsupportedMedia(f"{what}; taken in are {readable_formats()}.")
        info = await self._prober.probe(spooled.path, source)
        await to_thread.run_sync(self._blobs.keep, spooled.path, spooled.digest)
        return Original(digest=spooled.digest, md5=spooled.md5, length=spooled.length, info=info)


def clean_name(name: str) -> str:
    """The last part of a path, without control characters, at most 255 characters with its extension kept."""
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in last if character.isprintable()).strip()
    if not printable or printable in (".", ".."):
        return "picture"
    if len(printable) <= _MAX_NAME:
        return printable
    stem, dot, extension = printable.rpartition(".")
    tail = f"{dot}{extension}" if stem and len(extension) <= 10 else ""
    return printable[: _MAX_NAME - len(tail)] + tail
