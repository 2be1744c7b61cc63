"""From what a URL asks for to bytes: which variant it is, without a pixel, and then its file, made or found."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

from anyio import to_thread

from imgsvc.core.assets import Asset, AssetKind, AssetRef, ImageInfo, Original
from imgsvc.core.errors import CorruptOriginal, NotAnImage, NotFound, NotPermitted, OriginalLost, StoreFailure
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.limits import Limits
from imgsvc.core.media import media_type
from imgsvc.core.negotiation import choose_format
from imgsvc.core.plan import Defaults, Plan, plan_stripped_original
from imgsvc.core.requests import PictureRequest
from imgsvc.core.tags import preset_label
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Metadata, Transform
from imgsvc.core.variant import Derivative, VariantKey, variant_key
from imgsvc.render.base import Renderer
from imgsvc.service.known import KnownDerivatives
from imgsvc.service.plans import Plans
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.derivatives import DerivativeFiles

SMALL = 512 * 1024
"""Bytes up to which a file is read whole in one thread hop; above it is streamed."""

_EVICTED_AT_MOST = 4
"""How often a rendition may go between the broker's answer and our reading it, where the cache holds hardly one."""

Find = Callable[[AssetRef], Awaitable[Asset | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is to be answered. `plan` None: the original's bytes as they came, `transform` asks for nothing then.

    `format` None: not a picture. `instead`: what may be answered for the time being, while this one is being made.
    `preset`: by which it was asked for, if by any.
    """

    asset: Asset
    transform: Transform
    plan: Plan | None
    key: VariantKey
    format: Format | None
    instead: Format | None = None
    preset: str | None = None

    @property
    def media_type(self) -> str:
        if self.format is None:
            return media_type(self.asset.name, self.asset.original)
        return FORMATS[self.format].media_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Bytes to be sent: `data` where they are few, else `file`, open. `derivative` None for an original.

    Where the derivative's key is not the variant's it is a provisional one (see `Renderer.render`), or of the format
    that is there instead; that, or a stale one, is answered for a short time. `asked`: the renderer was asked for it,
    which found it or made it.
    """

    length: int
    data: bytes | None = None
    file: FileIO | None = None
    derivative: Derivative | None = None
    asked: bool = False

    def close(self) -> None:
        """By who was given it."""
        if self.file is not None:
            self.file.close()


class Delivery:
    """`find` looks an asset up; `revision` names the renderer, see `variant_key`.

    `purged` as in `KnownDerivatives`. `strip_originals`: not even they go out with their metadata.
    """

    def __init__(
        self,
        *,
        find: Find,
        blobs: BlobStore,
        files: DerivativeFiles,
        renderer: Renderer,
        defaults: Defaults,
        limits: Limits,
        revision: str,
        purged: Callable[[], int],
        strip_originals: bool,
    ) -> None:
        self._find = find
        self._blobs = blobs
        self._files = files
        self._renderer = renderer
        self._defaults = defaults
        self._limits = limits
        self._revision = revision
        self._strip_originals = strip_originals
        self._plans = Plans(defaults=defaults, limits=limits)
        self._known = KnownDerivatives(purged)

    async def identify(self, request: PictureRequest) -> Variant:
        """No file is touched and nothing rendered. Raises NotFound and what `variant` raises."""
        return self.variant(await self._found(request.ref), request)

    def variant(self, asset: Asset, request: PictureRequest) -> Variant:
        """Of an asset that was found already. Raises NotAnImage, NotPermitted, InvalidParameter, TooManyPixels."""
        if request.transform.metadata is Metadata.KEEP and self._strip_originals:
            raise NotPermitted("Metadata is never given out here.")
        original = asset.original
        transform = request.transform
        if original.info is None:
            if transform != NOTHING_ASKED or request.extension is not None or request.redirect:
                raise NotAnImage("The asset is not a picture.")
            return _variant_of_file(asset)
        own_format = request.extension in (None, original.info.format)
        if transform == NOTHING_ASKED and own_format and request.key is None:
            return self._variant_of_original(asset, original.info)
        if request.extension is not None:
            transform = replace(transform, format=request.extension)
        instead = None
        if transform.format is AUTO:
            output, instead = choose_format(original.info, request.accepted, background=transform.background)
            transform = replace(transform, format=output)
        # What is saved is looked at later.
        instead = None if request.download else instead
        return self._variant_of_rendition(asset, transform, instead=instead, preset=request.preset)

    def stand_in(self, variant: Variant) -> Variant:
        """The same in the format of its `instead`."""
        transform = replace(variant.transform, format=variant.instead)
        return self._variant_of_rendition(variant.asset, transform, preset=variant.preset)

    async def load(self, variant: Variant, *, final: bool = False, client: str = "") -> Body:
        """Rendered where it is not there; what is there is compared with what is known of it, and made again if wrong.

        `final` and `client` as in `Renderer.render`. Who asked closes it. Raises what `make` raises, StoreFailure.
        """
        if variant.plan is None:
            original = variant.asset.original
            async with self._missing_only_if_shown(variant.asset):
                return await to_thread.run_sync(_open_original, self._blobs.local_path(original.digest), original)
        known = self.known(variant)
        body = None if known is None else await self.read(known)
        if body is not None:
            return body
        for distrust in (False, True, *(False,) * _EVICTED_AT_MOST):
            derivative = await self.make(variant, final=final, distrust=distrust, client=client)
            body = await self.read(derivative)
            if body is None and derivative.stale:
                # It may have been made again meanwhile: what is there now is not to be distrusted unseen.
                body = await self.read(await self.make(variant, final=final, client=client))
            if body is not None:
                return replace(body, asked=True)
        raise StoreFailure("The rendition cannot be read back.")

    def known(self, variant: Variant) -> Derivative | None:
        """What this process was told of it since the last purge; the file may be gone meanwhile. Never stale."""
        return self._known.find(variant.key)

    async def make(
        self, variant: Variant, *, final: bool = False, distrust: bool = False, client: str = ""
    ) -> Derivative:
        """Of a variant that has a plan; as `Renderer.render`. Raises what that raises, NotFound.

        An original that was decoded to its end when it was taken in, and is not as long any more, is lost and not
        corrupt.
        """
        original, plan = variant.asset.original, variant.plan
        assert plan is not None
        purge = self._known.purge
        path = self._blobs.local_path(original.digest)
        async with self._missing_only_if_shown(variant.asset):
            try:
                derivative = await self._renderer.render(
                    variant.key,
                    path,
                    original.picture,
                    plan,
                    distrust=distrust,
                    final=final,
                    client=client,
                    label="" if variant.preset is None else preset_label(variant.asset.instance, variant.preset),
                )
            except CorruptOriginal:
                (await to_thread.run_sync(_open_original, path, original)).close()
                raise
        if derivative.key == variant.key:
            self._known.remember([derivative], purge=purge)
        return derivative

    async def read(self, derivative: Derivative) -> Body | None:
        """None where the file is not what it should be, which then is no longer known."""
        data = self._files.read_cached(derivative)
        if data is not None:
            return Body(length=derivative.length, data=data, derivative=derivative)
        body = await to_thread.run_sync(self._read, derivative)
        if body is None:
            self._known.forget(derivative.key)
        return body

    async def look(self, variants: Sequence[Variant]) -> list[Derivative | None]:
        """What is rendered already, in the order of `variants`; of an original's bytes None. Nothing is rendered.

        What this process was told of may have been evicted since; it is made again as it was. Raises ServiceError.
        """
        purge = self._known.purge
        known = {one.key: self._known.find(one.key) for one in variants if one.plan is not None}
        missing = [key for key, derivative in known.items() if derivative is None]
        found = [one for one in await self._renderer.find(missing) if one is not None] if missing else []
        self._known.remember(found, purge=purge)
        known |= {one.key: one for one in found}
        return [None if variant.plan is None else known[variant.key] for variant in variants]

    async def _found(self, ref: AssetRef) -> Asset:
        if (asset := await self._find(ref)) is None:
            raise NotFound("There is no asset of that name.")
        return asset

    @asynccontextmanager
    async def _missing_only_if_shown(self, asset: Asset) -> AsyncGenerator[None]:
        """The original of an asset that was deleted meanwhile is gone as it should be. Raises NotFound."""
        try:
            yield
        except OriginalLost:
            await self._found(AssetRef(AssetKind.GUID, str(asset.id), asset.instance))
            raise

    def _read(self, derivative: Derivative) -> Body | None:
        """Blocks."""
        if derivative.length <= SMALL:
            data = self._files.read(derivative)
            return None if data is None else Body(length=derivative.length, data=data, derivative=derivative)
        file = self._files.open(derivative)
        return None if file is None else Body(length=derivative.length, file=file, derivative=derivative)

    def _variant_of_original(self, asset: Asset, info: ImageInfo) -> Variant:
        original = asset.original
        plan = None
        if self._strip_originals:
            plan = plan_stripped_original(original, defaults=self._defaults, limits=self._limits)
        return Variant(
            asset=asset,
            transform=NOTHING_ASKED,
            plan=plan,
            key=_original_key(original)
            if plan is None
            else variant_key(original.digest, plan.canonical(), revision=self._revision),
            format=info.format,
        )

    def _variant_of_rendition(
        self, asset: Asset, transform: Transform, *, preset: str | None, instead: Format | None = None
    ) -> Variant:
        made = self._plans.make(asset.original, transform)
        return Variant(
            asset=asset,
            transform=made.transform,
            plan=made.plan,
            key=variant_key(asset.original.digest, made.canonical, revision=self._revision),
            format=made.plan.encoding.format,
            instead=instead,
            preset=preset,
        )


def _variant_of_file(asset: Asset) -> Variant:
    return Variant(asset=asset, transform=NOTHING_ASKED, plan=None, key=_original_key(asset.original), format=None)


def _original_key(original: Original) -> VariantKey:
    """The start of the digest itself: as long as any key and equal to none that a plan gives."""
    return VariantKey(original.digest[:32])


def _open_original(path: Path, original: Original) -> Body:
    """Raises OriginalLost."""
    try:
        if original.length <= SMALL:
            body = Body(length=original.length, data=path.read_bytes())
            present = len(body.data or b"")
        else:
            body = Body(length=original.length, file=path.open("rb", buffering=0))
            present = path.stat().st_size
    except OSError as error:
        raise OriginalLost("The original cannot be read at the moment.") from error
    if present != original.length:
        body.close()
        raise OriginalLost("The original is not whole.")
    return body
