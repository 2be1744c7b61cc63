"""From what a URL asks for to bytes: which variant it is, without a pixel, and then its file, made or found."""

from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

from anyio import to_thread
from cachetools import LRUCache

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset, Original
from imgsvc.core.errors import NotFound, NotPermitted, StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan, plan_stripped_original
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Metadata, Transform
from imgsvc.core.variant import Derivative, VariantKey, variant_key
from imgsvc.render.base import Renderer
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.derivatives import DerivativeFiles

SMALL = 512 * 1024
"""Bytes up to which a file is read whole in one thread hop; above it is streamed."""

_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is to be answered. `plan` None: the original's bytes as they came, `transform` asks for nothing then."""

    asset: Asset
    transform: Transform
    plan: Plan | None
    key: VariantKey
    format: Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Bytes to be sent: `data` where they are few, else `file`, open. `derivative` None for an original."""

    length: int
    data: bytes | None = None
    file: FileIO | None = None
    derivative: Derivative | None = None

    def close(self) -> None:
        """By who was given it."""
        if self.file is not None:
            self.file.close()


class Delivery:
    """`revision` names the renderer; see `variant_key`. `strip_originals`: not even they go out with their metadata."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        files: DerivativeFiles,
        renderer: Renderer,
        defaults: Defaults,
        limits: Limits,
        revision: str,
        strip_originals: bool,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._files = files
        self._renderer = renderer
        self._defaults = defaults
        self._limits = limits
        self._revision = revision
        self._strip_originals = strip_originals
        self._known: LRUCache[VariantKey, Derivative] = LRUCache(_REMEMBERED)

    async def identify(self, request: PictureRequest) -> Variant:
        """No file is touched and nothing rendered. Raises NotFound, NotPermitted, InvalidParameter, TooManyPixels."""
        asset = await self._catalog.find(request.ref)
        if asset is None:
            raise NotFound("There is no asset of that name.")
        if request.transform.metadata is Metadata.KEEP and self._strip_originals:
            raise NotPermitted("Metadata is never given out here.")
        original = asset.original
        transform = request.transform
        own_format = request.extension in (None, original.info.format)
        if transform == NOTHING_ASKED and own_format and request.key is None:
            return self._identify_original(asset)
        if request.extension is not None:
            transform = replace(transform, format=request.extension)
        plan = make_plan(original, transform, defaults=self._defaults, limits=self._limits)
        return Variant(
            asset=asset,
            transform=replace(transform, format=plan.encoding.format),
            plan=plan,
            key=self._key(original, plan),
            format=plan.encoding.format,
        )

    async def load(self, variant: Variant) -> Body:
        """Rendered where it is not there; what is there is compared with what is known of it, and made again if wrong.

        Who asked closes it. Raises what Renderer.render raises, StoreFailure.
        """
        original = variant.asset.original
        path = self._blobs.local_path(original.digest)
        if variant.plan is None:
            return await to_thread.run_sync(_open_original, path, original)
        for look in (self._remembered, self._asked, self._asked_anew):
            derivative = await look(variant.key, path, variant.plan)
            body = None if derivative is None else await to_thread.run_sync(self._read, derivative)
            if body is not None:
                return body
        raise StoreFailure("The rendition cannot be read back.")

    def _read(self, derivative: Derivative) -> Body | None:
        """None where the file is not what it should be. Blocks."""
        if derivative.length <= SMALL:
            data = self._files.read(derivative)
            return None if data is None else Body(length=derivative.length, data=data, derivative=derivative)
        file = self._files.open(derivative)
        return None if file is None else Body(length=derivative.length, file=file, derivative=derivative)

    def _identify_original(self, asset: Asset) -> Variant:
        original = asset.original
        output = original.info.format
        plan = None
        if self._strip_originals:
            plan = plan_stripped_original(original, defaults=self._defaults, limits=self._limits)
        return Variant(
            asset=asset,
            transform=NOTHING_ASKED,
            plan=plan,
            key=_original_key(original) if plan is None else self._key(original, plan),
            format=output,
        )

    def _key(self, original: Original, plan: Plan) -> VariantKey:
        return variant_key(original.digest, plan, revision=self._revision)

    async def _remembered(self, key: VariantKey, original: Path, plan: Plan) -> Derivative | None:
        """What this process was told of it; the file may have been evicted since."""
        return self._known.get(key)

    async def _asked(self, key: VariantKey, original: Path, plan: Plan) -> Derivative:
        self._known[key] = derivative = await self._renderer.render(key, original, plan)
        return derivative

    async def _asked_anew(self, key: VariantKey, original: Path, plan: Plan) -> Derivative:
        """The file is there and not what it should be."""
        self._known[key] = derivative = await self._renderer.render(key, original, plan, distrust=True)
        return derivative


def _original_key(original: Original) -> VariantKey:
    """The start of the digest itself: as long as any key and equal to none that a plan gives."""
    return VariantKey(original.digest[:32])


def _open_original(path: Path, original: Original) -> Body:
    """Raises StoreFailure."""
    try:
        if original.length <= SMALL:
            body = Body(length=original.length, data=path.read_bytes())
            present = len(body.data or b"")
        else:
            body = Body(length=original.length, file=path.open("rb", buffering=0))
            present = path.stat().st_size
    except OSError as error:
        raise StoreFailure("The original cannot be read at the moment.") from error
    if present != original.length:
        body.close()
        raise StoreFailure("The original is not whole.")
    return body
