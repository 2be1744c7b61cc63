"""Taking originals in: what they are is decided by their bytes, and equal bytes are kept once."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from uuid import UUID

from anyio import CapacityLimiter, to_thread

from imgsvc.catalog.base import Catalog, Edit
from imgsvc.core.assets import (
    Asset,
    AssetRef,
    Instance,
    NewAsset,
    Original,
    StoredFile,
)
from imgsvc.core.errors import NotFound, ServiceError, UnsupportedMedia
from imgsvc.core.formats import file_extension, readable_formats, sniff_format
from imgsvc.core.media import claims_to_be_picture
from imgsvc.render.base import Prober
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.spool import Spooled

_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`is_new` False: the very file was there under the very name, and nothing was changed."""

    asset: Asset
    is_new: bool


def _unchanged(asset: Asset) -> Asset:
    return asset


class Ingest:
    """Of all methods: an original is durable before an asset that shows it can be seen.

    Bytes that are a picture must decode to their end; bytes that are none are taken as a file, unless their name says
    that they are a picture. All raise UnsupportedMedia, NotAnImage, CorruptOriginal, TooManyPixels, ServiceError.
    """

    def __init__(self, *, catalog: Catalog, blobs: BlobStore, prober: Prober, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._prober = prober
        self._now = now
        # Who waits for the lock must not take the threads that who has it needs.
        self._waiting = CapacityLimiter(1)

    async def add(self, spooled: Spooled, new: NewAsset) -> Asset:
        """A new asset, also where the bytes are known. Raises Conflict, NotFound as `Assets.add` does."""
        new = replace(new, name=clean_name(new.name))
        original = await self._examine(spooled, new.name)
        async with self._keeping(spooled, original):
            return await self._catalog.assets.add(new, original, now=self._now())

    async def add_once(self, spooled: Spooled, new: NewAsset) -> Taken:
        """As `add`, but safe to repeat, also at the same time, and of pictures alone. What is known is not decoded."""
        new = replace(new, name=clean_name(new.name))
        same = await self._catalog.assets.find_same(new.instance, new.name, spooled.digest)
        if same is not None:
            return Taken(asset=same, is_new=False)
        if sniff_format(spooled.head) is None:
            raise _not_taken(spooled)
        original = await self._examine(spooled, new.name)
        async with self._keeping(spooled, original):
            asset, is_new = await self._catalog.assets.add_once(new, original, now=self._now())
        return Taken(asset=asset, is_new=is_new)

    async def send_ahead(self, spooled: Spooled, name: str, instance: Instance) -> StoredFile:
        """Kept for a while without an asset; `add_file` and `replace_by_file` give it one."""
        name = clean_name(name)
        original = await self._examine(spooled, name)
        async with self._keeping(spooled, original):
            return await self._catalog.files.add(instance, name, original, now=self._now())

    async def add_file(self, file_id: UUID, new: NewAsset) -> Asset:
        """`new.name` empty: the file's. Raises NotFound where there is no such file, Conflict."""
        async with self._keeping():
            file = await self._find_file(new.instance, file_id)
            new = replace(new, name=clean_name(new.name or file.name))
            asset = await self._catalog.assets.add(new, file.original, now=self._now())
            await self._catalog.files.use(new.instance, file_id)
            return asset

    async def replace(
        self, ref: AssetRef, spooled: Spooled, name: str, *, by: int = 0, edit: Edit = _unchanged
    ) -> Asset:
        """The asset keeps its ids and shows the new bytes from the next request on, everywhere.

        Its name stays, but for the extension where the new bytes are of another kind: of a picture that of its
        format, of another file that of `name`. What else changes at the same moment `edit` says. Raises NotFound.
        """
        if await self._catalog.assets.find(ref) is None:
            raise NotFound("There is no asset of that id.")
        original = await self._examine(spooled, name)
        async with self._keeping(spooled, original):
            return await self._show(ref, original, clean_name(name), by, edit)

    async def replace_by_file(
        self, ref: AssetRef, file_id: UUID, instance: Instance, *, by: int = 0, edit: Edit = _unchanged
    ) -> Asset:
        """As `replace`, with bytes that were sent ahead."""
        async with self._keeping():
            file = await self._find_file(instance, file_id)
            asset = await self._show(ref, file.original, file.name, by, edit)
            await self._catalog.files.use(instance, file_id)
            return asset

    async def _show(self, ref: AssetRef, original: Original, name: str, by: int, edit: Edit) -> Asset:
        def show(asset: Asset) -> Asset:
            return edit(replace(asset, original=original, name=_renamed(asset, original, name)))

        (asset,) = await self._catalog.assets.change({ref: show}, by=by, now=self._now())
        return asset

    async def _find_file(self, instance: Instance, file_id: UUID) -> StoredFile:
        file = await self._catalog.files.find(instance, file_id)
        if file is None:
            raise NotFound("There is no file of that id.")
        return file

    async def _examine(self, spooled: Spooled, name: str) -> Original:
        source = sniff_format(spooled.head)
        if source is None and (spooled.length == 0 or claims_to_be_picture(name)):
            raise _not_taken(spooled)
        info = None if source is None else await self._prober.probe(spooled.path, source)
        return Original(
            digest=spooled.digest,
            md5=spooled.md5,
            crc32=spooled.crc32,
            length=spooled.length,
            info=info,
        )

    @asynccontextmanager
    async def _keeping(self, spooled: Spooled | None = None, original: Original | None = None) -> AsyncGenerator[None]:
        """Until the asset is entered nobody may take its bytes for unused; then it is prepared for its renditions."""
        keeping = self._blobs.keeping()
        await to_thread.run_sync(keeping.__enter__, limiter=self._waiting)
        try:
            if spooled is not None:
                # Until an asset shows them they are nobody's, and a sweep finds them, whatever dies or fails now.
                await self._catalog.originals.retire(spooled.digest, now=self._now())
                await to_thread.run_sync(self._blobs.keep, spooled.path, spooled.digest)
            yield
        finally:
            keeping.__exit__(None, None, None)
        if original is not None and original.info is not None:
            # It is taken in whether or not this can be had.
            with suppress(ServiceError):
                await self._prober.prepare(self._blobs.local_path(original.digest), original.info)


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


def _renamed(asset: Asset, original: Original, name: str) -> str:
    before, after = asset.original.info, original.info
    if after is None:
        suffix = PurePosixPath(name).suffix
        stays = before is None and suffix.lower() in ("", PurePosixPath(asset.name).suffix.lower())
    else:
        suffix = f".{file_extension(after.format)}"
        stays = before is not None and before.format is after.format
    return asset.name if stays else clean_name(PurePosixPath(asset.name).stem + suffix)


def _not_taken(spooled: Spooled) -> UnsupportedMedia:
    what = "The file is empty" if spooled.length == 0 else "The file is of another format"
    return UnsupportedMedia(f"{what}; taken in are {readable_formats()}.")
