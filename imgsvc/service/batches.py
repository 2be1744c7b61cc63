"""Which members a batch of assets becomes: originals, or their renditions through the same cache as everybody's."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import to_thread

from imgsvc.core.assets import Asset, AssetKind, AssetRef, Original, name_extension
from imgsvc.core.errors import ImgsvcError, NotFound
from imgsvc.core.formats import file_extension, format_from_extension
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.core.variant import Derivative
from imgsvc.service.archive import GrowingArchive, KnownArchive, make_archive
from imgsvc.service.delivery import SMALL, Delivery, Variant
from imgsvc.service.members import Known, Loaded, Member, count_crc32
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.derivatives import DerivativeFiles

_PAGE = 500
"""Assets held at once: of the others no more than their members need."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """`variant` or why there is none."""

    asset: Asset
    variant: Variant | ImgsvcError


class Batches:
    """`find_many` looks assets up, as `Assets.find_many` does."""

    def __init__(
        self,
        *,
        find_many: Callable[[Sequence[AssetRef]], Awaitable[list[Asset | None]]],
        delivery: Delivery,
        blobs: BlobStore,
        files: DerivativeFiles,
    ) -> None:
        self._find_many = find_many
        self._delivery = delivery
        self._blobs = blobs
        self._files = files

    async def pack(self, refs: Sequence[AssetRef], transform: Transform) -> KnownArchive | GrowingArchive:
        """Each asset once, in the order of `refs`; a file that is no picture as it is, whatever is asked.

        Raises NotFound where any of them is not there, ServiceError.
        """
        members: dict[int, Member] = {}
        for start in range(0, len(refs), _PAGE):
            some = refs[start : start + _PAGE]
            found: list[Asset] = []
            for ref, asset in zip(some, await self._find_many(some), strict=True):
                if asset is None:
                    raise NotFound(f"There is no asset of id {ref.value}.")
                found.append(asset)
            members |= await self._make_members(found, transform)
        return await make_archive(list(members.values()))

    async def _make_members(self, assets: Sequence[Asset], transform: Transform) -> dict[int, Member]:
        planned = await to_thread.run_sync(self._plan, assets, transform)
        variants = [one.variant for one in planned if isinstance(one.variant, Variant)]
        derivatives = dict(zip((id(one) for one in variants), await self._delivery.look(variants), strict=True))
        return await to_thread.run_sync(
            lambda: {
                one.asset.serial: self._member(one, transform, derivatives.get(id(one.variant))) for one in planned
            }
        )

    def _plan(self, assets: Sequence[Asset], transform: Transform) -> list[_Planned]:
        return [_Planned(asset, self._variant(asset, transform)) for asset in assets]

    def _variant(self, asset: Asset, transform: Transform) -> Variant | ImgsvcError:
        asked = NOTHING_ASKED if asset.original.info is None else transform
        try:
            return self._delivery.variant(asset, PictureRequest(ref=_by_serial(asset), transform=asked))
        except ImgsvcError as error:
            return error

    def _member(self, planned: _Planned, transform: Transform, derivative: Derivative | None) -> Member:
        """Looks at an original's file: it must not be missed when its length was promised already. Blocks."""
        asset, variant = planned.asset, planned.variant
        known, read = None, None
        if derivative is not None:
            known, read = Known(derivative.length, derivative.crc32), partial(self._files.read, derivative)
        elif isinstance(variant, Variant) and variant.plan is None:
            known, read = self._known_original(asset.original)
        return Member(
            name=asset.name,
            modified=asset.modified,
            extension=_extension(planned),
            known=known,
            read=read,
            load=partial(self._load, _by_serial(asset), transform),
        )

    def _known_original(self, original: Original) -> tuple[Known | None, Callable[[], bytes | None] | None]:
        path = self._blobs.local_path(original.digest)
        try:
            is_whole = path.stat().st_size == original.length
        except OSError:
            is_whole = False
        if original.crc32 is None or not is_whole:
            return None, None
        return Known(original.length, original.crc32), partial(_read_whole, path) if original.length <= SMALL else None

    async def _load(self, ref: AssetRef, transform: Transform) -> Loaded:
        """Found anew, so that no asset is held for as long as others are sent."""
        (asset,) = await self._find_many([ref])
        if asset is None:
            raise NotFound("The asset was deleted meanwhile.")
        variant = self._variant(asset, transform)
        if isinstance(variant, ImgsvcError):
            raise variant
        body = await self._delivery.load(variant, final=True)
        if body.derivative is not None:
            return Loaded(body, body.derivative.crc32)
        if asset.original.crc32 is not None:
            return Loaded(body, asset.original.crc32)
        return await count_crc32(body)


def _by_serial(asset: Asset) -> AssetRef:
    return AssetRef(AssetKind.SERIAL, str(asset.serial), asset.instance)


def _extension(planned: _Planned) -> str | None:
    """None: the name's own, which is kept where it fits the bytes."""
    asset, variant = planned.asset, planned.variant
    if isinstance(variant, ImgsvcError) or variant.format is None:
        return None
    named = format_from_extension(name_extension(asset.name))
    return None if named is variant.format else file_extension(variant.format)


def _read_whole(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
