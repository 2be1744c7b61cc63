"""The official fakes: what stands in for render workers and stores where a test is about something else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path
from uuid import UUID
from zlib import crc32

from imgsvc.core.assets import Asset, Digest, ImageInfo, Instance, Original, Slug
from imgsvc.core.errors import ImgsvcError
from imgsvc.core.formats import SNIFFED_BYTES, Format
from imgsvc.core.geometry import Size
from imgsvc.core.plan import Plan
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.spool import Spooled

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

PNG = b"\x89PNG\r\n\x1a\n"
"""Enough to be taken for one by its signature."""


GUID = UUID("732130d2-b673-461c-812b-62b614d6076e")

_SIZE = Size(600, 400)


def make_original(data: bytes = PNG, *, info: ImageInfo | None = None) -> Original:
    """Of bytes that nobody decodes; 600 x 400 px, PNG, where `info` does not say otherwise."""
    info = info or ImageInfo(format=Format.PNG, size=_SIZE)
    return Original(
        digest=Digest(sha256(data).hexdigest()),
        md5=md5(data, usedforsecurity=False).hexdigest(),
        crc32=crc32(data),
        length=len(data),
        info=info,
    )


def make_file(data: bytes = b"%PDF-1.7") -> Original:
    """Of bytes that are no picture."""
    return replace(make_original(data), info=None)


def make_asset(name: str = "shirt.png", *, original: Original | None = None, code: str | None = None) -> Asset:
    """As a catalogue gives it: GUID 732130d2-…, serial 7, slug wuqj0ouk, in the instance `shop`."""
    return Asset(
        id=GUID,
        serial=7,
        slug=Slug("wuqj0ouk"),
        instance=Instance("shop"),
        code=str(GUID) if code is None else code,
        name=name,
        original=original or make_original(),
        created=NOON,
        modified=NOON,
    )


def make_spooled(path: Path, data: bytes) -> Spooled:
    """As a Spool leaves it: a complete file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Spooled(
        path=path,
        digest=Digest(sha256(data).hexdigest()),
        md5=md5(data, usedforsecurity=False).hexdigest(),
        crc32=crc32(data),
        length=len(data),
        head=data[:SNIFFED_BYTES],
    )


@dataclass
class FakeProber:
    """Believes every file to be `size` px large, unless it is told to fail. `probed` is what it was asked.

    `prepared` are the originals that it was to prepare, unless `unprepared` says why it cannot.
    """

    size: Size = _SIZE
    failure: ImgsvcError | None = None
    unprepared: ImgsvcError | None = None
    probed: list[tuple[Path, Format]] = field(default_factory=list[tuple[Path, Format]])
    prepared: list[Path] = field(default_factory=list[Path])

    async def probe(self, path: Path, source: Format) -> ImageInfo:
        self.probed.append((path, source))
        if self.failure is not None:
            raise self.failure
        return ImageInfo(format=source, size=self.size)

    async def prepare(self, original: Path, info: ImageInfo) -> None:
        if self.unprepared is not None:
            raise self.unprepared
        self.prepared.append(original)


@dataclass
class FakeRenderer(FakeProber):
    """Writes the plan's own text in place of pixels, where `files` looks for derivatives.

    `rendered` are the keys it was asked for, in order; `distrusted` those that it was told are wrong on disk. It finds
    what it has written before as the broker's index does: without looking into the file. `before_answering` is called
    with each derivative's path when it has been written. `looked_for` are the keys of each `find`, `forgotten` the
    originals that it was told to forget. What is `stale` is answered first, the last of it. While it has `no_pyramid`
    it answers provisionally where it may.
    """

    files: DerivativeFiles = field(kw_only=True)
    before_answering: Callable[[Path], None] | None = None
    no_pyramid: bool = False
    stale: list[Derivative] = field(default_factory=list[Derivative])
    asked: list[VariantKey] = field(default_factory=list[VariantKey])
    rendered: list[VariantKey] = field(default_factory=list[VariantKey])
    distrusted: list[VariantKey] = field(default_factory=list[VariantKey])
    looked_for: list[list[VariantKey]] = field(default_factory=list[list[VariantKey]])
    forgotten: list[Path] = field(default_factory=list[Path])
    _made: dict[VariantKey, tuple[Path, Derivative]] = field(default_factory=dict[VariantKey, tuple[Path, Derivative]])

    async def render(
        self,
        key: VariantKey,
        original: Path,
        info: ImageInfo,
        plan: Plan,
        *,
        distrust: bool = False,
        final: bool = False,
        client: str = "",
        label: str = "",
    ) -> Derivative:
        if self.failure is not None:
            raise self.failure
        self.asked.append(key)
        if distrust:
            self.distrusted.append(key)
        if self.stale:
            return self.stale.pop()
        data = rendition_of(plan)
        if self.no_pyramid and not final and key not in self._made:
            key, data = provisional_key(key), provisional_rendition_of(plan)
        path = self.files.path(key, plan.encoding.format)
        if distrust or not path.exists():
            self.rendered.append(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if self.before_answering is not None:
            self.before_answering(path)
        derivative = Derivative(
            key=key, format=plan.encoding.format, length=len(data), crc32=crc32(data), size=plan.result
        )
        self._made[key] = (original, derivative)
        return derivative

    async def find(self, keys: Sequence[VariantKey]) -> list[Derivative | None]:
        if self.failure is not None:
            raise self.failure
        self.looked_for.append(list(keys))
        return [self._made[key][1] if key in self._made else None for key in keys]

    async def forget(self, original: Path) -> int:
        if self.failure is not None:
            raise self.failure
        self.forgotten.append(original)
        gone = [derivative for source, derivative in self._made.values() if source == original]
        for derivative in gone:
            del self._made[derivative.key]
            self.files.path(derivative.key, derivative.format).unlink(missing_ok=True)
        return len(gone)


def rendition_of(plan: Plan) -> bytes:
    """What `FakeRenderer` makes of a plan."""
    return plan.canonical().encode()


def provisional_rendition_of(plan: Plan) -> bytes:
    """Until it has a pyramid."""
    return b"provisional " + rendition_of(plan)
